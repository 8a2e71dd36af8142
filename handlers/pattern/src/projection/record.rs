//! Reads one record of a DynamoDB stream, as far as it can be read.
//!
//! At once, as [`Deserialize`] of [`Record`], where nothing in it has to be explained: of what the
//! types of `aws_lambda_events` would read only what is needed, and without an item in between.
//! Else [layer by layer](Record::read), which tells what is wrong with it.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::{Deserializer, Error};
use serde_json::value::RawValue;

use super::{Change, Sequence, State};
use crate::entity::Entity;
use crate::error::Invalid;
use crate::item;
use crate::item::image::{Image, Text};
use crate::json::Object;

/// A record of a stream, read as far as it could be.
#[derive(Debug)]
pub struct Record<E> {
    /// Names the record to AWS, exactly as AWS wrote it.
    pub identifier: Option<String>,
    /// When the write happened, in milliseconds since the epoch.
    pub written_at: Option<i64>,
    /// The change, or why there is none to be read.
    pub change: Result<Change<E>, Invalid>,
}

/// What is needed of a record of AWS's form.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", bound = "E: Entity")]
struct Whole<'a, E> {
    #[serde(borrow)]
    event_name: Text<'a>,
    #[serde(borrow)]
    dynamodb: Object<Write<'a, E>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", bound = "E: Entity")]
struct Write<'a, E> {
    #[serde(borrow)]
    sequence_number: Text<'a>,
    approximate_creation_date_time: Option<f64>,
    new_image: Image<E>,
}

/// Reads a record at once. It refuses all that has something to be explained, and removals, which
/// are rare.
impl<'de, E: Entity> Deserialize<'de> for Record<E> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Object(whole) = Object::<Whole<'de, E>>::deserialize(deserializer)?;
        let Object(write) = whole.dynamodb;
        let Image(document) = write.new_image;
        let identifier = write.sequence_number.0.into_owned();
        match (&*whole.event_name.0, Sequence::new(&identifier)) {
            ("INSERT" | "MODIFY", Some(sequence)) => Ok(Self::new(
                Some(identifier),
                write.approximate_creation_date_time.map(as_millis),
                Ok(Change {
                    state: State::Present(document),
                    sequence: Some(sequence),
                }),
            )),
            _ => Err(D::Error::custom("it has to be read layer by layer")),
        }
    }
}

#[derive(Deserialize)]
struct Outer<'a> {
    #[serde(borrow, rename = "eventName")]
    event_name: Option<&'a RawValue>,
    #[serde(borrow)]
    dynamodb: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Inner<'a> {
    #[serde(borrow)]
    sequence_number: Option<&'a RawValue>,
    #[serde(borrow)]
    approximate_creation_date_time: Option<&'a RawValue>,
    #[serde(borrow)]
    new_image: Option<&'a RawValue>,
    #[serde(borrow)]
    old_image: Option<&'a RawValue>,
}

impl<E: Entity> Record<E> {
    /// Reads one record. What is malformed in it stays its own: the layers above are still read,
    /// so that a record with a broken image can be named.
    #[must_use]
    pub fn read(raw: &RawValue) -> Self {
        serde_json::from_str(raw.get()).unwrap_or_else(|_| Self::by_layers(raw))
    }

    fn new(
        identifier: Option<String>,
        written_at: Option<i64>,
        change: Result<Change<E>, Invalid>,
    ) -> Self {
        let dated = change.as_ref().ok();
        Self {
            identifier,
            written_at: written_at.map(|second| to_the_millisecond(second, dated)),
            change,
        }
    }

    fn by_layers(raw: &RawValue) -> Self {
        let outer = object::<Outer<'_>>(Some(raw), "the record");
        let inner = match &outer {
            Ok(outer) => object::<Inner<'_>>(outer.dynamodb, "dynamodb"),
            Err(error) => Err(error.clone()),
        };
        let named = inner.as_ref().ok();
        let identifier = named
            .and_then(|inner| text(inner.sequence_number?))
            .map(Cow::into_owned);
        let written_at = named.and_then(|inner| millis(inner.approximate_creation_date_time?));
        let sequence = identifier.as_deref().and_then(Sequence::new);
        let change = outer
            .and_then(|outer| Ok((outer, inner?)))
            .and_then(|(outer, inner)| state(&outer, &inner))
            .and_then(|state| match sequence {
                Some(sequence) => Ok(Change {
                    state,
                    sequence: Some(sequence),
                }),
                None => Err(Invalid::new("SequenceNumber", "must be a string of digits")),
            });
        // A name that is no number would make AWS fail the whole batch.
        let identifier = identifier.filter(|text| Sequence::new(text).is_some());
        Self::new(identifier, written_at, change)
    }
}

fn state<E: Entity>(outer: &Outer<'_>, inner: &Inner<'_>) -> Result<State<E>, Invalid> {
    let name = outer.event_name.and_then(text);
    match name.as_deref() {
        Some("INSERT" | "MODIFY") => {
            let image = object(inner.new_image, "NewImage")?;
            item::document(&image).map(State::Present)
        }
        Some("REMOVE") => {
            let image = object(inner.old_image, "OldImage")?;
            let (id, version) = item::identity::<E>(&image)?;
            Ok(State::Removed { id, version })
        }
        _ => Err(Invalid::new(
            "eventName",
            "must be one of INSERT, MODIFY, REMOVE",
        )),
    }
}

fn object<'a, T: Deserialize<'a>>(raw: Option<&'a RawValue>, name: &str) -> Result<T, Invalid> {
    let raw = raw.ok_or_else(|| Invalid::new(name, "is missing"))?;
    if !raw.get().starts_with('{') {
        return Err(Invalid::new(name, "must be an object"));
    }
    serde_json::from_str(raw.get())
        .map_err(|error| Invalid::new(name, format_args!("cannot be read: {error}")))
}

/// The time of a write that the stream dates to the second, as DynamoDB does.
///
/// The publisher dates what it writes to the millisecond, just before. Its date counts where it is
/// in the same second or the one before; elsewhere somebody else wrote the item and left the date.
fn to_the_millisecond<E>(second: i64, change: Option<&Change<E>>) -> i64 {
    let Some(State::Present(document)) = change.map(|change| &change.state) else {
        return second;
    };
    let dated = document.updated_at.as_millis();
    let after = dated.saturating_sub(second);
    if second % 1000 == 0 && (-1000..1000).contains(&after) {
        dated
    } else {
        second
    }
}

fn text(raw: &RawValue) -> Option<Cow<'_, str>> {
    serde_json::from_str::<Text<'_>>(raw.get())
        .ok()
        .map(|text| text.0)
}

fn millis(raw: &RawValue) -> Option<i64> {
    serde_json::from_str(raw.get()).ok().map(as_millis)
}

/// Streams say seconds, with or without a fraction; some senders say milliseconds.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the conversion saturates, and a time that far off is nonsense anyway"
)]
fn as_millis(number: f64) -> i64 {
    if number < 1e11 {
        (number * 1000.0) as i64
    } else {
        number as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::account::Account;
    use crate::timestamp::Timestamp;
    use aws_lambda_events::event::dynamodb::EventRecord;
    use serde_json::json;

    fn read(record: &serde_json::Value) -> Record<Account> {
        Record::read(&RawValue::from_string(record.to_string()).unwrap())
    }

    fn image() -> serde_json::Value {
        json!({
            "accountId": {"S": "o"}, "owner": {"S": "c\"\u{e9}"}, "overdraft": {"N": "2"},
            "status": {"S": "closed"}, "version": {"N": "3"},
            "createdAt": {"S": "2026-11-23T03:00:00Z"}, "updatedAt": {"NULL": true},
            "foreign": {"M": {"a": {"L": [{"BOOL": true}]}}}, "picture": {"B": "AA=="},
            "appliedKeys": {"M": {"k": {"M": {"of": {"S": "x"}}}}},
        })
    }

    #[test]
    fn an_insert_becomes_the_document_of_its_new_image() {
        let record = read(&json!({
            "eventID": "1", "eventName": "INSERT", "eventSource": "aws:dynamodb", "awsRegion": "eu-west-1",
            "dynamodb": {
                "ApproximateCreationDateTime": 1_700_000_000, "Keys": {"accountId": {"S": "o"}},
                "NewImage": image(), "SequenceNumber": "000123", "StreamViewType": "NEW_AND_OLD_IMAGES",
                "SizeBytes": 9,
            },
        }));
        assert_eq!(record.identifier.as_deref(), Some("000123"));
        assert_eq!(record.written_at, Some(1_700_000_000_000));
        let change = record.change.unwrap();
        assert_eq!(change.sequence, Sequence::new("123"));
        let State::Present(document) = change.state else {
            panic!("not present");
        };
        assert_eq!(
            serde_json::to_value(document).unwrap(),
            json!({
                "accountId": "o", "owner": "c\"\u{e9}", "currency": "EUR", "overdraft": 2, "balance": 0,
                "status": "closed", "version": 3, "createdAt": "2026-11-23T03:00:00.000Z",
                "updatedAt": "1970-01-01T00:00:00.000Z",
            })
        );
    }

    #[test]
    fn a_records_time_is_read_in_seconds_and_in_milliseconds() {
        for (time, millis) in [
            (json!(1_700_000_000), Some(1_700_000_000_000)),
            (json!(1_700_000_000.25), Some(1_700_000_000_250)),
            (json!(1_700_000_000_250_i64), Some(1_700_000_000_250)),
            (json!("noon"), None),
        ] {
            let record = read(&json!({"dynamodb": {"ApproximateCreationDateTime": time}}));
            assert_eq!(record.written_at, millis);
        }
    }

    #[test]
    fn the_publishers_date_is_the_writes_where_it_agrees_with_the_streams() {
        let second = Timestamp::parse("2026-11-23T03:00:05Z")
            .unwrap()
            .as_millis();
        for (dated, written_at) in [
            ("2026-11-23T03:00:05.999Z", second + 999),
            ("2026-11-23T03:00:04.001Z", second - 999),
            ("2026-11-23T03:00:03.999Z", second),
            ("2026-11-23T03:00:06.000Z", second),
            ("1970-01-01T00:00:00.000Z", second),
        ] {
            let mut image = image();
            image["updatedAt"] = json!({"S": dated});
            let record = read(&json!({
                "eventName": "MODIFY",
                "dynamodb": {
                    "ApproximateCreationDateTime": second / 1000, "NewImage": image,
                    "SequenceNumber": "9",
                },
            }));
            assert_eq!(record.written_at, Some(written_at), "{dated}");
        }
        // A stream that dates to the millisecond itself is believed.
        let mut image = image();
        image["updatedAt"] = json!({"S": "2026-11-23T03:00:05.100Z"});
        let record = read(&json!({
            "eventName": "MODIFY",
            "dynamodb": {
                "ApproximateCreationDateTime": second + 250, "NewImage": image, "SequenceNumber": "9",
            },
        }));
        assert_eq!(record.written_at, Some(second + 250));
    }

    #[test]
    fn a_removal_takes_its_version_from_the_old_image_or_1() {
        for (old, version) in [(image(), 3), (json!({"accountId": {"S": "o"}}), 1)] {
            let record = read(&json!({
                "eventName": "REMOVE", "dynamodb": {"OldImage": old, "SequenceNumber": "9"},
            }));
            let id = "o".parse().unwrap();
            assert_eq!(record.change.unwrap().state, State::Removed { id, version });
        }
    }

    #[test]
    fn what_is_broken_in_a_record_leaves_it_its_name() {
        let mut odd = image();
        odd["overdraft"] = json!({"S": "many"});
        for (record, message) in [
            (
                json!({"eventName": "INSERT", "dynamodb": {"SequenceNumber": "7"}}),
                "NewImage is missing",
            ),
            (
                json!({"eventName": "INSERT", "dynamodb": {"SequenceNumber": "7", "NewImage": []}}),
                "NewImage must be an object",
            ),
            (
                json!({"eventName": "MODIFY", "dynamodb": {"SequenceNumber": "7", "NewImage": odd}}),
                "overdraft must be a whole number from 0 to 1000000, not a string",
            ),
            (
                json!({"eventName": "REMOVE", "dynamodb": {"SequenceNumber": "7"}}),
                "OldImage is missing",
            ),
            (
                json!({"eventName": "TRUNCATE", "dynamodb": {"SequenceNumber": "7"}}),
                "eventName must be one of INSERT, MODIFY, REMOVE",
            ),
            (
                json!({"eventName": 1, "dynamodb": {"SequenceNumber": "7"}}),
                "eventName must be one of INSERT, MODIFY, REMOVE",
            ),
        ] {
            let record = read(&record);
            assert_eq!(record.identifier.as_deref(), Some("7"));
            assert_eq!(record.change.unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn reading_at_once_by_layers_and_by_the_types_of_aws_come_to_the_same() {
        let whole = json!({
            "eventID": "1", "eventName": "MODIFY", "awsRegion": "eu-west-1",
            "dynamodb": {
                "ApproximateCreationDateTime": 1_700_000_000.0, "Keys": {"accountId": {"S": "o"}},
                "OldImage": {}, "NewImage": image(), "SequenceNumber": "0042", "SizeBytes": 1,
            },
        });
        let at_once: Record<Account> = serde_json::from_value(whole.clone()).unwrap();
        let layers = Record::by_layers(&RawValue::from_string(whole.to_string()).unwrap());
        assert_eq!(at_once.identifier, layers.identifier);
        assert_eq!(at_once.written_at, layers.written_at);
        assert_eq!(at_once.change, layers.change);

        let aws: EventRecord = serde_json::from_value(whole).unwrap();
        let of_aws = aws.change.approximate_creation_date_time;
        assert_eq!(at_once.identifier, aws.change.sequence_number);
        assert_eq!(at_once.written_at, Some(of_aws.timestamp_millis()));
        let State::Present(document) = at_once.change.unwrap().state else {
            panic!("not present");
        };
        assert_eq!(item::document(&aws.change.new_image), Ok(document));
    }

    #[test]
    fn an_array_is_no_record_in_any_layer() {
        let change = json!(["7", 1_700_000_000, image()]);
        for record in [
            json!(["INSERT", {"SequenceNumber": "7", "NewImage": image()}]),
            json!({"eventName": "INSERT", "dynamodb": change}),
        ] {
            assert!(read(&record).change.is_err(), "{record}");
        }
    }

    #[test]
    fn a_record_without_a_usable_sequence_number_has_no_name() {
        for record in [
            json!(null),
            json!("record"),
            json!({"eventName": "INSERT"}),
            json!({"eventName": "INSERT", "dynamodb": {"NewImage": image()}}),
            json!({"eventName": "INSERT", "dynamodb": {"NewImage": image(), "SequenceNumber": 7}}),
            json!({"eventName": "INSERT", "dynamodb": {"NewImage": image(), "SequenceNumber": "x7"}}),
        ] {
            let record = read(&record);
            assert_eq!(record.identifier, None);
            assert!(record.change.is_err());
        }
    }
}
