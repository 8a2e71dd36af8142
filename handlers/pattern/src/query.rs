//! What may be asked of the query side, and how its pages follow one another.

use std::fmt;

use serde_json::Value;
use serde_json::value::RawValue;

use crate::description::Description;
use crate::error::Invalid;
use crate::id::Id;
use crate::json::{self, Fields, kind};
use crate::schema::Field;
use crate::timestamp::{self, Timestamp};

/// The most entities that one query may ask for, by ids or as a page.
pub const MOST: usize = 500;
/// The entities of a page, unless said.
pub const DEFAULT_LIMIT: usize = 20;

const NAME: &str = "the query";

/// A query.
#[derive(Debug)]
pub enum Query {
    /// One entity.
    Get(Id),
    /// Several, answered in the order of their ids; at most [`MOST`].
    Batch(Vec<Id>),
    /// A page, newest first.
    List(List),
    /// How the read model agrees with items or records of the write model; at most [`MOST`].
    Compare(Vec<ToCompare>),
    /// Whether the query side is alive, and how far away the cache is.
    Ping,
}

/// What the read model is compared with.
#[derive(Debug)]
pub enum ToCompare {
    /// An item of the write model, as DynamoDB's JSON.
    Item(Box<RawValue>),
    /// The id of what the write model does not hold.
    Id(Id),
    /// A record of the stream, as Lambda gives it to the subscriber.
    Record(Box<RawValue>),
}

/// Asks for a page, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct List {
    /// Which entities; all unless said.
    pub filter: Option<Filter>,
    /// How many at most, 1 to [`MOST`]; [`DEFAULT_LIMIT`] unless said.
    pub limit: Option<usize>,
    /// Where the page before ended; the newest unless said.
    pub cursor: Option<Cursor>,
}

/// The entities that have a value in a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// The field.
    pub field: String,
    /// The value, as a list's name has it.
    pub value: String,
}

/// The place in a list right after one entity. Opaque to clients: they hand back what they got.
///
/// It names the entity by what the lists are sorted by, so a page starts where the one before it
/// ended however many arrived or left in between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// When the entity was created.
    pub created_at: Timestamp,
    /// The entity, to tell apart those of the same millisecond.
    pub id: Id,
}

/// A text that is no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a cursor from the page before")]
pub struct NotACursor;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", self.created_at, self.id)
    }
}

impl std::str::FromStr for Cursor {
    type Err = NotACursor;
    fn from_str(text: &str) -> Result<Self, NotACursor> {
        let (time, rest) = text
            .split_at_checked(timestamp::TEXT_LENGTH)
            .ok_or(NotACursor)?;
        let id = rest.strip_prefix('_').ok_or(NotACursor)?;
        let created_at = Timestamp::parse(time).map_err(|_| NotACursor)?;
        let id = Id::try_from(id.to_owned()).map_err(|_| NotACursor)?;
        Ok(Self { created_at, id })
    }
}

impl Query {
    /// The entities that it asks for by their ids.
    #[must_use]
    pub fn ids(&self) -> &[Id] {
        match self {
            Self::Get(id) => std::slice::from_ref(id),
            Self::Batch(ids) => ids,
            Self::List(_) | Self::Compare(_) | Self::Ping => &[],
        }
    }

    /// Its name in logs.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Get(_) => "get",
            Self::Batch(_) => "batch",
            Self::List(_) => "list",
            Self::Compare(_) => "compare",
            Self::Ping => "ping",
        }
    }
}

/// Reads the query handler's payloads for one domain.
#[derive(Debug)]
pub struct Queries {
    id: String,
    ids: String,
    lists: Vec<Field>,
}

impl Queries {
    /// Reads what the domain says of itself.
    #[must_use]
    pub fn of(description: &Description) -> Self {
        let fields = description.lists.iter();
        let fields = fields.filter_map(|name| description.document.field(name).cloned());
        Self {
            id: description.id.clone(),
            ids: format!("{}s", description.id),
            lists: fields.collect(),
        }
    }

    /// Reads a payload.
    ///
    /// # Errors
    /// Names the field and the rule that it breaks.
    pub fn parse(&self, payload: &str) -> Result<Query, Invalid> {
        let (id, ids) = (self.id.as_str(), self.ids.as_str());
        let mut fields = Fields::of(json::parse(payload, NAME)?, NAME)?;
        let one = fields.text(id)?;
        let several = fields.take(ids);
        let list = fields.take("list");
        let compare = fields.take("compare");
        let ping = fields.take("ping");
        let query = match (one, several, list, compare, ping) {
            (Some(id), None, None, None, None) => Query::Get(id),
            (None, Some(several), None, None, None) => {
                Query::Batch(each(several, ids, |id, name| match id {
                    Value::String(id) => Id::try_from(id).map_err(|rule| Invalid::new(name, rule)),
                    other => {
                        let rule = format_args!("must be a string, not {}", kind(&other));
                        Err(Invalid::new(name, rule))
                    }
                })?)
            }
            (None, None, Some(list), None, None) => Query::List(self.list(list)?),
            (None, None, None, Some(compare), None) => {
                Query::Compare(each(compare, "compare", |one, name| {
                    self.to_compare(one, name)
                })?)
            }
            (None, None, None, None, Some(Value::Bool(true))) => Query::Ping,
            (None, None, None, None, Some(_)) => return Err(Invalid::new("ping", "must be true")),
            _ => {
                let rule =
                    format_args!("must have one of {id}, {ids}, list, compare, ping, and only one");
                return Err(Invalid::new(NAME, rule));
            }
        };
        fields.finish()?;
        Ok(query)
    }

    fn to_compare(&self, one: Value, name: &str) -> Result<ToCompare, Invalid> {
        let mut fields = Fields::within(one, name)?;
        let raw = |value: Value| {
            serde_json::value::to_raw_value(&value).map_err(|error| Invalid::new(name, error))
        };
        let (item, record) = (fields.take("item"), fields.take("record"));
        let compared = match (item, record, fields.text(&self.id)?) {
            (Some(item), None, None) => ToCompare::Item(raw(item)?),
            (None, Some(record), None) => ToCompare::Record(raw(record)?),
            (None, None, Some(id)) => ToCompare::Id(id),
            _ => {
                let rule = format_args!("must have one of item, record, {}", self.id);
                return Err(Invalid::new(name, rule));
            }
        };
        fields.finish()?;
        Ok(compared)
    }

    fn list(&self, list: Value) -> Result<List, Invalid> {
        let mut fields = Fields::within(list, "list")?;
        let mut filters = Vec::new();
        for field in &self.lists {
            let Some(value) = fields.take(&field.name) else {
                continue;
            };
            let wrong = |rule| fields.invalid(&field.name, rule);
            field.kind.check(&value).map_err(wrong)?;
            filters.push(Filter {
                field: field.name.clone(),
                value: list_value(&value),
            });
        }
        let limit = fields.whole("limit", 1, MOST as u64)?;
        let cursor = fields.text("cursor")?;
        fields.finish()?;
        if filters.len() > 1 {
            let names: Vec<&str> = self.lists.iter().map(|field| field.name.as_str()).collect();
            let rule = format_args!("must have at most one of {}", names.join(", "));
            return Err(Invalid::new("list", rule));
        }
        Ok(List {
            filter: filters.pop(),
            limit: limit.and_then(|limit| limit.try_into().ok()),
            cursor,
        })
    }
}

/// A value of a field as a list's name has it, the same as the scripts make of a document's; empty
/// where there is no list of it.
#[must_use]
pub fn list_value(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => String::new(),
    }
}

/// Reads each of an array; what is wrong with one is said with its place.
fn each<T>(
    array: Value,
    name: &str,
    read: impl Fn(Value, &str) -> Result<T, Invalid>,
) -> Result<Vec<T>, Invalid> {
    let Value::Array(all) = array else {
        let rule = format!("must be an array, not {}", kind(&array));
        return Err(Invalid::new(name, rule));
    };
    if all.len() > MOST {
        let what = if name == "compare" { "items" } else { "ids" };
        let rule = format!("must have at most {MOST} {what}, not {}", all.len());
        return Err(Invalid::new(name, rule));
    }
    let numbered = all.into_iter().enumerate();
    numbered
        .map(|(at, one)| read(one, &format!("{name}[{at}]")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::account::Account;

    fn queries() -> Queries {
        Queries::of(&Description::of::<Account>().unwrap())
    }

    #[test]
    fn every_refusal_names_the_field_and_the_rule() {
        let one =
            "the query must have one of accountId, accountIds, list, compare, ping, and only one";
        for (payload, message) in [
            ("7", "the query must be a JSON object, not a number"),
            (
                r#"{"accountId":"a","accountId":"b"}"#,
                "the query must be JSON: duplicate field `accountId` at line 1 column 28",
            ),
            ("{}", one),
            (r#"{"accountId":"o","ping":true}"#, one),
            (r#"{"accountId":""}"#, "accountId must not be empty"),
            (
                r#"{"accountIds":"o"}"#,
                "accountIds must be an array, not a string",
            ),
            (
                r#"{"accountIds":["o",1]}"#,
                "accountIds[1] must be a string, not a number",
            ),
            (
                r#"{"compare":[{}]}"#,
                "compare[0] must have one of item, record, accountId",
            ),
            (r#"{"ping":1}"#, "ping must be true"),
            (r#"{"list":[]}"#, "list must be a JSON object, not an array"),
            (
                r#"{"list":{"limit":501}}"#,
                "list.limit must be a whole number from 1 to 500, not 501",
            ),
            (
                r#"{"list":{"status":"lost"}}"#,
                "list.status must be one of open, closed",
            ),
            (
                r#"{"list":{"owner":"c","status":"open"}}"#,
                "list must have at most one of owner, status",
            ),
            (
                r#"{"list":{"cursor":"x"}}"#,
                "list.cursor must be a cursor from the page before",
            ),
            (
                r#"{"list":{"sort":"up"}}"#,
                "list.sort is not a field of this; known: owner, status, limit, cursor",
            ),
        ] {
            assert_eq!(queries().parse(payload).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn a_batch_has_at_most_500_ids() {
        let payload = |count| serde_json::json!({ "accountIds": vec!["o"; count] }).to_string();
        assert!(queries().parse(&payload(500)).is_ok());
        let error = queries().parse(&payload(501)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "accountIds must have at most 500 ids, not 501"
        );
    }

    #[test]
    fn a_cursor_is_read_back_also_when_the_id_looks_like_one() {
        let cursor = Cursor {
            created_at: Timestamp::EPOCH,
            id: Id::new("1970-01-01T00:00:00.000Z_a b").unwrap(),
        };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for text in [
            "",
            "_",
            "1970-01-01T00:00:00.000Z",
            "1970-01-01T00:00:00.000Zo",
            "äääääääääääää_o",
        ] {
            assert_eq!(text.parse::<Cursor>(), Err(NotACursor), "{text}");
        }
    }
}
