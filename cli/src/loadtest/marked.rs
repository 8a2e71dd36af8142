//! What all runs created: found in the table by its mark, and deleted one by one, each only if it
//! still has the mark.

use std::cell::Cell;
use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::future::try_join_all;
use futures_util::{StreamExt, TryStreamExt, stream};
use pattern::id::Id;

use super::MARK;
use super::subject::Subject;
use crate::aws::AwsError;

const SEGMENTS: i32 = 4;
/// Deletions at the same time.
const DELETIONS: usize = 16;
/// What makes an item one of them; asked again when it is deleted.
const IS_MARKED: &str = "begins_with(#field, :mark)";

#[derive(Clone, Debug)]
pub(crate) struct Marked {
    client: Client,
    table: String,
    subject: Subject,
}

/// What is there of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Found {
    pub(crate) ids: Vec<Id>,
    /// Their marks, one for each run.
    pub(crate) runs: BTreeSet<String>,
}

impl Marked {
    pub(crate) fn new(client: Client, table: &str, subject: Subject) -> Self {
        Self {
            client,
            table: table.to_owned(),
            subject,
        }
    }

    /// Reads the whole table; `seen` counts what it has found on the way.
    pub(crate) async fn find(&self, seen: &Cell<u64>) -> Result<Found, AwsError> {
        let parts = (0..SEGMENTS).map(|number| self.segment(number, seen));
        let mut found = Found::default();
        for part in try_join_all(parts).await? {
            found.ids.extend(part.ids);
            found.runs.extend(part.runs);
        }
        Ok(found)
    }

    async fn segment(&self, number: i32, seen: &Cell<u64>) -> Result<Found, AwsError> {
        let asked = self
            .client
            .scan()
            .table_name(&self.table)
            .segment(number)
            .total_segments(SEGMENTS)
            .projection_expression("#id, #field")
            .expression_attribute_names("#id", &self.subject.domain.id)
            .filter_expression(IS_MARKED)
            .expression_attribute_names("#field", &self.subject.field)
            .expression_attribute_values(":mark", mark());
        let mut items = asked.into_paginator().items().send();
        let mut found = Found::default();
        while let Some(item) = items.next().await {
            let item = item.map_err(|e| AwsError::from_sdk("dynamodb:Scan", e))?;
            let text = |name: &str| text(&item, name);
            let id = text(&self.subject.domain.id).and_then(|id| Id::new(id).ok());
            if let Some((id, run)) = id.zip(text(&self.subject.field)) {
                found.ids.push(id);
                found.runs.insert(run);
                seen.set(seen.get() + 1);
            }
        }
        Ok(found)
    }

    /// Deletes these; `deleted` counts on the way. Those that are gone, or lost the mark, stay as
    /// they are.
    pub(crate) async fn delete(&self, ids: &[Id], deleted: &Cell<u64>) -> Result<(), AwsError> {
        let deletions = ids.iter().map(|id| async move {
            if self.delete_one(id).await? {
                deleted.set(deleted.get() + 1);
            }
            Ok(())
        });
        let deletions = stream::iter(deletions).buffer_unordered(DELETIONS);
        deletions.try_collect().await
    }

    async fn delete_one(&self, id: &Id) -> Result<bool, AwsError> {
        let key = AttributeValue::S(id.to_string());
        let asked = self
            .client
            .delete_item()
            .table_name(&self.table)
            .key(&self.subject.domain.id, key)
            .condition_expression(IS_MARKED)
            .expression_attribute_names("#field", &self.subject.field)
            .expression_attribute_values(":mark", mark());
        let answer = asked.send().await;
        match answer.map_err(|e| AwsError::from_sdk("dynamodb:DeleteItem", e)) {
            Ok(_) => Ok(true),
            Err(error) if error.code() == Some("ConditionalCheckFailedException") => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn mark() -> AttributeValue {
    AttributeValue::S(MARK.to_owned())
}

fn text(item: &HashMap<String, AttributeValue>, name: &str) -> Option<String> {
    item.get(name)?.as_s().ok().cloned()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use aws_smithy_http_client::test_util::infallible_client_fn;
    use serde_json::Value;

    use super::*;
    use crate::aws::Aws;
    use crate::domain::Domain;

    #[tokio::test]
    async fn what_lost_its_mark_by_now_is_not_deleted() {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        let http = infallible_client_fn(move |request| {
            let body = request.body().bytes().unwrap_or_default();
            let body: Value = serde_json::from_slice(body).unwrap();
            let taken = body["Key"]["orderId"]["S"] == "taken";
            seen.lock().unwrap().push(body);
            let (status, body) = if taken {
                let kind = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException";
                (400, format!(r#"{{"__type":"{kind}"}}"#))
            } else {
                (200, "{}".to_owned())
            };
            http::Response::builder().status(status).body(body).unwrap()
        });
        let subject = Subject::of(&Domain::bundled(), "1").unwrap();
        let marked = Marked::new(Aws::replay(http).dynamodb(), "orders", subject);
        let ids = ["mine", "taken"].map(|id| Id::new(id).unwrap());
        let deleted = Cell::new(0);
        marked.delete(&ids, &deleted).await.unwrap();
        assert_eq!(deleted.get(), 1);
        for request in asked.lock().unwrap().iter() {
            assert_eq!(request["ConditionExpression"], IS_MARKED);
            assert_eq!(request["ExpressionAttributeNames"]["#field"], "clientId");
            assert_eq!(request["ExpressionAttributeValues"][":mark"]["S"], MARK);
        }
    }
}
