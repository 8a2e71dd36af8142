//! A stack driven as its users would, on both targets: what is reported, saved, counted as an
//! error, and cleaned up.

use roxmltree::Document;
use serde_json::{Value, json};

use crate::support::{AwsStage, LocalStage, Sandbox, Stage, on_both};

on_both!(
    a_run_reports_each_step_and_saves_a_page,
    an_open_loop_keeps_its_rate_and_reports_the_waiting,
    clean_deletes_the_orders_of_all_runs_and_no_others,
    a_function_that_fails_is_counted_by_step_and_kind,
    an_interrupted_run_reports_what_it_measured,
);

/// `cqrs bench` that asks nothing.
fn bench(arguments: &str) -> Vec<&str> {
    let mut all = vec!["bench", "--yes"];
    all.extend(arguments.split_whitespace());
    all
}

fn orders(stage: &impl Stage) -> usize {
    let list: Value = stage.cqrs(["order", "list", "--all"]).json();
    list["orders"].as_array().unwrap().len()
}

fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("{value} is no number"))
}

fn a_run_reports_each_step_and_saves_a_page<S: Stage>() {
    let stage = S::deployed();
    let saved = bench("--orders 120 --save run.html --output json");
    let outcome = stage.cqrs(saved).outcome();
    assert_eq!(outcome.code, 0, "{outcome}");
    let run: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(
        (&run["complete"], &run["errors"]),
        (&json!(true), &json!(0)),
        "{run}"
    );
    // The steps are in the shares of the mix, but for the turns under way at the end.
    let count = |step: &str| run["steps"][step]["count"].as_u64().unwrap();
    assert_eq!(count("create"), 120, "{run}");
    let shares = [("ship", 20), ("get", 40), ("list", 20)];
    for (step, expected) in shares {
        assert!(count(step).abs_diff(expected) <= 8, "{step}: {run}");
    }
    let sum: u64 = ["create", "ship", "get", "list"].map(count).iter().sum();
    assert_eq!(run["operations"], sum);
    let seconds = run["timeline"].as_array().unwrap().iter();
    let in_time: u64 = seconds.map(|s| s["operations"].as_u64().unwrap()).sum();
    assert_eq!(in_time, sum);
    for step in ["create", "ship", "get", "list"] {
        let latency = &run["steps"][step]["latencyMs"];
        let percentiles = ["p50", "p90", "p99", "p999", "max"].map(|p| number(&latency[p]));
        assert!(percentiles[0] > 0.0 && percentiles.is_sorted(), "{latency}");
    }
    let followed = run["visible"]["followed"].as_u64().unwrap();
    assert!((1..=12).contains(&followed), "{run}");
    assert_eq!(run["visible"]["unseen"], 0);
    let longest = |of: &str| number(&run["visible"][of]["max"]);
    assert!(longest("withinMs") <= longest("lagMs"), "{run}");
    assert!(number(&run["cost"]["usd"]) > 0.0);
    assert_eq!(run["settings"]["concurrency"], 8);

    // All that was done is there, and is the run's.
    let client = run["clientId"].as_str().unwrap();
    assert!(client.starts_with("cqrs-bench-"), "{client}");
    // Which waits for what the stream has still to bring.
    stage.cqrs(["verify"]).succeeds();
    let list = stage.cqrs(["order", "list", "--all", "--client", client]);
    let listed: Value = list.json();
    let listed = listed["orders"].as_array().unwrap();
    assert_eq!(listed.len(), 120);
    let shipped = listed.iter().filter(|o| o["status"] == "shipped").count();
    assert_eq!(shipped as u64, count("ship"));

    let page = std::fs::read_to_string(stage.project().join("run.html")).unwrap();
    let page = Document::parse(&page).unwrap();
    assert!(page.root_element().has_tag_name("html"));
    assert!(
        page.descendants()
            .any(|node| node.text() == Some("Latency by percentile"))
    );
}

fn an_open_loop_keeps_its_rate_and_reports_the_waiting<S: Stage>() {
    let stage = S::deployed();
    let run: Value = stage
        .cqrs(bench("--rate 40 --duration 1s --mix create=1,list=1"))
        .json();
    let done = run["operations"].as_u64().unwrap();
    let unsent = run["notSent"].as_u64().unwrap();
    assert_eq!(done + unsent, 40, "{run}");
    assert_eq!(run["settings"]["rate"], 40);
    let (waited, all) = (&run["waitedMs"], &run["latencyMs"]);
    assert!(number(&waited["p50"]) <= number(&all["p50"]), "{run}");
}

fn clean_deletes_the_orders_of_all_runs_and_no_others<S: Stage>() {
    let stage = S::deployed();
    let other = stage.place_order();
    // A client that only looks like a run's.
    let alike = "order create --client cqrs-benchmark --product abc --wait";
    stage.cqrs(alike.split(' ')).succeeds();
    for _ in 0..2 {
        stage.cqrs(bench("--orders 30")).succeeds();
    }
    let refused = stage.cqrs(["bench", "--clean"]).outcome();
    assert_eq!(refused.code, 2, "{refused}");
    assert!(refused.stderr.contains("--yes"), "{refused}");
    let mut asked = stage.cqrs(["bench", "--clean"]).on_terminal();
    asked.until("Delete 60 orders of 2 runs of cqrs bench? [y/N]");
    asked.line("n");
    let (code, rest) = asked.end();
    assert_eq!(code, 1, "{rest}");
    assert!(rest.contains("nothing was deleted"), "{rest}");

    let cleaned: Value = stage.cqrs(bench("--clean")).json();
    assert_eq!(cleaned, json!({"found": 60, "deleted": 60}));
    assert_eq!(orders(&stage), 2);
    let kept: Value = stage.cqrs(["order", "get", &other]).json();
    assert_eq!(kept["orderId"], other);
    let again = stage.cqrs(bench("--clean")).succeeds();
    assert_eq!(again, "No orders of cqrs bench are there\n");
}

fn a_function_that_fails_is_counted_by_step_and_kind<S: Stage>() {
    let stage = S::deployed();
    // The cache refuses what lists are read with.
    let cache = stage.cache();
    cache.run::<()>(&["ACL", "SETUSER", "default", "-eval_ro"]);
    let outcome = stage
        .cqrs(bench("--orders 10 --mix create=1,list=1 --output json"))
        .outcome();
    cache.run::<()>(&["ACL", "SETUSER", "default", "+@all"]);
    assert_eq!(outcome.code, 1, "{outcome}");
    let run: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(run["steps"]["create"]["errors"], 0, "{run}");
    let failed = run["steps"]["list"]["errors"].as_u64().unwrap();
    assert!(failed > 0, "{run}");
    let kinds = run["errorsByKind"].as_array().unwrap();
    let kind = &kinds[0];
    assert_eq!(
        (kinds.len(), &kind["step"], &kind["kind"], &kind["count"]),
        (
            1,
            &json!("list"),
            &json!("ReadModelUnavailable"),
            &json!(failed)
        )
    );
    assert_eq!(run["steps"]["list"]["latencyMs"], Value::Null);
    let message = outcome.error()["message"].clone();
    let all = &run["operations"];
    assert_eq!(message, format!("{failed} of {all} operations failed"));
}

fn an_interrupted_run_reports_what_it_measured<S: Stage>() {
    let stage = S::deployed();
    let arguments = "--duration 1h --concurrency 2 --output json --verbose";
    let mut running = stage.cqrs(bench(arguments)).start();
    // The first line comes after some seconds of work.
    running.until(" a second, p50 ").interrupt();
    let outcome = running.outcome();
    assert_eq!(outcome.code, 130, "{outcome}");
    let run: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(run["complete"], false);
    assert!(run["operations"].as_u64().unwrap() > 0, "{run}");
    assert_eq!(outcome.error()["kind"], "Interrupted");
}

#[test]
fn a_terminal_shows_the_run_and_is_left_as_it_was_after_ctrl_c() {
    let stage = LocalStage::deployed();
    let mut terminal = stage.cqrs(["bench"]).on_terminal();
    terminal.until("running");
    terminal.until("a second");
    terminal.control('c');
    terminal.until("STEP");
    let (code, rest) = terminal.end();
    assert_eq!(code, 130, "{rest}");
    assert!(
        rest.contains("what was measured until then is reported"),
        "{rest}"
    );
    // What was drawn in place is gone.
    assert!(!rest.contains("running"), "{rest}");
}

#[test]
fn on_aws_the_cost_is_said_and_agreed_to_first() {
    let stage = AwsStage::deployed();
    let start = || stage.cqrs(["bench", "--orders", "6"]).on_terminal();
    let mut terminal = start();
    terminal.until("At most about 10 operations, about $");
    terminal.until("Begin? [y/N]");
    terminal.line("n");
    let (code, rest) = terminal.end();
    assert_eq!(code, 1, "{rest}");
    assert!(rest.contains("nothing was driven"), "{rest}");

    let mut terminal = start();
    terminal.until("Begin? [y/N]");
    terminal.control('c');
    let (code, rest) = terminal.end();
    assert_eq!(code, 130, "{rest}");
    assert!(rest.contains("nothing was driven"), "{rest}");
    assert_eq!(orders(&stage), 0);

    let mut terminal = start();
    terminal.until("Begin? [y/N]");
    terminal.line("y");
    terminal.until("STEP");
    let (code, rest) = terminal.end();
    assert_eq!(code, 0, "{rest}");
    let cleaned: Value = stage.cqrs(bench("--clean")).json();
    assert_eq!(cleaned["found"], 6);
}

#[test]
fn what_cannot_be_done_is_said_before_anything_is_connected() {
    let sandbox = Sandbox::new();
    let refused = |arguments: &str, said: &str| {
        let outcome = sandbox.cqrs(bench(arguments)).outcome();
        assert_eq!(outcome.code, 2, "{outcome}");
        assert!(outcome.stderr.contains(said), "{outcome}");
    };
    refused(
        "--mix create=1,buy=1",
        "there is no step `buy`: the steps are create, ship, ",
    );
    refused("--mix get=1", "get needs create");
    refused(
        "--mix list=1 --orders 5",
        "is never reached by a mix without create",
    );
    refused("--duration 5", "expected a number with its unit");
    refused("--rate 5 --concurrency 5", "cannot be used with");
    refused("--save run.txt", "does not end in .html");
    refused("--save none/run.html", "there is no folder `none`");
    refused("--clean --orders 5", "cannot be used with");
    // Driving a stack on AWS costs, and nobody can be asked.
    let unasked = sandbox.cqrs(["bench", "--orders", "1"]).outcome();
    assert_eq!(unasked.code, 2, "{unasked}");
    assert!(unasked.stderr.contains("add `--yes`"), "{unasked}");
}
