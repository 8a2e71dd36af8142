//! What the operations on batches have in common.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::error::{Code, Failure};
use super::request::Entry;

/// The most entries of a batch.
const MAXIMUM_ENTRIES: usize = 10;

/// Checks what all batches must be.
pub(super) fn check_entries<T>(entries: &[Entry<T>]) -> Result<(), Failure> {
    let refuse = |code, text: String| Err(Failure::Refused(code, text));
    if entries.is_empty() {
        let text = "There should be at least one entry in the request.".to_owned();
        return refuse(Code::EmptyBatchRequest, text);
    }
    if entries.len() > MAXIMUM_ENTRIES {
        return refuse(
            Code::TooManyEntriesInBatchRequest,
            format!(
                "Maximum number of entries per request are {MAXIMUM_ENTRIES}. You have sent {}.",
                entries.len()
            ),
        );
    }
    let mut seen = HashSet::new();
    for Entry { id, .. } in entries {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if id.is_empty() || id.len() > 80 || !id.bytes().all(known) {
            return refuse(
                Code::InvalidBatchEntryId,
                "A batch entry id can only contain alphanumeric characters, hyphens and \
                 underscores. It can be at most 80 letters long."
                    .to_owned(),
            );
        }
        if !seen.insert(id) {
            return refuse(Code::BatchEntryIdsNotDistinct, format!("Id {id} repeated."));
        }
    }
    Ok(())
}

/// Does each entry of a batch. One that is refused is a result of its own; a journal that cannot be
/// used fails the batch.
pub(super) fn each<T>(
    entries: Vec<Entry<T>>,
    mut work: impl FnMut(T) -> Result<Map<String, Value>, Failure>,
) -> Result<Value, Failure> {
    let mut successful = Vec::new();
    let mut failed = Vec::new();
    for Entry { id, content } in entries {
        match work(content) {
            Ok(mut result) => {
                result.insert("Id".to_owned(), id.into());
                successful.push(Value::Object(result));
            }
            Err(Failure::Refused(code, message)) => failed.push(json!({
                "Id": id,
                "Code": code.query(),
                "Message": message,
                "SenderFault": true,
            })),
            Err(failure) => return Err(failure),
        }
    }
    let mut results = json!({"Successful": successful});
    if !failed.is_empty() {
        results["Failed"] = failed.into();
    }
    Ok(results)
}
