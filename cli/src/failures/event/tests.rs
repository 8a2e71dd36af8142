use aws_sdk_dynamodbstreams::types::{Identity, OperationType, StreamRecord, StreamViewType};
use aws_smithy_types::Blob;

use super::*;

const ARN: &str = "arn:aws:dynamodb:eu-west-1:123456789012:table/cqrs-orders/stream/x";

fn s(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn made(change: StreamRecord) -> Record {
    Record::builder()
        .event_id("1")
        .event_name(OperationType::Modify)
        .event_version("1.1")
        .event_source("aws:dynamodb")
        .aws_region("eu-west-1")
        .dynamodb(change)
        .build()
}

#[test]
fn every_type_of_attribute_has_dynamodbs_json() {
    let n = |text: &str| AttributeValue::N(text.to_owned());
    let image = [
        ("s", s("text \"quoted\"")),
        ("n", n("12.50")),
        ("b", AttributeValue::B(Blob::new([0, 255]))),
        ("bool", AttributeValue::Bool(false)),
        ("null", AttributeValue::Null(true)),
        ("ss", AttributeValue::Ss(vec!["a".to_owned()])),
        (
            "ns",
            AttributeValue::Ns(vec!["1".to_owned(), "2".to_owned()]),
        ),
        ("bs", AttributeValue::Bs(vec![Blob::new([1])])),
        ("l", AttributeValue::L(vec![n("1"), s("x")])),
        ("m", AttributeValue::M([("a".to_owned(), n("1"))].into())),
    ]
    .map(|(name, value)| (name.to_owned(), value));
    let change = StreamRecord::builder()
        .set_new_image(Some(image.into()))
        .build();
    assert_eq!(
        record(&made(change), ARN)["dynamodb"]["NewImage"],
        json!({
            "s": {"S": "text \"quoted\""}, "n": {"N": "12.50"}, "b": {"B": "AP8="},
            "bool": {"BOOL": false}, "null": {"NULL": true}, "ss": {"SS": ["a"]},
            "ns": {"NS": ["1", "2"]}, "bs": {"BS": ["AQ=="]},
            "l": {"L": [{"N": "1"}, {"S": "x"}]}, "m": {"M": {"a": {"N": "1"}}},
        })
    );
}

#[test]
fn the_record_is_lambdas() {
    let key: HashMap<_, _> = [("orderId".to_owned(), s("o"))].into();
    let mut image = key.clone();
    image.insert("clientId".to_owned(), s("c"));
    image.insert("productId".to_owned(), s("p"));
    let change = StreamRecord::builder()
        .approximate_creation_date_time(DateTime::from_secs(1_700_000_000))
        .set_keys(Some(key))
        .set_new_image(Some(image))
        .sequence_number("000123")
        .size_bytes(26)
        .stream_view_type(StreamViewType::NewAndOldImages)
        .build();
    let event = record(&made(change), ARN);
    assert_eq!(
        event,
        json!({
            "eventID": "1", "eventName": "MODIFY", "eventVersion": "1.1",
            "eventSource": "aws:dynamodb", "awsRegion": "eu-west-1", "eventSourceARN": ARN,
            "dynamodb": {
                "ApproximateCreationDateTime": 1_700_000_000, "Keys": {"orderId": {"S": "o"}},
                "NewImage": {
                    "orderId": {"S": "o"}, "clientId": {"S": "c"}, "productId": {"S": "p"},
                },
                "SequenceNumber": "000123", "SizeBytes": 26,
                "StreamViewType": "NEW_AND_OLD_IMAGES",
            },
        })
    );
}

#[test]
fn who_deleted_is_said_and_a_fraction_of_a_second_is_kept() {
    let change = StreamRecord::builder()
        .approximate_creation_date_time(DateTime::from_millis(1_700_000_000_250))
        .build();
    let mut expired = made(change);
    let identity = Identity::builder()
        .r#type("Service")
        .principal_id("dynamodb.amazonaws.com");
    expired.user_identity = Some(identity.build());
    let event = record(&expired, ARN);
    assert_eq!(
        event["dynamodb"],
        json!({"ApproximateCreationDateTime": 1_700_000_000.25})
    );
    assert_eq!(event["userIdentity"]["type"], "Service");
}
