//! DynamoDB's JSON protocol: requests into the engine's types, answers and errors back into text.
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html>

use dynoxide::DynoxideError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use super::{Reply, StoreError};

/// The class of an error, by its message.
type Class = fn(String) -> DynoxideError;

/// What the engine's types say first in an error to tell DynamoDB's class of it, and the class.
/// Longer marks come before those that they begin with.
const MARKS: [(&str, Class); 5] = [
    ("VALIDATION_REQUEST:", DynoxideError::EnvelopedValidation),
    ("VALIDATION_AS_READ:", DynoxideError::ValidationException),
    ("VALIDATION:", DynoxideError::ValidationException),
    (
        "SERIALIZATION_AS_READ:",
        DynoxideError::SerializationException,
    ),
    ("SERIALIZATION:", DynoxideError::SerializationException),
];

/// What serde says of a request that DynamoDB reads but refuses.
const INVALID: [&str; 4] = [
    "missing field",
    "unknown variant",
    "invalid type: null",
    "AttributeValue",
];

/// Reads a request.
pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, DynoxideError> {
    let error = match serde_json::from_slice(body) {
        Ok(request) => return Ok(request),
        Err(error) => error,
    };
    match error.classify() {
        // DynamoDB says nothing more about what is no JSON.
        Category::Io | Category::Syntax | Category::Eof => {
            Err(DynoxideError::SerializationException(String::new()))
        }
        Category::Data => Err(classify(&error.to_string())),
    }
}

fn classify(message: &str) -> DynoxideError {
    let message = message
        .rsplit_once(" at line ")
        .map_or(message, |(message, _)| message);
    for (mark, class) in MARKS {
        if let Some(message) = message.strip_prefix(mark) {
            return class(message.to_owned());
        }
    }
    if INVALID.iter().any(|words| message.contains(words)) {
        DynoxideError::ValidationException(message.to_owned())
    } else {
        DynoxideError::SerializationException(message.to_owned())
    }
}

/// Writes an answer.
pub(super) fn write<T: Serialize>(answer: &T) -> Result<Vec<u8>, DynoxideError> {
    serde_json::to_vec(answer)
        .map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}

/// The answer of a call that failed.
pub(super) fn refusal(operation: &str, error: DynoxideError) -> Reply {
    let error = match (operation, error) {
        ("PutItem" | "UpdateItem" | "DeleteItem", DynoxideError::EnvelopedValidation(message)) => {
            DynoxideError::ValidationException(format!("1 validation error detected: {message}"))
        }
        (
            "ExecuteStatement",
            DynoxideError::ConditionalCheckFailedException(message, Some(item)),
        ) => DynoxideError::StatementConditionalCheckFailed(message, item),
        (_, error) if is_full(&error) => {
            DynoxideError::InternalServerError(StoreError::Full.to_string())
        }
        (_, error) => error,
    };
    Reply {
        status: error.status_code(),
        body: error.to_json().into(),
    }
}

/// The answer to a call that is not available here.
pub(super) fn not_implemented(operation: &str) -> Reply {
    let message = format!(
        "dynamodb: {operation} is not available with --local. What is there: the operations on \
         items, transactions and PartiQL statements, those on tables with their time to live and \
         tags, and the streams."
    );
    let body = serde_json::json!({
        "__type": "com.amazon.coral.service#NotImplemented",
        "message": message,
    });
    Reply {
        status: 501,
        body: body.to_string().into(),
    }
}

/// The answer of an engine that is gone.
pub(super) fn stopped() -> Reply {
    let error = StoreError::from(super::engine::Stopped).to_string();
    refusal("", DynoxideError::InternalServerError(error))
}

/// The engine's error where nobody called DynamoDB's API.
pub(super) fn store_error(error: DynoxideError) -> StoreError {
    if is_full(&error) {
        return StoreError::Full;
    }
    match error {
        DynoxideError::SqliteError(error) => error.into(),
        error => StoreError::Unusable(error.to_string()),
    }
}

/// The engine tells some of SQLite's errors by their text alone.
fn is_full(error: &DynoxideError) -> bool {
    match error {
        DynoxideError::SqliteError(error) => {
            error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull)
        }
        DynoxideError::InternalServerError(message) => message.contains("database or disk is full"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(reply: &Reply) -> serde_json::Value {
        serde_json::from_slice(&reply.body).unwrap()
    }

    #[test]
    fn a_mark_of_the_engine_is_the_class_and_never_the_message() {
        for (text, class, message) in [
            (
                "VALIDATION:a at line 1 column 2",
                "com.amazon.coral.validate#ValidationException",
                "a",
            ),
            (
                "VALIDATION_REQUEST:b",
                "com.amazon.coral.validate#ValidationException",
                "b",
            ),
            (
                "missing field `TableName`",
                "com.amazon.coral.validate#ValidationException",
                "missing field `TableName`",
            ),
        ] {
            let body = body(&refusal("GetItem", classify(text)));
            assert_eq!(body["__type"], class, "{text}");
            assert_eq!(body["message"], message);
        }
        let body = body(&refusal("GetItem", classify("SERIALIZATION:c")));
        assert_eq!(
            body["__type"],
            "com.amazon.coral.service#SerializationException"
        );
        assert_eq!(body["Message"], "c");
    }

    #[test]
    fn writes_of_one_item_wrap_what_their_request_is_refused_for() {
        let error = || DynoxideError::EnvelopedValidation("x".to_owned());
        let wrapped = body(&refusal("PutItem", error()));
        assert_eq!(wrapped["message"], "1 validation error detected: x");
        assert_eq!(body(&refusal("Query", error()))["message"], "x");
    }

    #[test]
    fn a_full_disk_is_said_to_be_one() {
        for error in [
            DynoxideError::SqliteError(rusqlite::Error::SqliteFailure(
                rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_FULL),
                None,
            )),
            DynoxideError::InternalServerError("storage: database or disk is full".to_owned()),
        ] {
            let reply = refusal("PutItem", error);
            assert_eq!(reply.status, 500);
            let body = body(&reply);
            assert!(
                body["__type"]
                    .as_str()
                    .unwrap()
                    .ends_with("#InternalServerError"),
                "{body}"
            );
            assert_eq!(body["message"], "the disk that holds the tables is full");
        }
    }
}
