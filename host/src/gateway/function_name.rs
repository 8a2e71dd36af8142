//! The ways to name a function in a request's path: its name, its ARN with or without the part
//! before the account, and each with a qualifier behind. (Lambda API reference, `Invoke`)

use percent_encoding::percent_decode_str;

use crate::definition::ACCOUNT;

/// A function as a request names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FunctionName {
    pub(super) name: String,
    /// A version or an alias.
    pub(super) qualifier: Option<String>,
    /// The ARN is of this account and region.
    local: bool,
}

impl FunctionName {
    /// Reads a path's part, and the qualifier of the query string where there is one.
    pub(super) fn parse(part: &str, qualifier: Option<String>, region: &str) -> Option<Self> {
        let text = percent_decode_str(part).decode_utf8().ok()?;
        let parts: Vec<&str> = text.split(':').collect();
        let (name, own, local) = match parts.as_slice() {
            [
                "arn",
                _,
                "lambda",
                its_region,
                account,
                "function",
                name,
                own @ ..,
            ] => (name, own, *its_region == region && *account == ACCOUNT),
            [account, "function", name, own @ ..] => (name, own, *account == ACCOUNT),
            [name, own @ ..] => (name, own, true),
            [] => return None,
        };
        let own = match own {
            [] => None,
            [own] => Some((*own).to_owned()),
            _ => return None,
        };
        if name.is_empty() || (own.is_some() && qualifier.is_some() && own != qualifier) {
            return None;
        }
        Some(Self {
            name: (*name).to_owned(),
            qualifier: own.or(qualifier),
            local,
        })
    }

    /// Whether it can be a function of this machine, where there are no versions and no aliases.
    pub(super) fn can_be_here(&self) -> bool {
        self.local && self.qualifier.as_deref().is_none_or(|own| own == "$LATEST")
    }

    /// The ARN that it stands for.
    pub(super) fn arn(&self, region: &str) -> String {
        let arn = [
            "arn:aws:lambda:",
            region,
            ":",
            ACCOUNT,
            ":function:",
            &self.name,
        ];
        let mut arn = arn.concat();
        if let Some(qualifier) = &self.qualifier {
            arn.push(':');
            arn.push_str(qualifier);
        }
        arn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(part: &str) -> Option<(String, Option<String>, bool)> {
        let name = FunctionName::parse(part, None, "eu-west-1")?;
        let here = name.can_be_here();
        Some((name.name, name.qualifier, here))
    }

    #[test]
    fn a_function_is_named_by_name_or_arn() {
        let plain = Some(("cqrs-query".to_owned(), None, true));
        for part in [
            "cqrs-query",
            "000000000000:function:cqrs-query",
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
    fn qualifiers_that_differ_are_no_name() {
        let both = |own: &str| FunctionName::parse("f:live", Some(own.to_owned()), "eu-west-1");
        assert!(both("live").is_some());
        assert!(both("other").is_none());
    }

    #[test]
    fn other_accounts_and_regions_have_no_functions_here() {
        for part in [
            "123456789012:function:f",
            "arn:aws:lambda:us-east-1:000000000000:function:f",
        ] {
            assert_eq!(parse(part), Some(("f".to_owned(), None, false)), "{part}");
        }
    }
}
