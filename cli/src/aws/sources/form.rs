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

/// A variable and the key of a profile that mean the same.
pub(super) struct Known {
    pub(super) variable: &'static str,
    pub(super) key: &'static str,
    pub(super) form: Form,
}

const fn known(variable: &'static str, key: &'static str, form: Form) -> Known {
    Known {
        variable,
        key,
        form,
    }
}

const CHECKSUMS: Form = Form::OneOf(&[
    ("when_supported", "when_supported"),
    ("when_required", "when_required"),
]);

/// All that the SDK reads and that can be wrong by its form alone. An empty name stands for none.
pub(super) const KNOWN: &[Known] = &[
    known("AWS_REGION", "region", Form::Region),
    known("AWS_DEFAULT_REGION", "", Form::Region),
    known("", "sso_region", Form::Region),
    known("AWS_ENDPOINT_URL", "endpoint_url", Form::Endpoint),
    known(
        "AWS_MAX_ATTEMPTS",
        "max_attempts",
        Form::Number(1, u32::MAX),
    ),
    known(
        "AWS_RETRY_MODE",
        "retry_mode",
        Form::OneOf(&[
            ("standard", "standard"),
            ("adaptive", "adaptive"),
            // The AWS CLI's first one, which retries less; the SDK has no such mode.
            ("legacy", "standard"),
        ]),
    ),
    known("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint", Form::Switch),
    known(
        "AWS_USE_DUALSTACK_ENDPOINT",
        "use_dualstack_endpoint",
        Form::Switch,
    ),
    known(
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
        "ignore_configured_endpoint_urls",
        Form::Switch,
    ),
    known(
        "AWS_DISABLE_REQUEST_COMPRESSION",
        "disable_request_compression",
        Form::Switch,
    ),
    known(
        "AWS_DISABLE_CLOCK_SKEW_CORRECTION",
        "disable_clock_skew_correction",
        Form::Switch,
    ),
    known(
        "AWS_REQUEST_MIN_COMPRESSION_SIZE_BYTES",
        "request_min_compression_size_bytes",
        Form::Number(0, 10_485_760),
    ),
    known(
        "AWS_REQUEST_CHECKSUM_CALCULATION",
        "request_checksum_calculation",
        CHECKSUMS,
    ),
    known(
        "AWS_RESPONSE_CHECKSUM_VALIDATION",
        "response_checksum_validation",
        CHECKSUMS,
    ),
    known(
        "AWS_ACCOUNT_ID_ENDPOINT_MODE",
        "account_id_endpoint_mode",
        Form::OneOf(&[
            ("preferred", "preferred"),
            ("disabled", "disabled"),
            ("required", "required"),
        ]),
    ),
    known(
        "AWS_AUTH_SCHEME_PREFERENCE",
        "auth_scheme_preference",
        Form::Names,
    ),
    known(
        "AWS_SIGV4A_SIGNING_REGION_SET",
        "sigv4a_signing_region_set",
        Form::Names,
    ),
    known(
        "AWS_S3_DISABLE_EXPRESS_SESSION_AUTH",
        "s3_disable_express_session_auth",
        Form::Switch,
    ),
    known("AWS_EC2_METADATA_DISABLED", "", Form::Switch),
    known(
        "AWS_EC2_METADATA_SERVICE_ENDPOINT",
        "ec2_metadata_service_endpoint",
        Form::Endpoint,
    ),
    known(
        "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
        "ec2_metadata_service_endpoint_mode",
        Form::OneOf(&[("ipv4", "IPv4"), ("ipv6", "IPv6")]),
    ),
    known("AWS_CONTAINER_CREDENTIALS_FULL_URI", "", Form::Endpoint),
    known("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "", Form::UrlPath),
    known("AWS_CONTAINER_AUTHORIZATION_TOKEN", "", Form::Header),
    known("AWS_EXECUTION_ENV", "", Form::Header),
    known("AWS_SDK_UA_APP_ID", "sdk_ua_app_id", Form::Header),
    known("AWS_NEW_RETRIES_2026", "", Form::Switch),
    known("AWS_ACCOUNT_ID", "aws_account_id", Form::Account),
    known("AWS_ACCESS_KEY_ID", "aws_access_key_id", Form::Secret),
    known(
        "AWS_SECRET_ACCESS_KEY",
        "aws_secret_access_key",
        Form::Secret,
    ),
    known("AWS_SESSION_TOKEN", "aws_session_token", Form::Secret),
    known(
        "",
        "credential_source",
        Form::OneOf(&[
            ("environment", "Environment"),
            ("ec2instancemetadata", "Ec2InstanceMetadata"),
            ("ecscontainer", "EcsContainer"),
        ]),
    ),
    known("AWS_CA_BUNDLE", "ca_bundle", Form::Text),
    known("AWS_PROFILE", "", Form::Text),
    known("AWS_CONFIG_FILE", "", Form::Text),
    known("AWS_SHARED_CREDENTIALS_FILE", "", Form::Text),
    known("HTTPS_PROXY", "", Form::Proxy),
    known("https_proxy", "", Form::Proxy),
    known("HTTP_PROXY", "", Form::Proxy),
    known("http_proxy", "", Form::Proxy),
    known("ALL_PROXY", "", Form::Proxy),
    known("all_proxy", "", Form::Proxy),
];

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
            let known = KNOWN
                .iter()
                .find(|known| known.variable == variable)
                .unwrap();
            known.form.judge(value)
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
        for known in KNOWN
            .iter()
            .filter(|known| !matches!(known.form, Form::Text))
        {
            for value in odd {
                let judged = known.form.judge(value);
                let takes = match known.form {
                    Form::Names => !value.starts_with(',') && !value.contains(",,"),
                    Form::Secret | Form::Header => {
                        value.bytes().all(|byte| byte.is_ascii_graphic())
                    }
                    Form::Proxy => ["-1", "99999999999", "yes", ",", "a,,b"].contains(&value),
                    _ => false,
                };
                assert_eq!(
                    judged.is_ok(),
                    takes,
                    "{}{} {value}",
                    known.variable,
                    known.key
                );
            }
        }
    }

    #[test]
    fn a_proxys_password_is_not_shown() {
        assert_eq!(without_password("http://u:p@proxy:1"), "http://proxy:1");
        assert_eq!(without_password("u:p@proxy"), "proxy");
    }
}
