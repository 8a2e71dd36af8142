//! `cqrs demo`, from nothing to a list of orders, on AWS and on this machine.

use insta::assert_snapshot;
use serde_json::Value;

use crate::support::{AwsStage, LocalStage, Run, Stage, handlers, on_both};

on_both!(
    it_deploys_what_is_not_there_and_can_be_taken_again,
    quietly_it_says_nothing_where_all_is_well,
);

fn demo(stage: &impl Stage) -> Run {
    stage.cqrs(["demo", "--yes", "--prebuilt"]).arg(handlers())
}

fn it_deploys_what_is_not_there_and_can_be_taken_again<S: Stage>() {
    let stage = S::empty();
    let first: Value = demo(&stage).json();
    let commands = first["steps"].as_array().unwrap().iter();
    let commands: Vec<_> = commands
        .map(|step| step["command"].as_str().unwrap())
        .collect();
    assert_eq!(commands.len(), 5, "{first}");
    assert!(commands[0].starts_with("cqrs order create --client "));
    assert_eq!(commands[0], commands[1]);

    let result = |step: usize, name: &str| first["steps"][step]["result"][name].clone();
    assert_eq!(result(0, "orderId"), result(1, "orderId"));
    for step in [0, 1, 3] {
        assert!(result(step, "writeMs").is_number(), "{first}");
        assert!(result(step, "visibleMs").is_number(), "{first}");
    }
    assert_eq!(result(2, "status"), "placed");
    assert_eq!(result(3, "status"), "shipped");
    let listed = result(4, "orders");
    assert_eq!(listed[0]["orderId"], result(0, "orderId"));
    assert_eq!(listed[0]["status"], "shipped");

    // What it shows can be typed.
    let last = commands[4].split(' ').skip(1);
    let shown: Value = stage.cqrs(last).json();
    assert_eq!(shown["orders"], listed);

    // The stack is there now, and the orders are others.
    let second: Value = demo(&stage).json();
    assert_ne!(
        second["steps"][0]["result"]["orderId"],
        result(0, "orderId")
    );
    let orders: Value = stage.cqrs(["order", "list"]).json();
    assert_eq!(orders["orders"].as_array().unwrap().len(), 2);
}

fn quietly_it_says_nothing_where_all_is_well<S: Stage>() {
    let stage = S::empty();
    assert_snapshot!(demo(&stage).arg("--quiet").outcome(), @"exit code 0");
}

#[test]
fn people_see_each_command_with_what_it_prints() {
    let mut stage = LocalStage::deployed();
    stage.filters.add(r"\bdemo-[0-9a-f]{6}\b", "demo-[RUN]");
    // Where the tests run, no other cqrs is on the search path.
    stage
        .filters
        .add(r#"export PATH=".*:\$PATH""#, "export PATH=[FOLDER]");
    assert_snapshot!(demo(&stage).outcome(), @r#"
    exit code 0
    --- stdout
    Create an order, and wait until the read model shows it
    $ cqrs order create --client 123456789 --product abc-def-ghi --idempotency-key demo-[RUN] --wait --local
    order     [ID]
    client    123456789
    product   abc-def-ghi
    quantity  1
    status    placed
    version   1
    created   [TIME]
    updated   [TIME]

    written in [N] ms, visible [N] ms later

    Repeat it, as after a lost answer: the key makes it the same order
    $ cqrs order create --client 123456789 --product abc-def-ghi --idempotency-key demo-[RUN] --wait --local
    order     [ID]
    client    123456789
    product   abc-def-ghi
    quantity  1
    status    placed
    version   1
    created   [TIME]
    updated   [TIME]

    written in [N] ms, visible [N] ms later

    Read it from the read model, which the stream keeps up to date
    $ cqrs order get [ID] --local
    order     [ID]
    client    123456789
    product   abc-def-ghi
    quantity  1
    status    placed
    version   1
    created   [TIME]
    updated   [TIME]

    Send it, if nobody has changed it since
    $ cqrs order ship [ID] --expected-version 1 --wait --local
    order     [ID]
    client    123456789
    product   abc-def-ghi
    quantity  1
    status    shipped
    version   2
    created   [TIME]
    updated   [TIME]

    written in [N] ms, visible [N] ms later

    List the orders, the newest first
    $ cqrs order list --limit 5 --local
    ORDER                                 STATUS   CLIENT     PRODUCT      QUANTITY  VERSION  CREATED
    [ID]  shipped  123456789  abc-def-ghi  1         2        [TIME]

    What to try next
      cqrs order list --local   all of them, also of earlier tours
      eval "$(cqrs local env)"  points the AWS CLI and SDKs at this stack
      cqrs destroy --local      takes the stack away, with all that is in it

    To have this cqrs at hand
      export PATH=[FOLDER]
    "#);
}

#[test]
fn on_a_terminal_it_asks_nothing_on_this_machine_and_ctrl_c_leaves_a_stack_that_serves() {
    let stage = LocalStage::empty();
    let mut terminal = stage
        .cqrs(["demo", "--prebuilt"])
        .arg(handlers())
        .on_terminal();
    terminal.until("Create an order");
    terminal.until("cqrs order create");
    terminal.control('c');
    let (code, rest) = terminal.end();
    // It may have come to its end before the key was read.
    assert!([0, 130].contains(&code), "{code}: {rest}");
    demo(&stage).succeeds();
}

#[test]
fn on_aws_it_asks_before_it_writes() {
    let stage = AwsStage::empty();
    let demo = || stage.cqrs(["demo", "--prebuilt"]).arg(handlers());
    assert_snapshot!(demo().outcome(), @r"
    exit code 2
    --- stderr
    error: nobody can be asked here whether to begin
    hint: add `--yes` to begin without asking, or `--local` to stay on this machine
    ");
    let mut terminal = demo().on_terminal();
    terminal.until("Deploy these changes? [y/N]");
    terminal.line("n");
    let (code, rest) = terminal.end();
    assert_eq!(code, 1, "{rest}");
    assert_eq!(stage.stacks(), Vec::<String>::new());

    stage.deploy().succeeds();
    let mut terminal = demo().on_terminal();
    terminal.until("Create a few orders in stack cqrs? [y/N]");
    terminal.line("n");
    let (code, rest) = terminal.end();
    assert_eq!(code, 1, "{rest}");
    assert!(rest.contains("nothing was written"), "{rest}");
}
