//! DynamoDB's operations, each from its request's text to its answer's.

use std::sync::Arc;

use dynoxide::actions::list_streams::ListStreamsRequest;
use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::watch;

use super::file::Reader;
use super::stream::{self, Description};
use super::wire::{read, write};
use super::{StoreError, streams};
use crate::definition::ACCOUNT;

/// What the operations need besides the engine.
#[derive(Debug)]
pub(super) struct Api {
    /// The region in every ARN.
    pub(super) region: Arc<str>,
    /// Changes whenever something may have been written.
    pub(super) written: watch::Sender<u64>,
    /// For what the engine does not tell of its tables.
    pub(super) reader: Reader,
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
        "PutItem" => |api, database, body| api.writing(database, body, Database::put_item),
        "UpdateItem" => |api, database, body| api.writing(database, body, Database::update_item),
        "DeleteItem" => |api, database, body| api.writing(database, body, Database::delete_item),
        "BatchWriteItem" => {
            |api, database, body| api.writing(database, body, Database::batch_write_item)
        }
        "TransactWriteItems" => {
            |api, database, body| api.writing(database, body, Database::transact_write_items)
        }
        "ExecuteStatement" => {
            |api, database, body| api.writing(database, body, Database::execute_statement)
        }
        "ExecuteTransaction" => {
            |api, database, body| api.writing(database, body, Database::execute_transaction)
        }
        "BatchExecuteStatement" => {
            |api, database, body| api.writing(database, body, Database::batch_execute_statement)
        }

        "GetItem" => |_, database, body| plain(database, body, Database::get_item),
        "Query" => |_, database, body| plain(database, body, Database::query),
        "Scan" => |_, database, body| plain(database, body, Database::scan),
        "BatchGetItem" => |_, database, body| plain(database, body, Database::batch_get_item),
        "TransactGetItems" => {
            |_, database, body| plain(database, body, Database::transact_get_items)
        }

        "CreateTable" => {
            |api, database, body| api.with_arns(database, body, Database::create_table)
        }
        "DeleteTable" => {
            |api, database, body| api.with_arns(database, body, Database::delete_table)
        }
        "DescribeTable" => {
            |api, database, body| api.with_arns(database, body, Database::describe_table)
        }
        "UpdateTable" => {
            |api, database, body| api.with_arns(database, body, Database::update_table)
        }
        "ListTables" => |_, database, body| plain(database, body, Database::list_tables),
        "UpdateTimeToLive" => {
            |_, database, body| plain(database, body, Database::update_time_to_live)
        }
        "DescribeTimeToLive" => {
            |_, database, body| plain(database, body, Database::describe_time_to_live)
        }
        "TagResource" => |_, database, body| plain(database, body, Database::tag_resource),
        "UntagResource" => |_, database, body| plain(database, body, Database::untag_resource),
        "ListTagsOfResource" => {
            |_, database, body| plain(database, body, Database::list_tags_of_resource)
        }

        "ListStreams" => |api, database, body| {
            api.with_arns(
                database,
                body,
                |database, mut request: ListStreamsRequest| {
                    let (theirs, ours) = &api.places;
                    if let Some(arn) = &mut request.exclusive_start_stream_arn {
                        *arn = arn.replace(ours, theirs);
                    }
                    database.list_streams(request)
                },
            )
        },
        "DescribeStream" => |api, database, body| {
            plain(database, body, |database, request| {
                streams::describe(api, database, request)
            })
        },
        "GetShardIterator" => |api, database, body| {
            plain(database, body, |database, request| {
                streams::iterator(api, database, request)
            })
        },
        "GetRecords" => |api, database, body| {
            plain(database, body, |database, request| {
                streams::records(api, database, request)
            })
        },
        _ => return None,
    })
}

impl Api {
    pub(super) fn new(region: &str, reader: Reader) -> Self {
        let place = |region: &str| format!(":{region}:{ACCOUNT}:");
        Self {
            region: region.into(),
            written: watch::Sender::new(0),
            reader,
            places: (place(dynoxide::streams::LOCAL_REGION), place(region)),
        }
    }

    /// What a table says of its stream, where there is such a table.
    pub(super) fn stream(&self, table: &str) -> Result<Option<Description>, StoreError> {
        self.reader
            .read(|connection| stream::describe(connection, table))
    }

    /// Wakes those who wait for something to be written.
    pub(super) fn bump(&self) {
        self.written
            .send_modify(|count| *count = count.wrapping_add(1));
    }

    /// An operation that may write. Those who wait are woken before the answer's text is made; also
    /// where the call failed, since a batch may have failed half way.
    fn writing<Q: DeserializeOwned, A: Serialize>(
        &self,
        database: &Database,
        body: &[u8],
        call: impl FnOnce(&Database, Q) -> Result<A, DynoxideError>,
    ) -> Answer {
        plain(database, body, |database, request| {
            let answer = call(database, request);
            if !matches!(
                answer,
                Err(DynoxideError::ConditionalCheckFailedException(..)
                    | DynoxideError::ValidationException(_))
            ) {
                self.bump();
            }
            answer
        })
    }

    /// An operation whose answer has ARNs, and no items that could look like them.
    fn with_arns<Q: DeserializeOwned, A: Serialize>(
        &self,
        database: &Database,
        body: &[u8],
        call: impl FnOnce(&Database, Q) -> Result<A, DynoxideError>,
    ) -> Answer {
        let answer = serde_json::to_string(&call(database, read(body)?)?)
            .map_err(|error| DynoxideError::InternalServerError(error.to_string()))?;
        Ok(answer.replace(&self.places.0, &self.places.1).into_bytes())
    }
}

fn plain<Q: DeserializeOwned, A: Serialize>(
    database: &Database,
    body: &[u8],
    call: impl FnOnce(&Database, Q) -> Result<A, DynoxideError>,
) -> Answer {
    write(&call(database, read(body)?)?)
}
