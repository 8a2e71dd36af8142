//! Answers queries, each in one round trip.
//!
//! Documents pass through as they are held, with the id put before them that their key has: the
//! projection wrote them in the form that clients get, so parsing and writing them again would only
//! cost time.

use std::time::Instant;

use redis::{Cmd, Pipeline, Value};
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
/// For the id of most, and its name or what its key has beside it.
const ROOM: usize = 64;

/// What a query answers.
#[derive(Debug)]
pub enum Answer {
    /// To a get: the document, or nothing.
    One(Option<Box<RawValue>>),
    /// To a batch, under the entities' plural name: a document for each id, or nothing.
    Several(&'static str, Vec<Option<Box<RawValue>>>),
    /// To a list.
    Page(Page),
    /// To a comparison.
    Compared(Vec<Compared>),
    /// To a ping, under the entities' plural name.
    Ping(&'static str, Ping),
}

/// A page of documents, newest first.
#[derive(Debug)]
pub struct Page {
    /// `{"orders":[…],"cursor":…}`: the documents under the entities' plural name, and where the next
    /// page starts, `null` when nothing follows.
    pub json: Box<RawValue>,
    /// How many documents it has.
    pub count: usize,
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
        match self {
            Self::One(document) => return document.serialize(serializer),
            Self::Page(page) => return page.json.serialize(serializer),
            _ => {}
        }
        let mut answer = serializer.serialize_map(None)?;
        match self {
            Self::One(_) | Self::Page(_) => {}
            Self::Several(plural, documents) => answer.serialize_entry(plural, documents)?,
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
            Self::Page(page) => page.count,
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
            Query::List(list) => Answer::Page(self.page(list).await?),
            Query::Compare(items) => Answer::Compared(self.compare(items).await?),
            Query::Ping => Answer::Ping(E::PLURAL, self.ping().await?),
        })
    }

    /// One command reads the documents and, last, the witness: where it is there and a document was
    /// not, there was none when the read model was complete.
    async fn documents(&self, ids: &[Id]) -> Result<Vec<Option<Box<RawValue>>>, QueryError> {
        let mut command = Cmd::with_capacity(2 + ids.len(), ROOM * (2 + ids.len()));
        command.arg("MGET");
        for id in ids {
            command.arg(self.keys.entity(id));
        }
        command.arg(&self.keys.complete);
        let mut held = match self.one(command).await? {
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
        let arguments = 7 + lists.len();
        let mut command = Cmd::with_capacity(arguments, LIST.len() + ROOM * arguments);
        command.arg("EVAL_RO").arg(LIST).arg(1 + lists.len());
        command.arg(&self.keys.complete).arg(lists);
        command.arg(&self.keys.prefix).arg(from);
        command.arg(list.limit.unwrap_or(DEFAULT_LIMIT));
        let mut parts = match self.one(command).await? {
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
        let count = parts.len();
        let mut text = format!("{{\"{}\":[", E::PLURAL).into_bytes();
        for (at, part) in parts.enumerate() {
            let Value::BulkString(part) = part else {
                return Err(unexpected(&part).into());
            };
            if at > 0 {
                text.push(b',');
            }
            let written = self.keys.write_listed(&mut text, &part);
            written.ok_or_else(not_json)?;
        }
        text.extend_from_slice(b"],\"cursor\":");
        serde_json::to_writer(&mut text, &cursor).map_err(|_| not_json())?;
        text.push(b'}');
        let json = json(text)?;
        Ok(Page { json, count })
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
                let mut text = Vec::with_capacity(ROOM + document.len());
                let written = self.keys.write_document(&mut text, id, document);
                written.ok_or_else(not_json)?;
                json(text).map(Some)
            }
            _ => Ok(None),
        }
    }

    pub(super) async fn one(&self, command: Cmd) -> Result<Value, CacheError> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.add_command(command);
        let answer = self.send(&pipeline).await?.pop().unwrap_or(Value::Nil);
        match server_error(&answer) {
            Some(error) => Err(error),
            None => Ok(answer),
        }
    }
}

fn json(text: Vec<u8>) -> Result<Box<RawValue>, CacheError> {
    let text = String::from_utf8(text).map_err(|_| not_json())?;
    RawValue::from_string(text).map_err(|_| not_json())
}

fn not_json() -> CacheError {
    CacheError::Unexpected("a document that is not JSON".into())
}

pub(super) fn unexpected(answer: &Value) -> CacheError {
    server_error(answer).unwrap_or_else(|| CacheError::Unexpected(format!("{answer:?}")))
}
