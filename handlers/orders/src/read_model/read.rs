//! Answers queries, each in one round trip.
//!
//! Documents pass through as they are held: the projection wrote them in the form that clients
//! get, so parsing and writing them again would only cost time.

use std::time::Instant;

use redis::{Pipeline, Value};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::cache::{CacheError, ReadModel, server_error};
use super::complete::WITNESS;
use super::keys;
use crate::error::QueryError;
use crate::ids::OrderId;
use crate::query::{Cursor, DEFAULT_LIMIT, ListOrders, Query};
use crate::timestamp::{TEXT_LENGTH, Timestamp};

const LIST: &str = include_str!("list.lua");
const INSPECT: &str = include_str!("inspect.lua");
/// Orders that one script looks at: the server answers nobody else meanwhile.
const INSPECTED_AT_ONCE: usize = 100;

/// What a query answers.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// To a get: the order, or nothing.
    Order(Option<Box<RawValue>>),
    /// To a batch.
    Orders {
        /// An order for each id, or nothing.
        orders: Vec<Option<Box<RawValue>>>,
    },
    /// To a list.
    Page(Page),
    /// To an inspection.
    Inspected {
        /// What is held of each id, or nothing.
        inspected: Vec<Option<Inspected>>,
    },
    /// To a ping.
    Ping(Ping),
}

/// A page of orders, newest first.
#[derive(Debug, Serialize)]
pub struct Page {
    /// The orders.
    pub orders: Vec<Box<RawValue>>,
    /// Where the next page starts; `None` when nothing follows.
    pub cursor: Option<String>,
}

/// What the read model holds of an order.
#[derive(Debug, Serialize)]
pub struct Inspected {
    /// Names this state: it changes with every change that is applied. See
    /// [`Replacement`](crate::projection::Replacement).
    pub mark: String,
    /// The order; `None` where a tombstone is held, or what is no JSON.
    pub order: Option<Box<RawValue>>,
    /// Whether the version that guards it and the lists that show it are those of the order.
    pub consistent: bool,
}

/// A sign of life.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Ping {
    /// The version of the handler.
    pub version: &'static str,
    /// How long the cache took to answer, in milliseconds, connecting included where needed.
    pub cache_ms: f64,
    /// How many orders the read model holds.
    pub orders: i64,
    /// Whether it holds all that there are.
    pub complete: bool,
}

impl Answer {
    /// How many orders it holds.
    #[must_use]
    pub fn count(&self) -> usize {
        match self {
            Self::Order(order) => usize::from(order.is_some()),
            Self::Orders { orders } => orders.iter().flatten().count(),
            Self::Page(page) => page.orders.len(),
            Self::Inspected { inspected } => inspected.iter().flatten().count(),
            Self::Ping(_) => 0,
        }
    }
}

impl ReadModel {
    /// Answers `query`.
    ///
    /// # Errors
    /// [`QueryError::ReadModelUnavailable`] when the cache does not answer as it should;
    /// [`QueryError::ReadModelIncomplete`] when it would say that there is no order, or no other,
    /// and cannot know.
    pub async fn answer(&self, query: &Query) -> Result<Answer, QueryError> {
        Ok(match query {
            Query::Get(id) => {
                let orders = self.documents(std::slice::from_ref(id)).await?;
                Answer::Order(orders.into_iter().next().flatten())
            }
            Query::Batch(ids) if ids.is_empty() => Answer::Orders { orders: Vec::new() },
            Query::Batch(ids) => Answer::Orders {
                orders: self.documents(ids).await?,
            },
            Query::List(list) => Answer::Page(self.page(list).await?),
            Query::Inspect(ids) if ids.is_empty() => Answer::Inspected {
                inspected: Vec::new(),
            },
            Query::Inspect(ids) => Answer::Inspected {
                inspected: self.inspected(ids).await?,
            },
            Query::Ping => Answer::Ping(self.ping().await?),
        })
    }

    /// The witness is read after the documents, in the same pipeline: where it is there and an
    /// order was not, the order was not there when the read model was complete.
    async fn documents(&self, ids: &[OrderId]) -> Result<Vec<Option<Box<RawValue>>>, QueryError> {
        let mut pipeline = Pipeline::with_capacity(ids.len() + 1);
        for id in ids {
            pipeline.cmd("HGET").arg(keys::order(id)).arg("d");
        }
        pipeline.cmd("HGET").arg(keys::COMPLETE).arg(WITNESS);
        let mut answers = self.send(&pipeline).await?;
        let is_complete = matches!(answers.pop(), Some(Value::BulkString(_)));
        let documents: Result<Vec<_>, _> = answers.into_iter().map(document).collect();
        let documents = documents?;
        if is_complete || documents.iter().all(Option::is_some) {
            Ok(documents)
        } else {
            Err(QueryError::ReadModelIncomplete)
        }
    }

    async fn page(&self, list: &ListOrders) -> Result<Page, QueryError> {
        let from = match &list.cursor {
            None => "+".to_owned(),
            Some(cursor) => format!("({}", keys::member(cursor)),
        };
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline
            .cmd("EVAL_RO")
            .arg(LIST)
            .arg(2)
            .arg(keys::list(&list.filter))
            .arg(keys::COMPLETE)
            .arg(keys::ORDER)
            .arg(from)
            .arg(list.limit.unwrap_or(DEFAULT_LIMIT))
            .arg(TEXT_LENGTH + 1);
        let mut parts = match self.one(&pipeline).await? {
            Value::Array(parts) => parts.into_iter(),
            Value::Nil => return Err(QueryError::ReadModelIncomplete),
            other => return Err(unexpected(&other).into()),
        };
        let cursor = match parts.next() {
            Some(Value::BulkString(member)) if member.is_empty() => None,
            Some(Value::BulkString(member)) => Some(cursor_after(&member)?.to_string()),
            other => return Err(unexpected(&other.unwrap_or(Value::Nil)).into()),
        };
        let orders: Result<Vec<_>, _> = parts
            .filter_map(|part| document(part).transpose())
            .collect();
        Ok(Page {
            orders: orders?,
            cursor,
        })
    }

    async fn inspected(&self, ids: &[OrderId]) -> Result<Vec<Option<Inspected>>, CacheError> {
        let mut pipeline = Pipeline::new();
        for ids in ids.chunks(INSPECTED_AT_ONCE) {
            let command = pipeline.cmd("EVAL_RO").arg(INSPECT).arg(1).arg(keys::ALL);
            command.arg(keys::PREFIX).arg(keys::ORDER);
            for id in ids {
                command.arg(id.as_str());
            }
        }
        let mut inspected = Vec::with_capacity(ids.len());
        for answer in self.send(&pipeline).await? {
            let Value::Array(held) = answer else {
                return Err(server_error(&answer).unwrap_or_else(|| unexpected(&answer)));
            };
            for held in held {
                inspected.push(inspection(held)?);
            }
        }
        Ok(inspected)
    }

    async fn ping(&self) -> Result<Ping, CacheError> {
        let mut pipeline = Pipeline::with_capacity(2);
        pipeline.cmd("HGET").arg(keys::COMPLETE).arg(WITNESS);
        pipeline.cmd("ZCARD").arg(keys::ALL);
        let start = Instant::now();
        let answers = self.send(&pipeline).await?;
        let cache_ms = (start.elapsed().as_secs_f64() * 1e6).round() / 1e3;
        match answers.as_slice() {
            [witness, Value::Int(orders)] => Ok(Ping {
                version: crate::VERSION,
                cache_ms,
                orders: *orders,
                complete: matches!(witness, Value::BulkString(_)),
            }),
            [_, other] => Err(server_error(other).unwrap_or_else(|| unexpected(other))),
            _ => Err(CacheError::Unexpected(format!("{answers:?}"))),
        }
    }

    async fn one(&self, pipeline: &Pipeline) -> Result<Value, CacheError> {
        let answer = self.send(pipeline).await?.pop().unwrap_or(Value::Nil);
        match server_error(&answer) {
            Some(error) => Err(error),
            None => Ok(answer),
        }
    }
}

fn document(answer: Value) -> Result<Option<Box<RawValue>>, CacheError> {
    match answer {
        Value::Nil => Ok(None),
        Value::BulkString(bytes) => String::from_utf8(bytes)
            .ok()
            .and_then(|text| RawValue::from_string(text).ok())
            .map(Some)
            .ok_or_else(|| CacheError::Unexpected("a document that is not JSON".into())),
        other => Err(server_error(&other).unwrap_or_else(|| unexpected(&other))),
    }
}

/// Reads `{}`, or `{mark, document, 1 where all lists have it}`.
fn inspection(answer: Value) -> Result<Option<Inspected>, CacheError> {
    #[derive(Deserialize)]
    struct Versioned {
        #[serde(default = "crate::order::first_version")]
        version: u64,
    }
    let Value::Array(parts) = &answer else {
        return Err(unexpected(&answer));
    };
    let (mark, text, listed) = match parts.as_slice() {
        [] => return Ok(None),
        [
            Value::BulkString(mark),
            Value::BulkString(text),
            Value::Int(listed),
        ] => (mark, text, *listed == 1),
        _ => return Err(unexpected(&answer)),
    };
    let mark = String::from_utf8_lossy(mark).into_owned();
    let order = serde_json::from_slice::<Box<RawValue>>(text).ok();
    let guard = mark.split(' ').next().and_then(|v| v.parse().ok());
    let version = serde_json::from_slice::<Versioned>(text).ok();
    let consistent = order.is_none() || (listed && version.map(|v| v.version) == guard);
    Ok(Some(Inspected {
        mark,
        order,
        consistent,
    }))
}

fn cursor_after(member: &[u8]) -> Result<Cursor, CacheError> {
    let parse = || {
        let text = std::str::from_utf8(member).ok()?;
        let (time, id) = text.split_at_checked(TEXT_LENGTH)?;
        Some(Cursor {
            created_at: Timestamp::parse(time).ok()?,
            order_id: OrderId::try_from(id.strip_prefix(' ')?.to_owned()).ok()?,
        })
    };
    parse().ok_or_else(|| CacheError::Unexpected("a list's member that names no order".into()))
}

fn unexpected(answer: &Value) -> CacheError {
    CacheError::Unexpected(format!("{answer:?}"))
}
