use serde_json::{Value, json};

use super::image::Image;
use super::*;
use crate::testing::account::{Account, Status};

/// An item of DynamoDB's JSON.
fn item(json: Value) -> Item {
    serde_json::from_value(json).unwrap()
}

/// The document of an item that is read from its text, if it can be.
fn at_once(json: &Value) -> Option<Document<Account>> {
    let image = serde_json::from_str::<Image<Account>>(&json.to_string());
    image.ok().map(|image| image.0)
}

fn legacy() -> Value {
    json!({"accountId": {"S": "a"}, "owner": {"S": "ann"}})
}

#[test]
fn an_item_of_others_is_an_entity_with_fixed_defaults() {
    let document: Document<Account> = document(&item(legacy())).unwrap();
    assert_eq!(at_once(&legacy()).as_ref(), Some(&document));
    assert_eq!(
        serde_json::to_string(&document).unwrap(),
        r#"{"accountId":"a","owner":"ann","currency":"EUR","overdraft":0,"balance":0,"status":"open","version":1,"createdAt":"1970-01-01T00:00:00.000Z","updatedAt":"1970-01-01T00:00:00.000Z"}"#
    );
}

#[test]
fn what_an_item_says_wrongly_is_named_instead_of_defaulted() {
    for (name, value, message) in [
        ("owner", json!({"S": ""}), "owner must not be empty"),
        (
            "owner",
            json!({"NULL": true}),
            "owner is missing from the item",
        ),
        (
            "overdraft",
            json!({"N": "-1"}),
            "overdraft must be a whole number from 0 to 1000000, not -1",
        ),
        (
            "overdraft",
            json!({"S": "1"}),
            "overdraft must be a whole number from 0 to 1000000, not a string",
        ),
        (
            "status",
            json!({"S": "lost"}),
            "status must be one of open, closed",
        ),
        (
            "status",
            json!({"BOOL": true}),
            "status must be a string, not a boolean",
        ),
        (
            "version",
            json!({"N": "1.5"}),
            "version must be a whole number of at least 1, not 1.5",
        ),
        (
            "version",
            json!({"N": "0"}),
            "version must be a whole number of at least 1, not 0",
        ),
        (
            "createdAt",
            json!({"S": "noon"}),
            "createdAt must be a time as RFC 3339 writes it, such as 2026-11-23T03:00:00.000Z",
        ),
    ] {
        let mut wrong = legacy();
        wrong[name] = value;
        assert_eq!(at_once(&wrong), None, "{message}");
        let error = document::<Account>(&item(wrong)).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
    let error = identity::<Account>(&item(json!({}))).unwrap_err();
    assert_eq!(error.to_string(), "accountId is missing from the item");
}

#[test]
fn an_item_that_is_no_entity_can_still_be_removed() {
    let mut wrong = legacy();
    wrong["overdraft"] = json!({"L": []});
    wrong["version"] = json!({"N": "7"});
    let (id, version) = identity::<Account>(&item(wrong)).unwrap();
    assert_eq!((id.as_str(), version), ("a", 7));
}

#[test]
fn what_is_stored_is_read_back_and_unknown_attributes_are_no_fault() {
    let mut odd = legacy();
    odd["status"] = json!({"S": "closed"});
    odd["foreign"] = json!({"M": {"a": {"L": [{"BOOL": true}]}}});
    let mut stored: Stored<Account> = stored(&item(odd)).unwrap();
    assert_eq!(stored.document.entity.status, Status::Closed);
    let used = crate::applied::Use {
        command: "close".to_owned(),
        of: "0".to_owned(),
        at: crate::timestamp::Timestamp::EPOCH,
    };
    stored.applied = stored.applied.with("k", used);
    let item = of(&stored).unwrap();
    assert_eq!(super::stored(&item).as_ref(), Ok(&stored));
    let json = serde_json::to_value(&item).unwrap();
    assert_eq!(at_once(&json), Some(stored.document));
}
