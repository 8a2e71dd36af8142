//! Reading what the subscriber is given.

use super::*;

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
        matches!(Event::parse(r#"{"Records":[]}"#), Ok(Event::Stream(records)) if records.is_empty())
    );
    for payload in [
        "{}",
        r#"{"Records":null}"#,
        r#"{"Records":[],"project":{"orders":[]}}"#,
    ] {
        assert_eq!(
            Event::parse(payload).unwrap_err().to_string(),
            "the event must have either the Records of a DynamoDB stream or project"
        );
    }
    let one = "project must have one of the arrays records, orders, removed and replaced, or one \
               of the tokens begin and complete";
    for (payload, message) in [
        ("[]", "the event must be a JSON object, not an array"),
        (
            r#"{"Records":{}}"#,
            "Records must be an array of stream records",
        ),
        (r#"{"project":[]}"#, one),
        (r#"{"project":{"orders":[],"removed":[]}}"#, one),
        (r#"{"project":{"orders":[],"orders":[]}}"#, one),
        (r#"{"project":{"records":[],"complete":"t"}}"#, one),
        (r#"{"project":{"begin":""}}"#, one),
        (
            r#"{"project":{"removed":[{"orderId":"o","version":1,"version":2}]}}"#,
            "project.removed[0] must be JSON: duplicate field `version` at line 1 column 36",
        ),
        (
            r#"{"project":{"removed":[{"orderId":"o"}]}}"#,
            "project.removed[0].version is required",
        ),
        (
            r#"{"project":{"replaced":[{"order":{"orderId":"o","clientId":"c","productId":"p","version":0},"mark":""}]}}"#,
            "project.replaced[0].order.version must be at least 1",
        ),
    ] {
        assert_eq!(Event::parse(payload).unwrap_err().to_string(), message);
    }
    let nought =
        r#"{"project":{"orders":[{"orderId":"o","clientId":"c","productId":"p","version":0}]}}"#;
    assert_eq!(
        Event::parse(nought).unwrap_err().to_string(),
        "project.orders[0].version must be at least 1"
    );
    let error = Event::parse(r#"{"project":{"orders":[{"orderId":"o"}]}}"#).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("project.orders[0] must be an order: "),
        "{error}"
    );
}

#[test]
fn what_a_client_serialises_is_what_the_subscriber_reads() {
    let removed = Removed {
        order_id: OrderId::new("o").unwrap(),
        version: 4,
    };
    let payload = ProjectPayload {
        project: Project::Removed(vec![removed.clone()]),
    };
    let text = serde_json::to_string(&payload).unwrap();
    assert_eq!(
        text,
        r#"{"project":{"removed":[{"orderId":"o","version":4}]}}"#
    );
    let Event::Project(changes) = Event::parse(&text).unwrap() else {
        panic!("not by hand")
    };
    assert_eq!(
        changes,
        [Change {
            state: State::Removed(removed),
            sequence: None
        }]
    );
    let order = r#"{"orderId":"o","clientId":"c","productId":"p"}"#;
    let replacement = Replacement {
        order: serde_json::from_str(order).unwrap(),
        mark: "5 100 ".to_owned(),
    };
    let payload = ProjectPayload {
        project: Project::Replaced(vec![replacement.clone()]),
    };
    let text = serde_json::to_string(&payload).unwrap();
    assert!(
        matches!(Event::parse(&text), Ok(Event::Replace(replaced)) if replaced == [replacement])
    );
}
