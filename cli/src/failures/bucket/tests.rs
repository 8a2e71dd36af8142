//! The bucket, against recorded answers of S3: pages, objects that go meanwhile, and whose it is.

use std::sync::{Arc, Mutex};

use aws_smithy_http_client::test_util::infallible_client_fn;
use aws_smithy_types::body::SdkBody;
use serde_json::json;

use super::*;

const STREAMS: &str = "arn:aws:dynamodb:eu-west-1:123456789012:table/cqrs-WriteModel/stream/";

fn page(keys: &[&str], next: Option<&str>) -> String {
    let contents = keys.iter().map(|key| {
        format!(
            "<Contents><Key>{key}</Key><LastModified>2026-11-14T00:13:50.000Z</LastModified></Contents>"
        )
    });
    let next = next.map_or_else(String::new, |token| {
        format!("<NextContinuationToken>{token}</NextContinuationToken>")
    });
    format!(
        "<ListBucketResult>{}{next}</ListBucketResult>",
        contents.collect::<String>()
    )
}

fn object(sequence: &str) -> String {
    json!({
        "requestContext": {"condition": "RetryAttemptsExhausted"},
        "version": "1.0",
        "timestamp": "2026-11-14T00:13:49.717Z",
        "DDBStreamBatchInfo": {
            "shardId": "shardId-1", "startSequenceNumber": sequence, "endSequenceNumber": sequence,
            "batchSize": 1, "streamArn": format!("{STREAMS}x"),
        },
        "payload": {"Records": []},
    })
    .to_string()
}

/// A bucket with three objects on two pages, one of which was deleted since; and what was asked.
fn bucket() -> (FailuresBucket, Arc<Mutex<Vec<String>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    let http = infallible_client_fn(move |request| {
        let owner = request.headers().get("x-amz-expected-bucket-owner");
        assert_eq!(owner.unwrap(), "123456789012");
        let uri = request.uri().to_string();
        seen.lock()
            .unwrap()
            .push(format!("{} {uri}", request.method()));
        let (status, body) = if request.method() == "DELETE" {
            (204, String::new())
        } else if uri.contains("continuation-token") {
            (200, page(&["aws/lambda/m/s/3"], None))
        } else if uri.contains("list-type") {
            assert!(uri.contains("prefix=aws%2Flambda%2F"), "{uri}");
            (
                200,
                page(&["aws/lambda/m/s/1", "aws/lambda/m/s/2"], Some("t")),
            )
        } else if uri.contains("/s/2") {
            (404, "<Error><Code>NoSuchKey</Code></Error>".to_owned())
        } else if uri.contains("/s/3") {
            (200, "no JSON".to_owned())
        } else {
            (200, object("100"))
        };
        let answer = http::Response::builder().status(status);
        answer.body(SdkBody::from(body)).unwrap()
    });
    let aws = Aws::replay(http);
    (
        FailuresBucket::new(&aws, None, "cqrs-failures", STREAMS.to_owned()),
        asked,
    )
}

#[tokio::test]
async fn all_pages_are_gone_through_and_what_is_gone_meanwhile_is_passed_over() {
    let (bucket, _) = bucket();
    let mut listing = Listing::default();
    let first = bucket.next(&mut listing, 10).await.unwrap();
    assert_eq!(first.len(), 1);
    assert!(matches!(&first[0].content, Content::Batch(batch) if batch.info.batch_size == 1));
    assert_eq!(first[0].receipt, "aws/lambda/m/s/1");
    assert_eq!(first[0].sent_ms, 1_794_615_230_000);
    let second = bucket.next(&mut listing, 10).await.unwrap();
    assert!(matches!(&second[0].content, Content::Foreign(text) if text == "no JSON"));
    assert!(bucket.next(&mut listing, 10).await.unwrap().is_empty());
    let depth = bucket.depth().await.unwrap();
    assert_eq!((depth.visible, depth.hidden), (3, 0));
}

#[tokio::test]
async fn what_is_gone_is_known_and_emptying_deletes_every_object() {
    let (bucket, asked) = bucket();
    let look = async |key| bucket.look(key).await.unwrap();
    assert_eq!(look("aws/lambda/m/s/1").await, Presence::There);
    assert_eq!(look("aws/lambda/m/s/2").await, Presence::Gone);
    asked.lock().unwrap().clear();
    assert_eq!(bucket.empty().await.unwrap(), 3);
    let asked = asked.lock().unwrap();
    let deleted = asked.iter().filter(|asked| asked.starts_with("DELETE"));
    assert_eq!(deleted.count(), 3);
}
