//! On a terminal and off it: questions, live progress, Ctrl-C, closed and full outputs.

use std::fs::OpenOptions;

use insta::assert_snapshot;
use serde_json::Value;

use crate::support::{AwsStage, LocalStage, Sandbox, Stage, Terminal, handlers};

fn deploy(stage: &AwsStage) -> Terminal {
    stage
        .cqrs(["deploy", "--prebuilt"])
        .arg(handlers())
        .on_terminal()
}

#[test]
fn a_deployment_asks_shows_its_progress_and_is_destroyed_by_name() {
    let stage = AwsStage::empty();
    let mut terminal = deploy(&stage);
    terminal.until("Deploy these changes? [y/N]");
    terminal.line("y");
    terminal.until("WriteModel");
    terminal.until("Stack cqrs is created");
    let (code, rest) = terminal.end();
    assert_eq!(code, 0, "{rest}");
    assert!(rest.contains("cqrs order create"), "{rest}");

    let mut terminal = stage
        .cqrs(["order", "create", "--client", "42", "--product", "abc"])
        .on_terminal();
    terminal.until("order     ");
    let (code, rest) = terminal.end();
    assert_eq!(code, 0, "{rest}");
    assert!(rest.contains("status    placed"), "{rest}");

    let mut terminal = stage.cqrs(["destroy"]).on_terminal();
    terminal.until("Type the stack's name, cqrs, to delete it:");
    terminal.line("no");
    let (code, rest) = terminal.end();
    assert_eq!(code, 1, "{rest}");
    assert!(rest.contains("nothing was deleted"), "{rest}");
    assert_eq!(stage.stacks(), ["cqrs"]);

    let mut terminal = stage.cqrs(["destroy"]).on_terminal();
    terminal.until("to delete it:");
    terminal.control('c');
    let (code, rest) = terminal.end();
    assert_eq!(code, 130, "{rest}");
    assert!(rest.contains("nothing was deleted"), "{rest}");
    assert_eq!(stage.stacks(), ["cqrs"]);

    let mut terminal = stage.cqrs(["destroy"]).on_terminal();
    terminal.until("to delete it:");
    terminal.line("cqrs");
    terminal.until("Stack cqrs is gone");
    assert_eq!(terminal.end().0, 0);
    assert_eq!(stage.stacks(), Vec::<String>::new());
}

#[test]
fn no_and_ctrl_c_at_the_question_leave_nothing_behind() {
    let stage = AwsStage::empty();
    let mut terminal = deploy(&stage);
    terminal.until("Deploy these changes? [y/N]");
    terminal.line("n");
    let (code, rest) = terminal.end();
    assert_eq!(code, 1, "{rest}");
    assert!(rest.contains("nothing was changed"), "{rest}");

    let mut terminal = deploy(&stage);
    terminal.until("Deploy these changes? [y/N]");
    terminal.control('c');
    let (code, rest) = terminal.end();
    assert_eq!(code, 130, "{rest}");
    assert!(rest.contains("nothing was changed"), "{rest}");

    assert_eq!(stage.stacks(), Vec::<String>::new());
    assert_eq!(stage.buckets(), Vec::<String>::new());
}

#[test]
fn ctrl_c_while_following_detaches_and_the_next_run_attaches_again() {
    let stage = AwsStage::empty();
    stage.hold();
    let mut terminal = deploy(&stage);
    terminal.until("Deploy these changes? [y/N]");
    terminal.line("y");
    // What is under way is shown for as long as it lasts.
    terminal.until("Held AWS::CloudFormation::WaitCondition CREATE_IN_PROGRESS");
    terminal.control('c');
    let (code, rest) = terminal.end();
    assert_eq!(code, 130, "{rest}");
    assert!(rest.contains("AWS goes on"), "{rest}");

    let mut terminal = deploy(&stage);
    terminal.until("following that operation first");
    stage.release();
    terminal.until("Nothing to change: stack cqrs is as described");
    assert_eq!(terminal.end().0, 0);
}

#[test]
fn a_guided_deployment_writes_what_was_answered() {
    let stage = AwsStage::empty();
    let mut terminal = stage
        .cqrs(["deploy", "--guided", "--prebuilt"])
        .arg(handlers())
        .on_terminal();
    let mut answer = |question: &str, answer: &str| {
        terminal.until(question);
        terminal.line(answer);
    };
    answer("Stack [cqrs]:", "Shop");
    // Asked again, since that can be no name.
    answer("Stack [cqrs]:", "shop");
    answer("Region [eu-west-1]:", "");
    answer("Guard it for production? [y/N]", "n");
    answer("Change any of these? [y/N]", "y");
    answer("CacheNodeType [cache.t4g.micro]:", "");
    answer("CacheReplicas [0]:", "9");
    answer("CacheReplicas [0]:", "1");
    answer("CacheFailover [on]:", "");
    answer("CacheAccess [open]:", "");
    loop {
        let before = terminal.until("[y/N]");
        terminal.line("n");
        if before.contains("Deploy these changes?") {
            break;
        }
    }
    let (code, rest) = terminal.end();
    assert_eq!(code, 1, "{rest}");
    let file = std::fs::read_to_string(stage.project().join("cqrs.toml")).unwrap();
    assert_snapshot!(file, @r#"
    stack = "shop"
    region = "eu-west-1"
    [parameters]
    CacheAccess = "open"
    CacheReplicas = "1"
    "#);
    assert_eq!(stage.stacks(), Vec::<String>::new());
}

#[test]
fn a_guided_guard_asks_for_its_topic_and_its_node_and_keeps_the_presets_name() {
    let stage = AwsStage::empty();
    let guided = ["deploy", "--guided", "--preset", "production", "--prebuilt"];
    let mut terminal = stage.cqrs(guided).arg(handlers()).on_terminal();
    let mut answer = |question: &str, answer: &str| {
        let before = terminal.until(question);
        terminal.line(answer);
        before
    };
    answer("Stack [cqrs]:", "shop");
    answer("Region [eu-west-1]:", "us-east-1");
    answer("AlarmTopicArn:", "");
    let again = answer("AlarmTopicArn:", "on-call");
    assert!(again.contains("the alarms need an SNS topic"), "{again}");
    let topic = "arn:aws:sns:us-east-1:000000000000:on-call";
    answer("AlarmTopicArn:", topic);
    let nodes = answer("CacheNodeType [cache.m7g.large]:", "cache.t4g.small");
    assert!(nodes.contains("$92.27"), "{nodes}");
    let cache = answer("Change any of these? [y/N]", "n");
    assert!(cache.contains("CacheReplicas = 1"), "{cache}");
    loop {
        let before = terminal.until("[y/N]");
        terminal.line("n");
        if before.contains("Deploy these changes?") {
            assert!(before.contains("Rollback on alarms"), "{before}");
            break;
        }
    }
    assert_eq!(terminal.end().0, 1);
    let file = std::fs::read_to_string(stage.project().join("cqrs.toml")).unwrap();
    assert_snapshot!(file, @r#"
    stack = "shop"
    region = "us-east-1"
    preset = "production"
    [parameters]
    CacheAccess = "open"
    AlarmTopicArn = "arn:aws:sns:us-east-1:000000000000:on-call"
    CacheNodeType = "cache.t4g.small"
    "#);
}

#[test]
fn an_order_whose_id_cannot_be_printed_is_named_beside_the_failure() {
    let stage = LocalStage::deployed();
    let full = || OpenOptions::new().write(true).open("/dev/full").unwrap();
    let create = || stage.cqrs(["order", "create", "--client", "42", "--product", "abc"]);
    let outcome = create().stdout_to(full());
    assert_eq!(outcome.code, 1, "{outcome}");
    let placed = stage.cqrs(["order", "list"]).json::<Value>();
    let id = placed["orders"][0]["orderId"].as_str().unwrap().to_owned();
    let hint = format!("hint: the order is created: {id}");
    assert!(outcome.stderr.contains(&hint), "{outcome}");

    let json = create().arg("--output=json").stdout_to(full()).error();
    let hint = json["hint"].as_str().unwrap();
    assert!(hint.starts_with("the order is created: "), "{hint}");

    stage.write("orders.csv", "clientId,productId\n42,abc\n");
    let bulk = stage.cqrs(["order", "create", "--from", "orders.csv"]);
    let outcome = bulk.stdout_to(full());
    assert_eq!(outcome.code, 1, "{outcome}");
    assert!(
        outcome.stderr.contains("hint: 1 order created"),
        "{outcome}"
    );
}

#[test]
fn what_cannot_be_printed_is_a_failure_and_a_reader_that_went_away_is_none() {
    for arguments in ["reference", "--help", "order --help", "--version"] {
        let sandbox = Sandbox::new();
        let run = || sandbox.cqrs(arguments.split(' '));
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let failed = run().stdout_to(full);
        let said = "error: cannot write to standard output\n  caused by: No space left on device";
        assert_eq!(failed.code, 1, "{failed}");
        assert!(failed.stderr.starts_with(said), "{failed}");
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let unread = run().stdout_to(writer);
        assert_eq!((unread.code, unread.stderr.as_str()), (0, ""), "{unread}");
    }
}

#[test]
fn colour_is_for_terminals_unless_it_is_asked_for() {
    let sandbox = Sandbox::new();
    let run = |arguments: &[&str]| {
        sandbox
            .cqrs(["deploy", "--yes", "--parameter", "Nothing=1"])
            .args(arguments)
    };
    let plain = run(&[]).outcome();
    assert!(!plain.stderr.contains('\u{1b}'), "{plain}");
    let coloured = run(&["--color", "always"]).outcome();
    assert!(
        coloured.stderr.contains("\u{1b}[1;31merror:\u{1b}[0m"),
        "{coloured}"
    );
    let never = run(&["--color", "always"]).env("NO_COLOR", "1").outcome();
    // What is typed outranks the variable.
    assert!(never.stderr.contains('\u{1b}'), "{never}");
}
