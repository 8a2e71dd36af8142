//! Orders from a file, where it, the publisher or the one who waits does not do as hoped.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::sync::{Arc, Mutex, mpsc};

use insta::assert_snapshot;
use pattern::id::{Id, IdempotencyKey};
use pattern::timestamp::Timestamp;
use serde_json::{Value, json};

use crate::bulk::{create_from, csv, report, timeless};
use crate::support::{Outcome, Reply, Sandbox, Scripted};

/// A publisher of memory alone. `answer` may answer instead; it is given the product.
pub(crate) struct Publisher {
    server: Scripted,
    /// The ids of the orders that it made.
    orders: Arc<Mutex<BTreeSet<String>>>,
}

impl Publisher {
    pub(crate) fn new(mut answer: impl FnMut(&str) -> Option<Reply> + Send + 'static) -> Self {
        let orders = Arc::<Mutex<BTreeSet<String>>>::default();
        let made = Arc::clone(&orders);
        let server = Scripted::new(move |request| {
            let mut order: Value = serde_json::from_str(request.body()).unwrap();
            let key: IdempotencyKey =
                serde_json::from_value(order["idempotencyKey"].take()).unwrap();
            let text = |field: &Value| field.as_str().unwrap().to_owned();
            let (client, product) = (text(&order["clientId"]), text(&order["productId"]));
            if let Some(reply) = answer(&product) {
                return reply;
            }
            let id = Id::for_key(&client, &key).to_string();
            let time = Timestamp::now().to_string();
            let quantity = order["quantity"].as_u64().unwrap_or(1);
            order = json!({
                "orderId": id, "clientId": client, "productId": product, "quantity": quantity,
                "status": "placed", "version": 1, "createdAt": time, "updatedAt": time,
            });
            made.lock().unwrap().insert(id);
            Reply::json(200, order.to_string())
        });
        Self { server, orders }
    }

    pub(crate) fn sandbox(&self) -> Sandbox {
        Sandbox::against(&self.server.endpoint())
    }

    pub(crate) fn made(&self) -> usize {
        self.orders.lock().unwrap().len()
    }
}

fn error(status: u16, code: &str) -> Reply {
    Reply::json(status, json!({"__type": code, "message": "said AWS"}))
}

/// A publisher that keeps the caller of a product waiting until the test lets it go on.
fn held_at(product: &'static str) -> (Publisher, mpsc::Receiver<()>, mpsc::Sender<()>) {
    let (reached, at) = mpsc::channel();
    let (go_on, wait) = mpsc::channel::<()>();
    let publisher = Publisher::new(move |asked| {
        if asked == product {
            reached.send(()).unwrap();
            // It ends with the test where nobody says so.
            let _ = wait.recv();
        }
        None
    });
    (publisher, at, go_on)
}

#[test]
fn ctrl_c_lets_those_under_way_end_and_takes_no_more() {
    let (publisher, reached, go_on) = held_at("p9");
    let sandbox = publisher.sandbox();
    sandbox.write("orders.csv", &csv(50));
    let create = || create_from(&sandbox, "orders.csv").arg("--concurrency=4");
    let mut running = create().start();
    reached.recv().unwrap();
    let before = publisher.made();
    running.interrupt().until("Stopping after");
    go_on.send(()).unwrap();
    let stopped = running.outcome();
    let made = publisher.made();
    assert!(
        (before + 1..=before + 4).contains(&made),
        "{before}: {stopped}"
    );
    let filter = |outcome: Outcome, made: usize| {
        timeless(outcome)
            .filter(&format!(r"\b{made}\b"), "[MADE]")
            .filter(&format!(r"\b{}\b", 50 - made), "[LEFT]")
            .filter(r"after \d orders", "after [N] orders")
    };
    assert_snapshot!(filter(stopped, made), @"
    exit code 130
    --- stdout
    [MADE] orders created, [LEFT] left, in [N] s
    --- stderr
    Creating 50 orders…
    Stopping after [N] orders under way; Ctrl-C ends at once
    error: interrupted with [LEFT] of 50 orders left
    hint: the same command again goes on: what is created is not created twice
    ");
    drop(go_on);
    create().succeeds();
    assert_eq!(publisher.made(), 50);
}

#[test]
fn a_second_ctrl_c_ends_at_once() {
    let (publisher, reached, go_on) = held_at("p1");
    let sandbox = publisher.sandbox();
    sandbox.write("orders.csv", &csv(5));
    let mut running = create_from(&sandbox, "orders.csv").start();
    reached.recv().unwrap();
    running.interrupt().until("Stopping after").interrupt();
    let stopped = running.outcome();
    assert_eq!(stopped.code, 130, "{stopped}");
    assert_eq!(stopped.stdout, "");
    drop(go_on);
}

#[test]
fn ctrl_c_while_the_rows_still_come_sends_nothing() {
    let publisher = Publisher::new(|_| None);
    let sandbox = publisher.sandbox();
    let pipe = sandbox.project().join("orders.csv");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let mut running = create_from(&sandbox, "orders.csv").start();
    // Waits for the one who reads.
    let writer = fs::File::options().write(true).open(&pipe).unwrap();
    (&writer).write_all(csv(3).as_bytes()).unwrap();
    running.interrupt();
    assert_snapshot!(running.outcome(), @r"
    exit code 130
    --- stderr
    error: interrupted; nothing was sent
    ");
    assert_eq!(publisher.made(), 0);
    drop(writer);
}

#[test]
fn what_is_throttled_or_lost_is_sent_again() {
    let mut calls = 0;
    let publisher = Publisher::new(move |_| {
        calls += 1;
        match calls {
            1 => Some(error(429, "TooManyRequestsException")),
            2 => Some(Reply::LOST),
            3 => Some(Reply::function(
                json!({"errorType": "WriteModelUnavailable", "errorMessage": "busy"}),
            )),
            _ => None,
        }
    });
    let sandbox = publisher.sandbox();
    sandbox.write("orders.csv", &csv(3));
    let outcome = create_from(&sandbox, "orders.csv")
        .arg("--verbose")
        .outcome();
    assert_eq!(outcome.code, 0, "{outcome}");
    assert!(outcome.stdout.starts_with("3 orders created"), "{outcome}");
    assert_eq!(
        outcome.stderr.matches("is tried again").count(),
        3,
        "{outcome}"
    );
    assert!(outcome.stderr.contains("at most 16 under way"), "{outcome}");
    assert_eq!(publisher.made(), 3);
}

#[test]
fn what_would_fail_every_row_ends_the_run_and_says_what_is_left() {
    let publisher = Publisher::new(|product| match product {
        "p3" => Some(Reply::function(
            json!({"errorType": "IdempotencyConflict", "errorMessage": "taken"}),
        )),
        "p5" => Some(error(403, "AccessDeniedException")),
        _ => None,
    });
    let sandbox = publisher.sandbox();
    sandbox.write("orders.csv", &csv(50));
    let outcome = create_from(&sandbox, "orders.csv")
        .arg("--concurrency=1")
        .outcome();
    assert_snapshot!(timeless(outcome), @"
    exit code 1
    --- stdout
    line 5: taken
    4 orders created, 1 failed, 45 left, in [N] s
    --- stderr
    Creating 50 orders…
    Stopping
    The rows that failed are in orders.failed.csv
    error: permission denied: lambda:InvokeFunction
      caused by: said AWS
    hint: allow lambda:InvokeFunction for this principal (`cqrs permissions` prints what a task needs), or use another with `--profile`; the same command again goes on: what is created is not created twice
    ");
    assert_eq!(publisher.made(), 4);
}

#[test]
fn a_file_that_is_written_to_meanwhile_is_not_sent_to_its_end() {
    let (publisher, reached, go_on) = held_at("p1");
    let sandbox = publisher.sandbox();
    sandbox.write("orders.csv", &csv(3_000));
    let create = create_from(&sandbox, "orders.csv").args(["--concurrency=1", "--output=json"]);
    let running = create.start();
    reached.recv().unwrap();
    let path = sandbox.project().join("orders.csv");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("p2999", "p9999")).unwrap();
    drop(go_on);
    let outcome = running.outcome();
    assert_eq!(outcome.code, 1, "{outcome}");
    assert_eq!(outcome.error()["kind"], "InputChanged", "{outcome}");
    assert!(report(&outcome)["left"].as_u64().unwrap() > 0, "{outcome}");
}

#[test]
fn a_dry_run_needs_neither_stack_nor_credentials() {
    let sandbox = Sandbox::new();
    sandbox.write("orders.csv", &csv(3));
    let dry = || create_from(&sandbox, "orders.csv").arg("--dry-run");
    assert_snapshot!(dry().outcome(), @"
    exit code 0
    --- stdout
    3 orders would be created, less those that are there already
    ");
    let dry: Value = dry().json();
    assert_eq!(dry, json!({"dryRun": true, "rows": 3}));
}

#[test]
fn a_file_that_holds_no_orders_is_refused_with_what_to_do() {
    let sandbox = Sandbox::new();
    let from = |text: &str, name: &str| {
        sandbox.write(name, text);
        create_from(&sandbox, name).arg("--dry-run").outcome()
    };
    assert_snapshot!(from("", "orders.csv"), @"
    exit code 2
    --- stderr
    error: orders.csv cannot be read as rows
      caused by: it is empty
    hint: begin with `clientId,productId`, also quantity, idempotencyKey; or write a JSON object in each line, with `--format jsonl`
    ");
    assert_snapshot!(from("42,abc\n", "orders.txt"), @"
    exit code 2
    --- stderr
    error: orders.txt cannot be read as rows
      caused by: its first line must name the columns: `42` is none of clientId, productId, quantity, idempotencyKey
    hint: begin with `clientId,productId`, also quantity, idempotencyKey; or write a JSON object in each line, with `--format jsonl`
    ");
    assert_snapshot!(from("[\n{}]", "orders.json"), @"
    exit code 2
    --- stderr
    error: orders.json cannot be read as rows
      caused by: it is one JSON array, not a JSON object in each line
    hint: `jq -c '.[]' FILE | cqrs order create --from -` takes it apart
    ");
    assert_snapshot!(from("clientId,productId\r42,abc\r", "orders.csv"), @r"
    exit code 2
    --- stderr
    error: orders.csv cannot be read as rows
      caused by: its lines end in carriage returns without line feeds
    hint: `tr '\r' '\n' < FILE` gives it line feeds
    ");
    assert_snapshot!(create_from(&sandbox, "none.csv").outcome(), @r"
    exit code 2
    --- stderr
    error: cannot read none.csv
      caused by: No such file or directory (os error 2)
    hint: name a file that can be read, or `-` for standard input
    ");
    assert_snapshot!(create_from(&sandbox, ".").outcome(), @r"
    exit code 2
    --- stderr
    error: cannot read .
      caused by: is a directory
    hint: name a file that can be read, or `-` for standard input
    ");
}

#[test]
fn where_rows_that_fail_cannot_be_kept_nothing_is_sent() {
    let publisher = Publisher::new(|_| None);
    let sandbox = publisher.sandbox();
    sandbox.write("orders.csv", &csv(3));
    sandbox.write("orders.failed.csv", "clientId,productId\n");
    assert_snapshot!(create_from(&sandbox, "orders.csv").outcome(), @r"
    exit code 2
    --- stderr
    error: the rows that fail would replace orders.failed.csv
    hint: move that file away, or send the rows from a file of another name
    ");
    fs::remove_file(sandbox.project().join("orders.failed.csv")).unwrap();
    fs::create_dir(sandbox.project().join("orders.failed.csv")).unwrap();
    let outcome = create_from(&sandbox, "orders.csv").outcome();
    assert_eq!(outcome.code, 1, "{outcome}");
    assert!(
        outcome.stderr.contains("cannot write the rows that fail"),
        "{outcome}"
    );
    assert_eq!(publisher.made(), 0);
}

#[test]
fn a_file_and_one_order_exclude_each_other() {
    let sandbox = Sandbox::new();
    let key = "--idempotency-key=k";
    for argument in [
        "--client=42",
        "--product=abc",
        "--quantity=1",
        key,
        "--wait",
    ] {
        let outcome = create_from(&sandbox, "orders.csv").arg(argument).outcome();
        assert_eq!(outcome.code, 2, "{outcome}");
        assert!(outcome.stderr.contains("cannot be used with"), "{outcome}");
    }
    let alone = sandbox.cqrs(["order", "create", "--dry-run"]).outcome();
    assert_eq!(alone.code, 2, "{alone}");
    let neither = sandbox.cqrs(["order", "create"]).outcome();
    assert!(neither.stderr.contains("--client"), "{neither}");
}

#[test]
fn blanks_around_values_are_not_sent_and_what_cannot_be_seen_is_refused_with_its_line() {
    let sent = Arc::<Mutex<Vec<String>>>::default();
    let seen = Arc::clone(&sent);
    let publisher = Publisher::new(move |product| {
        seen.lock().unwrap().push(product.to_owned());
        None
    });
    let sandbox = publisher.sandbox();
    sandbox.write(
        "orders.csv",
        "clientId, productId\n42, lamp \n42, \" lamp\"\n",
    );
    create_from(&sandbox, "orders.csv")
        .arg("--concurrency=1")
        .succeeds();
    assert_eq!(*sent.lock().unwrap(), ["lamp", " lamp"]);

    sandbox.write(
        "orders.csv",
        "clientId,productId\n42,\u{a0}lamp\n42,la\u{ad}mp\n4\u{200b}2,lamp\n42,6\" lamp\n42,\"lamp\n42,lamp\n",
    );
    assert_snapshot!(create_from(&sandbox, "orders.csv").outcome(), @r#"
    exit code 2
    --- stderr
    error: 5 of 6 rows of orders.csv cannot be sent, so nothing was sent
      caused by: line 2: productId must have printable characters only, not U+00A0
      caused by: line 3: productId must have printable characters only, not U+00AD
      caused by: line 4: clientId must have printable characters only, not U+200B
      caused by: line 5: has a quote beside other characters: a value is quoted as a whole, and "" in it is one
      caused by: line 6: has a quote that is not closed in the same line
    hint: correct the rows and repeat the command; `--dry-run` checks and sends nothing
    "#);
    sandbox.write(
        "orders.jsonl",
        "{\"clientId\":\"42\",\"productId\":\"lamp\u{200b}\"}\n",
    );
    let rows = create_from(&sandbox, "orders.jsonl").outcome();
    assert_eq!(rows.code, 2, "{rows}");
    assert!(
        rows.stderr
            .contains("line 1: productId must have printable"),
        "{rows}"
    );
    let typed = [
        "order",
        "create",
        "--client",
        "42\u{ad}",
        "--product",
        "lamp",
    ];
    let typed = sandbox.cqrs(typed).outcome();
    assert_eq!(typed.code, 4, "{typed}");
    assert!(
        typed.stderr.contains("--client must have printable"),
        "{typed}"
    );
    assert_eq!(publisher.made(), 2);
}

#[test]
fn a_row_that_failed_keeps_the_blanks_in_its_quotes() {
    let publisher = Publisher::new(|_| {
        let body = json!({"errorType": "IdempotencyConflict", "errorMessage": "no"});
        Some(Reply::function(body))
    });
    let sandbox = publisher.sandbox();
    sandbox.write(
        "orders.csv",
        "clientId,productId,idempotencyKey\n42,\" lamp\",k\n",
    );
    assert_eq!(create_from(&sandbox, "orders.csv").outcome().code, 1);
    let failed = fs::read_to_string(sandbox.project().join("orders.failed.csv")).unwrap();
    assert!(failed.contains("\n42,\" lamp\",,k,"), "{failed}");
}
