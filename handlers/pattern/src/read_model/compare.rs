//! Compares what the read model holds with items of the write model, so that a reader of the
//! table need not know how an item becomes a document.

use redis::{Pipeline, Value};
use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};

use super::cache::{CacheError, ReadModel};
use super::keys;
use super::read::unexpected;
use crate::document::{Document, WithoutId};
use crate::entity::Entity;
use crate::id::Id;
use crate::item;
use crate::payload::{Compared, Difference, State};
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
        let mut pipeline = Pipeline::with_capacity(1);
        let command = pipeline.cmd("EVAL_RO").arg(INSPECT).arg(ids.len());
        for id in ids {
            command.arg(self.keys.entity(id));
        }
        let lists = &self.description.lists;
        command.arg(&self.keys.prefix).arg(lists.len()).arg(lists);
        for id in ids {
            command.arg(keys::tail(id));
        }
        match self.one(&pipeline).await? {
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
    written: Result<Option<Document<E>>, String>,
}

fn parsed<E: Entity>(to_compare: &ToCompare) -> Parsed<E> {
    let raw: &RawValue = match to_compare {
        ToCompare::Id(id) => {
            return Parsed {
                id: Some(id.clone()),
                written: Ok(None),
            };
        }
        ToCompare::Item(raw) => raw,
    };
    match item::parse(raw.get()) {
        Err(error) => Parsed {
            id: None,
            written: Err(error.to_string()),
        },
        Ok(item) => Parsed {
            id: item::identity::<E>(&item).ok().map(|(id, _)| id),
            written: item::document(&item)
                .map(Some)
                .map_err(|error| error.to_string()),
        },
    }
}

impl<E: Entity> Parsed<E> {
    fn judge(&self, held: Option<Held>) -> Compared {
        let mut compared = Compared {
            state: State::Same,
            mark: held
                .as_ref()
                .map(|held| held.mark.clone())
                .unwrap_or_default(),
            version: held.as_ref().and_then(Held::version),
            written: None,
            fields: Vec::new(),
            reason: None,
        };
        let written = match &self.written {
            Ok(written) => written.as_ref(),
            Err(reason) => {
                compared.state = State::Unreadable;
                compared.reason = Some(reason.clone());
                return compared;
            }
        };
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
