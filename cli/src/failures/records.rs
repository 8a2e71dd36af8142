//! A failure's records: those that the bucket keeps with it, else those that the stream still has.

use serde::Deserialize;
use serde_json::Value;

use crate::failures::destination::Destination;
use crate::failures::message::{Batch, Message};
use crate::failures::record::Record;
use crate::failures::stream::{Left, Reader, Stream, StreamError};

/// Where records are to be had.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source<'a> {
    pub(crate) destination: &'a Destination,
    pub(crate) stream: &'a Stream,
}

/// Reads one failure's records.
#[derive(Debug)]
pub(crate) struct Records<'a> {
    source: Source<'a>,
    message: &'a Message,
    batch: &'a Batch,
    from: From<'a>,
}

#[derive(Debug)]
enum From<'a> {
    Begin,
    Object { found: u64 },
    Stream(Reader<'a>),
}

impl<'a> Source<'a> {
    pub(crate) fn read(self, message: &'a Message, batch: &'a Batch) -> Records<'a> {
        Records {
            source: self,
            message,
            batch,
            from: From::Begin,
        }
    }
}

impl Records<'_> {
    /// The next records, in the stream's order; none at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<Record>>, StreamError> {
        match &mut self.from {
            From::Object { .. } => return Ok(None),
            From::Stream(reader) => return reader.next().await,
            From::Begin => {}
        }
        if let Some(records) = self.kept().await? {
            self.from = From::Object {
                found: records.len() as u64,
            };
            return Ok((!records.is_empty()).then_some(records));
        }
        let mut reader = self.source.stream.read(&self.batch.info);
        let first = reader.next().await;
        self.from = From::Stream(reader);
        first
    }

    /// How much of the batch has been read, once there is no more.
    pub(crate) fn left(&self) -> Left {
        match &self.from {
            From::Begin | From::Object { found: 0 } => Left::None,
            From::Object { found } if *found < self.batch.info.batch_size => Left::Some,
            From::Object { .. } => Left::All,
            From::Stream(reader) => reader.left(),
        }
    }

    async fn kept(&self) -> Result<Option<Vec<Record>>, StreamError> {
        let Destination::Bucket(bucket) = self.source.destination else {
            return Ok(None);
        };
        match bucket.body(&self.message.receipt).await? {
            Some(body) => Ok(kept(&body)?),
            None => Ok(None),
        }
    }
}

/// The records in an object; none where it holds none. The Lambda guide shows the event as a text,
/// and what was recorded on AWS has it as an object.
fn kept(body: &[u8]) -> Result<Option<Vec<Record>>, serde_json::Error> {
    #[derive(Deserialize)]
    struct Object {
        payload: Option<Value>,
    }
    let Object { payload } = serde_json::from_slice(body)?;
    let event = match payload {
        Some(Value::String(text)) => serde_json::from_str(&text).unwrap_or_default(),
        payload => payload.unwrap_or_default(),
    };
    let records = event.get("Records").and_then(Value::as_array);
    let records = records.map(|records| records.iter().map(Record::of).collect());
    records.transpose()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// As it was recorded on AWS, but for names and numbers.
    fn object() -> Value {
        json!({
            "requestContext": {
                "requestId": "316aa6d0-8154-4ab1-9af7-85d5f4a6bc81",
                "functionArn": "arn:aws:lambda:eu-west-1:123456789012:function:cqrs-subscriber",
                "condition": "RetryAttemptsExhausted",
                "approximateInvokeCount": 2
            },
            "responseContext": {
                "statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"
            },
            "version": "1.0",
            "timestamp": "2026-11-14T00:13:49.717Z",
            "DDBStreamBatchInfo": {
                "shardId": "shardId-00000001573689847184-864758bb",
                "startSequenceNumber": "800000000003126276362",
                "endSequenceNumber": "800000000003126276362",
                "approximateArrivalOfFirstRecord": "2026-11-14T00:13:19Z",
                "approximateArrivalOfLastRecord": "2026-11-14T00:13:19Z",
                "batchSize": 1,
                "streamArn": "arn:aws:dynamodb:eu-west-1:123456789012:table/cqrs-WriteModel/stream/x"
            },
            "payload": {"Records": [{
                "eventID": "1", "eventName": "INSERT", "eventVersion": "1.1",
                "eventSource": "aws:dynamodb", "awsRegion": "eu-west-1",
                "dynamodb": {
                    "ApproximateCreationDateTime": 1_763_078_399,
                    "Keys": {"orderId": {"S": "o"}},
                    "NewImage": {"orderId": {"S": "o"}, "version": {"N": "1"}},
                    "SequenceNumber": "800000000003126276362", "SizeBytes": 54,
                    "StreamViewType": "NEW_AND_OLD_IMAGES"
                },
                "eventSourceARN": "arn:aws:dynamodb:eu-west-1:123456789012:table/cqrs-WriteModel/stream/x"
            }]}
        })
    }

    fn sequences(object: &Value) -> Option<Vec<String>> {
        let records = kept(object.to_string().as_bytes()).unwrap()?;
        Some(
            records
                .into_iter()
                .map(|record| record.about.sequence_number)
                .collect(),
        )
    }

    #[test]
    fn records_are_had_from_the_event_be_it_an_object_or_a_text() {
        let expected = Some(vec!["800000000003126276362".to_owned()]);
        let recorded = object();
        assert_eq!(sequences(&recorded), expected);
        let mut as_text = object();
        as_text["payload"] = json!(recorded["payload"].to_string());
        assert_eq!(sequences(&as_text), expected);
    }

    #[test]
    fn where_an_object_has_no_records_the_stream_is_left() {
        for payload in [json!(null), json!("<Whole Event>"), json!({"other": 1})] {
            let mut object = object();
            object["payload"] = payload;
            assert_eq!(sequences(&object), None);
        }
    }
}
