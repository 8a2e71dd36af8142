//! Lambda by the AWS SDK.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_lambda::Client;
use aws_sdk_lambda::error::ProvideErrorMetadata;
use aws_sdk_lambda::operation::RequestId;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{InvocationType, LogType};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
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
    // As recorded: `test_invoke_exceptions`, and `test_ops_on_nonexisting_fn` for what only reads.
    let text = "Function not found: arn:aws:lambda:eu-west-1:000000000000:function:g:$LATEST";
    assert_eq!(error.message(), Some(text));
    let found = client.get_function().function_name("g").send().await;
    let text = "Function not found: arn:aws:lambda:eu-west-1:000000000000:function:g";
    assert_eq!(
        found.unwrap_err().into_service_error().message(),
        Some(text)
    );
    let error = missing("f", Some("live")).await;
    let text = "Function not found: arn:aws:lambda:eu-west-1:000000000000:function:f:live";
    assert_eq!(error.message(), Some(text));
}

/// `test_get_function_wrong_region`, `test_invalid_invoke` and
/// `test_ops_with_arn_qualifier_mismatch`
#[tokio::test]
async fn a_name_of_elsewhere_or_that_is_none_is_refused_as_recorded() {
    let host = Host::start().await;
    let client = Client::new(&host.aws());
    let pattern = r"(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?";
    let invalid = |name: &str| {
        format!(
            "1 validation error detected: Value '{name}' at 'functionName' failed to satisfy \
             constraint: Member must satisfy regular expression pattern: {pattern}"
        )
    };
    let none = [
        "arn:aws:lambda:eu-west-1:123400000000@function:myfn",
        "*",
        "my-function!",
        "invalid-account:function:my-function",
        "arn:aws:ec2:eu-west-1:000000000000:instance:i-1234567890abcdef0",
        "arn:aws:lambda:eu-west-1:000000000000:function:my-function:1:2",
        "function:my-function:$LATEST:extra",
    ];
    let none = none.map(|name| (name, None, "ValidationException", invalid(name)));
    for (name, qualifier, code, message) in none.into_iter().chain([
        (
            "arn:aws:lambda:us-east-1:000000000000:function:f",
            None,
            "ResourceNotFoundException",
            "Functions from 'us-east-1' are not reachable in this region ('eu-west-1')".to_owned(),
        ),
        (
            "f:$LATEST",
            Some("1"),
            "InvalidParameterValueException",
            "The derived qualifier from the function name does not match the specified qualifier."
                .to_owned(),
        ),
    ]) {
        let invoke = client.invoke().function_name(name);
        let invoke = invoke.set_qualifier(qualifier.map(str::to_owned));
        let error = invoke.send().await.unwrap_err().into_service_error();
        assert_eq!(
            (error.code(), error.message()),
            (Some(code), Some(&*message))
        );
    }
}

/// `test_invocation_with_qualifier` and `test_lambda_with_context`
#[tokio::test]
async fn a_function_hears_how_it_was_called_and_by_whom() {
    let host = Host::start().await;
    let client = Client::new(&host.aws());
    let arn = "arn:aws:lambda:eu-west-1:000000000000:function:f";
    let context = "{\"custom\":{\"foo\":\"b\u{e9}\u{1f980}\"},\"env\":{\"fizz\":\"buzz\"}}";
    for (name, qualifier, expected) in [
        ("f", None, arn.to_owned()),
        ("f", Some("$LATEST"), format!("{arn}:$LATEST")),
        ("f:$LATEST", None, format!("{arn}:$LATEST")),
    ] {
        let invoke = client.invoke().function_name(name);
        let invoke = invoke
            .set_qualifier(qualifier.map(str::to_owned))
            .client_context(STANDARD.encode(context))
            .payload(Blob::new(r#"{"describe":true}"#));
        let invoked = invoke.send().await.unwrap();
        let described: Value = serde_json::from_slice(invoked.payload.unwrap().as_ref()).unwrap();
        assert_eq!(described["arn"], expected);
        let heard: Value = serde_json::from_str(described["context"].as_str().unwrap()).unwrap();
        assert_eq!(heard, serde_json::from_str::<Value>(context).unwrap());
        let settings = client.get_function_configuration().function_name(name);
        let settings = settings.set_qualifier(qualifier.map(str::to_owned));
        let settings = settings.send().await.unwrap();
        assert_eq!(settings.function_arn, Some(expected));
    }
    for none in [
        "*".to_owned(),
        STANDARD.encode("no JSON"),
        STANDARD.encode("[]"),
    ] {
        let invoke = client.invoke().function_name("f").client_context(none);
        let error = invoke.send().await.unwrap_err().into_service_error();
        assert!(error.is_invalid_request_content_exception(), "{error:?}");
    }
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
    for payload in [
        &b"{"[..],
        b"hello",
        b"null x",
        b"\"\xff\"",
        b"{}{",
        b" ",
        b"'",
    ] {
        let error = invoke(payload.to_vec(), sync.clone()).await.unwrap_err();
        let error = error.into_service_error();
        assert!(error.is_invalid_request_content_exception(), "{error:?}");
        let begin = "Could not parse request body into json";
        assert!(error.message().unwrap().starts_with(begin), "{error:?}");
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

/// `test_request_id_async_invoke_with_retry`: what the answer says is what every attempt has.
#[tokio::test]
async fn an_event_is_taken_at_once_and_run_in_the_background_with_its_request_id() {
    let host = Host::start().await;
    let mut text = function();
    text.log_json = false;
    host.functions.apply(vec![text]).await;
    let mut logs = host.functions.logs();
    let client = Client::new(&host.aws());
    let invoke = client.invoke().function_name("f");
    let taken = invoke.invocation_type(InvocationType::Event).send().await;
    let taken = taken.unwrap();
    assert_eq!(taken.status_code, 202);
    let id = taken.request_id().unwrap();
    logged(&mut logs, &format!("END RequestId: {id}")).await;
}

/// `test_lambda_concurrency_block`
#[tokio::test]
async fn a_reservation_that_is_used_up_is_answered_429_with_its_reason() {
    let host = Host::start().await;
    let mut none = function();
    none.reserved_concurrency = Some(0);
    host.functions.apply(vec![none]).await;
    let path = "/2015-03-31/functions/f/invocations";
    let refused = host.post(path, &[], "{}").await;
    assert!(refused.starts_with("HTTP/1.1 429"), "{refused}");
    let (_, body) = refused.split_once("\r\n\r\n").unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(body).unwrap(),
        json!({
            "Reason": "ReservedFunctionConcurrentInvocationLimitExceeded",
            "Type": "User",
            "message": "Rate Exceeded.",
        })
    );
}

/// `test_event_source_mapping_lifecycle`, `test_event_source_mapping_exceptions`
#[tokio::test]
async fn mappings_are_described_as_recorded() {
    let host = Host::start().await;
    let stream = host.store.stream_arn("orders").unwrap().unwrap();
    let id = "501d8a9a-a457-56d2-828c-ccb45ac0c8e7";
    let path = format!("/2015-03-31/event-source-mappings/{id}");
    let get = async |path: &str| -> Value {
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        let answer = host.send(&request).await;
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
    };
    let mut found = get(&path).await;
    assert!(found["LastModified"].take().is_i64());
    let expected = json!({
        "BatchSize": 1,
        "BisectBatchOnFunctionError": false,
        "DestinationConfig": {
            "OnFailure": {"Destination": "arn:aws:sqs:eu-west-1:000000000000:failures"}
        },
        "EventSourceArn": stream,
        "EventSourceMappingArn":
            format!("arn:aws:lambda:eu-west-1:000000000000:event-source-mapping:{id}"),
        "FunctionArn": "arn:aws:lambda:eu-west-1:000000000000:function:f",
        "FunctionResponseTypes": [],
        "LastModified": null,
        "LastProcessingResult": "No records processed",
        "MaximumBatchingWindowInSeconds": 1,
        "MaximumRecordAgeInSeconds": -1,
        "MaximumRetryAttempts": 1,
        "ParallelizationFactor": 1,
        "StartingPosition": "TRIM_HORIZON",
        "State": "Enabled",
        "StateTransitionReason": "User action",
        "TumblingWindowInSeconds": 0,
        "UUID": id,
    });
    assert_eq!(found, expected);

    let client = Client::new(&host.aws());
    let listed = async |function: Option<&str>, source: Option<&str>| {
        let list = client.list_event_source_mappings();
        let list = list.set_function_name(function.map(str::to_owned));
        let list = list.set_event_source_arn(source.map(str::to_owned));
        list.send()
            .await
            .unwrap()
            .event_source_mappings
            .unwrap()
            .len()
    };
    assert_eq!(listed(None, None).await, 1);
    assert_eq!(listed(Some("f"), Some(&stream)).await, 1);
    assert_eq!(listed(Some("g"), None).await, 0);
    assert_eq!(
        listed(None, Some("arn:aws:sqs:eu-west-1:000000000000:q")).await,
        0
    );

    host.mappings.apply(vec![]).await.unwrap();
    let missing = client.get_event_source_mapping().uuid(id).send().await;
    let error = missing.unwrap_err().into_service_error();
    assert!(error.is_resource_not_found_exception(), "{error:?}");
    assert_eq!(
        error.message(),
        Some("The resource you requested does not exist.")
    );
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

    // The same process answers the next one, and the reservation lets it in: so the first one came to
    // its end.
    let client = Client::new(&host.aws());
    let next = loop {
        let next = client.invoke().function_name("f");
        match next.payload(Blob::new(r#"{"describe":true}"#)).send().await {
            Err(error) if error.code() == Some("TooManyRequestsException") => {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            next => break next.unwrap(),
        }
    };
    let next: Value = serde_json::from_slice(next.payload.unwrap().as_ref()).unwrap();
    assert_eq!(next["invocations"], 2);
}

#[tokio::test]
async fn functions_are_listed_page_by_page() {
    let host = Host::start().await;
    let client = Client::new(&host.aws());
    let named = |name: &str| {
        let mut function = function();
        function.name = name.to_owned();
        function
    };
    host.functions
        .apply(["c", "a", "b"].map(named).to_vec())
        .await;
    let first = client.list_functions().max_items(2).send().await.unwrap();
    let names = |functions: &[aws_sdk_lambda::types::FunctionConfiguration]| {
        let names = functions
            .iter()
            .map(|one| one.function_name().unwrap().to_owned());
        names.collect::<Vec<_>>()
    };
    assert_eq!(names(first.functions()), ["a", "b"]);
    let rest = client.list_functions().set_marker(first.next_marker);
    let rest = rest.send().await.unwrap();
    assert_eq!(names(rest.functions()), ["c"]);
    assert_eq!(rest.next_marker(), None);
}
