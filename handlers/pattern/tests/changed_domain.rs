//! The changes of a domain that `docs/domain.md` shows: they are made to the order as it is, and what
//! comes of them works.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "support/changed_order.rs"]
#[allow(dead_code, unreachable_pub, reason = "it is a crate's source")]
mod changed_order;
#[path = "support/histories.rs"]
#[allow(dead_code, reason = "what other tests need")]
mod histories;

use changed_order::Order;
use histories::{Dice, Memory, play};
use pattern::description::Description;
use pattern::error::Named as _;
use pattern::write_model::WriteModel;
use serde_json::{Value, json};

const ORDER: &str = include_str!("../../domain/src/lib.rs");
const CHANGED: &str = include_str!("support/changed_order.rs");
const GUIDE: &str = include_str!("../../../docs/domain.md");

#[test]
fn the_guides_changes_made_to_the_order_give_the_changed_order() {
    let diffs = GUIDE.split("```diff\n").skip(1);
    let hunks = diffs.flat_map(|rest| rest.split("```").next().unwrap().split("@@\n").skip(1));
    let changed = hunks.fold(ORDER.to_owned(), |order, hunk| {
        // The head of the next hunk is no part of this one.
        let hunk = hunk.split("@@ -").next().unwrap();
        let side = |other: char| -> String {
            let lines = hunk.lines().filter(|line| !line.starts_with(other));
            lines
                .map(|line| format!("{}\n", line.get(1..).unwrap_or_default()))
                .collect()
        };
        let (before, after) = (side('+'), side('-'));
        assert_eq!(order.matches(&before).count(), 1, "{before}");
        order.replace(&before, &after)
    });
    assert_eq!(changed, CHANGED);
}

/// Sends until there is a definite answer.
fn send(model: &WriteModel<Order, Memory>, payload: &Value) -> Result<Value, String> {
    let mut answered = play(model, vec![vec![payload.to_string()]], &Dice::new(7));
    match answered.pop().unwrap().answer {
        Ok(document) => Ok(serde_json::to_value(document).unwrap()),
        Err(error) => Err(error.wire_name().into_owned()),
    }
}

#[test]
fn the_field_and_the_command_are_everywhere() {
    let says = Description::of::<Order>().unwrap();
    assert!(says.draft.field("note").is_some() && says.document.field("note").is_some());
    assert!(says.statuses.contains(&"returned".to_owned()));

    let model = WriteModel::<Order, _>::new(Memory::new::<Order>(1)).unwrap();
    let create = json!({
        "clientId": "c", "productId": "p", "note": "no bag", "idempotencyKey": "k",
    });
    let made = send(&model, &create).unwrap();
    assert_eq!(made["note"], "no bag");
    let change = |command: &str| json!({ "command": command, "orderId": made["orderId"] });
    assert_eq!(
        send(&model, &change("return")),
        Err("IllegalTransition".to_owned())
    );
    send(&model, &change("ship")).unwrap();
    let returned = send(&model, &change("return")).unwrap();
    assert_eq!(
        (&returned["status"], &returned["note"]),
        (&json!("returned"), &json!("no bag"))
    );

    let note = says.draft.field("note").unwrap();
    let long = json!("x".repeat(201));
    assert!(!note.required && note.kind.check(&long).is_err());
}
