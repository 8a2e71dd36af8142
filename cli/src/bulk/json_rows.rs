//! Rows of JSON lines: in each line an object, as the publisher takes it to create an order.

use serde_json::Value;

use super::csv_rows::REASON;
use super::error::RowError;
use crate::domain::{Domain, Draft};

/// The draft in a line. A reason of an earlier run is not read.
pub(super) fn row(line: &[u8], domain: &Domain) -> Result<Draft, RowError> {
    let line = std::str::from_utf8(line).map_err(|_| RowError::NotUtf8)?;
    let mut value = pattern::json::read(line).map_err(|error| {
        let place = format!(" at line {} column {}", error.line(), error.column());
        let text = error.to_string();
        let what = text.strip_suffix(&place).unwrap_or(&text);
        RowError::NotJson(format!("{what}, at column {}", error.column()))
    })?;
    if let Value::Object(fields) = &mut value {
        fields.remove(REASON);
    }
    Ok(domain.draft_of(value)?)
}

/// Whether a line is a row that failed in an earlier run.
pub(super) fn has_reason(line: &[u8]) -> bool {
    let value: Option<Value> = serde_json::from_slice(line).ok();
    value.is_some_and(|value| value.get(REASON).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_what_the_publisher_takes_and_a_reason_is_left_out() {
        let line = br#"{"cliendId":"42","productId":"abc","quantity":2,"reason":"no"}"#;
        let row = row(line, &Domain::bundled());
        assert_eq!(
            serde_json::to_string(&row.unwrap()).unwrap(),
            r#"{"clientId":"42","productId":"abc","quantity":2}"#
        );
    }

    #[test]
    fn a_row_is_refused_in_the_publishers_words() {
        for (line, message) in [
            (
                &br#"{"clientId":"42","productId":"abc","color":"red"}"#[..],
                "color is not a field of this; known: command, clientId, cliendId, productId, \
                 quantity, idempotencyKey",
            ),
            (
                br#"{"clientId":42,"productId":"abc"}"#,
                "clientId must be a string, not a number",
            ),
            (
                br#"{"command":"ship","orderId":"o"}"#,
                "command must be create",
            ),
            (
                br#"{"clientId":"42","productId":"abc","quantity":1,"quantity":9}"#,
                "is no JSON: duplicate field `quantity`, at column 58",
            ),
            (b"17", "the command must be a JSON object, not a number"),
            (
                br#"{"clientId":"#,
                "is no JSON: EOF while parsing a value, at column 12",
            ),
            (b"{\"clientId\":\"\xff\"}", "is not UTF-8"),
        ] {
            assert_eq!(
                row(line, &Domain::bundled()).unwrap_err().to_string(),
                message
            );
        }
    }
}
