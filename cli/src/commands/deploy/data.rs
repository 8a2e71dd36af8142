//! No deployment takes items away unless it was asked to: a table that holds some is removed or
//! replaced with `--replace-data` only.

use std::fmt;

use crate::aws::Aws;
use crate::error::{Failure, Kind};
use crate::models::table::Table;
use crate::stack::change_set::{Action, ResourceChanged};

const TABLE: &str = "AWS::DynamoDB::Table";

/// A table that would go with its items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lost {
    logical_id: String,
    name: String,
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { logical_id, name } = self;
        write!(
            f,
            "the table {name} ({logical_id}) holds items, and would go"
        )
    }
}

/// The tables with items that `changes` would remove or replace. One that cannot be looked into may
/// hold some.
pub(super) async fn lost(aws: &Aws, changes: &[ResourceChanged], key: &str) -> Vec<Lost> {
    let mut lost = Vec::new();
    for change in changes {
        let goes = match change.action {
            Action::Remove | Action::Replace | Action::MayReplace => true,
            Action::Add | Action::Modify => false,
        };
        let Some(name) = change.physical_id.as_deref() else {
            continue;
        };
        if !goes || change.resource_type != TABLE {
            continue;
        }
        let table = Table::new(aws.dynamodb(), name, key);
        let is_empty = match table.is_empty().await {
            Ok(is_empty) => is_empty,
            Err(error) => error.code() == Some("ResourceNotFoundException"),
        };
        if !is_empty {
            lost.push(Lost {
                logical_id: change.logical_id.clone(),
                name: name.to_owned(),
            });
        }
    }
    lost
}

/// What to say instead of deploying.
pub(super) fn refusal(lost: &[Lost]) -> Failure {
    let tables: Vec<&str> = lost.iter().map(|table| table.name.as_str()).collect();
    let message = format!(
        "not deployed: the items of {} would be lost",
        tables.join(", ")
    );
    Failure::new(Kind::Failed, message).hint(
        "keep them first, as with a backup; `--replace-data` then deploys this, and what the tables \
         hold goes with them",
    )
}

#[cfg(test)]
mod tests {
    use aws_smithy_http_client::test_util::infallible_client_fn;

    use super::*;

    fn change(action: Action, table: &str) -> ResourceChanged {
        ResourceChanged {
            physical_id: Some(table.to_owned()),
            ..ResourceChanged::new(action, "WriteModel", TABLE)
        }
    }

    #[tokio::test]
    async fn only_a_table_that_goes_and_may_hold_items_is_lost() {
        let http = infallible_client_fn(|request| {
            let body = request.body().bytes().unwrap_or_default();
            let asked = String::from_utf8_lossy(body).into_owned();
            let (status, body) = if asked.contains("gone") {
                (400, r#"{"__type":"x#ResourceNotFoundException"}"#)
            } else if asked.contains("locked") {
                (400, r#"{"__type":"x#AccessDeniedException"}"#)
            } else if asked.contains("full") {
                (200, r#"{"Items":[{"orderId":{"S":"o"}}]}"#)
            } else {
                (200, r#"{"Items":[]}"#)
            };
            http::Response::builder().status(status).body(body).unwrap()
        });
        let aws = Aws::replay(http);
        let changes = [
            change(Action::Modify, "full-1"),
            change(Action::Add, "full-2"),
            change(Action::Remove, "full-3"),
            change(Action::Replace, "full-4"),
            change(Action::MayReplace, "full-5"),
            change(Action::Remove, "empty"),
            change(Action::Remove, "gone"),
            change(Action::Remove, "locked"),
        ];
        let lost = lost(&aws, &changes, "orderId").await;
        let names: Vec<&str> = lost.iter().map(|table| table.name.as_str()).collect();
        assert_eq!(names, ["full-3", "full-4", "full-5", "locked"]);
    }
}
