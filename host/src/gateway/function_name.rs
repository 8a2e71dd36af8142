//! The ways to name a function in a request's path: its name, its ARN with or without the parts
//! before the name, and each with a qualifier behind. (Lambda API reference, `Invoke`) What is refused
//! is refused in Lambda's words, as recorded on AWS.

use percent_encoding::percent_decode_str;

use super::respond::Refusal;
use crate::definition::{ACCOUNT, function_arn};
use crate::lambda::VERSION;

const PATTERN: &str = r"(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?";

/// A function as a request names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FunctionName {
    pub(super) name: String,
    /// A version or an alias.
    pub(super) qualifier: Option<String>,
    /// The account of the ARN is another.
    foreign: bool,
}

impl FunctionName {
    /// Reads a path's part, and the qualifier of the query string where there is one.
    pub(super) fn parse(
        part: &str,
        qualifier: Option<String>,
        region: &str,
    ) -> Result<Self, Refusal> {
        let text = percent_decode_str(part).decode_utf8_lossy();
        let parts: Vec<&str> = text.split(':').collect();
        let (place, account, rest) = match parts.as_slice() {
            ["arn", _, "lambda", place, account, "function", rest @ ..] => {
                (Some(*place), Some(*account), rest)
            }
            [account, "function", rest @ ..] if is_account(account) => (None, Some(*account), rest),
            [account, rest @ ..] if is_account(account) => (None, Some(*account), rest),
            ["function", rest @ ..] if !rest.is_empty() => (None, None, rest),
            rest => (None, None, rest),
        };
        let (name, own) = match rest {
            [name] if is_name(name) => (*name, None),
            [name, own] if is_name(name) => (*name, Some((*own).to_owned())),
            _ => {
                let message = format!(
                    "1 validation error detected: Value '{text}' at 'functionName' failed to \
                     satisfy constraint: Member must satisfy regular expression pattern: {PATTERN}"
                );
                return Err(Refusal::new(400, "ValidationException", message));
            }
        };
        if own.is_some() && qualifier.is_some() && own != qualifier {
            let message = "The derived qualifier from the function name does not match the \
                           specified qualifier.";
            return Err(Refusal::new(400, "InvalidParameterValueException", message));
        }
        if let Some(other) = place.filter(|place| *place != region) {
            let message =
                format!("Functions from '{other}' are not reachable in this region ('{region}')");
            return Err(Refusal::new(404, "ResourceNotFoundException", message));
        }
        Ok(Self {
            name: name.to_owned(),
            foreign: account.is_some_and(|account| account != ACCOUNT),
            qualifier: own.or(qualifier),
        })
    }

    /// Whether it can be a function of this machine, where there are no versions and no aliases.
    pub(super) fn can_be_here(&self) -> bool {
        !self.foreign && self.qualifier.as_deref().is_none_or(|own| own == VERSION)
    }

    /// The ARN that it stands for.
    pub(super) fn arn(&self, region: &str) -> String {
        let mut arn = function_arn(region, &self.name);
        if let Some(qualifier) = &self.qualifier {
            arn.push(':');
            arn.push_str(qualifier);
        }
        arn
    }
}

fn is_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    !text.is_empty() && text.chars().all(plain)
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.chars().all(|c| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(part: &str) -> Option<(String, Option<String>, bool)> {
        let name = FunctionName::parse(part, None, "eu-west-1").ok()?;
        let here = name.can_be_here();
        Some((name.name, name.qualifier, here))
    }

    #[test]
    fn a_function_is_named_by_name_or_arn_with_or_without_a_qualifier() {
        for part in [
            "f",
            "function:f",
            "000000000000:function:f",
            "000000000000:f",
            "arn:aws:lambda:eu-west-1:000000000000:function:f",
            "arn%3Aaws%3Alambda%3Aeu-west-1%3A000000000000%3Afunction%3Af",
        ] {
            assert_eq!(parse(part), Some(("f".to_owned(), None, true)), "{part}");
            let live = Some(("f".to_owned(), Some("live".to_owned()), false));
            assert_eq!(parse(&format!("{part}:live")), live, "{part}");
            let latest = Some(("f".to_owned(), Some(VERSION.to_owned()), true));
            assert_eq!(parse(&format!("{part}:%24LATEST")), latest, "{part}");
        }
        let other = Some(("f".to_owned(), None, false));
        assert_eq!(parse("123456789012:function:f"), other);
    }
}
