//! A domain that changes under a stack with data, through the real binary on this machine: nothing that
//! was written is lost, and what the read model lacks is seen and made again.

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};

use crate::support::{Fork, LocalStage, Stage, block_on, repository};

/// What the second version of the domain says otherwise: a field with a default takes the place of
/// another, and a list, a status and a command are new.
const CHANGES: [(&str, &str); 4] = [
    (
        "    /// How many of it.\n    #[serde(default)]\n    pub quantity: Whole<1, 1_000_000>,\n",
        "    /// How soon it is wanted.\n    #[serde(default)]\n    pub urgency: Whole<3, 9>,\n",
    ),
    (
        r#"&["clientId", "productId"]"#,
        r#"&["clientId", "productId", "urgency"]"#,
    ),
    (
        "    /// Called off; final.\n    Cancelled,\n",
        "    /// Called off; final.\n    Cancelled,\n    /// Sent back; final.\n    Returned,\n",
    ),
    (
        "            help: \"Call it off\",\n        },\n",
        "            help: \"Call it off\",\n        },\n        Move {\n            command: \"return\",\n            \
         from: &[Status::Shipped],\n            to: Status::Returned,\n            help: \"Take it \
         back\",\n        },\n",
    ),
];

pub(crate) fn second_version() -> Fork {
    let source = repository().join("handlers/domain/src/lib.rs");
    let first = std::fs::read_to_string(source).unwrap();
    let second = CHANGES.into_iter().fold(first, |source, (old, new)| {
        assert_eq!(source.matches(old).count(), 1, "{old}");
        source.replace(old, new)
    });
    Fork::of("evolved", &second)
}

/// The quantity that an item of the table holds.
fn quantity(stage: &LocalStage, id: &str) -> Option<AttributeValue> {
    let outputs: Value = stage.cqrs(["outputs"]).json();
    let got = aws_sdk_dynamodb::Client::new(&stage.sdk())
        .get_item()
        .table_name(outputs["TableName"].as_str().unwrap())
        .key("orderId", AttributeValue::S(id.to_owned()))
        .send();
    block_on(got)
        .unwrap()
        .item
        .unwrap()
        .get("quantity")
        .cloned()
}

fn verify(stage: &LocalStage) -> (i32, Value) {
    let outcome = stage.cqrs(["verify", "--output", "json"]).outcome();
    let report: Value = serde_json::from_str(&outcome.stdout).unwrap();
    (outcome.code, report["counts"].clone())
}

#[test]
fn what_the_first_version_wrote_is_read_changed_and_rebuilt_by_the_second() {
    let second = second_version();
    let stage = LocalStage::deployed();
    let order = |words: &[&str]| stage.cqrs(["order"]).args(words);
    let create = [
        "create",
        "--client=42",
        "--product=abc",
        "--quantity=5",
        "--wait",
    ];
    let [idle, shipped] = [(); 2].map(|()| order(&create).succeeds().trim().to_owned());
    order(&["ship", &shipped, "--wait"]).succeeds();
    let before: Value = order(&["get", &idle]).json();

    // What changes is said before it is done.
    stage.write("handlers/domain/domain.json", &second.says.pretty());
    let deploy = stage.cqrs(["deploy", "--yes", "--prebuilt"]);
    let outcome = deploy.arg(&second.handlers).outcome();
    assert_eq!(outcome.code, 0, "{outcome}");
    for said in [
        "field urgency is new; items that exist are read with 3",
        "field quantity is removed: items that exist keep it, and no answer has it any more",
        "command return is new",
        "the list by urgency is new, and lacks what is not rebuilt",
        "`cqrs rebuild` brings it to the documents that exist",
    ] {
        assert!(outcome.stderr.contains(said), "{said}: {outcome}");
    }

    // Documents stay as they were, which is seen; items are read with the default, and changed.
    let unchanged: Value = order(&["get", &idle]).json();
    assert_eq!(unchanged, before);
    assert_eq!(verify(&stage), (1, json!({"different": 2})));
    let by_urgency = || {
        let listed: Value = order(&["list", "--urgency", "3"]).json();
        let listed = listed["orders"].as_array().unwrap().iter();
        let mut ids: Vec<_> = listed.map(|order| order["orderId"].clone()).collect();
        ids.sort_by_key(Value::to_string);
        ids
    };
    assert!(by_urgency().is_empty());
    let returned: Value = order(&["return", &shipped, "--wait"]).json();
    assert_eq!(
        (
            &returned["status"],
            &returned["urgency"],
            &returned["version"]
        ),
        (&json!("returned"), &json!(3), &json!(3))
    );
    assert!(returned.get("quantity").is_none(), "{returned}");
    assert_eq!(by_urgency(), [shipped.as_str()]);
    assert_eq!(verify(&stage), (1, json!({"different": 1})));

    // A rebuild brings the change to all documents, and touches no item.
    stage.cqrs(["rebuild"]).succeeds();
    assert_eq!(verify(&stage), (0, json!({})));
    let after: Value = order(&["get", &idle]).json();
    assert_eq!(
        (&after["urgency"], &after["version"]),
        (&json!(3), &json!(1))
    );
    assert!(after.get("quantity").is_none(), "{after}");
    let mut all = [idle.as_str(), shipped.as_str()];
    all.sort_unstable();
    assert_eq!(by_urgency(), all);
    for id in all {
        assert_eq!(
            quantity(&stage, id),
            Some(AttributeValue::N("5".to_owned()))
        );
    }
}
