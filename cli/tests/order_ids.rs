//! The order commands for several orders: ids that are typed, and ids on standard input.

use std::io::Write;
use std::sync::mpsc;

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::{Reply, Run, Sandbox, Scripted, Stage, on_both};

on_both!(
    several_orders_are_read_in_the_order_of_their_ids,
    ids_on_standard_input_are_taken_a_line_each_and_bad_lines_are_named,
    more_orders_than_one_query_takes_keep_the_order_of_their_ids,
    several_orders_change_and_what_fails_fails_alone,
    several_orders_are_waited_for_together,
    an_interrupted_command_reports_what_it_did_and_takes_no_more,
);

const MISSING: &str = "0199d3c2-8d5f-7a10-b3a4-5c8f3f0c2b11";
const ODD: &str = "no such order";

fn array(run: Run) -> (i32, Vec<Value>) {
    let outcome = run.args(["--output", "json"]).outcome();
    let array = serde_json::from_str(&outcome.stdout);
    (
        outcome.code,
        array.unwrap_or_else(|e| panic!("{e} in {outcome}")),
    )
}

fn ids(items: &[Value]) -> Vec<&str> {
    let ids = items.iter().map(|item| item["orderId"].as_str().unwrap());
    ids.collect()
}

fn kinds(items: &[Value]) -> Vec<&str> {
    let kinds = items.iter().map(|item| match &item["error"]["kind"] {
        Value::Null => item["status"].as_str().unwrap(),
        kind => kind.as_str().unwrap(),
    });
    kinds.collect()
}

fn several_orders_are_read_in_the_order_of_their_ids<S: Stage>() {
    let stage = S::deployed();
    let (a, b) = (stage.place_order(), stage.place_order());
    stage.cqrs(["order", "ship", &b, "--wait"]).succeeds();
    let get = || stage.cqrs(["order", "get", &b, ODD, &a, &b]);
    assert_snapshot!(get().outcome(), @"
    exit code 3
    --- stdout
    ORDER                                 STATUS     CLIENT            PRODUCT           QUANTITY  VERSION  CREATED
    [ID]  shipped    42                abc               1         2        [TIME]
    [ID]  placed     42                abc               1         1        [TIME]
    [ID]  shipped    42                abc               1         2        [TIME]
    --- stderr
    warning: the read model has no order no such order
    error: 1 of 4 orders failed
    hint: an order just written takes a moment to get there: `cqrs order get no such order --wait`
    ");
    let (code, items) = array(get());
    assert_eq!(code, 3);
    assert_eq!(ids(&items), [b.as_str(), ODD, &a, &b]);
    assert_eq!(
        kinds(&items),
        ["shipped", "OrderNotFound", "placed", "shipped"]
    );
    let error = get().args(["--output", "json"]).outcome().error();
    assert_eq!(error["kind"], "OrderNotFound");
}

fn ids_on_standard_input_are_taken_a_line_each_and_bad_lines_are_named<S: Stage>() {
    let stage = S::deployed();
    let (a, b) = (stage.place_order(), stage.place_order());
    let input = format!("\n  {a}\r\n\nx\x1by\n{MISSING}\n{b}");
    let get = || stage.cqrs(["order", "get", "-"]).input(&input);
    let outcome = get().outcome();
    assert_eq!(outcome.code, 4, "{outcome}");
    assert_eq!(outcome.stdout.lines().count(), 3, "{outcome}");
    let bad = "warning: line 4: the id must have printable characters only, not U+001B";
    assert!(outcome.stderr.starts_with(bad), "{outcome}");

    let (code, items) = array(get());
    assert_eq!(code, 4);
    assert_eq!(ids(&items), [&a, "x\x1by", MISSING, &b]);
    assert_eq!(
        kinds(&items),
        ["placed", "InvalidCommand", "OrderNotFound", "placed"]
    );

    // One line, and none, are several orders too: what a program reads is always an array.
    let (code, items) = array(stage.cqrs(["order", "get", "-"]).input(&a));
    assert_eq!((code, ids(&items)), (0, vec![a.as_str()]));
    let (code, items) = array(stage.cqrs(["order", "get", "-"]).input("\n"));
    assert_eq!((code, items.len()), (0, 0));
}

fn more_orders_than_one_query_takes_keep_the_order_of_their_ids<S: Stage>() {
    let stage = S::deployed();
    let orders = [stage.place_order(), stage.place_order(), MISSING.to_owned()];
    let wanted: Vec<&str> = (0..1800)
        .map(|n| orders[(n + n / 7) % 3].as_str())
        .collect();
    let get = || stage.cqrs(["order", "get", "-"]).input(wanted.join("\n"));
    let (code, items) = array(get());
    assert_eq!((code, items.len()), (3, wanted.len()));
    let same = ids(&items)
        .into_iter()
        .zip(&wanted)
        .all(|(id, wanted)| id == *wanted);
    assert!(same);

    let (read, written) = std::io::pipe().unwrap();
    drop(read);
    let gone = get().stdout_to(written);
    assert_eq!(gone.code, 0, "{gone}");
}

fn several_orders_change_and_what_fails_fails_alone<S: Stage>() {
    let stage = S::deployed();
    let orders: Vec<String> = (0..3).map(|_| stage.place_order()).collect();
    stage.cqrs(["order", "cancel", &orders[1]]).succeeds();
    let ship = || {
        let all = [&orders[0], &orders[1], MISSING, &orders[2], &orders[0]];
        stage.cqrs(["order", "ship"]).args(all)
    };
    assert_snapshot!(ship().outcome(), @"
    exit code 4
    --- stdout
    ORDER                                 STATUS     CLIENT            PRODUCT           QUANTITY  VERSION  CREATED
    [ID]  shipped    42                abc               1         2        [TIME]
    [ID]  shipped    42                abc               1         2        [TIME]
    [ID]  shipped    42                abc               1         2        [TIME]
    --- stderr
    warning: order [ID] is cancelled and can no longer become shipped
    warning: there is no order [ID]
    error: 2 of 5 orders failed
    ");
    // Once more, as after an interruption: what is done stays as it is.
    let (code, items) = array(ship());
    assert_eq!(code, 4);
    assert_eq!(
        kinds(&items),
        [
            "shipped",
            "IllegalTransition",
            "OrderNotFound",
            "shipped",
            "shipped"
        ]
    );
    assert_eq!(items[3]["version"], 2);

    let other = stage.place_order();
    let malformed = stage.cqrs(["order", "ship", &other, "", MISSING]).outcome();
    assert_snapshot!(malformed, @r"
    exit code 4
    --- stderr
    error: id 2 of 3 must not be empty
    ");
    let expected = stage.cqrs(["order", "ship", &other, MISSING, "--expected-version", "1"]);
    assert_snapshot!(expected.outcome(), @"
    exit code 2
    --- stderr
    error: `--expected-version` is for one id, not for several
    ");
    let mixed = stage.cqrs(["order", "ship", &other, "-"]);
    assert_snapshot!(mixed.outcome(), @r"
    exit code 2
    --- stderr
    error: `-` takes the ids from standard input and no others beside them
    ");
    let got: Value = stage.cqrs(["order", "get", &other]).json();
    assert_eq!(got["status"], "placed");
}

fn several_orders_are_waited_for_together<S: Stage>() {
    let stage = S::deployed();
    let orders: Vec<String> = (0..3).map(|_| stage.place_order()).collect();
    let ship = stage.cqrs(["order", "ship", "-", "--wait"]);
    let (code, items) = array(ship.input(orders.join("\n")));
    assert_eq!(
        (code, ids(&items)),
        (0, orders.iter().map(String::as_str).collect())
    );
    for item in &items {
        assert!(
            item["writeMs"].is_number() && item["visibleMs"].is_number(),
            "{item}"
        );
    }
    let (code, items) = array(stage.cqrs(["order", "get"]).args(&orders));
    assert_eq!((code, kinds(&items)), (0, vec!["shipped"; 3]));

    let get = stage.cqrs(["order", "get", MISSING, &orders[0], "--wait=1"]);
    let (code, items) = array(get);
    assert_eq!((code, kinds(&items)), (5, vec!["TimedOut", "shipped"]));

    // Written is written, also when the read model does not show it.
    let cache = stage.cache();
    let other = stage.place_order();
    cache.pause();
    let cancel = stage.cqrs(["order", "cancel", &other, &orders[0], "--wait=1"]);
    let (code, items) = array(cancel);
    cache.resume();
    assert_eq!((code, &items[0]["status"]), (5, &json!("cancelled")));
    assert_eq!(kinds(&items), ["TimedOut", "IllegalTransition"]);
}

fn an_interrupted_command_reports_what_it_did_and_takes_no_more<S: Stage>() {
    let stage = S::deployed();
    let orders = [stage.place_order(), stage.place_order()];
    let (input, mut typing) = std::io::pipe().unwrap();
    let ship = stage.cqrs(["order", "ship", "-"]).stdin_from(input);
    let mut running = ship.start();
    writeln!(typing, "{}\n{}", orders[0], orders[1]).unwrap();
    let shipped = || {
        let items = array(stage.cqrs(["order", "get"]).args(&orders)).1;
        kinds(&items) == ["shipped", "shipped"]
    };
    while !shipped() {}
    running.interrupt();
    let outcome = running.outcome();
    drop(typing);
    // How far it is, said every few seconds.
    let outcome = outcome.filter(r"(?m)^\d orders? shipped\n", "");
    assert_snapshot!(outcome, @"
    exit code 130
    --- stdout
    ORDER                                 STATUS     CLIENT            PRODUCT           QUANTITY  VERSION  CREATED
    [ID]  shipped    42                abc               1         2        [TIME]
    [ID]  shipped    42                abc               1         2        [TIME]
    --- stderr
    error: interrupted: 2 orders shipped
    hint: the same command again is safe; what follows on standard input was not tried
    ");
}

fn order(id: &str) -> Value {
    json!({
        "orderId": id, "clientId": "42", "productId": "abc", "quantity": 1,
        "status": "shipped", "version": 2,
        "createdAt": "2026-11-23T03:00:00.000Z", "updatedAt": "2026-11-23T03:00:00.000Z",
    })
}

/// The order that a command is for.
fn asked_for(body: &str) -> String {
    let command: Value = serde_json::from_str(body).unwrap();
    command["orderId"].as_str().unwrap().to_owned()
}

fn denied() -> Reply {
    Reply::json(
        403,
        json!({"__type": "AccessDeniedException", "message": "not authorized"}),
    )
}

#[test]
fn what_would_fail_for_all_stops_at_once_and_shows_nothing_where_nothing_was_done() {
    let server = Scripted::new(|_| denied());
    let sandbox = Sandbox::against(&server.endpoint());
    let ids: String = (0..1000).map(|n| format!("o{n}\n")).collect();
    let run = |command: &str| {
        let run = sandbox.cqrs(["order", command, "-"]).input(&ids);
        run.args(["--output", "json"]).outcome()
    };
    let get = run("get");
    assert_snapshot!(get, @r#"
    exit code 1
    --- stderr
    {"error":{"kind":"AccessDenied","message":"permission denied: lambda:InvokeFunction","causes":["not authorized"],"hint":"allow lambda:InvokeFunction for this principal (`cqrs permissions` prints what a task needs), or use another with `--profile`"}}
    "#);
    assert_eq!(run("ship").to_string(), get.to_string());
    assert!(server.actions().len() <= 4 + 8, "{:?}", server.actions());
}

#[test]
fn what_was_done_before_a_stop_and_what_was_not_are_reported() {
    let server = Scripted::new(|request| match asked_for(request.body()).as_str() {
        "b" => denied(),
        id => Reply::json(200, order(id)),
    });
    let sandbox = Sandbox::against(&server.endpoint());
    let ids: Vec<String> = ["a", "b"].map(str::to_owned).into();
    let later = (0..20).map(|n| format!("later {n}"));
    let ids: Vec<String> = ids.into_iter().chain(later).collect();
    let (code, items) = array(sandbox.cqrs(["order", "ship"]).args(&ids));
    assert_eq!(code, 1);
    assert_eq!(self::ids(&items), ids);
    assert_eq!(kinds(&items)[..2], ["shipped", "AccessDenied"]);
    assert_eq!(items[21]["error"]["kind"], "NotTried");
    assert!(server.actions().len() < 22, "{:?}", server.actions());
}

#[test]
fn an_order_that_gets_no_answer_before_the_end_is_said_to_be_in_doubt() {
    let (hang, hung) = mpsc::channel::<()>();
    let (tell, asked) = mpsc::channel();
    let server = Scripted::new(move |request| match asked_for(request.body()).as_str() {
        "b" => {
            tell.send(()).unwrap();
            // Until the test is over.
            let _ = hung.recv();
            Reply::LOST
        }
        id => Reply::json(200, order(id)),
    });
    let sandbox = Sandbox::against(&server.endpoint());
    let mut running = sandbox.cqrs(["order", "ship", "a", "b"]).start();
    asked.recv().unwrap();
    running.interrupt();
    let outcome = running.outcome();
    drop(hang);
    assert_eq!(outcome.code, 130, "{outcome}");
    assert!(
        outcome.stderr.contains("warning: b was under way"),
        "{outcome}"
    );
}

#[test]
fn ctrl_c_ends_the_waiting_and_what_was_written_is_reported() {
    let (tell, asked) = mpsc::channel();
    let server = Scripted::new(move |request| {
        let payload: Value = serde_json::from_str(request.body()).unwrap();
        match payload["orderId"].as_str() {
            Some(id) => Reply::json(200, order(id)),
            None => {
                tell.send(()).unwrap();
                Reply::json(200, json!({"orders": [null, null]}))
            }
        }
    });
    let sandbox = Sandbox::against(&server.endpoint());
    let ship = sandbox.cqrs(["order", "ship", "a", "b", "--wait=900"]);
    let mut running = ship.args(["--output", "json"]).start();
    asked.recv().unwrap();
    running.interrupt();
    let outcome = running.outcome();
    let items: Vec<Value> = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!((outcome.code, ids(&items)), (130, vec!["a", "b"]));
    assert_eq!(items[0]["status"], "shipped");
    assert_eq!(kinds(&items), ["Interrupted", "Interrupted"]);
}

#[test]
fn a_mark_of_the_encoding_before_the_ids_is_no_part_of_them_and_utf_16_is_said_once() {
    let server = Scripted::new(|_| Reply::json(200, json!({"orders": [null, null]})));
    let mut sandbox = Sandbox::against(&server.endpoint());
    sandbox.set("CQRS_OUTPUT", "json");
    let (_, items) = array(sandbox.cqrs(["order", "get", "-"]).input("\u{feff}a\nb\n"));
    assert_eq!(ids(&items), ["a", "b"]);
    assert_eq!(kinds(&items), ["OrderNotFound", "OrderNotFound"]);

    sandbox.set("CQRS_OUTPUT", "text");
    for (text, reason) in [
        ("a\0b\0\n\0c\0", "it is UTF-16, not UTF-8"),
        (
            "a\rb\r",
            "its lines end in carriage returns without line feeds",
        ),
    ] {
        let outcome = sandbox.cqrs(["order", "get", "-"]).input(text).outcome();
        assert_eq!(outcome.code, 2, "{outcome}");
        assert_eq!(outcome.stderr.matches(reason).count(), 1, "{outcome}");
    }
}
