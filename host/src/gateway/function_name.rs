//! The ways to name a function in a request's path: its name, its ARN with or without the parts
//! before the name, and each with a qualifier behind. (Lambda API reference, `Invoke`) What is refused
//! is refused in Lambda's words, as recorded on AWS.

use percent_encoding::percent_decode_str;

use crate::definition::ACCOUNT;

const NAME_PATTERN: &str = r"(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?";
const QUALIFIER_PATTERN: &str = r"\$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+";
const LONGEST_QUALIFIER: usize = 128;

/// The only version here.
pub(super) const LATEST: &str = "$LATEST";

/// A function as a request names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FunctionName {
    pub(super) name: String,
    /// A version or an alias.
    pub(super) qualifier: Option<String>,
    /// The account of the ARN is another.
    foreign: bool,
}

/// Why a request names no function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unnamed {
    /// The name, the qualifier or both are none, for these reasons.
    Invalid(Vec<String>),
    /// They name different versions.
    Mismatch,
    /// It is a function of this region.
    Elsewhere(String),
}

impl FunctionName {
    /// Reads a path's part, and the qualifier of the query string where there is one.
    pub(super) fn parse(
        part: &str,
        qualifier: Option<String>,
        region: &str,
    ) -> Result<Self, Unnamed> {
        let text = percent_decode_str(part).decode_utf8_lossy();
        let parts = Parts::of(&text);
        let mut errors = Vec::new();
        if let Some(given) = &qualifier {
            errors.extend(qualifier_fault(given));
        }
        let Some(parts) = parts.filter(|_| errors.is_empty()) else {
            if Parts::of(&text).is_none() {
                let rule = "Member must satisfy regular expression pattern";
                errors.push(fault(&text, "functionName", rule, NAME_PATTERN));
            }
            return Err(Unnamed::Invalid(errors));
        };
        if parts.qualifier.is_some()
            && qualifier.is_some()
            && parts.qualifier != qualifier.as_deref()
        {
            return Err(Unnamed::Mismatch);
        }
        if let Some(other) = parts.region.filter(|other| *other != region) {
            return Err(Unnamed::Elsewhere(other.to_owned()));
        }
        Ok(Self {
            name: parts.name.to_owned(),
            foreign: parts.account.is_some_and(|account| account != ACCOUNT),
            qualifier: parts.qualifier.map(str::to_owned).or(qualifier),
        })
    }

    /// Whether it can be a function of this machine, where there are no versions and no aliases.
    pub(super) fn can_be_here(&self) -> bool {
        !self.foreign && self.qualifier.as_deref().is_none_or(|own| own == LATEST)
    }

    /// The ARN that it stands for.
    pub(super) fn arn(&self, region: &str) -> String {
        let name = &self.name;
        let mut arn = format!("arn:aws:lambda:{region}:{ACCOUNT}:function:{name}");
        if let Some(qualifier) = &self.qualifier {
            arn.push(':');
            arn.push_str(qualifier);
        }
        arn
    }
}

fn qualifier_fault(given: &str) -> Option<String> {
    let takes = |c: char| is_plain(c) || c == '$';
    if given.chars().count() > LONGEST_QUALIFIER {
        let rule = "Member must have length less than or equal to";
        return Some(format!(
            "Value '{given}' at 'qualifier' failed to satisfy constraint: {rule} {LONGEST_QUALIFIER}"
        ));
    }
    let fits = !given.is_empty() && given.chars().all(takes) || given == "$LATEST.PUBLISHED";
    let rule = "Member must satisfy regular expression pattern";
    (!fits).then(|| fault(given, "qualifier", rule, QUALIFIER_PATTERN))
}

fn fault(value: &str, member: &str, rule: &str, pattern: &str) -> String {
    format!("Value '{value}' at '{member}' failed to satisfy constraint: {rule}: {pattern}")
}

/// What [`NAME_PATTERN`] finds in a text.
struct Parts<'a> {
    region: Option<&'a str>,
    account: Option<&'a str>,
    name: &'a str,
    qualifier: Option<&'a str>,
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Option<Self> {
        let parts: Vec<&str> = text.split(':').collect();
        let mut rest = match parts.as_slice() {
            ["arn", partition, "lambda", rest @ ..] if is_partition(partition) => rest,
            all => all,
        };
        // What may stand before the name does so only where something follows.
        let mut take = |is_it: fn(&str) -> bool| match rest {
            [first, more @ ..] if !more.is_empty() && is_it(first) => {
                rest = more;
                Some(*first)
            }
            _ => None,
        };
        let region = take(is_region);
        let account = take(is_account);
        take(|part| part == "function");
        let (name, qualifier) = match rest {
            [name] => (*name, None),
            [name, qualifier] => (*name, Some(*qualifier)),
            _ => return None,
        };
        let is_name = !name.is_empty() && name.chars().all(|c| is_plain(c) || c == '.');
        (is_name && qualifier.is_none_or(is_qualifier)).then_some(Self {
            region,
            account,
            name,
            qualifier,
        })
    }
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || c == '_'
}

fn is_partition(text: &str) -> bool {
    let rest = text.strip_prefix("aws");
    text.is_empty()
        || rest.is_some_and(|rest| rest.chars().all(|c| c.is_ascii_alphabetic() || c == '-'))
}

/// `eu-west-1`, `us-gov-east-1`, `eusc-de-east-1`.
fn is_region(text: &str) -> bool {
    let words: Vec<&str> = text
        .strip_prefix("eusc-")
        .unwrap_or(text)
        .split('-')
        .collect();
    let (country, direction, number) = match words.as_slice() {
        [country, direction, number] => (country, direction, number),
        [country, part, direction, number] if *part == "gov" || part.starts_with("iso") => {
            (country, direction, number)
        }
        _ => return false,
    };
    let lower = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase());
    country.len() == 2
        && lower(country)
        && lower(direction)
        && number.len() == 1
        && number.chars().all(|c| c.is_ascii_digit())
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.chars().all(|c| c.is_ascii_digit())
}

fn is_qualifier(text: &str) -> bool {
    [LATEST, "$LATEST.PUBLISHED"].contains(&text) || !text.is_empty() && text.chars().all(is_plain)
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
    fn a_function_is_named_by_name_or_arn() {
        let plain = Some(("cqrs-query".to_owned(), None, true));
        for part in [
            "cqrs-query",
            "function:cqrs-query",
            "000000000000:function:cqrs-query",
            "000000000000:cqrs-query",
            "eu-west-1:000000000000:function:cqrs-query",
            "arn:aws:lambda:eu-west-1:000000000000:function:cqrs-query",
            "arn%3Aaws%3Alambda%3Aeu-west-1%3A000000000000%3Afunction%3Acqrs-query",
        ] {
            assert_eq!(parse(part), plain, "{part}");
        }
    }

    #[test]
    fn a_qualifier_follows_each_form() {
        for part in [
            "f:live",
            "000000000000:function:f:live",
            "arn:aws:lambda:eu-west-1:000000000000:function:f:live",
        ] {
            let named = Some(("f".to_owned(), Some("live".to_owned()), false));
            assert_eq!(parse(part), named, "{part}");
        }
        let latest = Some(("f".to_owned(), Some("$LATEST".to_owned()), true));
        assert_eq!(parse("f:$LATEST"), latest);
        assert_eq!(parse("f:%24LATEST"), latest);
    }

    #[test]
    fn other_accounts_have_no_functions_here() {
        let other = Some(("f".to_owned(), None, false));
        assert_eq!(parse("123456789012:function:f"), other);
        // As recorded: an ARN that ends too early is one of a function of that name.
        let early = Some(("function".to_owned(), None, true));
        assert_eq!(
            parse("arn:aws:lambda:eu-west-1:000000000000:function"),
            early
        );
    }

    /// `test_function_name_and_qualifier_validation`, of which these are the values for `Invoke`.
    #[test]
    fn what_is_no_name_is_refused_as_recorded() {
        let refused = |name: &str, qualifier: Option<&str>| {
            FunctionName::parse(name, qualifier.map(str::to_owned), "eu-west-1").unwrap_err()
        };
        for name in [
            "*",
            "my-function!",
            "invalid-account:function:my-function",
            "arn:aws:lambda:invalid-region:000000000000:function:my-function",
            "arn:aws:ec2:eu-west-1:000000000000:instance:i-1234567890abcdef0",
            "arn:aws:lambda:eu-west-1:000000000000:function:my-function:1:2",
            "function:my-function:$LATEST:extra",
            "arn:aws:lambda::000000000000:function:my-function",
            "arn:aws:lambda:eu-west-1::function:my-function",
            "arn:aws:lambda:eu-west-1:000000000000:function:my-function:$LATES",
        ] {
            let expected = format!(
                "Value '{name}' at 'functionName' failed to satisfy constraint: \
                 Member must satisfy regular expression pattern: {NAME_PATTERN}"
            );
            assert_eq!(refused(name, None), Unnamed::Invalid(vec![expected]));
        }
        let pattern = "Value 'invalid!' at 'qualifier' failed to satisfy constraint: \
             Member must satisfy regular expression pattern: \\$(LATEST(\\.PUBLISHED)?)|[a-zA-Z0-9-_$]+";
        assert_eq!(
            refused("my-function", Some("invalid!")),
            Unnamed::Invalid(vec![pattern.to_owned()])
        );
        let long = "a".repeat(129);
        let length = format!(
            "Value '{long}' at 'qualifier' failed to satisfy constraint: \
             Member must have length less than or equal to 128"
        );
        let one = Unnamed::Invalid(vec![length]);
        assert_eq!(refused("my-function", Some(&long)), one);
        let Unnamed::Invalid(both) = refused("arn:aws:lambda:x:0:function:f", Some(&long)) else {
            panic!("both are none");
        };
        assert_eq!(both.len(), 2);
        let latest = "arn:aws:lambda:eu-west-1:000000000000:function:my-function:$LATEST";
        assert_eq!(refused(latest, Some("1")), Unnamed::Mismatch);
        let elsewhere = "arn:aws:lambda:us-east-1:000000000000:function:f";
        assert_eq!(
            refused(elsewhere, None),
            Unnamed::Elsewhere("us-east-1".to_owned())
        );
        assert!(FunctionName::parse(latest, Some("$LATEST".to_owned()), "eu-west-1").is_ok());
        assert!(FunctionName::parse("f", Some("$latest".to_owned()), "eu-west-1").is_ok());
    }
}
