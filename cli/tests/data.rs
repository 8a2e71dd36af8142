//! No deployment takes a table's items away unless it was asked to, on both targets.

use serde_json::{Value, json};

use crate::support::{Stage, on_both};

on_both!(a_table_that_holds_items_is_replaced_only_when_asked,);

/// Gives the table another name in the template, which makes it another table.
fn rename_the_table(stage: &impl Stage) {
    let path = stage.project().join("template.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(path, text.replace("WriteModel", "OtherTable")).unwrap();
}

fn a_table_that_holds_items_is_replaced_only_when_asked<S: Stage>() {
    let stage = S::deployed();
    let id = stage.place_order();
    rename_the_table(&stage);
    let planned = stage.plan().outcome();
    assert_eq!(planned.code, 0, "{planned}");
    let warning = "(WriteModel) holds items, and would go";
    assert!(planned.stderr.contains(warning), "{planned}");

    let refused = stage.deploy().outcome();
    assert_eq!(refused.code, 1, "{refused}");
    assert!(refused.stderr.contains(warning), "{refused}");
    assert!(refused.stderr.contains("`--replace-data`"), "{refused}");
    stage.cqrs(["order", "ship", &id, "--wait"]).succeeds();

    // The read model shows what went, until it is made again.
    let deployed: Value = stage.deploy().arg("--replace-data").json();
    let rebuild = &deployed["rebuild"];
    assert_eq!(
        (&rebuild["orders"], &rebuild["removed"]),
        (&json!(0), &json!(1)),
        "{deployed}"
    );
    let list: Value = stage.cqrs(["order", "list"]).json();
    assert_eq!(list["orders"], json!([]));
    let gone = stage.cqrs(["order", "cancel", &id]).outcome();
    assert_eq!(gone.code, 3, "{gone}");
}
