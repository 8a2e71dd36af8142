//! Access to AWS: one configuration for all clients, and one error for all their failures.
//!
//! Clients are made when they are needed: an order command makes one and no other.

mod address;
mod http;
pub(crate) mod query;
mod sources;
mod watched;

use std::error::Error;
use std::time::Duration;

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::service_config::ServiceConfigKey;

use self::http::Way;
use self::sources::Sources;
pub(crate) use self::sources::{SourceError, meaning};
use self::watched::Watched;
use crate::error::{Explain, Kind};
use crate::local::process::{Process, Silent};
use crate::settings::{AwsSettings, Profile, Target};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// For calls that AWS answers in well under a second.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);
/// Long enough for a cold function in a private network, which answers within its own timeout.
const INVOKE_TIMEOUT: Duration = Duration::from_secs(30);
const LOGS_TIMEOUT: Duration = Duration::from_secs(30);

/// The key and its secret on this machine, where signatures are not checked.
pub(crate) const LOCAL_KEY: &str = "local";

/// The configuration that all service clients share.
#[derive(Clone, Debug)]
pub(crate) struct Aws {
    config: SdkConfig,
    region: String,
    target: Target,
    way: Way,
}

impl Aws {
    /// Resolves region and credential sources. Nothing is sent yet, unless the region must be
    /// asked of the machine's metadata service.
    pub(crate) async fn connect(settings: &AwsSettings) -> Result<Self, AwsError> {
        let sources = Sources::read(settings.profile.as_ref())?;
        let way = Way::of(&sources)?;
        let http = way.client();
        let profile = sources.profile();
        // Retries, three attempts with back-off unless AWS_MAX_ATTEMPTS or the profile says
        // another number, are the SDK's own.
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http.clone())
            .profile_files(sources.files())
            .profile_name(&profile)
            .timeout_config(timeouts(Some(ATTEMPT_TIMEOUT)));
        if let Some(region) = &settings.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if let Some(endpoint) = &settings.endpoint_url {
            loader = loader.endpoint_url(endpoint);
        }
        if matches!(settings.profile, Some(Profile::Typed(_))) {
            // As with the AWS CLI, a profile that was typed outranks the keys in the environment,
            // which the SDK's chain would ask first.
            let written = sources.get("AWS_REGION", "region");
            let region = settings.region.clone().or(written.map(|found| found.value));
            let provider = ProviderConfig::default()
                .with_http_client(http)
                .with_region(region.map(Region::new));
            let credentials = ProfileFileCredentialsProvider::builder()
                .configure(&provider)
                .profile_files(sources.files())
                .profile_name(profile)
                .build();
            loader = loader.credentials_provider(credentials);
        }
        let config = loader.load().await;
        let region = config
            .region()
            .map(ToString::to_string)
            .ok_or(AwsError::NoRegion)?;
        let target = Target::Aws;
        Ok(Self {
            config,
            region,
            target,
            way,
        })
    }

    /// What stands in for AWS on this machine. Unlike [`Aws::connect`] this reads no variable and
    /// no file, and costs next to nothing: such commands are to take no longer than their answers.
    pub(crate) fn on_this_machine(process: Process, region: &str) -> Self {
        let credentials = Credentials::new(LOCAL_KEY, LOCAL_KEY, None, None, "this machine");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(Watched::new(process))
            .region(Region::new(region.to_owned()))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .endpoint_url(process.endpoint())
            // A process that says nothing is noticed before.
            .timeout_config(timeouts(Some(INVOKE_TIMEOUT)))
            .build();
        Self {
            config,
            region: region.to_owned(),
            target: Target::Local,
            way: Way::default(),
        }
    }

    /// For tests: a configuration whose requests are answered by `http`.
    #[cfg(test)]
    pub(crate) fn replay(
        http: impl aws_smithy_runtime_api::client::http::HttpClient + 'static,
    ) -> Self {
        use aws_smithy_types::retry::RetryConfig;
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(http)
            .region(Region::new("eu-west-1"))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::for_tests()))
            .sleep_impl(aws_smithy_async::rt::sleep::SharedAsyncSleep::new(
                aws_smithy_async::rt::sleep::TokioSleep::new(),
            ))
            .retry_config(RetryConfig::standard().with_initial_backoff(Duration::from_millis(1)))
            .build();
        Self {
            config,
            region: "eu-west-1".to_owned(),
            target: Target::Aws,
            way: Way::default(),
        }
    }

    pub(crate) fn region(&self) -> &str {
        &self.region
    }

    /// Whether stacks are made on AWS itself, rather than on what an endpoint stands for.
    pub(crate) fn is_amazons(&self) -> bool {
        let endpoint = self.endpoint("CloudFormation");
        endpoint.is_none_or(|endpoint| is_amazons(&endpoint))
    }

    /// Whether it is AWS itself.
    pub(crate) fn target(&self) -> Target {
        self.target
    }

    pub(crate) fn cloudformation(&self) -> aws_sdk_cloudformation::Client {
        aws_sdk_cloudformation::Client::new(&self.config)
    }

    pub(crate) fn lambda(&self) -> aws_sdk_lambda::Client {
        let config = aws_sdk_lambda::config::Builder::from(&self.config)
            .timeout_config(timeouts(Some(INVOKE_TIMEOUT)))
            .build();
        aws_sdk_lambda::Client::from_conf(config)
    }

    pub(crate) fn cloudwatch(&self) -> aws_sdk_cloudwatch::Client {
        aws_sdk_cloudwatch::Client::new(&self.config)
    }

    pub(crate) fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        aws_sdk_dynamodb::Client::new(&self.config)
    }

    pub(crate) fn streams(&self) -> aws_sdk_dynamodbstreams::Client {
        aws_sdk_dynamodbstreams::Client::new(&self.config)
    }

    /// Finding few events among many takes CloudWatch longer than other services' answers.
    pub(crate) fn logs(&self) -> aws_sdk_cloudwatchlogs::Client {
        let config = aws_sdk_cloudwatchlogs::config::Builder::from(&self.config)
            .timeout_config(timeouts(Some(LOGS_TIMEOUT)))
            .build();
        aws_sdk_cloudwatchlogs::Client::from_conf(config)
    }

    pub(crate) fn sqs(&self) -> aws_sdk_sqs::Client {
        aws_sdk_sqs::Client::new(&self.config)
    }

    /// With path-style addresses where an endpoint is given: an emulator on one address has no
    /// host name for each bucket. An upload may take its time; that it moves at all is what the
    /// SDK's stalled-stream protection sees to.
    pub(crate) fn s3(&self) -> aws_sdk_s3::Client {
        let config = aws_sdk_s3::config::Builder::from(&self.config)
            .timeout_config(timeouts(None))
            .force_path_style(self.endpoint("S3").is_some())
            .build();
        aws_sdk_s3::Client::from_conf(config)
    }

    pub(crate) fn sts(&self) -> aws_sdk_sts::Client {
        aws_sdk_sts::Client::new(&self.config)
    }

    /// The way to AWS.
    pub(crate) fn way(&self) -> &Way {
        &self.way
    }

    /// Where a service is, if another address than AWS's own is set for it or for all. `service` is
    /// the SDK's id of it.
    pub(crate) fn endpoint(&self, service: &str) -> Option<String> {
        let all = self.endpoint_url().map(str::to_owned);
        if self.config.get_origin("endpoint_url").is_client_config() {
            return all;
        }
        let key = ServiceConfigKey::builder()
            .service_id(service)
            .env("AWS_ENDPOINT_URL")
            .profile("endpoint_url")
            .build();
        let own = self.config.service_config().zip(key.ok());
        own.and_then(|(config, key)| config.load_config(key))
            .or(all)
    }

    /// The account and the principal that the credentials belong to.
    pub(crate) async fn identity(&self) -> Result<Identity, AwsError> {
        let answer = self
            .sts()
            .get_caller_identity()
            .send()
            .await
            .map_err(|e| AwsError::from_sdk("sts:GetCallerIdentity", e))?;
        match (answer.account, answer.arn) {
            (Some(account), Some(arn)) => Ok(Identity { account, arn }),
            _ => Err(AwsError::incomplete(
                "sts:GetCallerIdentity",
                "Account and Arn",
            )),
        }
    }
}

fn timeouts(attempt: Option<Duration>) -> TimeoutConfig {
    let mut timeouts = TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT);
    timeouts.set_operation_attempt_timeout(attempt);
    timeouts.build()
}

/// Whether the address is one of AWS's: `amazonaws` stands in those of every partition that is open
/// to the public, in front of what differs, and the dual-stack ones end in `api.aws`.
fn is_amazons(endpoint: &str) -> bool {
    let rest = endpoint
        .split_once("://")
        .map_or(endpoint, |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let host = host.split(':').next().unwrap_or_default();
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    host.split('.').any(|label| label == "amazonaws") || host.ends_with(".api.aws")
}

/// Who the credentials say we are.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    /// The account's twelve digits.
    pub(crate) account: String,
    /// The principal's ARN.
    pub(crate) arn: String,
}

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
    code: Option<String>,
    text: String,
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
    fn from_credentials(text: String) -> Self {
        // The providers word an expired session token in many ways; all name it.
        let expired = text.contains("expired");
        let detail = Detail { code: None, text };
        if expired {
            Self::Expired(detail)
        } else {
            Self::NoCredentials(detail)
        }
    }

    fn from_service(action: &'static str, code: String, message: String) -> Self {
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
                format!("allow {action} for this principal, or use another with `--profile`")
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
fn deepest_texts(error: &(dyn Error + 'static)) -> String {
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
    fn amazons_own_addresses_are_told_from_those_that_stand_in() {
        for endpoint in [
            "https://cloudformation.eu-west-1.amazonaws.com",
            "https://CloudFormation.cn-north-1.amazonaws.com.cn:443/",
            "https://cloudformation.eusc-de-east-1.amazonaws.eu",
            "https://cloudformation.eu-west-1.api.aws.",
            "https://vpce-1-2.cloudformation.eu-west-1.vpce.amazonaws.com",
        ] {
            assert!(is_amazons(endpoint), "{endpoint}");
        }
        for endpoint in [
            "http://127.0.0.1:4566",
            "http://localhost:4566/amazonaws.com",
            "https://amazonaws.com@emulator.example",
            "https://my-amazonaws.example",
        ] {
            assert!(!is_amazons(endpoint), "{endpoint}");
        }
    }

    #[test]
    fn a_denied_call_names_the_permission_to_grant() {
        let error = service("AccessDenied");
        assert_eq!(error.to_string(), "permission denied: s3:PutObject");
        assert_eq!(
            error.hint().as_deref(),
            Some("allow s3:PutObject for this principal, or use another with `--profile`")
        );
    }

    #[test]
    fn expired_wrong_and_throttled_are_told_apart() {
        assert_eq!(service("ExpiredToken").name(), "ExpiredCredentials");
        assert_eq!(service("SignatureDoesNotMatch").name(), "BadCredentials");
        assert_eq!(service("SlowDown").name(), "Throttled");
        assert_eq!(service("NoSuchBucket").name(), "NoSuchBucket");
    }
}
