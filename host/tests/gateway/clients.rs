//! Other clients: the AWS CLI, and the SDK for DynamoDB.

use std::process::Output;

use aws_sdk_dynamodb::types::AttributeValue;
use tokio::process::Command;

use crate::support::Host;

/// Runs the AWS CLI of the test tools, which `scripts/tools` installs.
async fn aws(host: &Host, arguments: &str) -> Output {
    let program = test_support::workspace().join("target/venv/bin/aws");
    assert!(
        program.is_file(),
        "{} is missing; run scripts/tools",
        program.display()
    );
    let mut command = Command::new(program);
    command
        .args(["--endpoint-url", &host.endpoint(), "--output", "json"])
        .args(arguments.split_whitespace())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", "/nonexistent")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_DEFAULT_REGION", "eu-west-1");
    command.output().await.unwrap()
}

async fn succeeds(host: &Host, arguments: &str) -> serde_json::Value {
    let output = aws(host, arguments).await;
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments}: {error}");
    serde_json::from_slice(&output.stdout).unwrap_or_default()
}

#[tokio::test]
async fn the_aws_cli_reads_the_queue() {
    let host = Host::start().await;
    let found = succeeds(&host, "sqs get-queue-url --queue-name failures").await;
    let url = found["QueueUrl"].as_str().unwrap();
    let send = format!("sqs send-message --queue-url {url} --message-body hello");
    let sent = succeeds(&host, &send).await;
    assert_eq!(sent["MD5OfMessageBody"], "5d41402abc4b2a76b9719d911017c592");
    let receive = format!("sqs receive-message --queue-url {url} --attribute-names All");
    let received = succeeds(&host, &receive).await;
    assert_eq!(received["Messages"][0]["Body"], "hello");
    assert_eq!(
        received["Messages"][0]["Attributes"]["ApproximateReceiveCount"],
        "1"
    );

    let absent = aws(&host, "sqs get-queue-url --queue-name absent").await;
    let error = String::from_utf8_lossy(&absent.stderr);
    assert!(
        error.contains("AWS.SimpleQueueService.NonExistentQueue"),
        "{error}"
    );
}

#[tokio::test]
async fn the_aws_cli_invokes_and_knows_who_it_is() {
    let host = Host::start().await;
    let invoke = r#"lambda invoke --function-name f --payload {"a":1} /dev/stderr"#;
    let invoked = succeeds(&host, invoke).await;
    assert_eq!(invoked["StatusCode"], 200);
    assert_eq!(invoked["ExecutedVersion"], "$LATEST");
    let identity = succeeds(&host, "sts get-caller-identity").await;
    assert_eq!(identity["Account"], "000000000000");
    let buckets = aws(&host, "s3api list-buckets").await;
    let error = String::from_utf8_lossy(&buckets.stderr);
    assert!(
        error.contains("s3: GET / is not available with --local"),
        "{error}"
    );
}

#[tokio::test]
async fn the_aws_cli_and_the_sdk_share_a_table() {
    let host = Host::start().await;
    let client = aws_sdk_dynamodb::Client::new(&host.aws());
    let put = client.put_item().table_name("orders");
    let put = put.item("orderId", AttributeValue::S("1".to_owned()));
    put.send().await.unwrap();
    let scanned = succeeds(&host, "dynamodb scan --table-name orders").await;
    assert_eq!(scanned["Items"][0]["orderId"]["S"], "1");
    let streams = succeeds(&host, "dynamodbstreams list-streams").await;
    assert_eq!(streams["Streams"][0]["TableName"], "orders");
    let absent = client.scan().table_name("absent").send().await.unwrap_err();
    let absent = absent.into_service_error();
    assert!(absent.is_resource_not_found_exception(), "{absent:?}");
}
