//! What comes of a call to AWS that does not succeed, by what its caller can do about it.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::SourceError;
use super::process::Silent;
use crate::error::{Explain, Kind};

/// A call to AWS that did not succeed. `action` is the IAM name, such as
/// `cloudformation:CreateChangeSet`, so that a denied one can be granted as it stands.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AwsError {
    /// No region was given or configured.
    #[error("no AWS region is set")]
    NoRegion,

    /// A variable or a configuration file cannot be used.
    #[error(transparent)]
    Source(#[from] SourceError),

    /// The SDK's rules have no address for this region.
    #[error("nothing is known of region {region}")]
    UnknownRegion { region: String, source: Detail },

    /// No source of credentials had any, or they could not be loaded.
    #[error("no AWS credentials could be loaded")]
    NoCredentials(#[source] Detail),

    /// AWS knows the credentials and says that they are expired.
    #[error("the AWS credentials have expired")]
    Expired(#[source] Detail),

    /// AWS does not accept the credentials.
    #[error("AWS does not accept the credentials")]
    BadCredentials(#[source] Detail),

    /// The credentials are good, the permission is missing.
    #[error("permission denied: {action}")]
    Denied {
        action: &'static str,
        source: Detail,
    },

    /// AWS still throttled the call after all retries.
    #[error("AWS still throttles {action} after all retries")]
    Throttled {
        action: &'static str,
        source: Detail,
    },

    /// No usable answer came back.
    #[error("no answer from AWS to {action}")]
    Unreachable {
        action: &'static str,
        source: Detail,
    },

    /// The stack's process on this machine is stopped.
    #[error(transparent)]
    Silent(Silent),

    /// The service answered with an error of its own.
    #[error("{action} failed: {message}")]
    Service {
        action: &'static str,
        code: String,
        message: String,
    },

    /// An answer lacked what the service documents.
    #[error("the answer to {action} lacks {what}")]
    Incomplete {
        action: &'static str,
        what: &'static str,
    },
}

/// The text of an SDK error and all its sources, which differ too much in type to be kept.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub(crate) struct Detail {
    pub(super) code: Option<String>,
    pub(super) text: String,
}

impl AwsError {
    /// Classifies what the SDK reports for `action`.
    pub(crate) fn from_sdk<E>(action: &'static str, error: SdkError<E, HttpResponse>) -> Self
    where
        E: Error + ProvideErrorMetadata + Send + Sync + 'static,
    {
        if let SdkError::ServiceError(context) = &error {
            let status = context.raw().status().as_u16();
            let Some(code) = context.err().code().map(str::to_owned) else {
                let text = format!("the answer, HTTP status {status}, is not one of AWS's");
                return Self::Unreachable {
                    action,
                    source: Detail { code: None, text },
                };
            };
            let message = context
                .err()
                .message()
                .map_or_else(|| format!("HTTP status {status}"), str::to_owned);
            return Self::from_service(action, code, message);
        }
        if let Some(silent) = source::<Silent>(&error) {
            return Self::Silent(*silent);
        }
        let text = deepest_texts(&error);
        let detail = Detail { code: None, text };
        if source::<CredentialsError>(&error).is_some() {
            return Self::from_credentials(detail.text);
        }
        Self::Unreachable {
            action,
            source: detail,
        }
    }

    /// What a provider of credentials says.
    pub(super) fn from_credentials(text: String) -> Self {
        // The providers word an expired session token in many ways; all name it.
        let expired = text.contains("expired");
        let detail = Detail { code: None, text };
        if expired {
            Self::Expired(detail)
        } else {
            Self::NoCredentials(detail)
        }
    }

    pub(super) fn from_service(action: &'static str, code: String, message: String) -> Self {
        let detail = |text: String| Detail {
            code: Some(code.clone()),
            text,
        };
        match code.as_str() {
            "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" => {
                Self::Expired(detail(message))
            }
            "InvalidClientTokenId"
            | "UnrecognizedClientException"
            | "InvalidSignatureException"
            | "SignatureDoesNotMatch"
            | "InvalidAccessKeyId"
            | "IncompleteSignature"
            | "AuthFailure" => Self::BadCredentials(detail(message)),
            "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" | "Forbidden" => {
                Self::Denied {
                    action,
                    source: detail(message),
                }
            }
            "Throttling"
            | "ThrottlingException"
            | "ThrottledException"
            | "TooManyRequestsException"
            | "RequestLimitExceeded"
            | "RequestThrottled"
            | "SlowDown" => Self::Throttled {
                action,
                source: detail(message),
            },
            _ => Self::Service {
                action,
                code,
                message,
            },
        }
    }

    /// An answer without a member that the service documents as always there.
    pub(crate) fn incomplete(action: &'static str, what: &'static str) -> Self {
        Self::Incomplete { action, what }
    }

    /// The service's error code, where there was an answer.
    pub(crate) fn code(&self) -> Option<&str> {
        match self {
            Self::NoRegion
            | Self::UnknownRegion { .. }
            | Self::Source(_)
            | Self::Silent(_)
            | Self::Incomplete { .. } => None,
            Self::Service { code, .. } => Some(code),
            Self::NoCredentials(d) | Self::Expired(d) | Self::BadCredentials(d) => {
                d.code.as_deref()
            }
            Self::Denied { source, .. }
            | Self::Throttled { source, .. }
            | Self::Unreachable { source, .. } => source.code.as_deref(),
        }
    }

    /// The service's own words, where there was an answer.
    pub(crate) fn message(&self) -> Option<&str> {
        match self {
            Self::Service { message, .. } => Some(message),
            _ => None,
        }
    }
}

impl Explain for AwsError {
    fn kind(&self) -> Kind {
        match self {
            Self::NoRegion => Kind::Usage,
            Self::Source(error) => error.kind(),
            _ => Kind::Failed,
        }
    }

    fn name(&self) -> String {
        match self {
            Self::NoRegion => "NoRegion".to_owned(),
            Self::Source(error) => error.name(),
            Self::UnknownRegion { .. } => "UnknownRegion".to_owned(),
            Self::NoCredentials(_) => "NoCredentials".to_owned(),
            Self::Expired(_) => "ExpiredCredentials".to_owned(),
            Self::BadCredentials(_) => "BadCredentials".to_owned(),
            Self::Denied { .. } => "AccessDenied".to_owned(),
            Self::Throttled { .. } => "Throttled".to_owned(),
            Self::Unreachable { .. } | Self::Silent(_) => "Unreachable".to_owned(),
            Self::Incomplete { .. } => Kind::Failed.name().to_owned(),
            Self::Service { code, .. } => code.clone(),
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NoRegion => {
                "give `--region REGION`, set AWS_REGION, or write `region = \"…\"` into cqrs.toml"
                    .to_owned()
            }
            Self::Source(error) => return error.hint(),
            Self::UnknownRegion { .. } => "check `--region`".to_owned(),
            Self::NoCredentials(_) => {
                "sign in with `aws sso login`, or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and \
                 AWS_SECRET_ACCESS_KEY; or add `--local` to work on this machine, without an account"
                    .to_owned()
            }
            Self::Expired(_) => {
                "sign in again, for example with `aws sso login`, then repeat the command"
                    .to_owned()
            }
            Self::BadCredentials(_) => {
                "check AWS_PROFILE or AWS_ACCESS_KEY_ID, and this machine's clock".to_owned()
            }
            Self::Denied { action, .. } => {
                format!(
                    "allow {action} for this principal (`cqrs permissions` prints what a task \
                     needs), or use another with `--profile`"
                )
            }
            Self::Throttled { .. } => "wait a minute and repeat the command".to_owned(),
            Self::Unreachable { .. } => {
                "check the network, `--region`, and `--endpoint-url` (or AWS_ENDPOINT_URL)"
                    .to_owned()
            }
            Self::Silent(silent) => silent.hint(),
            Self::Service { .. } | Self::Incomplete { .. } => return None,
        };
        Some(hint)
    }
}

/// The first of the error's sources that is of this type.
fn source<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// The messages of `error`'s sources from the outside in, without repetitions.
pub(super) fn deepest_texts(error: &(dyn Error + 'static)) -> String {
    let mut texts: Vec<String> = Vec::new();
    let mut next = error.source();
    while let Some(source) = next {
        let text = source.to_string();
        if !text.is_empty() && !texts.iter().any(|t| t.contains(&text)) {
            texts.push(text);
        }
        next = source.source();
    }
    if texts.is_empty() {
        error.to_string()
    } else {
        texts.join(": ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(code: &str) -> AwsError {
        AwsError::from_service("s3:PutObject", code.to_owned(), "said AWS".to_owned())
    }

    #[test]
    fn a_denied_call_names_the_permission_to_grant() {
        let error = service("AccessDenied");
        assert_eq!(
            error.hint().as_deref(),
            Some(
                "allow s3:PutObject for this principal (`cqrs permissions` prints what a task \
                 needs), or use another with `--profile`"
            )
        );
    }

    #[test]
    fn expired_wrong_and_throttled_differ() {
        assert_eq!(service("ExpiredToken").name(), "ExpiredCredentials");
        assert_eq!(service("SignatureDoesNotMatch").name(), "BadCredentials");
        assert_eq!(service("SlowDown").name(), "Throttled");
        assert_eq!(service("NoSuchBucket").name(), "NoSuchBucket");
    }
}
