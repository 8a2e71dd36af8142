//! The orders of all runs: found in the table by their client, and deleted one by one, each only if
//! it still is such a client's.

use std::cell::Cell;
use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::future::try_join_all;
use futures_util::{StreamExt, TryStreamExt, stream};
use orders::ids::OrderId;
use orders::item::attribute;

use super::MARK;
use crate::aws::AwsError;

const SEGMENTS: i32 = 4;
/// Deletions at the same time.
const DELETIONS: usize = 16;
/// What makes an item one of them; asked again when it is deleted.
const IS_MARKED: &str = "begins_with(#client, :mark)";

type Attributes = HashMap<String, AttributeValue>;

/// See the module's documentation.
#[derive(Clone, Debug)]
pub(crate) struct MarkedOrders {
    client: Client,
    table: String,
}

/// What is there of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Found {
    pub(crate) ids: Vec<OrderId>,
    /// The clients that they belong to, one for each run.
    pub(crate) clients: BTreeSet<String>,
}

impl MarkedOrders {
    pub(crate) fn new(client: Client, table: &str) -> Self {
        Self {
            client,
            table: table.to_owned(),
        }
    }

    /// Reads the whole table; `seen` counts what it has found on the way.
    pub(crate) async fn find(&self, seen: &Cell<u64>) -> Result<Found, AwsError> {
        let parts = (0..SEGMENTS).map(|number| self.segment(number, seen));
        let mut found = Found::default();
        for part in try_join_all(parts).await? {
            found.ids.extend(part.ids);
            found.clients.extend(part.clients);
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
            .projection_expression("#id, #client")
            .expression_attribute_names("#id", attribute::ORDER_ID)
            .filter_expression(IS_MARKED)
            .expression_attribute_names("#client", attribute::CLIENT_ID)
            .expression_attribute_values(":mark", mark());
        let mut items = asked.into_paginator().items().send();
        let mut found = Found::default();
        while let Some(item) = items.next().await {
            let item = item.map_err(|e| AwsError::from_sdk("dynamodb:Scan", e))?;
            if let Some((id, client)) = marked(&item) {
                found.ids.push(id);
                found.clients.insert(client);
                seen.set(seen.get() + 1);
            }
        }
        Ok(found)
    }

    /// Deletes these orders; `deleted` counts on the way. Those that are gone, or another's by now,
    /// stay as they are.
    pub(crate) async fn delete(
        &self,
        ids: &[OrderId],
        deleted: &Cell<u64>,
    ) -> Result<(), AwsError> {
        let deletions = ids.iter().map(|id| async move {
            if self.delete_one(id).await? {
                deleted.set(deleted.get() + 1);
            }
            Ok(())
        });
        let deletions = stream::iter(deletions).buffer_unordered(DELETIONS);
        deletions.try_collect().await
    }

    async fn delete_one(&self, id: &OrderId) -> Result<bool, AwsError> {
        let key = AttributeValue::S(id.to_string());
        let asked = self
            .client
            .delete_item()
            .table_name(&self.table)
            .key(attribute::ORDER_ID, key)
            .condition_expression(IS_MARKED)
            .expression_attribute_names("#client", attribute::CLIENT_ID)
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

fn marked(item: &Attributes) -> Option<(OrderId, String)> {
    let text = |name| item.get(name)?.as_s().ok();
    let id = OrderId::try_from(text(attribute::ORDER_ID)?.clone()).ok()?;
    Some((id, text(attribute::CLIENT_ID)?.clone()))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use aws_smithy_http_client::test_util::infallible_client_fn;
    use serde_json::Value;

    use super::*;
    use crate::aws::Aws;

    #[tokio::test]
    async fn an_order_that_is_another_clients_by_now_is_not_deleted() {
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
        let orders = MarkedOrders::new(Aws::replay(http).dynamodb(), "orders");
        let ids = ["mine", "taken"].map(|id| OrderId::new(id).unwrap());
        let deleted = Cell::new(0);
        orders.delete(&ids, &deleted).await.unwrap();
        assert_eq!(deleted.get(), 1);
        for request in asked.lock().unwrap().iter() {
            assert_eq!(request["ConditionExpression"], IS_MARKED);
            assert_eq!(request["ExpressionAttributeNames"]["#client"], "clientId");
            assert_eq!(request["ExpressionAttributeValues"][":mark"]["S"], MARK);
        }
    }
}
