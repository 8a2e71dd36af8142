//! Answers queries, each in one round trip.
//!
//! Documents pass through as they are held: the projection wrote them in the form that clients
//! get, so parsing and writing them again would only cost time.

use std::time::Instant;

use redis::{Pipeline, Value};
use serde::Serialize;
use serde_json::value::RawValue;

use super::cache::{CacheError, ReadModel, server_error};
use super::keys;
use crate::error::QueryError;
use crate::ids::OrderId;
use crate::query::{Cursor, DEFAULT_LIMIT, ListOrders, Query};
use crate::timestamp::{TEXT_LENGTH, Timestamp};

const LIST: &str = include_str!("list.lua");

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
}

impl Answer {
    /// How many orders it holds.
    #[must_use]
    pub fn count(&self) -> usize {
        match self {
            Self::Order(order) => usize::from(order.is_some()),
            Self::Orders { orders } => orders.iter().flatten().count(),
            Self::Page(page) => page.orders.len(),
            Self::Ping(_) => 0,
        }
    }
}

impl ReadModel {
    /// Answers `query`.
    ///
    /// # Errors
    /// [`QueryError::ReadModelUnavailable`] when the cache does not answer as it should.
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
            Query::Ping => Answer::Ping(self.ping().await?),
        })
    }

    async fn documents(&self, ids: &[OrderId]) -> Result<Vec<Option<Box<RawValue>>>, CacheError> {
        let mut pipeline = Pipeline::with_capacity(ids.len());
        for id in ids {
            pipeline.cmd("HGET").arg(keys::order(id)).arg("d");
        }
        let answers = self.send(&pipeline).await?;
        answers.into_iter().map(document).collect()
    }

    async fn page(&self, list: &ListOrders) -> Result<Page, CacheError> {
        let from = match &list.cursor {
            None => "+".to_owned(),
            Some(cursor) => format!("({}", keys::member(cursor)),
        };
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline
            .cmd("EVAL_RO")
            .arg(LIST)
            .arg(1)
            .arg(keys::list(&list.filter))
            .arg(keys::ORDER)
            .arg(from)
            .arg(list.limit.unwrap_or(DEFAULT_LIMIT))
            .arg(TEXT_LENGTH + 1);
        let mut parts = match self.one(&pipeline).await? {
            Value::Array(parts) => parts.into_iter(),
            other => return Err(unexpected(&other)),
        };
        let cursor = match parts.next() {
            Some(Value::BulkString(member)) if member.is_empty() => None,
            Some(Value::BulkString(member)) => Some(cursor_after(&member)?.to_string()),
            other => return Err(unexpected(&other.unwrap_or(Value::Nil))),
        };
        let orders: Result<Vec<_>, _> = parts
            .filter_map(|part| document(part).transpose())
            .collect();
        Ok(Page {
            orders: orders?,
            cursor,
        })
    }

    async fn ping(&self) -> Result<Ping, CacheError> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.cmd("ZCARD").arg(keys::ALL);
        let start = Instant::now();
        let answer = self.one(&pipeline).await?;
        let cache_ms = (start.elapsed().as_secs_f64() * 1e6).round() / 1e3;
        match answer {
            Value::Int(orders) => Ok(Ping {
                version: crate::VERSION,
                cache_ms,
                orders,
            }),
            other => Err(unexpected(&other)),
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

fn cursor_after(member: &[u8]) -> Result<Cursor, CacheError> {
    let parse = || {
        let text = std::str::from_utf8(member).ok()?;
        let (time, id) = text.split_at_checked(TEXT_LENGTH)?;
        Some(Cursor {
            created_at: Timestamp::parse(time).ok()?,
            order_id: OrderId::new(id.strip_prefix(' ')?).ok()?,
        })
    };
    parse().ok_or_else(|| CacheError::Unexpected("a list's member that names no order".into()))
}

fn unexpected(answer: &Value) -> CacheError {
    CacheError::Unexpected(format!("{answer:?}"))
}
