//! Access to AWS: one configuration for all clients, and one error for all their failures.
//!
//! Clients are made when they are needed: an order command makes one and no other.

mod address;
mod error;
mod http;
pub(crate) mod process;
pub(crate) mod query;
mod sources;
mod watched;

use std::time::Duration;

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::service_config::ServiceConfigKey;

pub(crate) use self::error::AwsError;
use self::error::{Detail, deepest_texts};
use self::http::Way;
use self::process::Process;
use self::sources::Sources;
pub(crate) use self::sources::{SourceError, meaning};
use self::watched::Watched;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amazons_own_addresses_differ_from_those_that_stand_in() {
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
}
