//! How long and how deep an expression may be. The engine's parser recurses and knows no bound but
//! the length, so what DynamoDB would refuse for its operators is refused before it gets there.
//!
//! DynamoDB allows 4 KB an expression, and 300 operators and functions in it ("Service, account, and
//! table quotas", "Expression parameters"). Parentheses that hold no operator of their own are
//! refused as redundant there, so nothing that it takes nests deeper than its operators are many.
//! `PartiQL` has bounds of its own in the engine.

use dynoxide::DynoxideError;

/// In bytes. The engine refuses longer ones in DynamoDB's words, and reads none of them.
const MAXIMUM_LENGTH: usize = 4_096;
/// Operators and functions of an expression, and so levels of parentheses.
const MAXIMUM_OPERATORS: usize = 300;
/// Parentheses in a whole request with which a call may run on any thread's stack.
const SHALLOW: usize = 24;

/// The parameters that are expressions.
const PARAMETERS: [&str; 4] = [
    "ConditionExpression",
    "FilterExpression",
    "KeyConditionExpression",
    UPDATE,
];
const UPDATE: &str = "UpdateExpression";

/// Whether no expression in the request can nest so deep that it needs much of a stack.
pub(super) fn is_shallow(body: &[u8]) -> bool {
    body.iter().filter(|&&byte| byte == b'(').count() <= SHALLOW
}

/// Whether an expression in a request of this size can be beyond the bounds: an operator has two
/// letters at least, with the space around it.
pub(super) fn may_exceed(body: &[u8]) -> bool {
    body.len() > 2 * MAXIMUM_OPERATORS
}

/// Refuses an expression that is beyond the bounds; `parameter` may be any of a request's.
pub(super) fn check(parameter: &str, expression: &str) -> Result<(), DynoxideError> {
    if !PARAMETERS.contains(&parameter) || expression.len() > MAXIMUM_LENGTH {
        return Ok(());
    }
    let Size { operators, depth } = Size::of(parameter == UPDATE, expression);
    let refused = if operators > MAXIMUM_OPERATORS {
        format!("The expression contains too many operators; operator count: {operators}")
    } else if depth > MAXIMUM_OPERATORS {
        format!("The expression is nested too deep; levels of parentheses: {depth}")
    } else {
        return Ok(());
    };
    let message = format!("Invalid {parameter}: {refused}");
    Err(DynoxideError::ValidationException(message))
}

/// How large an expression is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Size {
    operators: usize,
    depth: usize,
}

impl Size {
    fn of(is_update: bool, expression: &str) -> Self {
        let mut size = Self::default();
        let mut open: usize = 0;
        // The word before this place, which a parenthesis makes a function.
        let mut word = "";
        // `AND` is part of the `BETWEEN` before it.
        let mut between = false;
        let mut rest = expression;
        while let Some(first) = rest.chars().next() {
            let length = match first {
                _ if is_of_word(first) => rest
                    .find(|character| !is_of_word(character))
                    .unwrap_or(rest.len()),
                '<' if rest.starts_with("<>") || rest.starts_with("<=") => 2,
                '>' if rest.starts_with(">=") => 2,
                _ => first.len_utf8(),
            };
            let (token, after) = rest.split_at(length);
            rest = after;
            let is_operator = match token {
                "(" => {
                    open += 1;
                    size.depth = size.depth.max(open);
                    !word.is_empty() && !is_keyword(word)
                }
                ")" => {
                    open = open.saturating_sub(1);
                    false
                }
                "=" => !is_update,
                "<>" | "<" | "<=" | ">" | ">=" => true,
                "+" | "-" => is_update,
                _ if token.eq_ignore_ascii_case("AND") => !std::mem::take(&mut between),
                _ if token.eq_ignore_ascii_case("BETWEEN") => {
                    between = true;
                    true
                }
                _ => ["OR", "NOT", "IN"]
                    .iter()
                    .any(|operator| token.eq_ignore_ascii_case(operator)),
            };
            size.operators += usize::from(is_operator);
            if !first.is_whitespace() {
                word = if is_of_word(first) { token } else { "" };
            }
        }
        size
    }
}

fn is_of_word(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '#' | ':')
}

fn is_keyword(word: &str) -> bool {
    let keywords = [
        "AND", "OR", "NOT", "IN", "BETWEEN", "SET", "ADD", "REMOVE", "DELETE",
    ];
    keywords
        .iter()
        .any(|keyword| word.eq_ignore_ascii_case(keyword))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operators(is_update: bool, expression: &str) -> usize {
        Size::of(is_update, expression).operators
    }

    #[test]
    fn operators_are_counted_as_dynamodb_counts_them() {
        for (expression, count) in [
            ("a = :a", 1),
            ("a = :a AND NOT (b <> :b OR c >= :c)", 6),
            ("a BETWEEN :a AND :b AND c < :c", 3),
            ("a IN (:a, :b) or size (b) > :b", 4),
            ("attribute_exists(a) and begins_with(#b, :b)", 3),
        ] {
            assert_eq!(operators(false, expression), count, "{expression}");
        }
        let update = "SET a = :a + :b - :c, b = if_not_exists(b, :b) REMOVE c[0] ADD d :d";
        assert_eq!(operators(true, update), 3);
    }

    #[test]
    fn an_expression_at_the_bound_is_let_through_and_one_beyond_it_is_not() {
        let nots = |count: usize| format!("{}a", "NOT ".repeat(count));
        let nested = |depth: usize| format!("{}a{}", "(".repeat(depth), ")".repeat(depth));
        for parameter in PARAMETERS {
            for at_the_bound in [nots(300), nested(300)] {
                assert!(check(parameter, &at_the_bound).is_ok(), "{at_the_bound}");
            }
            for beyond in [nots(301), nested(301), "(".repeat(1_700)] {
                let refused = check(parameter, &beyond).unwrap_err().to_string();
                assert!(refused.starts_with(&format!("Invalid {parameter}: ")));
            }
        }
        let refused = check("FilterExpression", &nots(301)).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "Invalid FilterExpression: The expression contains too many operators; operator count: 301"
        );
        assert!(check("ProjectionExpression", &nots(301)).is_ok());
    }
}
