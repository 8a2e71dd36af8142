//! Where a stack stands while it is tested: on an emulator of AWS, or on this machine.
//!
//! What must hold on both is a scenario, a function over any [`Stage`]; [`on_both`] makes two tests
//! of it, `aws::…` and `local::…`.

mod aws;
mod local;

use std::ops::DerefMut;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_lambda::primitives::Blob;
use serde_json::Value;
use test_support::valkey::Found;

pub(crate) use self::aws::AwsStage;
pub(crate) use self::local::LocalStage;
use super::sandbox::Sandbox;

/// A sandbox and the place where its binary deploys the real handlers. Both go with the value.
pub(crate) trait Stage: DerefMut<Target = Sandbox> + Sized {
    /// Nothing is deployed yet.
    fn empty() -> Self;

    /// Where AWS's clients reach the services of the stack `cqrs`.
    fn endpoint(&self) -> String;

    /// The server behind the stack's cache.
    fn cache(&self) -> Found;

    /// Freezes what serves the stack `cqrs`: connections are taken, and nothing is answered.
    fn pause(&self);

    /// Thaws it.
    fn resume(&self);

    /// The stack `cqrs` is deployed.
    fn deployed() -> Self {
        let stage = Self::empty();
        stage.deploy().arg("--quiet").succeeds();
        stage
    }

    /// Places an order of client 42 and waits until it can be read; gives its id.
    fn place_order(&self) -> String {
        let create = "order create --client 42 --product abc --wait";
        self.cqrs(create.split(' ')).succeeds().trim().to_owned()
    }

    /// Calls a function as any client of AWS does; gives its error, if it is one, and its answer.
    fn invoke(&self, function: &str, payload: &str) -> (Option<String>, Value) {
        let client = aws_sdk_lambda::Client::new(&self.sdk());
        let invoked = client
            .invoke()
            .function_name(function)
            .payload(Blob::new(payload))
            .send();
        let answer = block_on(invoked).unwrap();
        let body = answer.payload.unwrap().into_inner();
        (
            answer.function_error,
            serde_json::from_slice(&body).unwrap(),
        )
    }

    /// Lets the event source mapping deliver, or keeps it from that.
    fn switch_mapping(&self, on: bool);

    /// What a client of AWS needs to know.
    fn sdk(&self) -> SdkConfig {
        let credentials = Credentials::new("test", "test", None, None, "test");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .region(Region::new("eu-west-1"))
            .endpoint_url(self.endpoint())
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .build()
    }
}

/// Makes the tests `aws::scenario` and `local::scenario` of each scenario. One that is not listed is
/// reported as unused.
macro_rules! on_both {
    ($($scenario:ident),* $(,)?) => {
        mod aws {
            $(#[test]
            fn $scenario() {
                super::$scenario::<crate::support::AwsStage>();
            })*
        }
        mod local {
            $(#[test]
            fn $scenario() {
                super::$scenario::<crate::support::LocalStage>();
            })*
        }
    };
}

pub(crate) use on_both;

/// Waits on this thread: the tests themselves have nothing else to do.
pub(crate) fn block_on<F: IntoFuture>(work: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(work.into_future())
}
