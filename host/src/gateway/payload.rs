//! What a caller hands to a function: a payload, which must be JSON, and a context.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::de::IgnoredAny;
use serde_json::Value;

/// Lambda hands functions JSON only, and an empty object where there is no payload.
pub(super) fn check(payload: Bytes) -> Result<Bytes, String> {
    if payload.is_empty() {
        return Ok(Bytes::from_static(b"{}"));
    }
    match serde_json::from_slice::<IgnoredAny>(&payload) {
        Ok(_) if std::str::from_utf8(&payload).is_ok() => Ok(payload),
        Ok(_) => Err(fault("Invalid UTF-8 in a text")),
        Err(error) => Err(fault(&error.to_string())),
    }
}

/// The context that the SDKs send as base64, as JSON in ASCII, as which it fits into a header.
pub(super) fn client_context(header: &[u8]) -> Option<String> {
    let json = STANDARD.decode(header).ok()?;
    let context: Value = serde_json::from_slice(&json).ok()?;
    let mut text = String::with_capacity(json.len());
    for c in context.as_object().map(|_| context.to_string())?.chars() {
        let mut units = [0; 2];
        if c.is_ascii() {
            text.push(c);
        } else {
            let units = c.encode_utf16(&mut units).iter();
            units.for_each(|unit| text.push_str(&format!("\\u{unit:04x}")));
        }
    }
    Some(text)
}

fn fault(what: &str) -> String {
    format!(
        "Could not parse request body into json: Could not parse payload into json: {what}. The AWS \
         CLI, version 2, takes a text as it is only with `--cli-binary-format raw-in-base64-out`."
    )
}
