//! DynamoDB's operations, each from its request's text to its answer's.

use std::sync::Arc;

use dynoxide::actions::batch_execute_statement::BatchExecuteStatementRequest;
use dynoxide::actions::batch_write_item::BatchWriteItemRequest;
use dynoxide::actions::delete_item::DeleteItemRequest;
use dynoxide::actions::execute_statement::ExecuteStatementRequest;
use dynoxide::actions::execute_transaction::ExecuteTransactionRequest;
use dynoxide::actions::list_streams::ListStreamsRequest;
use dynoxide::actions::put_item::PutItemRequest;
use dynoxide::actions::transact_write_items::{TransactWriteItem, TransactWriteItemsRequest};
use dynoxide::actions::update_item::UpdateItemRequest;
use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::rows::Rows;
use super::streams;
use super::watches::{Bump, Watches};
use super::wire::{read, write};
use crate::definition::ACCOUNT;

/// What the operations need besides the engine.
#[derive(Debug)]
pub(super) struct Api {
    /// The region in every ARN.
    pub(super) region: Arc<str>,
    /// Who waits for which table.
    pub(super) watches: Watches,
    /// What the engine does not tell of its tables.
    pub(super) rows: Arc<Rows>,
    /// How ARNs tell where they are: the engine's, and those here.
    places: (String, String),
}

/// An answer's JSON, or why there is none.
pub(super) type Answer = Result<Vec<u8>, DynoxideError>;

/// An operation.
pub(super) type Handler = fn(&Api, &Database, &[u8]) -> Answer;

/// Whether the operation is about one item, and so takes a fraction of a millisecond.
pub(super) fn is_brief(operation: &str) -> bool {
    matches!(
        operation,
        "PutItem" | "UpdateItem" | "DeleteItem" | "GetItem"
    )
}

/// The operation of this name. What the engine does not have, such as backups, is unknown.
pub(super) fn handler(operation: &str) -> Option<Handler> {
    Some(match operation {
        "PutItem" => |api, database, body| {
            let tables = |request: &PutItemRequest| api.watches.of([&*request.table_name]);
            writing(body, tables, |request| database.put_item(request))
        },
        "UpdateItem" => |api, database, body| {
            let tables = |request: &UpdateItemRequest| api.watches.of([&*request.table_name]);
            writing(body, tables, |request| database.update_item(request))
        },
        "DeleteItem" => |api, database, body| {
            let tables = |request: &DeleteItemRequest| api.watches.of([&*request.table_name]);
            writing(body, tables, |request| database.delete_item(request))
        },
        "BatchWriteItem" => |api, database, body| {
            let tables = |request: &BatchWriteItemRequest| {
                api.watches
                    .of(request.request_items.keys().map(|name| &**name))
            };
            writing(body, tables, |request| database.batch_write_item(request))
        },
        "TransactWriteItems" => |api, database, body| {
            let tables = |request: &TransactWriteItemsRequest| {
                api.watches
                    .of(request.transact_items.iter().filter_map(written))
            };
            writing(body, tables, |request| {
                database.transact_write_items(request)
            })
        },
        "ExecuteStatement" => |api, database, body| {
            let tables = |request: &ExecuteStatementRequest| {
                api.watches.of_statements([&*request.statement])
            };
            writing(body, tables, |request| database.execute_statement(request))
        },
        "ExecuteTransaction" => |api, database, body| {
            let tables = |request: &ExecuteTransactionRequest| {
                let statements = &request.transact_statements;
                api.watches
                    .of_statements(statements.iter().map(|one| &*one.statement))
            };
            writing(body, tables, |request| {
                database.execute_transaction(request)
            })
        },
        "BatchExecuteStatement" => |api, database, body| {
            let tables = |request: &BatchExecuteStatementRequest| {
                let statements = &request.statements;
                api.watches
                    .of_statements(statements.iter().map(|one| &*one.statement))
            };
            writing(body, tables, |request| {
                database.batch_execute_statement(request)
            })
        },

        "GetItem" => |_, database, body| plain(body, |request| database.get_item(request)),
        "Query" => |_, database, body| plain(body, |request| database.query(request)),
        "Scan" => |_, database, body| plain(body, |request| database.scan(request)),
        "BatchGetItem" => {
            |_, database, body| plain(body, |request| database.batch_get_item(request))
        }
        "TransactGetItems" => {
            |_, database, body| plain(body, |request| database.transact_get_items(request))
        }

        "CreateTable" => {
            |api, database, body| api.with_arns(body, |request| database.create_table(request))
        }
        "DeleteTable" => {
            |api, database, body| api.with_arns(body, |request| database.delete_table(request))
        }
        "DescribeTable" => {
            |api, database, body| api.with_arns(body, |request| database.describe_table(request))
        }
        "UpdateTable" => {
            |api, database, body| api.with_arns(body, |request| database.update_table(request))
        }
        "ListTables" => |_, database, body| plain(body, |request| database.list_tables(request)),
        "UpdateTimeToLive" => {
            |_, database, body| plain(body, |request| database.update_time_to_live(request))
        }
        "DescribeTimeToLive" => {
            |_, database, body| plain(body, |request| database.describe_time_to_live(request))
        }
        "TagResource" => |_, database, body| plain(body, |request| database.tag_resource(request)),
        "UntagResource" => {
            |_, database, body| plain(body, |request| database.untag_resource(request))
        }
        "ListTagsOfResource" => {
            |_, database, body| plain(body, |request| database.list_tags_of_resource(request))
        }

        "ListStreams" => |api, database, body| {
            api.with_arns(body, |mut request: ListStreamsRequest| {
                let (theirs, ours) = &api.places;
                if let Some(arn) = &mut request.exclusive_start_stream_arn {
                    *arn = arn.replace(ours, theirs);
                }
                database.list_streams(request)
            })
        },
        "DescribeStream" => {
            |api, database, body| plain(body, |request| streams::describe(api, database, request))
        }
        "GetShardIterator" => {
            |api, database, body| plain(body, |request| streams::iterator(api, database, request))
        }
        "GetRecords" => {
            |api, database, body| plain(body, |request| streams::records(api, database, request))
        }
        _ => return None,
    })
}

impl Api {
    pub(super) fn new(region: &str, rows: Arc<Rows>) -> Self {
        let place = |region: &str| format!(":{region}:{ACCOUNT}:");
        Self {
            region: region.into(),
            watches: Watches::default(),
            rows,
            places: (place(dynoxide::streams::LOCAL_REGION), place(region)),
        }
    }

    /// An operation whose answer has ARNs, and no items that could look like them.
    fn with_arns<Q: DeserializeOwned, A: Serialize>(
        &self,
        body: &[u8],
        call: impl FnOnce(Q) -> Result<A, DynoxideError>,
    ) -> Answer {
        let answer = serde_json::to_string(&call(read(body)?)?)
            .map_err(|error| DynoxideError::InternalServerError(error.to_string()))?;
        Ok(answer.replace(&self.places.0, &self.places.1).into_bytes())
    }
}

fn plain<Q: DeserializeOwned, A: Serialize>(
    body: &[u8],
    call: impl FnOnce(Q) -> Result<A, DynoxideError>,
) -> Answer {
    write(&call(read(body)?)?)
}

/// An operation that writes to `tables`.
fn writing<Q: DeserializeOwned, A: Serialize>(
    body: &[u8],
    tables: impl FnOnce(&Q) -> Bump,
    call: impl FnOnce(Q) -> Result<A, DynoxideError>,
) -> Answer {
    plain(body, |request| {
        let bump = tables(&request);
        noted(bump, call(request))
    })
}

/// Tells the watchers of what was written, before the answer's text is made; also where the call
/// failed, since a batch may have failed half way.
fn noted<A>(bump: Bump, answer: Result<A, DynoxideError>) -> Result<A, DynoxideError> {
    if !matches!(
        answer,
        Err(DynoxideError::ConditionalCheckFailedException(..)
            | DynoxideError::ValidationException(_))
    ) {
        bump.send();
    }
    answer
}

fn written(item: &TransactWriteItem) -> Option<&str> {
    None.or(item.put.as_ref().map(|part| &*part.table_name))
        .or(item.update.as_ref().map(|part| &*part.table_name))
        .or(item.delete.as_ref().map(|part| &*part.table_name))
}
