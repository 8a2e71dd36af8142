//! Whatever gets lost, repeated or overtaken on the way: an order has one end, and who asked for
//! the other is refused.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use domain::{Order, Status};
use histories::{Dice, Memory, play, times_applied};
use pattern::error::CommandError;
use pattern::write_model::WriteModel;
use proptest::prelude::*;
use serde_json::{Value, json};

#[path = "../../pattern/tests/support/histories.rs"]
#[allow(dead_code, reason = "what other tests need")]
mod histories;

/// What several clients send of one order, with keys or without.
fn clients(dice: &Dice) -> Vec<Vec<String>> {
    let mut sent = 0;
    let client = |_| {
        let commands = (0..1 + dice.roll(3)).map(|_| {
            sent += 1;
            let command = ["ship", "cancel"][dice.roll(2)];
            let mut payload = json!({"command": command, "orderId": "o"});
            if dice.roll(2) == 0 {
                payload["idempotencyKey"] = format!("k{sent}").into();
            }
            if dice.roll(4) == 0 {
                payload["expectedVersion"] = (1 + dice.roll(3)).into();
            }
            payload.to_string()
        });
        commands.collect()
    };
    (0..1 + dice.roll(4)).map(client).collect()
}

/// The item as this publisher writes it, or as another program left it.
fn item(dice: &Dice) -> Value {
    let mut item = json!({
        "orderId": {"S": "o"}, "clientId": {"S": "c"}, "productId": {"S": "p"},
        "foreign": {"L": [{"N": "1"}]},
    });
    if dice.roll(2) == 0 {
        item["status"] = json!({"S": "placed"});
        item["version"] = json!({"N": "1"});
        item["appliedKeys"] = json!({"M": {}});
    }
    item
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_order_has_one_end(seed: u64) {
        let dice = Dice::new(seed);
        let model = WriteModel::<Order, _>::new(Memory::new::<Order>(seed ^ 1)).unwrap();
        let item = serde_json::from_value(item(&dice)).unwrap();
        model.table().items.borrow_mut().insert("o".to_owned(), item);

        let answered = play(&model, clients(&dice), &dice);

        let items = model.table().items.borrow();
        let end = pattern::item::document::<Order>(&items["o"]).unwrap();
        prop_assert!(items["o"].contains_key("foreign"));
        prop_assert!(end.version <= 2);
        prop_assert_eq!(model.table().written.borrow().len() as u64, end.version - 1);
        for one in &answered {
            let payload: Value = serde_json::from_str(&one.payload).unwrap();
            let target = match payload["command"].as_str() {
                Some("ship") => Status::Shipped,
                _ => Status::Cancelled,
            };
            match &one.answer {
                Ok(order) => prop_assert!(order.entity.status == target && *order == end),
                Err(CommandError::VersionConflict { .. }) => {
                    prop_assert!(!payload["expectedVersion"].is_null());
                }
                Err(CommandError::IllegalTransition { .. }) => {
                    prop_assert!(end.entity.status != target && end.version == 2);
                }
                Err(other) => prop_assert!(false, "{}: {}", one.payload, other),
            }
            if let Some(key) = payload["idempotencyKey"].as_str() {
                let done = one.answer.is_ok();
                let times = times_applied(model.table()).get(key).copied();
                prop_assert!(times.unwrap_or_default() <= usize::from(done));
            }
        }
    }

    #[test]
    fn clients_that_create_with_one_key_make_one_order(seed: u64) {
        let dice = Dice::new(seed);
        let model = WriteModel::<Order, _>::new(Memory::new::<Order>(seed ^ 1)).unwrap();
        let create = || {
            let quantity = 1 + dice.roll(2);
            json!({"clientId": "c", "productId": "p", "quantity": quantity, "idempotencyKey": "k"})
        };
        let clients = (0..1 + dice.roll(4)).map(|_| vec![create().to_string()]).collect();
        let answered = play(&model, clients, &dice);
        let items = model.table().items.borrow();
        prop_assert_eq!(items.len(), 1);
        let made = pattern::item::document::<Order>(items.values().next().unwrap()).unwrap();
        for one in &answered {
            let payload: Value = serde_json::from_str(&one.payload).unwrap();
            let same = payload["quantity"] == made.entity.quantity.get();
            let conflict = matches!(one.answer, Err(CommandError::IdempotencyConflict { .. }));
            let right = if same { one.answer.is_ok() } else { conflict };
            prop_assert!(right);
        }
    }
}
