use aws_smithy_http_client::test_util::{ReplayEvent, StaticReplayClient};
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};

use super::*;
use crate::aws::Aws;

/// Answers, each with the code of its status, to the requests in their order.
fn replay(answers: &[(u16, Value)]) -> (StaticReplayClient, Aws) {
    let answers = answers.iter().map(|(status, body)| {
        let answer = http::Response::builder()
            .status(*status)
            .body(SdkBody::from(body.to_string()));
        let request = http::Request::new(SdkBody::empty());
        ReplayEvent::new(request, answer.unwrap())
    });
    let client = StaticReplayClient::new(answers.collect());
    let aws = Aws::replay(client.clone());
    (client, aws)
}

fn page(events: &[(i64, &str)], token: Option<&str>) -> (u16, Value) {
    let event = |(at_ms, id): &(i64, &str)| json!({"timestamp": at_ms, "eventId": id, "message": format!("m{id}"), "logStreamName": "s"});
    let events: Vec<Value> = events.iter().map(event).collect();
    (200, json!({"events": events, "nextToken": token}))
}

fn tokens(client: &StaticReplayClient) -> Vec<(String, Value)> {
    let requests = client.actual_requests();
    let asked = requests.map(|request| {
        let body: Value = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
        let group = body["logGroupName"].as_str().unwrap().to_owned();
        (group, body["nextToken"].clone())
    });
    asked.collect()
}

async fn ids(merged: &mut Merged<'_>) -> Vec<String> {
    let mut ids = Vec::new();
    while let Some(event) = merged.next().await.unwrap() {
        ids.push(event.id);
    }
    ids
}

#[tokio::test]
async fn groups_are_merged_by_time_and_all_their_pages_are_read() {
    let (client, aws) = replay(&[
        page(&[(1, "p1"), (5, "p5")], Some("more")),
        page(&[(1, "s1"), (2, "s2")], Some("empty")),
        page(&[], Some("last")),
        page(&[(4, "s4"), (9, "s9")], None),
        page(&[(7, "p7")], None),
    ]);
    let publisher = LogGroup::new(&aws, Handler::Publisher, "p");
    let subscriber = LogGroup::new(&aws, Handler::Subscriber, "s");
    let wanted = Wanted::default();
    let mut merged = Merged::new([(&publisher, 0), (&subscriber, 0)], &wanted);
    let expected = ["p1", "s1", "s2", "s4", "p5", "p7", "s9"];
    assert_eq!(ids(&mut merged).await, expected);
    let asked = [
        ("p", Value::Null),
        ("s", Value::Null),
        ("s", json!("empty")),
        ("s", json!("last")),
        ("p", json!("more")),
    ];
    assert_eq!(tokens(&client), asked.map(|(g, t)| (g.to_owned(), t)));
    assert_eq!(merged.missing().next(), None);
}

#[tokio::test]
async fn a_group_that_is_not_there_is_named_and_the_others_are_read() {
    let missing = json!({"__type": "ResourceNotFoundException", "message": "no such group"});
    let (_, aws) = replay(&[(400, missing), page(&[(1, "q1")], None)]);
    let publisher = LogGroup::new(&aws, Handler::Publisher, "p");
    let query = LogGroup::new(&aws, Handler::Query, "q");
    let wanted = Wanted::default();
    let mut merged = Merged::new([(&publisher, 0), (&query, 0)], &wanted);
    assert_eq!(ids(&mut merged).await, ["q1"]);
    assert_eq!(merged.missing().collect::<Vec<_>>(), [Handler::Publisher]);
}

#[tokio::test]
async fn a_pattern_that_is_not_taken_is_wrong_usage() {
    let invalid = json!({"__type": "InvalidParameterException", "message": "Invalid character"});
    let (_, aws) = replay(&[(400, invalid)]);
    let group = LogGroup::new(&aws, Handler::Query, "q");
    let wanted = Wanted {
        pattern: Some("a-b".to_owned()),
        until_ms: None,
    };
    let mut merged = Merged::new([(&group, 0)], &wanted);
    let error = merged.next().await.unwrap_err();
    let text = "CloudWatch does not take the filter `a-b`: Invalid character";
    assert_eq!((error.to_string().as_str(), error.passes()), (text, false));
    assert_eq!(crate::error::Failure::from(error).exit_code(), 2);
}

#[tokio::test]
async fn throttling_passes_and_reading_goes_on_with_the_page_that_was_refused() {
    let throttled = json!({"__type": "ThrottlingException", "message": "Rate exceeded"});
    let mut answers = vec![page(&[(1, "a")], Some("second"))];
    // The SDK tries three times.
    answers.extend(vec![(400, throttled); 3]);
    answers.push(page(&[(2, "b")], None));
    let (client, aws) = replay(&answers);
    let group = LogGroup::new(&aws, Handler::Query, "q");
    let wanted = Wanted::default();
    let mut merged = Merged::new([(&group, 0)], &wanted);
    assert_eq!(
        merged
            .next()
            .await
            .unwrap()
            .map(|event| event.id)
            .as_deref(),
        Some("a")
    );
    let error = merged.next().await.unwrap_err();
    assert!(error.passes() && error.is_throttling());
    assert_eq!(ids(&mut merged).await, ["b"]);
    let asked: Vec<Value> = tokens(&client)
        .into_iter()
        .map(|(_, token)| token)
        .collect();
    assert_eq!(asked[1..], vec![json!("second"); 4]);
}
