//! A read model of the layout before this one, after a deployment: it is made again where somebody
//! agrees to that, and what the older one left goes.

use serde_json::{Value, json};

use crate::support::{LocalStage, Stage, handlers, on_both};

on_both!(a_deployment_makes_the_read_model_again_and_rids_the_cache_of_the_older_one,);

fn keys(stage: &impl Stage, pattern: &str) -> Vec<String> {
    stage.cache().run(&["KEYS", pattern])
}

/// Puts a read model of the older layout in the place of today's.
fn age(stage: &impl Stage) {
    for key in keys(stage, "orders:v2:*") {
        stage.cache().run::<()>(&["DEL", &key]);
    }
    for id in ["a", "b"] {
        let key = format!("orders:v1:order:{id}");
        stage
            .cache()
            .run::<()>(&["HSET", &key, "v", "1", "d", "{}"]);
        stage.cache().run::<()>(&["ZADD", "orders:v1:all", "0", id]);
    }
}

fn listed(stage: &impl Stage) -> usize {
    let list: Value = stage.cqrs(["order", "list"]).json();
    list["orders"].as_array().unwrap().len()
}

fn a_deployment_makes_the_read_model_again_and_rids_the_cache_of_the_older_one<S: Stage>() {
    let stage = S::deployed();
    stage.place_order();
    stage.place_order();
    age(&stage);
    let deployed: Value = stage.deploy().json();
    let rebuild = &deployed["rebuild"];
    assert_eq!(
        (&rebuild["orders"], &rebuild["outdated"]),
        (&json!(2), &json!(3)),
        "{deployed}"
    );
    assert_eq!(listed(&stage), 2);
    assert_eq!(keys(&stage, "orders:v1:*"), Vec::<String>::new());
    let again: Value = stage.deploy().json();
    assert_eq!(again["rebuild"], Value::Null);
}

#[test]
fn without_a_terminal_the_command_is_named_and_on_a_terminal_it_asks() {
    let stage = LocalStage::deployed();
    stage.place_order();
    age(&stage);
    let deploy = || {
        stage
            .cqrs(["deploy", "--local", "--prebuilt"])
            .arg(handlers())
    };
    let outcome = deploy().outcome();
    assert_eq!(outcome.code, 0, "{outcome}");
    let hint = "warning: the read model is incomplete; `cqrs rebuild --local` completes it";
    assert!(outcome.stderr.contains(hint), "{outcome}");
    assert_eq!(stage.cqrs(["order", "list"]).outcome().code, 1);

    let mut terminal = deploy().on_terminal();
    terminal.until("Rebuild it from the table now? [y/N]");
    terminal.line("n");
    let (code, rest) = terminal.end();
    assert_eq!(code, 0, "{rest}");
    assert!(
        rest.contains("`cqrs rebuild --local` completes it"),
        "{rest}"
    );

    let mut terminal = deploy().on_terminal();
    terminal.until("Rebuild it from the table now? [y/N]");
    terminal.line("y");
    terminal.until("1 order projected, 0 removed");
    terminal.until("3 keys of an older layout");
    assert_eq!(terminal.end().0, 0);
    assert_eq!(listed(&stage), 1);
}
