//! What a comparison says that a record would do is what its projection then does: random changes of
//! one entity, by the stream and by hand, against a real server.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    dead_code,
    reason = "a test fails by panicking, and shares its helpers with others"
)]

#[path = "support/given.rs"]
mod given;
#[path = "../../domain/src/lib.rs"]
#[allow(dead_code, unreachable_pub, reason = "it is a crate's source")]
mod order;
#[path = "support/stored.rs"]
mod stored;

use given::{Change, Given, at, present, removed};
use pattern::payload::Projected;
use pattern::projection::Record;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use stored::item;

const CHANGES: u64 = 3_000;

/// SplitMix64: small, and the same everywhere.
fn roll(state: &mut u64, sides: u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (z ^ (z >> 31)) % sides
}

fn record(name: &str, image: &str, order: &Value, sequence: u64) -> Value {
    json!({"eventName": name, "dynamodb": {
        "Keys": {"orderId": {"S": "o"}}, "SequenceNumber": format!("{sequence:021}"),
        (image): item(order),
    }})
}

impl Given {
    fn foreseen(&self, record: &Value) -> Value {
        self.ask(&json!({"compare": [{"record": record}]}))["compared"][0].take()
    }

    fn project_record(&self, record: &Value) -> Projected {
        let raw = RawValue::from_string(record.to_string()).unwrap();
        let projected = self.model.project_records(vec![Record::read(&raw)]);
        self.runtime.block_on(projected).unwrap().projected
    }
}

#[test]
fn a_record_does_what_was_foreseen() {
    let given = Given::an_empty_read_model();
    let mut dice = 1;
    let mut seen = std::collections::BTreeMap::<String, u64>::new();
    for change in 0..CHANGES {
        // Few versions, numbers and contents, so that they meet.
        let version = 1 + roll(&mut dice, 4);
        let status = ["placed", "shipped"][usize::try_from(roll(&mut dice, 2)).unwrap()];
        let order = at(version, status);
        let sequence = change / 8 + roll(&mut dice, 12);
        let is_removal = roll(&mut dice, 4) == 0;
        if roll(&mut dice, 3) == 0 {
            let by_hand: Change = match is_removal {
                true => removed(version),
                false => present(&order),
            };
            given.project(by_hand);
            continue;
        }
        if roll(&mut dice, 40) == 0 {
            given.server.run::<()>(&["DEL", "orders:v2:=o"]);
        }
        let record = match is_removal {
            true => record("REMOVE", "OldImage", &order, sequence),
            false => record("MODIFY", "NewImage", &order, sequence),
        };
        let foreseen = given.foreseen(&record);
        let effect = foreseen["effect"].as_str().unwrap().to_owned();
        let mark = given.mark();
        let done = given.project_record(&record);
        let applies = if is_removal { "removed" } else { "applied" };
        let expected = match (done.applied, done.stale) {
            (1, 0) => applies,
            (0, 1) => "stale",
            _ => panic!("{done:?}"),
        };
        assert_eq!(effect, expected, "change {change}, on {mark:?}: {record}");
        *seen.entry(effect).or_default() += 1;
    }
    assert!(
        seen.len() == 3 && seen.values().all(|count| *count > 50),
        "{seen:?}"
    );
}

#[test]
fn what_cannot_be_projected_is_said_with_its_reason() {
    let given = Given::an_empty_read_model();
    let mut poisoned = record("INSERT", "NewImage", &at(1, "placed"), 1);
    poisoned["dynamodb"]["NewImage"]["quantity"] = json!({"S": "a few"});
    let foreseen = given.foreseen(&poisoned);
    assert_eq!(
        foreseen,
        json!({
            "state": "unreadable", "mark": "",
            "reason": "quantity must be a whole number from 1 to 1000000, not a string",
        })
    );
    assert_eq!(given.project_record(&poisoned).failed.len(), 1);
}
