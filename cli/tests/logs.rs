//! What the functions log, shown and followed, on both targets.

use insta::assert_snapshot;
use pattern::timestamp::Timestamp;
use serde_json::{Value, json};

use crate::support::{LocalStage, Reply, Sandbox, Scripted, Stage, Terminal, on_both};

on_both!(
    all_functions_are_shown_in_the_order_of_time_and_each_alone,
    an_orders_lines_are_found_in_every_function_and_no_others,
    programs_get_one_object_a_line_with_the_message_as_it_was_logged,
    a_failed_invocation_stands_out_with_its_error,
    what_does_not_match_or_is_older_is_not_shown,
    what_comes_is_shown_once_until_ctrl_c_which_is_no_error,
    following_ends_when_its_output_is_closed,
);

fn function(line: &str) -> &str {
    line.split_whitespace().nth(1).unwrap_or_default()
}

fn all_functions_are_shown_in_the_order_of_time_and_each_alone<S: Stage>() {
    let stage = S::deployed();
    let id = stage.place_order();
    let shown = stage.cqrs(["logs"]).succeeds();
    let done = format!("publisher  INFO  done orderId={id} ");
    assert!(shown.contains(&done), "{shown}");
    assert!(
        shown.contains("command=create commands=1 version=1 tookMs="),
        "{shown}"
    );
    assert!(shown.contains("subscriber INFO  projected"), "{shown}");
    assert!(shown.contains("query      INFO  done"), "{shown}");
    let times = shown.lines().map(|line| &line[..24]);
    assert!(times.is_sorted(), "{shown}");

    let shown = stage
        .cqrs(["logs", "publisher", "query", "query"])
        .succeeds();
    let functions: Vec<&str> = shown.lines().map(function).collect();
    assert!(functions.contains(&"publisher") && functions.contains(&"query"));
    assert!(!functions.contains(&"subscriber"), "{shown}");
    assert_eq!(shown.matches(&done).count(), 1, "{shown}");
}

fn an_orders_lines_are_found_in_every_function_and_no_others<S: Stage>() {
    let stage = S::deployed();
    let (first, second) = (stage.place_order(), stage.place_order());
    let shown = stage.cqrs(["logs", "--order", &first]).succeeds();
    for name in ["publisher", "subscriber", "query"] {
        let mut functions = shown.lines().map(function);
        assert!(functions.any(|function| function == name), "{shown}");
    }
    assert!(shown.lines().all(|line| line.contains(&first)), "{shown}");
    assert!(!shown.contains(&second), "{shown}");
}

fn programs_get_one_object_a_line_with_the_message_as_it_was_logged<S: Stage>() {
    let stage = S::deployed();
    let id = stage.place_order();
    let logs = ["logs", "publisher", "--filter", "done", "--output", "json"];
    let shown = stage.cqrs(logs).succeeds();
    let [line] = shown.lines().collect::<Vec<_>>()[..] else {
        panic!("{shown}");
    };
    let event: Value = serde_json::from_str(line).unwrap();
    let logged: Value = serde_json::from_str(event["message"].as_str().unwrap()).unwrap();
    assert_eq!(logged["orderId"], id.as_str());
    assert_eq!(event["function"], "publisher");
    assert_eq!(event["requestId"], logged["requestId"]);
    assert_eq!(event["timestamp"].as_str().map(str::len), Some(24));
}

fn a_failed_invocation_stands_out_with_its_error<S: Stage>() {
    let stage = S::deployed();
    let refused = stage.cqrs(["order", "ship", "no-such-order"]).outcome();
    assert_eq!(refused.code, 3, "{refused}");
    let logs = ["logs", "publisher", "--order", "no-such-order"];
    let shown = stage
        .cqrs(logs)
        .outcome()
        .filter(r"requestId=\S+", "requestId=[ID]");
    assert_snapshot!(shown.filter(r"tookMs=\S+", "tookMs=[N]"), @r#"
    exit code 0
    --- stdout
    [TIME] publisher  ERROR failed errorType=OrderNotFound error="there is no order no-such-order" coldStart=1 refused=1 tookMs=[N] requestId=[ID]
    [TIME] publisher  ERROR Diagnostic { error_type: "OrderNotFound", error_message: "there is no order no-such-order" }
    "#);
}

fn what_does_not_match_or_is_older_is_not_shown<S: Stage>() {
    let stage = S::deployed();
    stage.place_order();
    assert_snapshot!(stage.cqrs(["logs", "--filter", "Unheard"]).outcome(), @"
    exit code 0
    --- stderr
    No line matches; `--since 1d` looks further back
    ");
    assert_snapshot!(stage.cqrs(["logs", "--since", "9999-12-30"]).outcome(), @"
    exit code 0
    --- stderr
    Nothing was logged; `--since 1d` looks further back
    ");
    let old = stage.cqrs(["logs", "--since", "1970-01-01", "--filter", "done"]);
    assert!(old.succeeds().contains("done"));
}

/// Reads up to the line that says that the publisher has written this order.
#[track_caller]
fn until_written(terminal: &mut Terminal, id: &str) -> String {
    terminal.until(&format!("done orderId={id}"))
}

fn what_comes_is_shown_once_until_ctrl_c_which_is_no_error<S: Stage>() {
    let stage = S::deployed();
    let first = stage.place_order();
    let mut terminal = stage.cqrs(["logs", "publisher", "--follow"]).on_terminal();
    until_written(&mut terminal, &first);
    let mut shown = String::new();
    for _ in 0..3 {
        let next = stage.place_order();
        shown.push_str(&until_written(&mut terminal, &next));
    }
    terminal.control('c');
    let (code, rest) = terminal.end();
    shown.push_str(&rest);
    assert_eq!(code, 130, "{rest}");
    assert!(
        !shown.contains(&first) && !shown.contains("error"),
        "{shown}"
    );
    // The last word before each end is that of the line that was waited for.
    assert_eq!(shown.matches("INFO").count(), 3, "{shown}");
}

fn following_ends_when_its_output_is_closed<S: Stage>() {
    let stage = S::deployed();
    stage.place_order();
    let follow = stage.cqrs(["logs", "publisher", "--filter", "done", "--follow"]);
    let following = follow.start_unread();
    // The line that finds nobody may be one that was there before.
    stage.place_order();
    let outcome = following.outcome();
    assert_eq!(outcome.code, 0, "{outcome}");
}

#[test]
fn what_cannot_be_meant_is_wrong_usage_and_says_what_can() {
    let stage = LocalStage::deployed();
    assert_snapshot!(stage.cqrs(["logs", "--since", "soon"]).outcome(), @"
    exit code 2
    --- stderr
    error: invalid value 'soon' for '--since <WHEN>': expected how long ago (30s, 10m, 2h, 1d, 1w), a date (2026-11-24, in UTC) or a time ([TIME])

    For more information, try '--help'.
    ");
    assert_snapshot!(stage.cqrs(["logs", "--filter", "a-b"]).outcome(), @r#"
    exit code 2
    --- stderr
    error: CloudWatch does not take the filter `a-b`: Invalid character(s) in term 'a-b'
    hint: a term with other characters than letters, digits and `_` is in double quotes, which the shell must leave: --filter '"two words"'
    "#);
    assert_snapshot!(stage.cqrs(["logs", "--filter", "{ $.version = 1 }"]).outcome(), @r#"
    exit code 2
    --- stderr
    error: CloudWatch does not take the filter `{ $.version = 1 }`: Filter patterns over JSON are not available with --local: give terms, such as ERROR or "two words".
    "#);
    assert_snapshot!(stage.cqrs(["logs", "--order", ""]).outcome(), @"
    exit code 2
    --- stderr
    error: the id must not be empty
    ");
}

#[test]
fn following_waits_for_a_stack_that_was_stopped_and_goes_on_without_a_gap() {
    let stage = LocalStage::deployed();
    let first = stage.place_order();
    let mut terminal = stage.cqrs(["logs", "publisher", "-f"]).on_terminal();
    until_written(&mut terminal, &first);
    stage.cqrs(["local", "stop"]).succeeds();
    terminal.until("has stopped: following goes on when it runs again");
    assert!(!stage.state("cqrs").join("host.json").exists());
    let second = stage.place_order();
    let between = until_written(&mut terminal, &second);
    assert!(!between.contains(&first), "{between}");
    stage.cqrs(["destroy", "--yes"]).succeeds();
    terminal.until("there is no stack `cqrs` on this machine");
    assert_eq!(terminal.end().0, 3);
}

#[test]
fn following_waits_out_throttling_and_shows_late_events_and_none_twice() {
    let now = Timestamp::now().as_millis();
    let event = move |name: &str, before_ms: i64| json!({"eventId": name, "timestamp": now - before_ms, "message": format!("event {name}.")});
    let mut asked = 0;
    let server = Scripted::new(move |request| {
        if request.action() == "DescribeStacks" {
            let output = "<member><OutputKey>QueryLogGroup</OutputKey><OutputValue>/q</OutputValue></member>";
            return Reply::stack_with(
                "cqrs",
                "CREATE_COMPLETE",
                &format!("<Outputs>{output}</Outputs>"),
            );
        }
        asked += 1;
        match asked {
            1 => Reply::json(200, json!({"events": [event("first", 900)]})),
            // The SDK tries three times.
            2..=4 => Reply::json(
                400,
                json!({"__type": "ThrottlingException", "message": "Rate exceeded"}),
            ),
            _ => Reply::json(
                200,
                json!({"events": [event("late", 1_900), event("first", 900), event("last", 0)]}),
            ),
        }
    });
    let sandbox = Sandbox::against(&server.endpoint());
    let mut terminal = sandbox.cqrs(["logs", "query", "--follow"]).on_terminal();
    terminal.until("event first.");
    let away = terminal.until(": following tries again");
    assert!(
        away.contains("AWS still throttles logs:FilterLogEvents"),
        "{away}"
    );
    let late = terminal.until("event late.");
    let last = terminal.until("event last.");
    terminal.until("Following goes on");
    terminal.control('c');
    let (code, rest) = terminal.end();
    assert_eq!(code, 130, "{rest}");
    assert!(![late, last, rest].concat().contains("event"));
}

#[test]
fn a_line_cannot_act_on_the_terminal_or_pass_for_another() {
    let stage = LocalStage::deployed();
    let attack = "x\u{1b}[2J\n2026-11-24T00:00:00.000Z query forged";
    let payload = json!({"command": "ship", "orderId": attack}).to_string();
    let (error, _) = stage.invoke("cqrs-publisher", &payload);
    assert!(error.is_some());
    // What was logged is in the file once it was read.
    stage.cqrs(["logs"]).succeeds();
    let log = stage.state("cqrs").join("logs/cqrs-publisher.log");
    let before = std::fs::read_to_string(&log).unwrap();
    std::fs::write(&log, "9 - - \u{1b}]0;title\u{7}raw\n".to_owned() + &before).unwrap();
    let shown = stage.cqrs(["logs", "--since", "1970-01-01"]).succeeds();
    assert!(shown.contains(r"\u{1b}]0;title\u{7}raw"), "{shown}");
    let acts = |c: char| c.is_control() && c != '\n';
    assert!(!shown.contains(acts), "{shown:?}");
    assert!(
        !shown
            .lines()
            .any(|line| line.ends_with("query forged") && function(line) == "query")
    );
}

#[test]
fn nothing_is_missed_or_shown_twice_while_the_logs_file_turns_over() {
    let stage = LocalStage::deployed();
    stage.cqrs(["local", "stop"]).succeeds();
    let logs = stage.state("cqrs").join("logs");
    let nearly_full = "1 - - old\n".repeat(1_048_560);
    std::fs::write(logs.join("cqrs-publisher.log"), nearly_full).unwrap();
    let follow = ["logs", "publisher", "--follow", "--filter", "done"];
    let mut terminal = stage.cqrs(follow).on_terminal();
    terminal.until("Following");
    let mut shown = String::new();
    for _ in 0..5 {
        let next = stage.place_order();
        shown.push_str(&until_written(&mut terminal, &next));
    }
    assert!(logs.join("cqrs-publisher.log.1").exists());
    terminal.control('c');
    shown.push_str(&terminal.end().1);
    assert_eq!(shown.matches("INFO").count(), 5, "{shown}");
}

#[test]
fn a_log_of_two_full_files_is_shown_from_where_it_was_asked_for_in_one_go() {
    let stage = LocalStage::deployed();
    stage.cqrs(["local", "stop"]).succeeds();
    let logs = stage.state("cqrs").join("logs");
    let filled = |name: &str, from: usize| {
        let lines = (from..from + 60_000)
            .map(|at| format!("{at} - - {{\"n\":{at},\"pad\":\"{}\"}}\n", "x".repeat(100)));
        std::fs::write(logs.join(name), lines.collect::<String>()).unwrap();
    };
    filled("cqrs-query.log.1", 1_000_000);
    filled("cqrs-query.log", 1_060_000);
    let json = ["logs", "query", "--since", "1970-01-01", "--output", "json"];
    let shown = stage.cqrs(json).succeeds();
    let counted = shown.lines().filter(|line| line.contains("xxx")).count();
    assert_eq!(counted, 120_000);
    let last = ["logs", "query", "--since", "1970-01-01T00:18:39.999Z"];
    let shown = stage.cqrs(last).succeeds();
    let [line] = shown
        .lines()
        .filter(|line| line.contains("xxx"))
        .collect::<Vec<_>>()[..]
    else {
        panic!("{shown}");
    };
    assert!(line.contains("n=1119999"), "{line}");
}
