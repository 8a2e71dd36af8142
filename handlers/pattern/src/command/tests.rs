use super::*;
use crate::testing::account::{Account, Command as AccountCommand};

fn commands() -> Commands<Account> {
    Commands::new().unwrap()
}

#[test]
fn a_payload_is_read_by_the_schemas_of_the_domain() {
    let Command::Create(create) = commands()
        .parse(r#"{"owner":"ann","overdraft":null,"idempotencyKey":"k"}"#)
        .unwrap()
    else {
        panic!("not a create")
    };
    assert_eq!(create.entity.overdraft.get(), 0);
    assert_eq!(create.key.as_deref(), Some("k"));
    let Command::Change(change) = commands()
        .parse(r#"{"command":"deposit","accountId":"a","cents":5,"expectedVersion":3}"#)
        .unwrap()
    else {
        panic!("not a change")
    };
    assert_eq!(
        (change.name(), change.expected_version),
        ("deposit", Some(3))
    );
    assert!(matches!(
        change.action,
        Action::Rule("deposit", AccountCommand::Deposit { cents }) if cents.get() == 5
    ));
}

#[test]
fn every_refusal_names_the_field_and_the_rule() {
    for (payload, message) in [
        ("[]", "the command must be a JSON object, not an array"),
        ("{}", "owner is required"),
        (
            r#"{"owner":"ann","balance":5}"#,
            "balance is not a field of this; known: command, owner, currency, overdraft, idempotencyKey",
        ),
        (r#"{"command":5}"#, "command must be a string, not a number"),
        (
            r#"{"command":"rob","accountId":"a"}"#,
            "command must be one of create, deposit, withdraw, close",
        ),
        (r#"{"command":"close"}"#, "accountId is required"),
        (
            r#"{"command":"deposit","accountId":"a"}"#,
            "cents is required",
        ),
        (
            r#"{"command":"deposit","accountId":"a","cents":-1}"#,
            "cents must be a whole number from 1 to 1000000000, not -1",
        ),
        (
            r#"{"command":"close","accountId":"a","expectedVersion":0}"#,
            "expectedVersion must be a whole number of at least 1, not 0",
        ),
        (
            r#"{"command":"close","accountId":"a","cents":1}"#,
            "cents is not a field of this; known: command, accountId, expectedVersion, idempotencyKey",
        ),
    ] {
        assert_eq!(commands().parse(payload).unwrap_err().to_string(), message);
    }
}
