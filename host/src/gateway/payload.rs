//! What a caller hands to a function: a payload, which must be JSON, and a context.
//!
//! What is no JSON is refused in the words of Lambda's own parser, as recorded on AWS for what
//! `aws lambda invoke` sends when it takes a text for base64.

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
        Ok(_) => Err(fault(&payload, "Invalid UTF-8 in a text")),
        Err(error) => Err(fault(&payload, &error.to_string())),
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

fn fault(payload: &[u8], otherwise: &str) -> String {
    const VALUES: &str = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')";
    let at = payload.iter().position(|byte| !byte.is_ascii_whitespace());
    let at = at.unwrap_or(payload.len());
    let value = &payload[at..];
    let (what, place) = match value.first() {
        Some(first) if first.is_ascii_alphabetic() => {
            let length = value.iter().position(|byte| !byte.is_ascii_alphanumeric());
            let token = &value[..length.unwrap_or(value.len())];
            let next = value.get(token.len());
            match next.filter(|next| !next.is_ascii()) {
                Some(next) => (
                    format!("Invalid UTF-8 start byte 0x{next:x}"),
                    at + token.len() + 2,
                ),
                None if [&b"null"[..], b"true", b"false"].contains(&token) => {
                    (otherwise.to_owned(), at + token.len() + 1)
                }
                None => {
                    let token = String::from_utf8_lossy(token);
                    let what = format!("Unrecognized token '{token}': was expecting {VALUES}");
                    (what, at + token.len() + 1)
                }
            }
        }
        Some(first) if !b"{[\"-0123456789".contains(first) => {
            let shown = match first {
                0..=31 | 127..=159 => format!("(CTRL-CHAR, code {first})"),
                _ => format!("'{}' (code {first})", char::from(*first)),
            };
            (
                format!("Unexpected character ({shown}): expected a valid value {VALUES}"),
                at + 1,
            )
        }
        _ => (otherwise.to_owned(), at + 1),
    };
    let line = payload[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
    format!(
        "Could not parse request body into json: Could not parse payload into json: {what}\n at \
         [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: {line}, \
         column: {place}]"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `test_lambda_invoke_payload_encoding_error`
    #[test]
    fn what_is_no_json_is_refused_as_recorded() {
        for (payload, told) in [
            (
                &b"n\x87r\x9e\xe9\xb5\xd7I\xee\x9bmt"[..],
                "Invalid UTF-8 start byte 0x87\n at [Source: REDACTED \
                 (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: 1, column: 3]",
            ),
            (
                b"\x99\xeb,j\x07\xa1zYh",
                "Unexpected character ((CTRL-CHAR, code 153)): expected a valid value (JSON String, \
                 Number, Array, Object or token 'null', 'true' or 'false')\n at [Source: REDACTED \
                 (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: 1, column: 1]",
            ),
        ] {
            let expected = format!(
                "Could not parse request body into json: Could not parse payload into json: {told}"
            );
            assert_eq!(check(payload.into()), Err(expected));
        }
        for payload in [
            &b"{"[..],
            b"hello",
            b"null x",
            b"\"\xff\"",
            b"{}{",
            b" ",
            b"'",
        ] {
            assert!(check(payload.into()).is_err(), "{payload:?}");
        }
        assert_eq!(check(Bytes::new()).unwrap(), "{}");
    }

    #[test]
    fn a_context_is_json_that_fits_into_a_header() {
        let context = |json: &str| client_context(STANDARD.encode(json).as_bytes());
        let json = "{\"custom\": {\"foo\": \"b\u{e9}\u{1f980}\"}}";
        let sent = context(json).unwrap();
        assert!(sent.is_ascii());
        let (given, sent): (Value, Value) = (
            serde_json::from_str(json).unwrap(),
            serde_json::from_str(&sent).unwrap(),
        );
        assert_eq!(sent, given);
        assert_eq!(context("no JSON"), None);
        assert_eq!(context("[]"), None);
        assert_eq!(client_context(b"*"), None);
    }
}
