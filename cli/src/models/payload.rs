//! What the functions are given to work on: items and records as DynamoDB has them, in portions
//! that Lambda takes.

use pattern::payload::Token;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::app::handler::Handler;
use crate::stack::functions::{FunctionError, MAX_DOCUMENTS};

/// Lambda takes 6 MB of payload.
pub(crate) const MOST_BYTES: usize = 4_000_000;

/// What the subscriber is given by hand: `{"project":{"items":[…]}}`.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct ByHand<'a> {
    pub(crate) project: Project<'a>,
}

/// One of what it takes.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Project<'a> {
    Items(&'a [&'a RawValue]),
    /// Ids and last versions of what the table no longer has.
    Removed(&'a [&'a RawValue]),
    /// Items, each with the mark of what it is to replace.
    Replaced(&'a [&'a RawValue]),
    Records(&'a [&'a RawValue]),
    Begin(&'a Token),
    Complete(&'a Token),
    /// The place of the cache to go on from.
    Outdated(u64),
}

/// Parts as they are given to that function.
pub(super) fn raw_parts(
    parts: impl Iterator<Item = impl Serialize>,
    handler: Handler,
) -> Result<Vec<Box<RawValue>>, FunctionError> {
    let parts = parts.map(|part| to_raw_value(&part));
    parts
        .collect::<Result<_, _>>()
        .map_err(|source| FunctionError::Unintelligible {
            function: handler.to_string(),
            source,
        })
}

/// Parts in runs that fit into one invocation.
pub(crate) fn portions<T: AsRef<RawValue>>(parts: &[T]) -> impl Iterator<Item = &[T]> {
    let mut rest = parts;
    std::iter::from_fn(move || {
        let mut size = 0;
        let fitting = rest.iter().take(MAX_DOCUMENTS).take_while(|part| {
            size += part.as_ref().get().len() + 1;
            size <= MOST_BYTES
        });
        let count = fitting.count().max(1).min(rest.len());
        let (portion, after) = rest.split_at(count);
        rest = after;
        (!portion.is_empty()).then_some(portion)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_given_in_order_in_portions_that_lambda_takes() {
        let part = |size: usize| to_raw_value(&"x".repeat(size)).unwrap();
        let half = MOST_BYTES / 2;
        let parts = [half, half, 10, MOST_BYTES + 1, 10].map(part);
        let sizes =
            |parts: &[Box<RawValue>]| -> Vec<usize> { portions(parts).map(<[_]>::len).collect() };
        assert_eq!(sizes(&parts), [1, 2, 1, 1]);
        assert_eq!(sizes(&vec![part(1); MAX_DOCUMENTS + 1]), [MAX_DOCUMENTS, 1]);
        assert_eq!(sizes(&[]), [0; 0]);
    }
}
