//! Lambda by the AWS SDK.

use std::collections::BTreeMap;

use aws_sdk_lambda::Client;
use aws_sdk_lambda::error::ProvideErrorMetadata;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{InvocationType, LogType};
use serde_json::json;
use tokio::io::AsyncWriteExt;

use crate::support::{Host, function, logged};

#[tokio::test]
async fn a_function_is_invoked_by_name_and_by_arn() {
    let host = Host::start().await;
    let client = Client::new(&host.aws());
    for name in [
        "f",
        "f:$LATEST",
        "arn:aws:lambda:eu-west-1:000000000000:function:f",
    ] {
        let invoke = client
            .invoke()
            .function_name(name)
            .payload(Blob::new(r#"{"a":1}"#));
        let invoked = invoke.log_type(LogType::Tail).send().await.unwrap();
        assert_eq!(invoked.status_code, 200);
        assert_eq!(invoked.payload.unwrap().as_ref(), br#"{"a":1}"#);
        assert_eq!(invoked.executed_version.as_deref(), Some("$LATEST"));
        assert_eq!(invoked.function_error, None);
        assert!(invoked.log_result.is_some());
    }
}

#[tokio::test]
async fn a_payload_that_is_missing_is_an_empty_object() {
    let host = Host::start().await;
    let client = Client::new(&host.aws());
    let invoked = client.invoke().function_name("f").send().await.unwrap();
    assert_eq!(invoked.payload.unwrap().as_ref(), b"{}");
}

#[tokio::test]
async fn a_function_that_is_not_there_is_named_by_its_arn() {
    let host = Host::start().await;
    let client = Client::new(&host.aws());
    let missing = |name: &'static str, qualifier: Option<&str>| {
        let mut invoke = client.invoke().function_name(name);
        invoke = invoke.set_qualifier(qualifier.map(str::to_owned));
        async move { invoke.send().await.unwrap_err().into_service_error() }
    };
    let error = missing("g", None).await;
    assert!(error.is_resource_not_found_exception(), "{error:?}");
    let text = "Function not found: arn:aws:lambda:eu-west-1:000000000000:function:g";
    assert_eq!(error.message(), Some(text));
    let error = missing("f", Some("live")).await;
    let text = "Function not found: arn:aws:lambda:eu-west-1:000000000000:function:f:live";
    assert_eq!(error.message(), Some(text));
}

#[tokio::test]
async fn a_payload_must_be_json_and_small_enough() {
    let host = Host::start().await;
    let client = Client::new(&host.aws());
    let invoke = |payload: Vec<u8>, kind: InvocationType| {
        let invoke = client
            .invoke()
            .function_name("f")
            .payload(Blob::new(payload));
        async move { invoke.invocation_type(kind).send().await }
    };
    let sync = InvocationType::RequestResponse;
    for payload in [b"{".to_vec(), b"\"\xff\"".to_vec(), b"a".to_vec()] {
        let error = invoke(payload, sync.clone())
            .await
            .unwrap_err()
            .into_service_error();
        assert!(error.is_invalid_request_content_exception(), "{error:?}");
    }
    let json = |bytes: usize| format!("\"{}\"", "x".repeat(bytes - 2)).into_bytes();
    let error = invoke(json(6_291_457), sync.clone()).await.unwrap_err();
    let error = error.into_service_error();
    assert!(error.is_request_too_large_exception(), "{error:?}");
    let largest = invoke(json(6_291_456), sync).await.unwrap();
    assert_eq!(largest.payload.unwrap().as_ref().len(), 6_291_456);
    let error = invoke(json(1_048_577), InvocationType::Event)
        .await
        .unwrap_err();
    let error = error.into_service_error();
    assert!(error.is_request_too_large_exception(), "{error:?}");
}

#[tokio::test]
async fn an_event_is_taken_at_once_and_run_in_the_background() {
    let host = Host::start().await;
    let mut logs = host.functions.logs();
    let client = Client::new(&host.aws());
    let invoke = client
        .invoke()
        .function_name("f")
        .payload(Blob::new(r#"{"print":["ran"]}"#));
    let taken = invoke
        .invocation_type(InvocationType::Event)
        .send()
        .await
        .unwrap();
    assert_eq!(taken.status_code, 202);
    logged(&mut logs, "ran").await;
}

#[tokio::test]
async fn a_dry_run_runs_nothing() {
    let host = Host::start().await;
    let client = Client::new(&host.aws());
    let dry = |name: &str| {
        let invoke = client.invoke().function_name(name);
        invoke.invocation_type(InvocationType::DryRun).send()
    };
    assert_eq!(dry("f").await.unwrap().status_code, 204);
    let error = dry("g").await.unwrap_err().into_service_error();
    assert!(error.is_resource_not_found_exception(), "{error:?}");
}

#[tokio::test]
async fn an_unknown_invocation_type_is_refused() {
    let host = Host::start().await;
    let path = "/2015-03-31/functions/f/invocations";
    let refused = host
        .post(path, &["X-Amz-Invocation-Type: Later"], "{}")
        .await;
    assert!(refused.starts_with("HTTP/1.1 400"), "{refused}");
    assert!(
        refused.contains("x-amzn-errortype: InvalidParameterValueException"),
        "{refused}"
    );
}

#[tokio::test]
async fn functions_are_described() {
    let host = Host::start().await;
    let mut other = function();
    other.name = "e".to_owned();
    other.reserved_concurrency = None;
    other.environment = BTreeMap::new();
    host.functions.apply(vec![function(), other]).await;
    let client = Client::new(&host.aws());
    let found = client
        .get_function()
        .function_name("f")
        .send()
        .await
        .unwrap();
    let configuration = found.configuration.unwrap();
    assert_eq!(configuration.timeout, Some(30));
    assert_eq!(
        configuration.function_arn.as_deref(),
        Some("arn:aws:lambda:eu-west-1:000000000000:function:f")
    );
    let variables = configuration.environment.unwrap().variables.unwrap();
    assert_eq!(variables["COLOUR"], "green");
    let reserved = found.concurrency.unwrap().reserved_concurrent_executions;
    assert_eq!(reserved, Some(3));
    let settings = client
        .get_function_configuration()
        .function_name("e")
        .send()
        .await;
    assert_eq!(settings.unwrap().memory_size, Some(256));
    let listed = client.list_functions().send().await.unwrap();
    let names: Vec<_> = listed
        .functions()
        .iter()
        .map(|f| f.function_name().unwrap())
        .collect();
    assert_eq!(names, ["e", "f"]);
}

#[tokio::test]
async fn what_is_not_there_says_so() {
    let host = Host::start().await;
    let client = Client::new(&host.aws());
    let deleted = client.delete_function().function_name("f").send().await;
    let error = deleted.unwrap_err().into_service_error();
    assert_eq!(error.code(), Some("NotImplemented"));
    assert!(
        error
            .message()
            .unwrap()
            .contains("not available with --local"),
        "{error:?}"
    );
}

#[tokio::test]
async fn an_invocation_outlives_the_client_that_asked_for_it() {
    let host = Host::start().await;
    let mut only = function();
    only.reserved_concurrency = Some(1);
    host.functions.apply(vec![only]).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("go-on");
    let mut logs = host.functions.logs();

    let payload = json!({"print": ["began"], "waitForFile": file}).to_string();
    let mut stream = host.connect().await;
    let head = "POST /2015-03-31/functions/f/invocations HTTP/1.1\r\nHost: localhost\r\n";
    let request = format!("{head}Content-Length: {}\r\n\r\n{payload}", payload.len());
    stream.write_all(request.as_bytes()).await.unwrap();
    logged(&mut logs, "began").await;
    drop(stream);
    std::fs::write(file, "").unwrap();

    // The same process answers the next one, so the first one came to its end.
    let client = Client::new(&host.aws());
    let next = client.invoke().function_name("f");
    let next = next.payload(Blob::new(r#"{"describe":true}"#)).send().await;
    let payload = next.unwrap().payload.unwrap();
    let next: serde_json::Value = serde_json::from_slice(payload.as_ref()).unwrap();
    assert_eq!(next["invocations"], 2);
}
