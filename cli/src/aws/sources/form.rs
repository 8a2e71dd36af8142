//! The forms of values that come from the environment and from AWS's configuration files.
//!
//! The SDK ignores some wrong values in silence and ends the process at others. Here each is held
//! to its form before the SDK sees it, and what only the AWS CLI knows becomes its nearest meaning.

use crate::settings::{parse_endpoint, parse_region};

/// See the module's documentation.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    Region,
    Endpoint,
    /// `true` or `false`.
    Switch,
    /// A whole number, at least and at most.
    Number(u32, u32),
    /// One of these, each with what the SDK calls it.
    OneOf(&'static [(&'static str, &'static str)]),
    /// Names, parted by commas.
    Names,
    /// A key or a token, which is not shown: printable ASCII without spaces.
    Secret,
    /// What goes into a header and is not shown: printable ASCII.
    Header,
    /// Twelve digits.
    Account,
    /// A path of an address.
    UrlPath,
    Proxy,
    /// Of any form.
    Text,
}

const CHECKSUMS: Form = Form::OneOf(&[
    ("when_supported", "when_supported"),
    ("when_required", "when_required"),
]);

/// A profile's keys that the SDK reads and that can be wrong by their form alone; the variable of
/// the same meaning is called `AWS_` and the key.
const SETTINGS: [(&str, Form); 23] = [
    ("region", Form::Region),
    ("endpoint_url", Form::Endpoint),
    ("max_attempts", Form::Number(1, u32::MAX)),
    (
        "retry_mode",
        Form::OneOf(&[
            ("standard", "standard"),
            ("adaptive", "adaptive"),
            // The AWS CLI's first one, which retries less; the SDK has no such mode.
            ("legacy", "standard"),
        ]),
    ),
    ("use_fips_endpoint", Form::Switch),
    ("use_dualstack_endpoint", Form::Switch),
    ("ignore_configured_endpoint_urls", Form::Switch),
    ("disable_request_compression", Form::Switch),
    ("disable_clock_skew_correction", Form::Switch),
    (
        "request_min_compression_size_bytes",
        Form::Number(0, 10_485_760),
    ),
    ("request_checksum_calculation", CHECKSUMS),
    ("response_checksum_validation", CHECKSUMS),
    (
        "account_id_endpoint_mode",
        Form::OneOf(&[
            ("preferred", "preferred"),
            ("disabled", "disabled"),
            ("required", "required"),
        ]),
    ),
    ("auth_scheme_preference", Form::Names),
    ("sigv4a_signing_region_set", Form::Names),
    ("s3_disable_express_session_auth", Form::Switch),
    ("ec2_metadata_service_endpoint", Form::Endpoint),
    (
        "ec2_metadata_service_endpoint_mode",
        Form::OneOf(&[("ipv4", "IPv4"), ("ipv6", "IPv6")]),
    ),
    ("sdk_ua_app_id", Form::Header),
    ("aws_access_key_id", Form::Secret),
    ("aws_secret_access_key", Form::Secret),
    ("aws_session_token", Form::Secret),
    ("aws_account_id", Form::Account),
];

/// Keys without a variable.
const KEYS: [(&str, Form); 2] = [
    ("sso_region", Form::Region),
    (
        "credential_source",
        Form::OneOf(&[
            ("environment", "Environment"),
            ("ec2instancemetadata", "Ec2InstanceMetadata"),
            ("ecscontainer", "EcsContainer"),
        ]),
    ),
];

/// Variables without a key.
const VARIABLES: [(&str, Form); 17] = [
    ("AWS_DEFAULT_REGION", Form::Region),
    ("AWS_EC2_METADATA_DISABLED", Form::Switch),
    ("AWS_CONTAINER_CREDENTIALS_FULL_URI", Form::Endpoint),
    ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", Form::UrlPath),
    ("AWS_CONTAINER_AUTHORIZATION_TOKEN", Form::Header),
    ("AWS_EXECUTION_ENV", Form::Header),
    ("AWS_NEW_RETRIES_2026", Form::Switch),
    ("AWS_CA_BUNDLE", Form::Text),
    ("AWS_PROFILE", Form::Text),
    ("AWS_CONFIG_FILE", Form::Text),
    ("AWS_SHARED_CREDENTIALS_FILE", Form::Text),
    ("HTTPS_PROXY", Form::Proxy),
    ("https_proxy", Form::Proxy),
    ("HTTP_PROXY", Form::Proxy),
    ("http_proxy", Form::Proxy),
    ("ALL_PROXY", Form::Proxy),
    ("all_proxy", Form::Proxy),
];

/// The form of a key's value.
pub(super) fn of_key(key: &str) -> Form {
    let mut all = SETTINGS.iter().chain(&KEYS);
    let found = all.find(|(known, _)| *known == key);
    found.map_or(Form::Text, |(_, form)| *form)
}

/// All variables, with the forms of their values.
pub(super) fn variables() -> impl Iterator<Item = (String, Form)> {
    let upper = |key: &str| key.to_ascii_uppercase();
    let settings = SETTINGS.iter().map(move |(key, form)| {
        let name = upper(key.strip_prefix("aws_").unwrap_or(key));
        (format!("AWS_{name}"), *form)
    });
    let own = VARIABLES
        .iter()
        .map(|(name, form)| ((*name).to_owned(), *form));
    let services = SERVICES.iter();
    let endpoints = services.map(|service| (format!("AWS_ENDPOINT_URL_{service}"), Form::Endpoint));
    settings.chain(own).chain(endpoints)
}

/// The services that this tool calls, as variables name them; a profile's `services` has them in
/// lower case.
pub(super) const SERVICES: [&str; 13] = [
    "CLOUDFORMATION",
    "CLOUDWATCH",
    "CLOUDWATCH_LOGS",
    "DYNAMODB",
    "DYNAMODB_STREAMS",
    "IAM",
    "LAMBDA",
    "S3",
    "SIGNIN",
    "SQS",
    "SSO",
    "SSO_OIDC",
    "STS",
];

impl Form {
    /// The value as the SDK takes it, or what it should be.
    pub(super) fn judge(self, value: &str) -> Result<String, String> {
        let same = || value.to_owned();
        match self {
            Self::Region => parse_region(value),
            Self::Endpoint => parse_endpoint(value),
            Self::Switch => match value.to_ascii_lowercase() {
                value if value == "true" || value == "false" => Ok(value),
                _ => Err("it is `true` or `false`".to_owned()),
            },
            Self::Number(least, most) => match value.parse::<u32>() {
                Ok(number) if (least..=most).contains(&number) => Ok(number.to_string()),
                _ => Err(format!("it is a whole number from {least} to {most}")),
            },
            Self::OneOf(all) => {
                let lower = value.to_ascii_lowercase();
                let found = all.iter().find(|(name, _)| *name == lower);
                found.map(|(_, meant)| (*meant).to_owned()).ok_or_else(|| {
                    let names: Vec<_> = all.iter().map(|(name, _)| *name).collect();
                    format!("it is one of {}", names.join(", "))
                })
            }
            Self::Names if value.split(',').any(|name| name.trim().is_empty()) => {
                Err("it is names, parted by commas".to_owned())
            }
            Self::Secret if !value.bytes().all(|byte| byte.is_ascii_graphic()) => {
                Err("it has a character that keys of AWS do not have".to_owned())
            }
            Self::Header if !value.bytes().all(|b| b == b' ' || b.is_ascii_graphic()) => {
                Err("it has a character that no header takes".to_owned())
            }
            Self::Account if value.len() != 12 || !value.bytes().all(|b| b.is_ascii_digit()) => {
                Err("an account has twelve digits".to_owned())
            }
            Self::UrlPath if !is_path(value) => Err("it begins with `/`".to_owned()),
            Self::Proxy if !is_proxy(value) => {
                Err("a proxy looks like `http://HOST:PORT`".to_owned())
            }
            Self::Names
            | Self::Secret
            | Self::Header
            | Self::Account
            | Self::UrlPath
            | Self::Proxy
            | Self::Text => Ok(same()),
        }
    }

    /// The value for a message, without what nobody else should see.
    pub(super) fn shown(self, value: &str) -> String {
        match self {
            Self::Secret | Self::Header => "…".to_owned(),
            Self::Proxy => without_password(value),
            _ => value.escape_debug().to_string(),
        }
    }
}

fn is_path(value: &str) -> bool {
    value.starts_with('/') && value.parse::<http::uri::PathAndQuery>().is_ok()
}

fn is_proxy(value: &str) -> bool {
    let has_scheme = value.contains("://");
    let url = if has_scheme {
        value.to_owned()
    } else {
        format!("http://{value}")
    };
    // A proxy's address may hold a user and a password, unlike an endpoint's.
    let plain = url.split_once("://").map(|(scheme, rest)| {
        let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
        format!("{scheme}://{host}")
    });
    plain.is_some_and(|plain| parse_endpoint(&plain).is_ok()) && url.parse::<http::Uri>().is_ok()
}

/// A proxy's address without user and password.
pub(crate) fn without_password(proxy: &str) -> String {
    let (scheme, rest) = match proxy.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), proxy),
    };
    let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    format!("{scheme}{host}").escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_taken_in_its_form_and_what_only_the_aws_cli_knows_by_its_nearest_meaning() {
        let of = |variable: &str, value: &str| {
            let mut all = variables();
            let (_, form) = all.find(|(known, _)| known == variable).unwrap();
            form.judge(value)
        };
        assert_eq!(of("AWS_RETRY_MODE", "legacy").unwrap(), "standard");
        assert_eq!(of("AWS_RETRY_MODE", "Adaptive").unwrap(), "adaptive");
        assert_eq!(of("AWS_USE_FIPS_ENDPOINT", "True").unwrap(), "true");
        assert_eq!(
            of("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "ipv6").unwrap(),
            "IPv6"
        );
        for good in [
            "proxy:3128",
            "http://u:p@proxy:3128/",
            "https://proxy",
            "10.0.0.1:80",
        ] {
            assert!(of("HTTPS_PROXY", good).is_ok(), "{good}");
        }
        for bad in [
            "socks5://proxy:1080",
            "http://",
            "http://[::1",
            "a b",
            ":80",
        ] {
            assert!(of("HTTPS_PROXY", bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn no_odd_value_of_a_form_is_taken() {
        let odd = [
            "junk\u{7f}",
            "-1",
            "99999999999",
            "yes",
            "\u{e4}",
            ",",
            "htp:/x",
            "a,,b",
        ];
        let all = variables().chain(KEYS.map(|(key, form)| (key.to_owned(), form)));
        for (name, form) in all {
            for value in odd {
                let takes = match form {
                    Form::Text => true,
                    Form::Names => !value.starts_with(',') && !value.contains(",,"),
                    Form::Secret | Form::Header => {
                        value.bytes().all(|byte| byte.is_ascii_graphic())
                    }
                    Form::Proxy => ["-1", "99999999999", "yes", ",", "a,,b"].contains(&value),
                    _ => false,
                };
                assert_eq!(form.judge(value).is_ok(), takes, "{name} {value}");
            }
        }
    }

    #[test]
    fn a_proxys_password_is_not_shown() {
        assert_eq!(without_password("http://u:p@proxy:1"), "http://proxy:1");
        assert_eq!(without_password("u:p@proxy"), "proxy");
    }
}
