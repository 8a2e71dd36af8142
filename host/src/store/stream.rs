//! A table's stream, read past the engine.
//!
//! The file has each record's keys and images as DynamoDB JSON, so that a Lambda event's record is
//! put together from text; nothing is written again, and parsed only to be measured.

use std::fmt;
use std::fmt::Write;
use std::sync::Arc;

use dynoxide::types::item_size;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::value::RawValue;
use tokio::sync::watch;

use super::file::Reader;
use super::{Sequence, Shared, StoreError};
use crate::definition::ACCOUNT;

/// A change in a table.
#[derive(Clone, Debug)]
pub struct Record {
    /// Its place.
    pub sequence: Sequence,
    /// The item's key as DynamoDB JSON, the same text for the same key: what order holds for.
    pub key: Box<str>,
    /// When it was written, in milliseconds since 1970.
    pub arrived_ms: i64,
    /// The whole record, as it stands in a Lambda event's `Records`.
    /// <https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html>
    pub json: Box<str>,
}

/// The stream of one table. Reading does not wait for writers. Clones share a connection, so that
/// two of them don't read at once.
#[derive(Clone)]
pub struct Stream(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    table: Box<str>,
    reader: Reader,
}

/// What a table says of its stream.
#[derive(Debug, Default)]
pub(super) struct Description {
    pub(super) enabled: bool,
    /// Empty where the table has never had a stream.
    pub(super) label: String,
    view: String,
    /// The key's attributes, as `DescribeTable` lists them.
    pub(super) key_schema: Box<RawValue>,
}

impl Stream {
    pub(super) fn new(shared: Arc<Shared>, table: &str) -> Self {
        Self(Arc::new(Inner {
            reader: Reader::of(&shared.path),
            shared,
            table: table.into(),
        }))
    }

    /// Up to `limit` records after `after`, the oldest first; reads the file and blocks the thread
    /// for as long.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read(&self, after: Sequence, limit: usize) -> Result<Vec<Record>, StoreError> {
        self.0.reader.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT CAST(sequence_number AS INTEGER), event_id, event_name, created_at,
                     keys_json, new_image, old_image, user_identity
                 FROM _stream_records
                 WHERE table_name = ?1 AND CAST(sequence_number AS INTEGER) > ?2
                 ORDER BY CAST(sequence_number AS INTEGER) LIMIT ?3",
            )?;
            let mut rows = statement.query(params![self.0.table, after.0, limit])?;
            let mut records = Vec::new();
            let mut frame = None;
            while let Some(row) = rows.next()? {
                let frame = match &mut frame {
                    Some(frame) => frame,
                    none => none.insert(self.frame(connection)?),
                };
                records.push(frame.record(row)?);
            }
            Ok(records)
        })
    }

    /// The newest record's place; zero in an empty stream.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn newest(&self) -> Result<Sequence, StoreError> {
        self.0.reader.read(|connection| {
            let newest: Option<i64> = connection
                .prepare_cached(
                    "SELECT MAX(CAST(sequence_number AS INTEGER)) FROM _stream_records
                     WHERE table_name = ?1",
                )?
                .query_row([&*self.0.table], |row| row.get(0))?;
            Ok(Sequence(newest.unwrap_or_default()))
        })
    }

    /// Changes whenever something may have been written, also to another table: a look that finds
    /// nothing new costs less than telling the tables apart.
    #[must_use]
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.0.shared.api.written.subscribe()
    }

    /// The stream's ARN.
    ///
    /// # Errors
    /// The table is away or has never had a stream, or the file cannot be read.
    pub fn arn(&self) -> Result<String, StoreError> {
        let (region, table) = (&self.0.shared.api.region, &*self.0.table);
        let found = self
            .0
            .reader
            .read(|connection| describe(connection, table))?;
        let label = found.unwrap_or_default().label;
        let arn = arn(region, table, &label);
        match label.is_empty() {
            true => Err(StoreError::Unusable(format!("no stream: {arn}"))),
            false => Ok(arn),
        }
    }

    /// The stream's one shard.
    #[must_use]
    pub fn shard(&self) -> String {
        shard_id(&self.0.table)
    }

    fn frame(&self, connection: &Connection) -> Result<Frame, StoreError> {
        let region = &self.0.shared.api.region;
        let description = describe(connection, &self.0.table)?.unwrap_or_default();
        Ok(Frame {
            middle: format!(
                r#"","eventVersion":"1.1","eventSource":"aws:dynamodb","awsRegion":"{region}","dynamodb":{{"ApproximateCreationDateTime":"#
            ),
            end: format!(
                r#","StreamViewType":"{}"}},"eventSourceARN":"{}""#,
                description.view,
                arn(region, &self.0.table, &description.label)
            ),
            composite: description.key_schema.get().contains("RANGE"),
        })
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Stream").field(&self.0.table).finish()
    }
}

/// The text that all records of one reading share.
struct Frame {
    middle: String,
    end: String,
    composite: bool,
}

impl Frame {
    fn record(&self, row: &Row<'_>) -> Result<Record, StoreError> {
        let number: i64 = row.get(0)?;
        let sequence = Sequence(number);
        let created_at: i64 = row.get(3)?;
        let keys = text(row, 4)?.unwrap_or("{}");
        let (new, old) = (text(row, 5)?, text(row, 6)?);
        let text_size = keys.len() + new.map_or(0, str::len) + old.map_or(0, str::len);

        let mut json = String::with_capacity(text_size + self.middle.len() + self.end.len() + 320);
        json.push_str(r#"{"eventID":""#);
        match text(row, 1)? {
            Some(id) => json.push_str(id),
            None => write(&mut json, sequence),
        }
        json.push_str(r#"","eventName":""#);
        json.push_str(text(row, 2)?.unwrap_or_default());
        json.push_str(&self.middle);
        // A float, of whole seconds.
        write(&mut json, format_args!("{created_at}.0"));
        json.push_str(r#","Keys":"#);
        json.push_str(keys);
        for (name, image) in [(r#","NewImage":"#, new), (r#","OldImage":"#, old)] {
            if let Some(image) = image {
                json.push_str(name);
                json.push_str(image);
            }
        }
        json.push_str(r#","SequenceNumber":""#);
        write(&mut json, sequence);
        json.push_str(r#"","SizeBytes":"#);
        write(
            &mut json,
            size([Some(keys), new, old].into_iter().flatten()),
        );
        json.push_str(&self.end);
        if let Some(identity) = text(row, 7)? {
            json.push_str(r#","userIdentity":"#);
            json.push_str(identity);
        }
        json.push('}');

        Ok(Record {
            sequence,
            key: if self.composite {
                sorted(keys)
            } else {
                keys.into()
            },
            arrived_ms: arrived_ms(number, created_at),
            json: json.into(),
        })
    }
}

/// The engine keeps whole seconds, but numbers records by the microseconds since 1970; where
/// numbers had to run ahead of the clock, the seconds hold.
fn arrived_ms(number: i64, created_at: i64) -> i64 {
    if number.div_euclid(1_000_000) == created_at {
        number / 1000
    } else {
        created_at.saturating_mul(1000)
    }
}

/// The same text for the same key: the engine writes its attributes in any order.
fn sorted(keys: &str) -> Box<str> {
    let map = serde_json::from_str::<std::collections::BTreeMap<String, &RawValue>>(keys);
    map.and_then(|map| serde_json::to_string(&map))
        .map_or_else(|_| keys.into(), Into::into)
}

/// What DynamoDB counts of a record: the names and values of its key and images.
fn size<'a>(texts: impl Iterator<Item = &'a str>) -> usize {
    texts
        .map(|text| {
            let item = serde_json::from_str::<dynoxide::Item>(text);
            item.map_or(text.len(), |item| item_size(&item))
        })
        .sum()
}

fn text<'a>(row: &'a Row<'_>, column: usize) -> Result<Option<&'a str>, StoreError> {
    match row.get_ref(column)? {
        ValueRef::Null => Ok(None),
        value => value
            .as_str()
            .map(Some)
            .map_err(|error| StoreError::Unusable(format!("a record is no text: {error}"))),
    }
}

fn write(json: &mut String, value: impl fmt::Display) {
    // Writing to a string does not fail.
    let _ = write!(json, "{value}");
}

/// A stream's ARN.
pub(super) fn arn(region: &str, table: &str, label: &str) -> String {
    format!("arn:aws:dynamodb:{region}:{ACCOUNT}:table/{table}/stream/{label}")
}

/// What a table says of its stream, where there is such a table.
pub(super) fn describe(
    connection: &Connection,
    table: &str,
) -> Result<Option<Description>, StoreError> {
    Ok(connection
        .prepare_cached(
            "SELECT stream_enabled, stream_label, stream_view_type, key_schema FROM _tables
             WHERE table_name = ?1",
        )?
        .query_row([table], |row| {
            Ok(Description {
                enabled: row.get(0)?,
                label: row.get::<_, Option<String>>(1)?.unwrap_or_default(),
                view: row.get::<_, Option<String>>(2)?.unwrap_or_default(),
                key_schema: RawValue::from_string(row.get(3)?).unwrap_or_default(),
            })
        })
        .optional()?)
}

/// The id of a stream's one shard, in the form of DynamoDB's: clients refuse any that has not 28 to
/// 65 characters, so the table's name is in it as a hash (32-bit FNV-1a).
pub(super) fn shard_id(table: &str) -> String {
    let hash = table.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    format!("shardId-00000000000000000001-{hash:08x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_two_attributes_has_one_text() {
        let text = r#"{"a":{"N":"1"},"b":{"S":"x"}}"#;
        assert_eq!(&*sorted(text), text);
        assert_eq!(&*sorted(r#"{"b":{"S":"x"},"a":{"N":"1"}}"#), text);
    }

    #[test]
    fn a_records_time_is_its_numbers_unless_numbers_ran_ahead_of_the_clock() {
        assert_eq!(
            arrived_ms(1_700_000_000_250_999, 1_700_000_000),
            1_700_000_000_250
        );
        assert_eq!(
            arrived_ms(1_700_000_009_000_000, 1_700_000_000),
            1_700_000_000_000
        );
    }
}
