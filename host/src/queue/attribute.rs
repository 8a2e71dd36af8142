//! Message attributes, and the digests by which clients check what they sent and got.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};

use super::error::{Code, Failure};

/// Message attributes by name.
pub(super) type Attributes = BTreeMap<String, Attribute>;

/// The most that a message can have. (SQS guide, "Amazon SQS message quotas")
const MAXIMUM: usize = 10;

/// A message attribute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attribute {
    /// `String`, `Number` or `Binary`, and a label after a dot where the sender gave one.
    pub(super) data_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) string_value: Option<String>,
    /// Base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) binary_value: Option<String>,
}

impl Attribute {
    fn is_binary(&self) -> bool {
        self.data_type.split('.').next() == Some("Binary")
    }

    /// The value's bytes; [`None`] where it has none, or is not of its type.
    fn value(&self) -> Option<Vec<u8>> {
        if self.is_binary() {
            STANDARD.decode(self.binary_value.as_deref()?).ok()
        } else {
            Some(self.string_value.clone()?.into_bytes())
        }
    }
}

/// Checks attributes that a client sent.
pub(super) fn check(attributes: &Attributes) -> Result<(), Failure> {
    let refuse = |text: String| Failure::Refused(Code::InvalidParameterValue, text);
    if attributes.len() > MAXIMUM {
        return Err(refuse(format!(
            "Number of message attributes [{}] exceeds the allowed maximum [{MAXIMUM}].",
            attributes.len()
        )));
    }
    for (name, attribute) in attributes {
        let known = name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b));
        if name.is_empty() || name.len() > 256 || !known {
            return Err(refuse(format!(
                "The message attribute name '{name}' is invalid. A name has 1 to 256 letters, \
                 digits, underscores, hyphens and periods."
            )));
        }
        let kind = attribute.data_type.split('.').next().unwrap_or_default();
        if !matches!(kind, "String" | "Number" | "Binary") {
            return Err(refuse(format!(
                "The type of message (user) attribute '{name}' is invalid. You must use only the \
                 following supported type prefixes: Binary, Number, String."
            )));
        }
        if attribute.value().is_none_or(|value| value.is_empty()) {
            return Err(refuse(format!(
                "The message (user) attribute '{name}' must contain a non-empty value of type \
                 '{kind}'."
            )));
        }
    }
    Ok(())
}

/// What attributes add to a message's size, in bytes: names, types and values.
pub(super) fn size(attributes: &Attributes) -> usize {
    let one = |(name, attribute): (&String, &Attribute)| {
        let value = attribute.value().unwrap_or_default();
        name.len() + attribute.data_type.len() + value.len()
    };
    attributes.iter().map(one).sum()
}

/// The digest of a message's body.
pub(super) fn digest_of_body(body: &str) -> String {
    hex(Md5::digest(body.as_bytes()).as_slice())
}

/// The digest of attributes: name, type and value of each in the order of their names, each behind
/// its length, the value behind a byte for its kind. (SQS guide, "Calculating the MD5 message digest
/// for message attributes")
pub(super) fn digest_of_attributes(attributes: &Attributes) -> String {
    let mut digest = Md5::new();
    for (name, attribute) in attributes {
        let value = attribute.value().unwrap_or_default();
        update(&mut digest, name.as_bytes());
        update(&mut digest, attribute.data_type.as_bytes());
        digest.update([if attribute.is_binary() { 2 } else { 1 }]);
        update(&mut digest, &value);
    }
    hex(digest.finalize().as_slice())
}

fn update(digest: &mut Md5, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    digest.update(length.to_be_bytes());
    digest.update(bytes);
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(32), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}
