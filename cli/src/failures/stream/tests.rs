//! Reading back, against recorded answers: what only DynamoDB's own streams do.

use aws_smithy_http_client::test_util::{ReplayEvent, StaticReplayClient};
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};

use super::*;

fn iterator(name: &str) -> (u16, Value) {
    (200, json!({ "ShardIterator": name }))
}

fn records(sequences: &[&str], next: Option<&str>) -> (u16, Value) {
    let records: Vec<_> = sequences
        .iter()
        .map(|number| json!({"eventName": "INSERT", "dynamodb": {"SequenceNumber": number}}))
        .collect();
    let mut answer = json!({ "Records": records });
    if let Some(next) = next {
        answer["NextShardIterator"] = json!(next);
    }
    (200, answer)
}

fn refused(code: &str) -> (u16, Value) {
    let kind = format!("com.amazonaws.dynamodb.v20120810#{code}");
    (400, json!({"__type": kind, "message": "it is so"}))
}

/// What was read of a batch of three records, 100 to 300, and what was asked.
struct Read {
    pages: Result<Vec<Vec<String>>, StreamError>,
    left: Left,
    asked: Vec<Value>,
}

async fn read(answers: Vec<(u16, Value)>) -> Read {
    let expected = answers.len();
    let events = answers.into_iter().map(|(status, body)| {
        let request = http::Request::builder().uri("https://example.com");
        let response = http::Response::builder().status(status);
        ReplayEvent::new(
            request.body(SdkBody::empty()).unwrap(),
            response.body(SdkBody::from(body.to_string())).unwrap(),
        )
    });
    let http = StaticReplayClient::new(events.collect());
    let stream = Stream::new(&Aws::replay(http.clone()));
    let batch: BatchInfo = serde_json::from_value(json!({
        "shardId": "shard", "streamArn": "arn", "batchSize": 3,
        "startSequenceNumber": "100", "endSequenceNumber": "300",
    }))
    .unwrap();
    let mut reader = stream.read(&batch);
    let mut pages = Ok(Vec::new());
    loop {
        match reader.next().await {
            Ok(Some(page)) => {
                let page = page.into_iter().map(|record| record.about.sequence_number);
                pages.as_mut().unwrap().push(page.collect());
            }
            Ok(None) => break,
            Err(error) => {
                pages = Err(error);
                break;
            }
        }
    }
    let left = reader.left();
    let asked: Vec<Value> = http
        .actual_requests()
        .map(|request| serde_json::from_slice(request.body().bytes().unwrap()).unwrap())
        .collect();
    assert_eq!(asked.len(), expected, "every answer is asked for");
    Read { pages, left, asked }
}

#[tokio::test(start_paused = true)]
async fn pages_are_read_up_to_the_last_record_and_empty_ones_are_no_end() {
    let read = read(vec![
        iterator("a"),
        records(&[], Some("b")),
        records(&["100", "200"], Some("c")),
        records(&[], Some("d")),
        records(&["300", "400"], Some("e")),
    ])
    .await;
    assert_eq!(read.pages.unwrap(), [vec!["100", "200"], vec!["300"]]);
    assert_eq!(read.left, Left::All);
    assert_eq!(read.asked[0]["ShardIteratorType"], "AT_SEQUENCE_NUMBER");
    assert_eq!(read.asked[4]["ShardIterator"], "d");
}

#[tokio::test]
async fn where_the_first_record_is_trimmed_what_is_left_is_read_from_the_horizon() {
    let read = read(vec![
        refused("TrimmedDataAccessException"),
        iterator("a"),
        records(&["200", "300"], Some("b")),
    ])
    .await;
    assert_eq!(read.pages.unwrap(), [["200", "300"]]);
    assert_eq!(read.left, Left::Some);
    assert_eq!(read.asked[1]["ShardIteratorType"], "TRIM_HORIZON");
}

#[tokio::test]
async fn records_shards_and_streams_that_are_gone_leave_nothing() {
    for answers in [
        vec![
            refused("TrimmedDataAccessException"),
            iterator("a"),
            records(&["400"], Some("b")),
        ],
        vec![refused("ResourceNotFoundException")],
        vec![iterator("a"), refused("TrimmedDataAccessException")],
    ] {
        let read = read(answers).await;
        assert_eq!(read.pages.unwrap(), Vec::<Vec<String>>::new());
        assert_eq!(read.left, Left::None);
    }
}

#[tokio::test]
async fn an_iterator_that_expired_goes_on_after_the_last_record() {
    let read = read(vec![
        iterator("a"),
        records(&["100", "200"], Some("b")),
        refused("ExpiredIteratorException"),
        iterator("c"),
        records(&["300"], Some("d")),
    ])
    .await;
    assert_eq!(read.pages.unwrap(), [vec!["100", "200"], vec!["300"]]);
    assert_eq!(read.left, Left::All);
    assert_eq!(read.asked[3]["ShardIteratorType"], "AFTER_SEQUENCE_NUMBER");
    assert_eq!(read.asked[3]["SequenceNumber"], "200");
}

#[tokio::test(start_paused = true)]
async fn page_after_page_without_a_record_is_an_error_and_not_taken_for_trimmed() {
    let mut answers = vec![iterator("a")];
    answers.resize(31, records(&[], Some("b")));
    let read = read(answers).await;
    assert!(matches!(read.pages, Err(StreamError::Silent(_))));
}

#[tokio::test]
async fn a_permission_that_is_missing_is_named() {
    let read = read(vec![refused("AccessDeniedException")]).await;
    let error = read.pages.unwrap_err();
    assert_eq!(
        error.to_string(),
        "permission denied: dynamodb:GetShardIterator"
    );
}
