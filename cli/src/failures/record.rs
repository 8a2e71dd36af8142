//! A record of the stream as the subscriber is given it, with what it says of itself besides its
//! images.

use aws_smithy_types::DateTime;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use crate::domain::Named;

#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) about: About,
    /// When it was written, in seconds since 1970.
    pub(crate) written_at: Option<i64>,
    json: Box<RawValue>,
}

/// Which change it is.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct About {
    /// Its place in the stream; without one it stands before all others.
    pub(crate) sequence_number: String,
    pub(crate) event_name: Option<String>,
    /// The entity that it is about, under the name of its id: the only key there is.
    #[serde(flatten)]
    pub(crate) id: Option<Named<String>>,
    pub(crate) version: Option<String>,
}

impl AsRef<RawValue> for Record {
    fn as_ref(&self) -> &RawValue {
        &self.json
    }
}

impl Record {
    /// Reads what Lambda puts among an event's records.
    pub(crate) fn of(event: &Value) -> Result<Self, serde_json::Error> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let change = &event["dynamodb"];
        let images = [&change["NewImage"], &change["OldImage"]];
        let image = images.into_iter().find(|image| image.is_object());
        let key = change["Keys"]
            .as_object()
            .and_then(|keys| keys.iter().next());
        let written_at = change["ApproximateCreationDateTime"].as_f64();
        Ok(Self {
            about: About {
                sequence_number: text(&change["SequenceNumber"]).unwrap_or_default(),
                event_name: text(&event["eventName"]),
                id: key.and_then(|(name, value)| Some(Named::new(name, text(&value["S"])?))),
                version: image.and_then(|image| version(&image["version"])),
            },
            written_at: written_at.map(|seconds| DateTime::from_secs_f64(seconds).secs()),
            json: to_raw_value(event)?,
        })
    }
}

/// A version as an item has it.
fn version(attribute: &Value) -> Option<String> {
    let text = attribute["N"].as_str().or(attribute["S"].as_str());
    text.map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_record_says_what_it_is_about_also_when_it_is_a_removal_or_hardly_one() {
        let image = json!({"orderId": {"S": "o"}, "version": {"N": "3"}});
        let removal = json!({
            "eventName": "REMOVE",
            "dynamodb": {
                "ApproximateCreationDateTime": 1_700_000_000.25, "Keys": {"orderId": {"S": "o"}},
                "OldImage": image, "SequenceNumber": "000123",
            },
        });
        let record = Record::of(&removal).unwrap();
        let about = serde_json::to_value(&record.about).unwrap();
        let expected = json!({
            "sequenceNumber": "000123", "eventName": "REMOVE", "orderId": "o", "version": "3",
        });
        assert_eq!(about, expected);
        assert_eq!(record.written_at, Some(1_700_000_000));
        assert_eq!(record.as_ref().get(), removal.to_string());
        let hardly = Record::of(&json!("record")).unwrap().about;
        assert_eq!((hardly.sequence_number.as_str(), hardly.id), ("", None));
    }
}
