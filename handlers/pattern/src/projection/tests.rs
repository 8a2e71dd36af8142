//! Reading what the subscriber is given.

use super::*;
use crate::testing::account::Account;

type Parsed = Event<Account>;

#[test]
fn sequence_numbers_compare_as_numbers_of_any_length() {
    let number = |text| Sequence::new(text).unwrap();
    assert!(number("9") < number("10"));
    assert!(number("499999999999999999999") < number("4100000000000000000001"));
    assert_eq!(number("0007"), number("7"));
    assert_eq!(number("000"), number("0"));
    assert_eq!(Sequence::new(""), None);
    assert_eq!(Sequence::new("-1"), None);
}

#[test]
fn an_event_is_a_stream_or_a_projection_by_hand_and_nothing_else() {
    assert!(
        matches!(Parsed::parse(r#"{"Records":[]}"#), Ok(Event::Stream(records)) if records.is_empty())
    );
    for payload in [
        "{}",
        r#"{"Records":null}"#,
        r#"{"Records":[],"project":{"items":[]}}"#,
    ] {
        assert_eq!(
            Parsed::parse(payload).unwrap_err().to_string(),
            "the event must have either the Records of a DynamoDB stream or project"
        );
    }
    let one = "project must have one of the arrays records, items, removed and replaced, one of \
               the tokens begin and complete, or the cursor outdated";
    for (payload, message) in [
        ("[]", "the event must be a JSON object, not an array"),
        (
            r#"{"Records":{}}"#,
            "Records must be an array of stream records",
        ),
        (r#"{"project":[]}"#, one),
        (r#"{"project":{"items":[],"removed":[]}}"#, one),
        (r#"{"project":{"items":[],"items":[]}}"#, one),
        (r#"{"project":{"begin":""}}"#, one),
        (
            r#"{"project":{"removed":[{"accountId":"a","version":1,"version":2}]}}"#,
            "project.removed[0] must be JSON: duplicate field `version` at line 1 column 38",
        ),
        (
            r#"{"project":{"removed":[{"accountId":"a"}]}}"#,
            "project.removed[0].version is required",
        ),
    ] {
        assert_eq!(Parsed::parse(payload).unwrap_err().to_string(), message);
    }
    let error = Parsed::parse(r#"{"project":{"replaced":[{"mark":""}]}}"#).unwrap_err();
    let message = error.to_string();
    assert!(
        message.starts_with("project.replaced[0] must have item and mark: "),
        "{message}"
    );
}

#[test]
fn an_item_that_cannot_be_read_fails_alone() {
    let payload = r#"{"project":{"items":[
        {"accountId":{"S":"a"},"owner":{"S":"ann"}},
        {"accountId":{"S":"b"}},
        {"accountId":{"S":""}},
        7
    ]}}"#;
    let Event::Project(changes) = Parsed::parse(payload).unwrap() else {
        panic!("not by hand")
    };
    assert_eq!(changes[0].as_ref().unwrap().id().as_str(), "a");
    let failed: Vec<_> = changes[1..]
        .iter()
        .map(|change| change.as_ref().unwrap_err())
        .collect();
    assert_eq!(
        serde_json::to_string(failed[0]).unwrap(),
        r#"{"accountId":"b","reason":"owner is missing from the item","malformed":true}"#
    );
    assert_eq!(
        (&failed[1].id, failed[1].reason.as_str()),
        (&None, "accountId must not be empty")
    );
    assert!(
        failed[2].reason.starts_with("the item cannot be read: "),
        "{:?}",
        failed[2]
    );
}
