//! The template as CloudFormation gets it: JSON without comments and spaces, which is about half of
//! the file, in the file's order, so that the same file is always the same text.
//!
//! What YAML 1.1 means by a text without quotes is kept: CloudFormation reads the file by it.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::yaml::{Node, Value};

/// The whole of a document.
pub(super) fn write(node: &Node) -> String {
    // All keys are texts, so that there always is a JSON form.
    serde_json::to_string(node).unwrap_or_default()
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some(tag) = self.tag.as_deref() else {
            return self.value.serialize(serializer);
        };
        let function = match tag {
            "Ref" | "Condition" => tag.to_owned(),
            other => format!("Fn::{other}"),
        };
        let mut call = serializer.serialize_map(Some(1))?;
        match (&self.value, tag) {
            // `!GetAtt Table.Arn`; an attribute's name may have dots of its own.
            (Value::Scalar { text, .. }, "GetAtt") => {
                let (resource, attribute) = text.split_once('.').unwrap_or((text, ""));
                call.serialize_entry(&function, &[resource, attribute])?;
            }
            (Value::Scalar { text, .. }, _) => call.serialize_entry(&function, text)?,
            (value, _) => call.serialize_entry(&function, value)?,
        }
        call.end()
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Scalar { text, plain: true } => plain(text, serializer),
            Self::Scalar { text, plain: false } => serializer.serialize_str(text),
            Self::Sequence(items) => serializer.collect_seq(items),
            Self::Mapping(entries) => {
                serializer.collect_map(entries.iter().map(|entry| (&entry.key, &entry.value)))
            }
        }
    }
}

fn plain<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => serializer.serialize_unit(),
        "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => {
            serializer.serialize_bool(true)
        }
        "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => {
            serializer.serialize_bool(false)
        }
        text => match number(text) {
            Some(number) => number.serialize(serializer),
            None => serializer.serialize_str(text),
        },
    }
}

/// A number as it is written, where JSON has it in the same form. One with zeros in front, such as an
/// account's id, is a text, as it is for whoever wrote it.
fn number(text: &str) -> Option<&RawValue> {
    let mut bytes = text.bytes();
    let is_plain = bytes.all(|byte| matches!(byte, b'0'..=b'9' | b'-' | b'.'));
    is_plain.then(|| serde_json::from_str(text).ok()).flatten()
}
