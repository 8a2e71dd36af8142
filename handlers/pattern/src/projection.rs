//! What the subscriber is given to project: changes of a DynamoDB stream, or items by hand.
//!
//! Applying them is the read model's part.

use std::cmp::Ordering;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::document::{Document, id_name};
use crate::entity::Entity;
use crate::error::Invalid;
use crate::id::Id;
use crate::item::{self, image::Image};
use crate::json::{self, Fields};
use crate::payload::{Failed, Token};

mod record;
#[cfg(test)]
mod tests;

pub use record::Record;

/// The payload of the subscriber.
#[derive(Debug)]
pub enum Event<E> {
    /// Records of a DynamoDB stream.
    Stream(Vec<Record<E>>),
    /// The same records given by hand, so that each that fails is answered.
    Records(Vec<Record<E>>),
    /// Changes to project now, without the stream.
    Project(Vec<Result<Change<E>, Failed>>),
    /// Entities to put in the place of what the rules would keep.
    Replace(Vec<Result<Replacement<E>, Failed>>),
    /// The read model is going to be made complete.
    Begin(Token),
    /// It was made so.
    Complete(Token),
    /// What an older layout left is of no use, from this place of the cache on.
    Outdated(u64),
}

/// A change of one entity, to be projected.
#[derive(Debug, Clone, PartialEq)]
pub struct Change<E> {
    /// What the entity became.
    pub state: State<E>,
    /// The stream's number of the change, where it came by the stream.
    pub sequence: Option<Sequence>,
}

impl<E> Change<E> {
    /// The entity that is changed.
    #[must_use]
    pub fn id(&self) -> &Id {
        match &self.state {
            State::Present(document) => &document.id,
            State::Removed { id, .. } => id,
        }
    }

    pub(crate) fn into_id(self) -> Id {
        match self.state {
            State::Present(document) => document.id,
            State::Removed { id, .. } => id,
        }
    }
}

/// What an entity became.
#[derive(Debug, Clone, PartialEq)]
pub enum State<E> {
    /// It is this now.
    Present(Document<E>),
    /// It is no more.
    Removed {
        /// Which.
        id: Id,
        /// Its last version.
        version: u64,
    },
}

/// An entity to put in the place of a state that the rules hold to be newer: one that is ahead of
/// the write model, or a tombstone of one that is there.
///
/// It is safe beside live traffic where the state was compared before the item was read from the
/// write model: what changed the entity since has changed the mark too, or is still to come and
/// newer than the item.
#[derive(Debug, Clone, PartialEq)]
pub struct Replacement<E> {
    /// The entity as the write model holds it.
    pub document: Document<E>,
    /// The state that is replaced, and no other, as a comparison named it.
    pub mark: String,
}

/// A stream's number of a change: decimal, of any length, without leading zeros. Within one item
/// they grow in the order of the writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sequence(String);

impl Sequence {
    /// Takes a text of digits, and of nothing else.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let all_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        all_digits.then(|| {
            let significant = text.trim_start_matches('0');
            Self(
                if significant.is_empty() {
                    "0"
                } else {
                    significant
                }
                .to_owned(),
            )
        })
    }

    /// Its digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Ord for Sequence {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.0.len(), &self.0).cmp(&(other.0.len(), &other.0))
    }
}

impl PartialOrd for Sequence {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E: Entity> Event<E> {
    /// Reads the subscriber's payload.
    ///
    /// # Errors
    /// Names the field and the rule that it breaks. What is wrong with one record or item is said
    /// in its place.
    pub fn parse(payload: &str) -> Result<Self, Invalid> {
        #[derive(Deserialize)]
        struct Envelope<'a> {
            #[serde(borrow, rename = "Records")]
            records: Option<&'a RawValue>,
            #[serde(borrow)]
            project: Option<&'a RawValue>,
        }
        /// What comes nearly always: records that all can be read at once.
        #[derive(Deserialize)]
        #[serde(bound = "E: Entity")]
        struct Batch<E> {
            #[serde(rename = "Records")]
            records: Vec<Record<E>>,
            project: Option<IgnoredAny>,
        }
        const NAME: &str = "the event";
        if !payload.trim_start().starts_with('{') {
            // Serde would read an array as the fields of the struct.
            Fields::of(json::parse(payload, NAME)?, NAME)?;
        }
        if let Ok(Batch {
            records,
            project: None,
        }) = serde_json::from_str(payload)
        {
            return Ok(Self::Stream(records));
        }
        let envelope: Envelope<'_> = serde_json::from_str(payload)
            .map_err(|error| Invalid::new(NAME, format_args!("must be JSON: {error}")))?;
        match (envelope.records, envelope.project) {
            (Some(records), None) => serde_json::from_str(records.get())
                .map(|records: Vec<_>| Self::Stream(each(&records)))
                .map_err(|_| Invalid::new("Records", "must be an array of stream records")),
            (None, Some(project)) => by_hand(project),
            _ => Err(Invalid::new(
                NAME,
                "must have either the Records of a DynamoDB stream or project",
            )),
        }
    }
}

/// What is projected by hand: one of these.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum ByHand<'a> {
    #[serde(borrow)]
    Records(Vec<&'a RawValue>),
    #[serde(borrow)]
    Items(Vec<&'a RawValue>),
    #[serde(borrow)]
    Removed(Vec<&'a RawValue>),
    #[serde(borrow)]
    Replaced(Vec<&'a RawValue>),
    Begin(Token),
    Complete(Token),
    Outdated(u64),
}

/// Each record by itself, so that one that is malformed stays one failure.
fn each<E: Entity>(records: &[&RawValue]) -> Vec<Record<E>> {
    records.iter().map(|raw| Record::read(raw)).collect()
}

fn by_hand<E: Entity>(project: &RawValue) -> Result<Event<E>, Invalid> {
    const RULE: &str = "must have one of the arrays records, items, removed and replaced, one of \
                        the tokens begin and complete, or the cursor outdated";
    let refused = |_| Invalid::new("project", RULE);
    let by_hand = |state| Change {
        state,
        sequence: None,
    };
    Ok(
        match serde_json::from_str(project.get()).map_err(refused)? {
            ByHand::Records(records) => Event::Records(each(&records)),
            ByHand::Items(items) => {
                let changes = items.iter().map(|raw| {
                    let present = document_of(raw)?;
                    Ok(by_hand(State::Present(present)))
                });
                Event::Project(changes.collect())
            }
            ByHand::Removed(removed) => Event::Project(
                removed
                    .iter()
                    .enumerate()
                    .map(|(at, raw)| Ok(Ok(by_hand(removed_of::<E>(raw, at)?))))
                    .collect::<Result<_, Invalid>>()?,
            ),
            ByHand::Replaced(replaced) => Event::Replace(
                replaced
                    .iter()
                    .enumerate()
                    .map(|(at, raw)| replacement_of(raw, at))
                    .collect::<Result<_, Invalid>>()?,
            ),
            ByHand::Begin(token) => Event::Begin(token),
            ByHand::Complete(token) => Event::Complete(token),
            ByHand::Outdated(cursor) => Event::Outdated(cursor),
        },
    )
}

/// The document of an item that comes as DynamoDB's JSON.
fn document_of<E: Entity>(raw: &RawValue) -> Result<Document<E>, Failed> {
    if let Ok(Image(document)) = serde_json::from_str(raw.get()) {
        return Ok(document);
    }
    let item = item::parse(raw.get()).map_err(|error| Failed::malformed::<E>(None, error))?;
    item::document(&item).map_err(|error| {
        let id = item::identity::<E>(&item).ok().map(|(id, _)| id);
        Failed::malformed::<E>(id, error)
    })
}

fn removed_of<E: Entity>(raw: &RawValue, at: usize) -> Result<State<E>, Invalid> {
    let name = format!("project.removed[{at}]");
    let id_name = id_name(E::NAME);
    let mut fields = Fields::within(json::parse(raw.get(), &name)?, &name)?;
    let id = fields.required(&id_name)?;
    let version = fields
        .whole("version", 1, u64::MAX)?
        .ok_or_else(|| fields.invalid("version", "is required"))?;
    fields.finish()?;
    Ok(State::Removed { id, version })
}

fn replacement_of<E: Entity>(
    raw: &RawValue,
    at: usize,
) -> Result<Result<Replacement<E>, Failed>, Invalid> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Parts<'a> {
        #[serde(borrow)]
        item: &'a RawValue,
        mark: String,
    }
    let parts: Parts<'_> = serde_json::from_str(raw.get()).map_err(|error| {
        let rule = format_args!("must have item and mark: {error}");
        Invalid::new(format!("project.replaced[{at}]"), rule)
    })?;
    let mark = parts.mark;
    Ok(document_of(parts.item).map(|document| Replacement { document, mark }))
}
