//! Answers queries, each in one round trip.
//!
//! Documents pass through as they are held, with the id put before them that their key has: the
//! projection wrote them in the form that clients get, so parsing and writing them again would only
//! cost time.

use std::time::Instant;

use redis::{Pipeline, Value};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::cache::{CacheError, ReadModel, server_error};
use super::keys;
use crate::entity::Entity;
use crate::error::QueryError;
use crate::id::Id;
use crate::payload::Compared;
use crate::query::{DEFAULT_LIMIT, List, Query};

const LIST: &str = include_str!("list.lua");

/// What a query answers.
#[derive(Debug)]
pub enum Answer {
    /// To a get: the document, or nothing.
    One(Option<Box<RawValue>>),
    /// To a batch, under the entities' plural name: a document for each id, or nothing.
    Several(&'static str, Vec<Option<Box<RawValue>>>),
    /// To a list, under the entities' plural name.
    Page(&'static str, Page),
    /// To a comparison.
    Compared(Vec<Compared>),
    /// To a ping, under the entities' plural name.
    Ping(&'static str, Ping),
}

/// A page of documents, newest first.
#[derive(Debug)]
pub struct Page {
    /// The documents.
    pub documents: Vec<Box<RawValue>>,
    /// Where the next page starts; `None` when nothing follows.
    pub cursor: Option<String>,
}

/// A sign of life.
#[derive(Debug)]
pub struct Ping {
    /// How long the cache took to answer, in milliseconds, connecting included where needed.
    pub cache_ms: f64,
    /// How many entities the read model holds.
    pub count: i64,
    /// Whether it holds all that there are.
    pub complete: bool,
}

impl Serialize for Answer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Self::One(document) = self {
            return document.serialize(serializer);
        }
        let mut answer = serializer.serialize_map(None)?;
        match self {
            Self::One(_) => {}
            Self::Several(plural, documents) => answer.serialize_entry(plural, documents)?,
            Self::Page(plural, page) => {
                answer.serialize_entry(plural, &page.documents)?;
                answer.serialize_entry("cursor", &page.cursor)?;
            }
            Self::Compared(compared) => answer.serialize_entry("compared", compared)?,
            Self::Ping(plural, ping) => {
                answer.serialize_entry("version", crate::VERSION)?;
                answer.serialize_entry("cacheMs", &ping.cache_ms)?;
                answer.serialize_entry(plural, &ping.count)?;
                answer.serialize_entry("complete", &ping.complete)?;
            }
        }
        answer.end()
    }
}

impl Answer {
    /// How many entities it holds.
    #[must_use]
    pub fn count(&self) -> usize {
        match self {
            Self::One(document) => usize::from(document.is_some()),
            Self::Several(_, documents) => documents.iter().flatten().count(),
            Self::Page(_, page) => page.documents.len(),
            Self::Compared(compared) => compared.len(),
            Self::Ping(..) => 0,
        }
    }
}

impl<E: Entity> ReadModel<E> {
    /// Answers `query`.
    ///
    /// # Errors
    /// [`QueryError::ReadModelUnavailable`] when the cache does not answer as it should;
    /// [`QueryError::ReadModelIncomplete`] when it would say that there is none, or no other, and
    /// cannot know.
    pub async fn answer(&self, query: &Query) -> Result<Answer, QueryError> {
        Ok(match query {
            Query::Get(id) => {
                let documents = self.documents(std::slice::from_ref(id)).await?;
                Answer::One(documents.into_iter().next().flatten())
            }
            Query::Batch(ids) if ids.is_empty() => Answer::Several(E::PLURAL, Vec::new()),
            Query::Batch(ids) => Answer::Several(E::PLURAL, self.documents(ids).await?),
            Query::List(list) => Answer::Page(E::PLURAL, self.page(list).await?),
            Query::Compare(items) => Answer::Compared(self.compare(items).await?),
            Query::Ping => Answer::Ping(E::PLURAL, self.ping().await?),
        })
    }

    /// One command reads the documents and, last, the witness: where it is there and a document was
    /// not, there was none when the read model was complete.
    async fn documents(&self, ids: &[Id]) -> Result<Vec<Option<Box<RawValue>>>, QueryError> {
        let mut pipeline = Pipeline::with_capacity(1);
        let command = pipeline.cmd("MGET");
        for id in ids {
            command.arg(self.keys.entity(id));
        }
        command.arg(&self.keys.complete);
        let mut held = match self.one(&pipeline).await? {
            Value::Array(held) => held,
            other => return Err(unexpected(&other).into()),
        };
        let is_complete = matches!(held.pop(), Some(Value::BulkString(_)));
        let documents: Result<Vec<_>, _> = ids
            .iter()
            .zip(held)
            .map(|(id, held)| self.of_held(id, &held))
            .collect();
        let documents = documents?;
        if is_complete || documents.iter().all(Option::is_some) {
            Ok(documents)
        } else {
            Err(QueryError::ReadModelIncomplete)
        }
    }

    async fn page(&self, list: &List) -> Result<Page, QueryError> {
        let from = match &list.cursor {
            None => b"+".to_vec(),
            Some(cursor) => [b"(".as_slice(), &keys::member(cursor)].concat(),
        };
        let lists = self.keys.lists(list.filter.as_ref());
        let mut pipeline = Pipeline::with_capacity(1);
        let command = pipeline.cmd("EVAL_RO").arg(LIST).arg(1 + lists.len());
        command.arg(&self.keys.complete).arg(lists);
        command.arg(&self.keys.prefix).arg(from);
        command.arg(list.limit.unwrap_or(DEFAULT_LIMIT));
        let mut parts = match self.one(&pipeline).await? {
            Value::Array(parts) => parts.into_iter(),
            Value::Nil => return Err(QueryError::ReadModelIncomplete),
            other => return Err(unexpected(&other).into()),
        };
        let cursor = match parts.next() {
            Some(Value::BulkString(member)) if member.is_empty() => None,
            Some(Value::BulkString(member)) => {
                let nameless =
                    || CacheError::Unexpected("a list's member that names nothing".into());
                Some(keys::cursor(&member).ok_or_else(nameless)?.to_string())
            }
            other => return Err(unexpected(&other.unwrap_or(Value::Nil)).into()),
        };
        let mut documents = Vec::with_capacity(parts.len() / 2);
        while let Some(member) = parts.next() {
            match (member, parts.next()) {
                (Value::BulkString(member), Some(Value::BulkString(held))) => {
                    documents.push(json(self.keys.document_of(&member, &held))?);
                }
                (other, _) => return Err(unexpected(&other).into()),
            }
        }
        Ok(Page { documents, cursor })
    }

    pub(super) async fn ping(&self) -> Result<Ping, CacheError> {
        let mut pipeline = Pipeline::with_capacity(1 + self.keys.all.len());
        pipeline.cmd("MGET").arg(&self.keys.complete);
        for list in &self.keys.all {
            pipeline.cmd("ZCARD").arg(list);
        }
        let start = Instant::now();
        let mut answers = self.send(&pipeline).await?.into_iter();
        let cache_ms = (start.elapsed().as_secs_f64() * 1e6).round() / 1e3;
        let complete = match answers.next() {
            Some(Value::Array(witness)) => matches!(witness.as_slice(), [Value::BulkString(_)]),
            other => return Err(unexpected(&other.unwrap_or(Value::Nil))),
        };
        let mut count = 0;
        for answer in answers {
            match answer {
                Value::Int(members) => count += members,
                other => return Err(unexpected(&other)),
            }
        }
        Ok(Ping {
            cache_ms,
            count,
            complete,
        })
    }

    /// The document in what is held of an entity; none in a tombstone, or in what somebody else put
    /// there.
    fn of_held(&self, id: &Id, held: &Value) -> Result<Option<Box<RawValue>>, CacheError> {
        let held = match held {
            Value::Nil => return Ok(None),
            Value::BulkString(held) => held.get(6..).unwrap_or_default(),
            other => return Err(unexpected(other)),
        };
        match held.splitn(2, |byte| *byte == b'\n').nth(1) {
            Some(document) if !document.is_empty() => {
                json(self.keys.document(id, document)).map(Some)
            }
            _ => Ok(None),
        }
    }

    pub(super) async fn one(&self, pipeline: &Pipeline) -> Result<Value, CacheError> {
        let answer = self.send(pipeline).await?.pop().unwrap_or(Value::Nil);
        match server_error(&answer) {
            Some(error) => Err(error),
            None => Ok(answer),
        }
    }
}

fn json(document: Option<String>) -> Result<Box<RawValue>, CacheError> {
    document
        .and_then(|text| RawValue::from_string(text).ok())
        .ok_or_else(|| CacheError::Unexpected("a document that is not JSON".into()))
}

pub(super) fn unexpected(answer: &Value) -> CacheError {
    server_error(answer).unwrap_or_else(|| CacheError::Unexpected(format!("{answer:?}")))
}
