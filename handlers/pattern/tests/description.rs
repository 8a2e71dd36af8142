//! What a domain says of itself, and what is wrong with one that cannot work.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use pattern::description::{CommandKind, Description, Unreadable};
use pattern::entity::{Entity, Move, NoCommand, Refusal};
use pattern::schema::Kind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

#[path = "../../../examples/accounts/src/lib.rs"]
#[allow(dead_code, unreachable_pub, reason = "it is a crate's source")]
mod account;

use account::Account;

#[test]
fn a_description_says_all_that_is_in_the_types_in_their_order() {
    let says = Description::of::<Account>().unwrap();
    assert_eq!(says.id, "accountId");
    assert_eq!(says.about, "An account.");
    assert_eq!(says.statuses, ["open", "closed"]);
    assert_eq!(says.lists, ["owner", "status"]);
    let names = |schema: &pattern::schema::Schema| -> Vec<String> {
        schema
            .fields
            .iter()
            .map(|field| field.name.clone())
            .collect()
    };
    assert_eq!(names(&says.draft), ["owner", "currency", "overdraft"]);
    assert_eq!(
        names(&says.document),
        [
            "accountId",
            "owner",
            "currency",
            "overdraft",
            "balance",
            "status",
            "version",
            "createdAt",
            "updatedAt"
        ]
    );
    let overdraft = says.draft.field("overdraft").unwrap();
    assert_eq!(overdraft.help, "How far below zero it may fall, in cents.");
    assert_eq!(overdraft.default, Some(json!(0)));
    assert!(!overdraft.required);
    let (min, max) = (0, 1_000_000);
    assert_eq!(overdraft.kind, Kind::Whole { min, max });
    assert_eq!(
        json!(says.examples),
        json!([{"owner": "ann"}, {"owner": "bob"}])
    );
    let commands: Vec<_> = says
        .commands
        .iter()
        .map(|c| (c.name.as_str(), c.help.as_str()))
        .collect();
    assert_eq!(
        commands,
        [
            ("deposit", "Put money on it."),
            ("withdraw", "Take money from it."),
            ("close", "End it, when nothing is on it."),
        ]
    );
    let CommandKind::Rule { payload } = &says.command("deposit").unwrap().kind else {
        panic!("not a rule")
    };
    assert!(payload.check(json!({"cents": 5}), "the payload").is_ok());
    let refused = payload.check(json!({"cents": -5}), "the payload");
    assert_eq!(
        refused.unwrap_err().to_string(),
        "cents must be a whole number from 1 to 1000000000, not -5"
    );
}

#[test]
fn a_description_is_read_as_it_was_written() {
    let says = Description::of::<Account>().unwrap();
    assert_eq!(Description::parse(&says.pretty()).unwrap(), says);
}

#[test]
fn a_description_of_another_format_or_of_none_is_refused() {
    let later = Description::parse(r#"{"format": 2, "anything": []}"#).unwrap_err();
    assert_eq!(
        later.to_string(),
        "it is of format 2, and only format 1 is known"
    );
    for none in ["", "[]", "{}", r#"{"format": 1}"#] {
        let error = Description::parse(none).unwrap_err();
        assert!(matches!(error, Unreadable::Json(_)), "{none}");
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Status {
    #[default]
    New,
    Old,
}

/// What is wrong with a domain of these fields and constants.
macro_rules! wrong {
    ({ $($(#[$attribute:meta])* $field:ident: $type:ty),* } $($item:item)*) => {{
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "camelCase")]
        struct Thing { $($(#[$attribute])* $field: $type),* }

        impl Entity for Thing {
            const PLURAL: &'static str = "things";
            type Status = Status;
            type Command = NoCommand;
            fn decide(&self, command: NoCommand) -> Result<Self, Refusal> { match command {} }
            $($item)*
        }
        let error = Description::of::<Thing>().unwrap_err().to_string();
        error.strip_prefix("the domain cannot be used: ").unwrap().to_owned()
    }};
}

#[test]
fn what_cannot_work_is_said() {
    assert_eq!(
        wrong!({ #[serde(default)] status: Status } const NAME: &'static str = "deploy";),
        "the name deploy is taken by the tool or the library"
    );
    assert_eq!(
        wrong!({ #[serde(default)] status: Status } const NAME: &'static str = "Thing";),
        "the name \"Thing\" must be of lower-case letters and digits, at most 32"
    );
    assert_eq!(
        wrong!({ version: u32, #[serde(default)] status: Status }
            const NAME: &'static str = "thing";),
        "the field version is one that the library adds"
    );
    assert_eq!(
        wrong!({ thing_id: u32, #[serde(default)] status: Status }
            const NAME: &'static str = "thing";),
        "the field thingId is one that the library adds"
    );
    assert_eq!(
        wrong!({ size: u32 } const NAME: &'static str = "thing";),
        "it needs a field status, an enum of names"
    );
    assert_eq!(
        wrong!({ status: Status } const NAME: &'static str = "thing";),
        "status needs a default (`#[serde(default)]`), since no create gives it"
    );
    assert_eq!(
        wrong!({ size: u32, #[serde(default)] status: Status }
            const NAME: &'static str = "thing";),
        "size needs an example (`#[schemars(example = …)]`)"
    );
    assert_eq!(
        wrong!({ #[schemars(example = -1)] size: u32, #[serde(default)] status: Status }
            const NAME: &'static str = "thing";),
        "an example breaks its rule: size must be a whole number from 0 to 4294967295, not -1"
    );
    assert_eq!(
        wrong!({ #[schemars(extend("pattern" = "^a"))] size: String, #[serde(default)] status: Status }
            const NAME: &'static str = "thing";),
        "size has the rule pattern, which nothing checks"
    );
    assert_eq!(
        wrong!({ #[serde(default)] status: Status }
            const NAME: &'static str = "thing";
            const LISTS: &'static [&'static str] = &["color"];),
        "there is no field color to make lists of"
    );
    assert_eq!(
        wrong!({ #[serde(default)] status: Status }
            const NAME: &'static str = "thing";
            const KEY_SCOPE: Option<&'static str> = Some("status");),
        "an idempotency key can belong to a required text only, not to status"
    );
    assert_eq!(
        wrong!({ #[serde(default)] status: Status }
            const NAME: &'static str = "thing";
            const MOVES: &'static [Move<Status>] =
                &[Move { command: "list", from: &[Status::New], to: Status::Old, help: "" }];),
        "the command list is one that the library has"
    );
}
