//! Whatever gets lost, repeated or overtaken on the way: each command is applied once, or refused.
//! That no money is made or lost by it is tried by the accounts themselves, in `examples/accounts`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use account::Account;
use histories::{Dice, Memory, play};
use pattern::error::{CommandError, Named as _};
use pattern::write_model::WriteModel;
use proptest::prelude::*;
use serde_json::{Value, json};

#[path = "../../../examples/accounts/src/lib.rs"]
#[allow(dead_code, unreachable_pub, reason = "it is a crate's source")]
mod account;
#[path = "support/histories.rs"]
#[allow(dead_code, reason = "what other tests need")]
mod histories;

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn clients_that_create_with_one_key_make_one_account(seed: u64) {
        let dice = Dice::new(seed);
        let model = WriteModel::<Account, _>::new(Memory::new::<Account>(seed ^ 1)).unwrap();
        let create = || {
            let owner = if dice.roll(4) == 0 { "bob" } else { "ann" };
            json!({"owner": owner, "idempotencyKey": "k"}).to_string()
        };
        let clients = (0..1 + dice.roll(4)).map(|_| vec![create()]).collect();
        let answered = play(&model, clients, &dice);
        prop_assert_eq!(model.table().items.borrow().len(), 1);
        let items = model.table().items.borrow();
        let made = pattern::item::document::<Account>(items.values().next().unwrap()).unwrap();
        for one in &answered {
            let same = one.payload.contains(made.entity.owner.as_str());
            match &one.answer {
                Ok(document) => prop_assert!(same && *document == made),
                Err(error) => {
                    prop_assert!(!same);
                    let conflict = matches!(error, CommandError::IdempotencyConflict { .. });
                    prop_assert!(conflict);
                }
            }
        }
    }
}

/// Sends until there is a definite answer.
fn send(model: &WriteModel<Account, Memory>, payload: &Value) -> Result<Value, (String, String)> {
    let dice = Dice::new(7);
    let mut answered = play(model, vec![vec![payload.to_string()]], &dice);
    match answered.pop().unwrap().answer {
        Ok(document) => Ok(serde_json::to_value(document).unwrap()),
        Err(error) => Err((error.wire_name().into_owned(), error.to_string())),
    }
}

#[test]
fn a_rules_refusal_has_the_rules_words_and_a_key_has_one_use() {
    let model = WriteModel::<Account, _>::new(Memory::new::<Account>(1)).unwrap();
    let made = send(&model, &json!({"owner": "ann", "idempotencyKey": "k"})).unwrap();
    let id = &made["accountId"];
    let withdraw = json!({"command": "withdraw", "accountId": id, "cents": 1});
    let refused = (
        "Refused".to_owned(),
        format!(
            "account {}: it would fall below its limit",
            id.as_str().unwrap()
        ),
    );
    assert_eq!(send(&model, &withdraw), Err(refused));

    let deposit = json!({"command": "deposit", "accountId": id, "cents": 5, "idempotencyKey": "d"});
    assert_eq!(send(&model, &deposit).unwrap()["balance"], 5);
    assert_eq!(send(&model, &deposit).unwrap()["balance"], 5);
    let other = json!({"command": "deposit", "accountId": id, "cents": 6, "idempotencyKey": "d"});
    let (kind, message) = send(&model, &other).unwrap_err();
    assert_eq!(kind, "IdempotencyConflict");
    assert!(
        message.ends_with("which differs in the command"),
        "{message}"
    );

    // The creation's key is known for ever, whatever has become of the account.
    assert_eq!(
        send(&model, &json!({"owner": "ann", "idempotencyKey": "k"})).unwrap()["balance"],
        5
    );
    let (kind, message) = send(
        &model,
        &json!({"owner": "ann", "overdraft": 9, "idempotencyKey": "k"}),
    )
    .unwrap_err();
    assert_eq!(kind, "IdempotencyConflict");
    assert!(message.ends_with("which differs in overdraft"), "{message}");

    let nobody = json!({"command": "close", "accountId": "nobody"});
    let (kind, message) = send(&model, &nobody).unwrap_err();
    assert_eq!(
        (kind.as_str(), message.as_str()),
        ("AccountNotFound", "there is no account nobody")
    );
}

#[test]
fn a_version_that_cannot_grow_is_a_fault_and_nothing_is_written() {
    let model = WriteModel::<Account, _>::new(Memory::new::<Account>(1)).unwrap();
    let item = json!({"accountId": {"S": "a"}, "owner": {"S": "ann"}, "version": {"N": u64::MAX.to_string()}});
    let item = serde_json::from_value(item).unwrap();
    model
        .table()
        .items
        .borrow_mut()
        .insert("a".to_owned(), item);
    let deposit = json!({"command": "deposit", "accountId": "a", "cents": 5});
    let (kind, message) = send(&model, &deposit).unwrap_err();
    assert_eq!(kind, "WriteModelFault");
    assert!(
        message.ends_with("is at version 18446744073709551615, the last there is"),
        "{message}"
    );
}
