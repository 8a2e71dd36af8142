//! Compares what the read model holds with items of the write model, or with records of its stream,
//! so that a reader of the table need not know how an item becomes a document, nor which record
//! comes too late.

use std::cmp::Ordering;

use redis::Value;
use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};

use super::cache::{CacheError, ReadModel};
use super::keys;
use super::read::unexpected;
use crate::document::{Document, WithoutId};
use crate::entity::Entity;
use crate::error::Invalid;
use crate::id::Id;
use crate::item::{self, image::Image};
use crate::payload::{Compared, Difference, Effect, State};
use crate::projection::{self, Change, Record, Sequence};
use crate::query::ToCompare;

const INSPECT: &str = include_str!("inspect.lua");
/// Entities that one script looks at: the server answers nobody else meanwhile.
const AT_ONCE: usize = 100;

/// What the read model holds of an entity.
struct Held {
    mark: String,
    /// Without the id: it is that of the key.
    document: Option<Map<String, Json>>,
    /// Whether the lists that are to show it do.
    listed: bool,
}

impl Held {
    /// The version that guards it.
    fn version(&self) -> Option<u64> {
        self.mark.split(' ').next()?.parse().ok()
    }

    /// The stream's number of its last change, where that came by the stream.
    fn sequence(&self) -> Option<Sequence> {
        Sequence::new(self.mark.split(' ').nth(1)?)
    }

    /// What becomes of `change` beside this: project.lua's rules, of which
    /// tests/foreseen.rs holds that they are the same. `same` is whether the documents are.
    fn takes<E: Entity>(&self, change: &Change<E>, same: bool) -> bool {
        if let (Some(held), Some(new)) = (self.sequence(), &change.sequence) {
            return *new > held;
        }
        let Some(held) = self.version() else {
            return true;
        };
        let (version, is_present) = match &change.state {
            projection::State::Present(document) => (document.version, true),
            projection::State::Removed { version, .. } => (*version, false),
        };
        let is_tombstone = self.document.is_none();
        match version.cmp(&held) {
            Ordering::Less => false,
            Ordering::Greater => true,
            // At one version a removal comes after whatever was there.
            Ordering::Equal if is_tombstone => false,
            Ordering::Equal => !(is_present && same),
        }
    }
}

impl<E: Entity> ReadModel<E> {
    pub(super) async fn compare(&self, items: &[ToCompare]) -> Result<Vec<Compared>, CacheError> {
        let mut compared = Vec::with_capacity(items.len());
        for items in items.chunks(AT_ONCE) {
            let parsed: Vec<_> = items.iter().map(parsed::<E>).collect();
            let ids: Vec<&Id> = parsed
                .iter()
                .filter_map(|parsed| parsed.id.as_ref())
                .collect();
            let mut held = self.held(&ids).await?.into_iter();
            for parsed in &parsed {
                let held = match parsed.id {
                    Some(_) => held.next().flatten(),
                    None => None,
                };
                compared.push(parsed.judge(held));
            }
        }
        Ok(compared)
    }

    async fn held(&self, ids: &[&Id]) -> Result<Vec<Option<Held>>, CacheError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut command = redis::cmd("EVAL_RO");
        command.arg(INSPECT).arg(ids.len());
        for id in ids {
            command.arg(self.keys.entity(id));
        }
        let lists = &self.description.lists;
        command.arg(&self.keys.prefix).arg(lists.len()).arg(lists);
        for id in ids {
            command.arg(keys::tail(id));
        }
        match self.one(command).await? {
            Value::Array(held) => held.iter().map(read).collect(),
            other => Err(unexpected(&other)),
        }
    }
}

/// Reads `{}`, or `{mark, document or "", 1 where all lists have it}`.
fn read(answer: &Value) -> Result<Option<Held>, CacheError> {
    let Value::Array(parts) = answer else {
        return Err(unexpected(answer));
    };
    match parts.as_slice() {
        [] => Ok(None),
        [
            Value::BulkString(mark),
            Value::BulkString(text),
            Value::Int(listed),
        ] => Ok(Some(Held {
            mark: String::from_utf8_lossy(mark).into_owned(),
            document: (!text.is_empty()).then(|| serde_json::from_slice(text).unwrap_or_default()),
            listed: *listed == 1,
        })),
        _ => Err(unexpected(answer)),
    }
}

/// One side of a comparison.
struct Parsed<E> {
    id: Option<Id>,
    written: Written<E>,
}

/// What the read model is compared with, as far as it could be read.
enum Written<E> {
    Nothing,
    Item(Document<E>),
    Change(Change<E>),
    Unreadable(String),
}

impl<E: Entity> Written<E> {
    fn document(&self) -> Option<&Document<E>> {
        match self {
            Self::Item(document) => Some(document),
            Self::Change(change) => match &change.state {
                projection::State::Present(document) => Some(document),
                projection::State::Removed { .. } => None,
            },
            Self::Nothing | Self::Unreadable(_) => None,
        }
    }
}

fn parsed<E: Entity>(to_compare: &ToCompare) -> Parsed<E> {
    match to_compare {
        ToCompare::Id(id) => Parsed {
            id: Some(id.clone()),
            written: Written::Nothing,
        },
        ToCompare::Item(raw) => parsed_item(raw),
        ToCompare::Record(raw) => match Record::<E>::read(raw).change {
            Ok(change) => Parsed {
                id: Some(change.id().clone()),
                written: Written::Change(change),
            },
            Err(error) => Parsed {
                id: None,
                written: Written::Unreadable(error.to_string()),
            },
        },
    }
}

fn parsed_item<E: Entity>(raw: &RawValue) -> Parsed<E> {
    if let Ok(Image(document)) = serde_json::from_str(raw.get()) {
        return Parsed {
            id: Some(document.id.clone()),
            written: Written::Item(document),
        };
    }
    let unreadable = |error: Invalid| Written::Unreadable(error.to_string());
    match item::parse(raw.get()) {
        Err(error) => Parsed {
            id: None,
            written: unreadable(error),
        },
        Ok(item) => Parsed {
            id: item::identity::<E>(&item).ok().map(|(id, _)| id),
            written: item::document(&item).map_or_else(unreadable, Written::Item),
        },
    }
}

impl<E: Entity> Parsed<E> {
    fn judge(&self, held: Option<Held>) -> Compared {
        let mut compared = self.compared(held.as_ref());
        if let Written::Change(change) = &self.written {
            // Of the record's document: without one there is nothing to be the same.
            let same = compared.fields.is_empty();
            let takes = held.is_none_or(|held| held.takes(change, same));
            compared.effect = Some(match &change.state {
                _ if !takes => Effect::Stale,
                projection::State::Present(_) => Effect::Applied,
                projection::State::Removed { .. } => Effect::Removed,
            });
        }
        compared
    }

    fn compared(&self, held: Option<&Held>) -> Compared {
        let mut compared = Compared {
            state: State::Same,
            mark: held.map(|held| held.mark.clone()).unwrap_or_default(),
            version: held.and_then(Held::version),
            written: None,
            fields: Vec::new(),
            reason: None,
            effect: None,
        };
        if let Written::Unreadable(reason) = &self.written {
            compared.state = State::Unreadable;
            compared.reason = Some(reason.clone());
            return compared;
        }
        let written = self.written.document();
        compared.written = written.map(|written| written.version);
        let Some(held) = held else {
            if written.is_some() {
                compared.state = State::Missing;
            }
            return compared;
        };
        let Some(shown) = &held.document else {
            compared.state = State::Tombstone;
            return compared;
        };
        let Some(written) = written else {
            compared.state = State::Ahead;
            return compared;
        };
        compared.fields = differences(shown, written);
        let version = shown.get("version").and_then(Json::as_u64);
        compared.state = match version.or(compared.version) {
            Some(version) if version < written.version => State::Behind,
            Some(version) if version > written.version => State::Ahead,
            _ if !compared.fields.is_empty() => State::Different,
            _ if !held.listed => {
                compared.reason = Some("a list does not show it".to_owned());
                State::Different
            }
            _ if compared.version != Some(written.version) => {
                compared.reason = Some("its guard has another version".to_owned());
                State::Different
            }
            _ => State::Same,
        };
        compared
    }
}

fn differences<E: Entity>(shown: &Map<String, Json>, written: &Document<E>) -> Vec<Difference> {
    let written = match serde_json::to_value(WithoutId(written)) {
        Ok(Json::Object(written)) => written,
        _ => Map::new(),
    };
    let names = written
        .keys()
        .chain(shown.keys().filter(|name| !written.contains_key(*name)));
    names
        .filter(|name| written.get(*name) != shown.get(*name))
        .map(|name| Difference {
            field: name.clone(),
            read_model: shown.get(name).cloned().unwrap_or_default(),
            write_model: written.get(name).cloned().unwrap_or_default(),
        })
        .collect()
}
