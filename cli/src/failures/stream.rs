//! Reads the records of a failure back from the stream, page by page, for as long as they are there.

use std::time::Duration;

use aws_sdk_dynamodbstreams::Client;
use aws_sdk_dynamodbstreams::types::{self, ShardIteratorType};

use crate::aws::{Aws, AwsError};
use crate::error::{Explain, Kind};
use crate::failures::destination::DestinationError;
use crate::failures::event;
use crate::failures::message::{BatchInfo, by_number};
use crate::failures::record::Record;
use crate::settings::Target;

/// How many pages may be empty in a row: DynamoDB answers some so, though records follow.
const PATIENCE: u32 = 30;
/// A shard answers five times a second, and its subscriber asks it four times.
const PAUSE: Duration = Duration::from_millis(300);

/// The stream, through DynamoDB.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    client: Client,
    target: Target,
}

/// Reads one failure's records.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    stream: &'a Stream,
    batch: &'a BatchInfo,
    place: Place,
    last: Option<String>,
    found: u64,
    /// Whether the first record was the batch's first.
    begun_well: bool,
    from_horizon: bool,
}

#[derive(Debug)]
enum Place {
    Begin,
    At(String),
    End,
}

/// What is left of a failure's records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    All,
    /// The stream has trimmed the first of them.
    Some,
    None,
}

/// The stream could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StreamError {
    #[error(transparent)]
    Aws(#[from] AwsError),
    /// Page after page is empty. Repeat the command later.
    #[error("the stream answers, but without the records from {0} on")]
    Silent(String),
    /// A record has a form that cannot be handed on.
    #[error("a record cannot be read")]
    Unreadable(#[from] serde_json::Error),
    #[error(transparent)]
    Destination(#[from] DestinationError),
}

impl Explain for StreamError {
    fn kind(&self) -> Kind {
        match self {
            Self::Aws(error) => error.kind(),
            Self::Destination(error) => error.kind(),
            Self::Silent(_) | Self::Unreadable(_) => Kind::Failed,
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Aws(error) => error.name(),
            Self::Silent(_) => "StreamSilent".to_owned(),
            Self::Unreadable(_) => Kind::Failed.name().to_owned(),
            Self::Destination(error) => error.name(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Aws(error) => error.hint(),
            Self::Silent(_) => Some("repeat the command: this is safe at any time".to_owned()),
            Self::Unreadable(_) => None,
            Self::Destination(error) => error.hint(),
        }
    }
}

impl Stream {
    pub(crate) fn new(aws: &Aws) -> Self {
        Self {
            client: aws.streams(),
            target: aws.target(),
        }
    }

    pub(crate) fn read<'a>(&'a self, batch: &'a BatchInfo) -> Reader<'a> {
        Reader {
            stream: self,
            batch,
            place: Place::Begin,
            last: None,
            found: 0,
            begun_well: false,
            from_horizon: false,
        }
    }

    async fn iterator(
        &self,
        batch: &BatchInfo,
        kind: ShardIteratorType,
        sequence: Option<&str>,
    ) -> Result<Option<String>, AwsError> {
        let answer = self
            .client
            .get_shard_iterator()
            .stream_arn(&batch.stream_arn)
            .shard_id(&batch.shard_id)
            .shard_iterator_type(kind)
            .set_sequence_number(sequence.map(str::to_owned))
            .send()
            .await
            .map_err(|e| AwsError::from_sdk("dynamodb:GetShardIterator", e))?;
        Ok(answer.shard_iterator)
    }
}

impl Reader<'_> {
    /// The next records, in the stream's order; none at the end. With more than one lane in a
    /// shard, records of others lie between: projecting those again changes nothing.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<Record>>, StreamError> {
        let mut empty = 0;
        while let Some(iterator) = self.iterator().await? {
            let Some(records) = self.page(iterator).await? else {
                continue;
            };
            if records.is_empty() {
                empty += 1;
                self.pass_over(empty).await?;
            } else if let Some(records) = self.within(records) {
                let arn = &self.batch.stream_arn;
                let records = records
                    .iter()
                    .map(|record| Record::of(&event::record(record, arn)));
                return Ok(Some(records.collect::<Result<_, _>>()?));
            }
        }
        Ok(None)
    }

    /// Where to read on; nowhere at the end.
    async fn iterator(&mut self) -> Result<Option<String>, AwsError> {
        match &self.place {
            Place::End => Ok(None),
            Place::At(iterator) => Ok(Some(iterator.clone())),
            Place::Begin => {
                let begun = self.begin().await?;
                if begun.is_none() {
                    self.place = Place::End;
                }
                Ok(begun)
            }
        }
    }

    /// Reads a page; none where that iterator leads there no more.
    async fn page(&mut self, iterator: String) -> Result<Option<Vec<types::Record>>, AwsError> {
        let asked = self.stream.client.get_records().shard_iterator(iterator);
        let answer = asked.send().await;
        match answer.map_err(|e| AwsError::from_sdk("dynamodb:GetRecords", e)) {
            Ok(answer) => {
                self.place = answer.next_shard_iterator.map_or(Place::End, Place::At);
                Ok(Some(answer.records.unwrap_or_default()))
            }
            // An iterator lasts 15 minutes.
            Err(error) if error.code() == Some("ExpiredIteratorException") => {
                self.place = Place::Begin;
                Ok(None)
            }
            Err(error) if is_trimmed(&error) => {
                self.place = Place::End;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// After so many empty pages in a row: waits for the next, where there may be one.
    async fn pass_over(&mut self, empty: u32) -> Result<(), StreamError> {
        let is_patient = empty < PATIENCE;
        // This machine's stream has no empty page before its end, and a shard of which nothing is left
        // has nothing but empty pages.
        if self.stream.target == Target::Local || (!is_patient && self.from_horizon) {
            self.place = Place::End;
            return Ok(());
        }
        if !is_patient {
            let from = self.batch.start_sequence_number.clone();
            return Err(StreamError::Silent(from));
        }
        tokio::time::sleep(PAUSE).await;
        Ok(())
    }

    /// How much of the batch has been read, once there is no more.
    pub(crate) fn left(&self) -> Left {
        if self.found == 0 {
            Left::None
        } else if self.begun_well && self.found >= self.batch.batch_size {
            Left::All
        } else {
            Left::Some
        }
    }

    async fn begin(&mut self) -> Result<Option<String>, AwsError> {
        let (kind, sequence) = match &self.last {
            Some(last) => (ShardIteratorType::AfterSequenceNumber, last.as_str()),
            None => (
                ShardIteratorType::AtSequenceNumber,
                self.batch.start_sequence_number.as_str(),
            ),
        };
        let stream = self.stream;
        match stream.iterator(self.batch, kind, Some(sequence)).await {
            // What comes after it may still be there.
            Err(error) if error.code() == Some("TrimmedDataAccessException") => {
                self.from_horizon = true;
                let horizon = ShardIteratorType::TrimHorizon;
                match stream.iterator(self.batch, horizon, None).await {
                    Err(error) if is_trimmed(&error) => Ok(None),
                    other => other,
                }
            }
            Err(error) if is_trimmed(&error) => Ok(None),
            other => other,
        }
    }

    /// Those of `records` that belong to the batch.
    fn within(&mut self, mut records: Vec<types::Record>) -> Option<Vec<types::Record>> {
        let place =
            |record: &types::Record| by_number(sequence(record), &self.batch.end_sequence_number);
        if records.last().is_some_and(|last| place(last).is_ge()) {
            self.place = Place::End;
        }
        records.retain(|record| {
            place(record).is_le()
                && by_number(sequence(record), &self.batch.start_sequence_number).is_ge()
        });
        let (first, last) = (records.first()?, records.last()?);
        if self.found == 0 {
            self.begun_well = by_number(sequence(first), &self.batch.start_sequence_number).is_eq();
        }
        self.found += records.len() as u64;
        self.last = Some(sequence(last).to_owned());
        Some(records)
    }
}

/// The record's number; without one it stands before all others.
fn sequence(record: &types::Record) -> &str {
    let number = record
        .dynamodb()
        .and_then(|change| change.sequence_number());
    number.unwrap_or_default()
}

/// After 24 hours records are gone, then their shard, and with the table the stream.
fn is_trimmed(error: &AwsError) -> bool {
    matches!(
        error.code(),
        Some("TrimmedDataAccessException" | "ResourceNotFoundException")
    )
}

#[cfg(test)]
mod tests;
