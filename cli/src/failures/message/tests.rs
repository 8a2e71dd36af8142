use serde_json::{Value, json};

use super::*;

const TABLE: &str = "arn:aws:dynamodb:eu-west-1:123456789012:table/cqrs-orders/stream/";

/// The example of the Lambda guide, with this table.
fn body() -> Value {
    json!({
        "requestContext": {
            "requestId": "316aa6d0-8154-xmpl-9af7-85d5f4a6bc81",
            "functionArn": "arn:aws:lambda:eu-west-1:123456789012:function:cqrs-subscriber",
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 1
        },
        "responseContext": {
            "statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"
        },
        "version": "1.0",
        "timestamp": "2019-11-14T00:13:49.717Z",
        "DDBStreamBatchInfo": {
            "shardId": "shardId-00000001573689847184-864758bb",
            "startSequenceNumber": "800000000003126276362",
            "endSequenceNumber": "800000000003126276362",
            "approximateArrivalOfFirstRecord": "2019-11-14T00:13:19Z",
            "approximateArrivalOfLastRecord": "2019-11-14T00:13:19Z",
            "batchSize": 1,
            "streamArn": format!("{TABLE}2019-11-14T00:04:06.388")
        }
    })
}

fn message(body: &Value, message_id: &str) -> Message {
    let content = Content::read(&body.to_string(), TABLE);
    Message {
        id: content.id(message_id),
        message_id: message_id.to_owned(),
        receipt: "receipt".to_owned(),
        sent_ms: 1_573_690_430_000,
        content,
    }
}

#[test]
fn the_guides_example_is_read_and_its_id_is_that_of_its_place_in_the_stream() {
    let (one, again) = (message(&body(), "a"), message(&body(), "b"));
    let Content::Batch(batch) = &one.content else {
        panic!("foreign");
    };
    assert_eq!(batch.error(), Some("Unhandled"));
    assert_eq!(batch.info.batch_size, 1);
    assert_eq!(one.id, again.id);
    assert_eq!(one.id.to_string().parse(), Ok(one.id.clone()));
    assert_eq!(one.at(), "2019-11-14T00:13:49.717Z");
    let mut elsewhere = body();
    elsewhere["DDBStreamBatchInfo"]["endSequenceNumber"] = json!("800000000003126276363");
    assert_ne!(message(&elsewhere, "a").id, one.id);
}

#[test]
fn records_that_grew_too_old_unseen_have_neither_request_nor_response() {
    let mut old = body();
    old["requestContext"]["requestId"].take();
    old.as_object_mut().unwrap().remove("responseContext");
    let Content::Batch(batch) = message(&old, "a").content else {
        panic!("foreign");
    };
    assert_eq!(batch.error(), None);
}

#[test]
fn what_is_not_about_this_tables_stream_is_foreign() {
    let mut other_table = body();
    other_table["DDBStreamBatchInfo"]["streamArn"] =
        json!("arn:aws:dynamodb:eu-west-1:123456789012:table/cqrs-orders-2/stream/x");
    let mut backwards = body();
    backwards["DDBStreamBatchInfo"]["startSequenceNumber"] = json!("900000000003126276362");
    let mut no_number = body();
    no_number["DDBStreamBatchInfo"]["endSequenceNumber"] = json!("last");
    for foreign in [other_table, backwards, no_number, json!({}), json!("hello")] {
        let (one, other) = (message(&foreign, "a"), message(&foreign, "b"));
        assert!(matches!(one.content, Content::Foreign(_)), "{foreign}");
        assert_ne!(one.id, other.id);
        assert_eq!(one.at(), "2019-11-14T00:13:50Z");
    }
}

#[test]
fn the_oldest_records_come_first_and_within_a_second_the_streams_order_holds() {
    let at = |second: &str, sequence: &str| {
        let mut body = body();
        let info = &mut body["DDBStreamBatchInfo"];
        info["approximateArrivalOfFirstRecord"] = json!(second);
        info["startSequenceNumber"] = json!(sequence);
        info["endSequenceNumber"] = json!(sequence);
        message(&body, sequence)
    };
    let mut messages = [
        at("2019-11-14T00:13:20Z", "1"),
        at("2019-11-14T00:13:19.500Z", "100"),
        at("2019-11-14T00:13:19.500Z", "0099"),
    ];
    messages.sort_by(Message::by_age);
    let order: Vec<_> = messages.iter().map(|m| m.message_id.as_str()).collect();
    assert_eq!(order, ["0099", "100", "1"]);
}

#[test]
fn an_id_that_cannot_be_one_is_refused() {
    for text in ["", "abc", "zzzzzzzzzzzz", "0123456789abc"] {
        assert!(text.parse::<Id>().is_err(), "{text}");
    }
    assert_eq!(
        "0123456789AB".parse::<Id>().map(|id| id.to_string()),
        Ok("0123456789ab".to_owned())
    );
}
