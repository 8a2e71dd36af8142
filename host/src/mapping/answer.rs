//! What a function's answer says of its batch.
//!
//! The rules are those of the Lambda guide's page "Configuring partial batch response with DynamoDB
//! and Lambda" (services-ddb-batchfailurereporting).

use serde_json::Value;

/// What came of a batch that its function answered without an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// All of it is done.
    Done,
    /// The records before this place in the batch are done; the rest is to be delivered again.
    From(usize),
    /// None of it counts as done: the answer cannot be understood.
    Malformed,
}

/// Reads the answer of a function that reports item failures. `place` finds a sequence number in
/// the batch.
///
/// Complete success: no body, `null`, `{}`, an empty list (AWS takes `[]` for the whole answer
/// too), and no, a null or an empty `batchItemFailures`. Several failures: the lowest counts.
/// Anything else fails the whole batch: an empty, a null or a missing `itemIdentifier`, one that is
/// no record of this batch, another type, or no JSON.
pub(super) fn read(payload: &[u8], place: impl Fn(&str) -> Option<usize>) -> Answer {
    if payload.trim_ascii().is_empty() {
        return Answer::Done;
    }
    let Ok(answer) = serde_json::from_slice::<Value>(payload) else {
        return Answer::Malformed;
    };
    let failures = match answer {
        Value::Null => return Answer::Done,
        Value::Array(list) if list.is_empty() => return Answer::Done,
        // The empty answer of a runtime that turns everything into JSON.
        Value::String(text) if text.is_empty() => return Answer::Done,
        Value::Object(mut fields) => match fields.remove("batchItemFailures") {
            None | Some(Value::Null) => return Answer::Done,
            Some(Value::Array(failures)) => failures,
            Some(_) => return Answer::Malformed,
        },
        _ => return Answer::Malformed,
    };
    let mut lowest = None;
    for failure in &failures {
        let identifier = failure.get("itemIdentifier").and_then(Value::as_str);
        let Some(at) = identifier.and_then(&place) else {
            return Answer::Malformed;
        };
        lowest = Some(lowest.map_or(at, |lowest: usize| lowest.min(at)));
    }
    lowest.map_or(Answer::Done, Answer::From)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(payload: &str) -> Answer {
        read(payload.as_bytes(), |text| {
            ["101", "102", "103"]
                .iter()
                .position(|number| *number == text)
        })
    }

    #[test]
    fn nothing_reported_is_complete_success() {
        for payload in [
            "",
            " \n",
            "null",
            "{}",
            "[]",
            r#""""#,
            r#"{"batchItemFailures":[]}"#,
            r#"{"batchItemFailures":null}"#,
            r#"{"something":"else"}"#,
        ] {
            assert_eq!(of(payload), Answer::Done, "{payload}");
        }
    }

    #[test]
    fn the_lowest_of_the_reported_records_counts() {
        for (payload, at) in [
            (r#"{"batchItemFailures":[{"itemIdentifier":"101"}]}"#, 0),
            (r#"{"batchItemFailures":[{"itemIdentifier":"103"}]}"#, 2),
            (
                r#"{"batchItemFailures":[{"itemIdentifier":"103"},{"itemIdentifier":"102"}]}"#,
                1,
            ),
            (
                r#"{"batchItemFailures":[{"itemIdentifier":"102"},{"itemIdentifier":"102"}],"more":1}"#,
                1,
            ),
        ] {
            assert_eq!(of(payload), Answer::From(at), "{payload}");
        }
    }

    #[test]
    fn what_cannot_be_understood_fails_the_batch() {
        for payload in [
            r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":null}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":101}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":"999"}]}"#,
            r#"{"batchItemFailures":[{"foo":"101"}]}"#,
            r#"{"batchItemFailures":[{"foo":null}]}"#,
            r#"{"batchItemFailures":["101"]}"#,
            r#"{"batchItemFailures":[null]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":"102"},{"itemIdentifier":""}]}"#,
            r#"{"batchItemFailures":{}}"#,
            r#"{"batchItemFailures":"101"}"#,
            r#"{"batchItemFailures":false}"#,
            r#"[{"itemIdentifier":"101"}]"#,
            r#""101""#,
            "true",
            "7",
            "{",
            "not JSON",
        ] {
            assert_eq!(of(payload), Answer::Malformed, "{payload}");
        }
    }
}
