//! Orders from a file, from the binary through the real publisher into the table.

use std::fs;

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::{Outcome, Run, Sandbox, Stage, block_on, on_both};

on_both!(
    a_csv_file_places_each_order_once_however_often_it_is_sent,
    json_lines_from_standard_input_are_placed_once_too,
    nothing_is_sent_where_a_row_breaks_a_rule,
    rows_that_fail_are_kept_and_sent_again_as_they_are,
    after_ctrl_c_the_same_command_places_the_rest,
    without_a_stack_nothing_is_left_behind,
);

pub(crate) fn create_from(sandbox: &Sandbox, file: &str) -> Run {
    sandbox.cqrs(["order", "create", "--from", file])
}

/// Without the time it took.
pub(crate) fn timeless(outcome: Outcome) -> Outcome {
    outcome.filter(r"in \d+\.\d s", "in [N] s")
}

/// What a run with `--output json` printed, whatever it ended with.
pub(crate) fn report(outcome: &Outcome) -> Value {
    let mut report: Value = serde_json::from_str(&outcome.stdout)
        .unwrap_or_else(|error| panic!("{error} in {outcome}"));
    report["seconds"].take();
    report
}

/// How many items the table has.
fn placed(stage: &impl Stage) -> i32 {
    let outputs: Value = stage.cqrs(["outputs"]).json();
    let client = aws_sdk_dynamodb::Client::new(&stage.sdk());
    let table = outputs["TableName"].as_str().unwrap();
    let scanned = block_on(client.scan().table_name(table).send()).unwrap();
    assert!(scanned.last_evaluated_key().is_none());
    scanned.count()
}

pub(crate) fn csv(rows: usize) -> String {
    let rows = (0..rows).map(|row| format!("c{},p{row}\n", row % 7));
    format!("clientId,productId\n{}", rows.collect::<String>())
}

fn a_csv_file_places_each_order_once_however_often_it_is_sent<S: Stage>() {
    let stage = S::deployed();
    stage.write(
        "orders.csv",
        "\u{feff}quantity,client,product,idempotencyKey\r\n3,42,\"a \"\"big\"\" one, blue\",\r\n\r\n\
         ,42,abc,mine\r\n",
    );
    assert_snapshot!(timeless(create_from(&stage, "orders.csv").outcome()), @"
    exit code 0
    --- stdout
    2 orders created, in [N] s
    --- stderr
    Creating 2 orders…
    ");
    assert_snapshot!(timeless(create_from(&stage, "orders.csv").outcome()), @"
    exit code 0
    --- stdout
    0 orders created, 2 already there, in [N] s
    --- stderr
    Creating 2 orders…
    ");
    let first = "--client 42 --product abc --idempotency-key mine";
    let first = stage.cqrs(["order", "create"]).args(first.split(' '));
    first.succeeds();
    assert_eq!(placed(&stage), 2);
    // The same rows in another file are other orders, but for the key that is theirs.
    stage.write(
        "more.csv",
        "client,product,idempotencyKey\n42,abc,\n42,abc,mine\n",
    );
    let more = create_from(&stage, "more.csv")
        .arg("--output=json")
        .outcome();
    assert_eq!(report(&more)["created"], 1, "{more}");
    assert_eq!(report(&more)["alreadyThere"], 1, "{more}");
}

fn json_lines_from_standard_input_are_placed_once_too<S: Stage>() {
    let stage = S::deployed();
    let rows = "{\"clientId\":\"42\",\"productId\":\"abc\"}\n\n\
                {\"cliendId\":\"42\",\"productId\":\"abc\",\"quantity\":2}\n";
    let send = || {
        create_from(&stage, "-")
            .arg("--output=json")
            .outcome_of(rows)
    };
    let (first, second) = (send(), send());
    let expected = json!({
        "rows": 2, "created": 2, "alreadyThere": 0, "failed": 0, "left": 0,
        "failures": [], "failedFile": null, "seconds": null,
    });
    assert_eq!((report(&first), first.code), (expected, 0));
    assert_eq!(first.stderr, "");
    assert_eq!(report(&second)["alreadyThere"], 2, "{second}");
    assert_eq!(placed(&stage), 2);
}

fn nothing_is_sent_where_a_row_breaks_a_rule<S: Stage>() {
    let stage = S::deployed();
    stage.write(
        "orders.csv",
        "clientId,productId,quantity\n42,abc,1\n42,,1\n42,abc,0\n",
    );
    assert_snapshot!(create_from(&stage, "orders.csv").outcome(), @"
    exit code 2
    --- stderr
    error: 2 of 3 rows of orders.csv cannot be sent, so nothing was sent
      caused by: line 3: productId must not be empty
      caused by: line 4: quantity must be a whole number from 1 to 1000000, not 0
    hint: correct the rows and repeat the command; `--dry-run` checks and sends nothing
    ");
    let error = create_from(&stage, "orders.csv")
        .arg("--output=json")
        .outcome();
    assert_eq!((error.code, error.stdout.as_str()), (2, ""));
    assert_eq!(error.error()["kind"], "InvalidRows");
    assert_eq!(placed(&stage), 0);
}

fn rows_that_fail_are_kept_and_sent_again_as_they_are<S: Stage>() {
    let stage = S::deployed();
    let taken = "order create --client 42 --product xyz --idempotency-key k1";
    stage.cqrs(taken.split(' ')).succeeds();
    stage.write(
        "orders.csv",
        "clientId,productId,idempotencyKey\n42,abc,k1\n42,abc,k2\n",
    );
    assert_snapshot!(timeless(create_from(&stage, "orders.csv").outcome()), @"
    exit code 1
    --- stdout
    line 2: the idempotency key was used before, for order [ID], which differs in productId
    1 order created, 1 failed, in [N] s
    --- stderr
    Creating 2 orders…
    error: 1 row failed
    hint: orders.failed.csv has them with their keys and reasons: correct it and `cqrs order create --from orders.failed.csv`
    ");
    let failed = fs::read_to_string(stage.project().join("orders.failed.csv")).unwrap();
    let reason = "the idempotency key was used before, for order ";
    let expected =
        format!("clientId,productId,quantity,idempotencyKey,reason\n42,abc,,k1,\"{reason}");
    assert!(failed.starts_with(&expected), "{failed}");

    let again = create_from(&stage, "orders.failed.csv")
        .arg("--output=json")
        .outcome();
    assert_eq!(
        (again.code, &report(&again)["failed"]),
        (1, &json!(1)),
        "{again}"
    );
    assert_eq!(report(&again)["failedFile"], "orders.failed-2.csv");
    // Corrected, it is the order that is there.
    stage.write("orders.failed.csv", &failed.replace("42,abc", "42,xyz"));
    let corrected = create_from(&stage, "orders.failed.csv").outcome();
    assert_snapshot!(timeless(corrected), @r"
    exit code 0
    --- stdout
    0 orders created, 1 already there, in [N] s
    --- stderr
    Creating 1 order…
    Removed orders.failed-2.csv of an earlier run
    ");
    assert_eq!(placed(&stage), 2);
}

fn after_ctrl_c_the_same_command_places_the_rest<S: Stage>() {
    let stage = S::deployed();
    stage.write("orders.csv", &csv(40));
    // What is under way stays so until the stack goes on.
    stage.pause();
    let create = create_from(&stage, "orders.csv").arg("--concurrency=4");
    let mut running = create.start();
    running.until("Creating").interrupt().until("Stopping");
    stage.resume();
    let stopped = running.outcome();
    assert_eq!(stopped.code, 130, "{stopped}");
    assert!(
        stopped.stderr.contains("hint: the same command again"),
        "{stopped}"
    );

    let again = create_from(&stage, "orders.csv")
        .arg("--output=json")
        .outcome();
    let again = report(&again);
    let [created, there] = [&again["created"], &again["alreadyThere"]].map(|n| n.as_u64().unwrap());
    assert_eq!(
        (created + there, &again["left"]),
        (40, &json!(0)),
        "{again}"
    );
    assert!(there <= 4, "{again}");
    assert_eq!(placed(&stage), 40);
}

fn without_a_stack_nothing_is_left_behind<S: Stage>() {
    let stage = S::empty();
    stage.write("orders.csv", &csv(100));
    let outcome = create_from(&stage, "orders.csv")
        .arg("--output=json")
        .outcome();
    assert_eq!(outcome.code, 3, "{outcome}");
    let files = fs::read_dir(stage.project()).unwrap();
    let left = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let left: Vec<_> = left.filter(|name| name.contains("failed")).collect();
    assert_eq!(left, Vec::<String>::new());
}
