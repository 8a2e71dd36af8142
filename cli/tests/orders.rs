//! The order commands, from the binary through the real handlers to a real Valkey and back.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::{Stage, on_both};

on_both!(
    an_order_is_created_read_shipped_and_listed,
    programs_get_whole_orders_and_their_times,
    the_original_samples_payload_works_as_it_stands,
    lists_go_on_page_by_page_newest_first_each_order_once,
    what_the_rules_refuse_has_its_own_exit_code_and_says_the_rule,
    an_order_that_is_not_there_has_its_own_exit_code,
    one_key_is_one_order_also_when_two_come_at_once,
    with_verbose_the_functions_log_is_shown,
    orders_survive_a_lost_cache_in_the_write_model,
    a_cache_that_does_not_answer_is_said_to_be_that_and_comes_back,
    an_order_that_is_not_seen_in_time_is_printed_all_the_same,
    waiting_for_an_order_that_does_not_come_ends_with_its_own_exit_code,
);

fn an_order_is_created_read_shipped_and_listed<S: Stage>() {
    let stage = S::deployed();
    let created = stage
        .cqrs("order create --client 42 --product abc-def-ghi --quantity 3".split(' '))
        .outcome();
    // Without a terminal the id is all there is, for `id=$(cqrs order create …)`.
    assert_snapshot!(created, @r"
    exit code 0
    --- stdout
    [ID]
    ");
    let id = created.stdout.trim();

    let get = stage.cqrs(["order", "get", id, "--wait"]);
    assert_snapshot!(get.outcome(), @r"
    exit code 0
    --- stdout
    order     [ID]
    client    42
    product   abc-def-ghi
    quantity  3
    status    placed
    version   1
    created   [TIME]
    updated   [TIME]

    visible after [N] ms
    ");
    let ship = stage.cqrs(["order", "ship", id, "--expected-version", "1", "--wait"]);
    assert_snapshot!(ship.outcome(), @r"
    exit code 0
    --- stdout
    order     [ID]
    client    42
    product   abc-def-ghi
    quantity  3
    status    shipped
    version   2
    created   [TIME]
    updated   [TIME]

    written in [N] ms, visible [N] ms later
    ");
    let list = stage.cqrs(["order", "list", "--status", "shipped"]);
    assert_snapshot!(list.outcome(), @r"
    exit code 0
    --- stdout
    ORDER                                 STATUS   CLIENT  PRODUCT      QUANTITY  VERSION  CREATED
    [ID]  shipped  42      abc-def-ghi  3         2        [TIME]
    ");
    let none = stage.cqrs(["order", "list", "--status", "placed"]);
    assert_snapshot!(none.outcome(), @r"
    exit code 0
    --- stderr
    No orders
    ");
}

fn programs_get_whole_orders_and_their_times<S: Stage>() {
    let stage = S::deployed();
    let created: Value = stage
        .cqrs("order create --client 42 --product abc --wait".split(' '))
        .json();
    assert_eq!(created["status"], "placed");
    assert_eq!(created["version"], 1);
    assert_eq!(created["quantity"], 1);
    assert!(
        created["writeMs"].is_number() && created["visibleMs"].is_number(),
        "{created}"
    );

    let id = created["orderId"].as_str().unwrap();
    let got: Value = stage.cqrs(["order", "get", id]).json();
    assert_eq!(got["createdAt"], created["createdAt"]);
    assert_eq!(got["visibleMs"], Value::Null);
    let cancelled: Value = stage.cqrs(["order", "cancel", id, "--wait"]).json();
    assert_eq!(
        (&cancelled["status"], &cancelled["version"]),
        (&json!("cancelled"), &json!(2))
    );
    let listed: Value = stage.cqrs(["order", "list"]).json();
    assert_eq!(listed["orders"][0]["status"], "cancelled");
    assert_eq!(listed["cursor"], Value::Null);
}

fn the_original_samples_payload_works_as_it_stands<S: Stage>() {
    let stage = S::deployed();
    let payload = r#"{"cliendId":"123456789","productId":"abc-def-ghi"}"#;
    let (error, order) = stage.invoke("cqrs-publisher", payload);
    assert_eq!(error, None, "{order}");
    assert_eq!(order["clientId"], "123456789");

    let id = order["orderId"].as_str().unwrap();
    let got: Value = stage.cqrs(["order", "get", id, "--wait"]).json();
    assert_eq!(got["productId"], "abc-def-ghi");
    assert_eq!(got["status"], "placed");
}

fn lists_go_on_page_by_page_newest_first_each_order_once<S: Stage>() {
    let stage = S::deployed();
    let mut ids: Vec<String> = (0..5).map(|_| stage.place_order()).collect();
    ids.reverse();
    let listed = |arguments: &[&str]| -> Vec<String> {
        let answer: Value = stage.cqrs(["order", "list"]).args(arguments).json();
        let orders = answer["orders"].as_array().unwrap();
        orders
            .iter()
            .map(|order| order["orderId"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(listed(&["--all"]), ids);
    assert_eq!(listed(&["--limit", "3"]), ids[..3]);
    assert_eq!(listed(&["--client", "42", "--limit", "10"]), ids);
    assert_eq!(listed(&["--product", "none"]), Vec::<String>::new());

    let limited = stage.cqrs(["order", "list", "--limit", "2"]).outcome();
    assert_eq!(limited.stdout.lines().count(), 3, "{limited}");
    assert!(limited.stderr.contains("--all"), "{limited}");
}

fn what_the_rules_refuse_has_its_own_exit_code_and_says_the_rule<S: Stage>() {
    let stage = S::deployed();
    let id = stage.place_order();
    stage.cqrs(["order", "ship", &id]).succeeds();

    assert_snapshot!(stage.cqrs(["order", "cancel", &id]).outcome(), @r"
    exit code 4
    --- stderr
    error: order [ID] is shipped and can no longer become cancelled
    ");
    let other = stage.place_order();
    let stale = ["order", "ship", &other, "--expected-version", "7"];
    assert_snapshot!(stage.cqrs(stale).outcome(), @"
    exit code 4
    --- stderr
    error: order [ID] is at version 1, not at the expected version 7
    hint: `cqrs order get ID` shows the order as it is now
    ");
    let none = "order create --client 42 --product abc --quantity 0".split(' ');
    assert_snapshot!(stage.cqrs(none).outcome(), @"
    exit code 4
    --- stderr
    error: --quantity must be a whole number from 1 to 1000000, not 0
    ");
    let nobody = ["order", "create", "--client", "", "--product", "abc"];
    assert_snapshot!(stage.cqrs(nobody).outcome(), @r"
    exit code 4
    --- stderr
    error: --client must not be empty
    ");

    let error = stage
        .cqrs(["order", "cancel", &id, "--output", "json"])
        .outcome()
        .error();
    assert_eq!(error["kind"], "IllegalTransition");
    // Repeating what is already done is no mistake.
    let shipped: Value = stage.cqrs(["order", "ship", &id]).json();
    assert_eq!(shipped["version"], 2);
}

fn an_order_that_is_not_there_has_its_own_exit_code<S: Stage>() {
    let stage = S::deployed();
    let id = "0199d3c2-8d5f-7a10-b3a4-5c8f3f0c2b11";
    assert_snapshot!(stage.cqrs(["order", "get", id]).outcome(), @r"
    exit code 3
    --- stderr
    error: the read model has no order [ID]
    hint: an order just written takes a moment to get there: `cqrs order get [ID] --wait`
    ");
    assert_snapshot!(stage.cqrs(["order", "ship", id]).outcome(), @"
    exit code 3
    --- stderr
    error: there is no order [ID]
    hint: `cqrs order list` shows the orders
    ");
    let outcome = stage
        .cqrs(["order", "get", id, "--output", "json"])
        .outcome();
    assert_eq!((outcome.code, outcome.stdout.as_str()), (3, ""));
    assert_eq!(outcome.error()["kind"], "OrderNotFound");
}

fn one_key_is_one_order_also_when_two_come_at_once<S: Stage>() {
    let stage = S::deployed();
    let create = |product: &str| {
        stage
            .cqrs("order create --client 42 --idempotency-key cart-7 --product".split(' '))
            .arg(product)
    };
    let both = [create("abc").start(), create("abc").start()];
    let [first, second] = both.map(|running| running.outcome());
    assert_eq!((first.code, second.code), (0, 0), "{first}\n{second}");
    assert_eq!(first.stdout, second.stdout);
    // And once more, long after.
    assert_eq!(create("abc").succeeds(), first.stdout);

    stage
        .cqrs(["order", "get", first.stdout.trim(), "--wait"])
        .succeeds();
    let listed: Value = stage.cqrs(["order", "list"]).json();
    assert_eq!(listed["orders"].as_array().unwrap().len(), 1);

    assert_snapshot!(create("another").outcome(), @"
    exit code 4
    --- stderr
    error: the idempotency key was used before, for order [ID], which differs in productId
    hint: use another `--idempotency-key` for another order
    ");
}

fn with_verbose_the_functions_log_is_shown<S: Stage>() {
    let stage = S::deployed();
    let quiet = stage
        .cqrs(["order", "create", "--client", "42", "--product", "abc"])
        .outcome();
    assert_eq!(quiet.stderr, "");
    let verbose = stage
        .cqrs("order create --client 42 --product abc -v".split(' '))
        .outcome();
    assert!(verbose.stderr.contains(verbose.stdout.trim()), "{verbose}");
}

fn orders_survive_a_lost_cache_in_the_write_model<S: Stage>() {
    let stage = S::deployed();
    let id = stage.place_order();
    stage.cache().run::<()>(&["FLUSHALL"]);
    // It exists, so that it must not be said to be unknown.
    let lost = stage.cqrs(["order", "get", &id]).outcome();
    assert_snapshot!(lost, @r"
    exit code 1
    --- stderr
    error: the read model is incomplete: it lost its contents and was not rebuilt yet
    hint: `cqrs rebuild` completes it from the table
    ");
    let list = stage.cqrs(["order", "list", "--output", "json"]).outcome();
    assert_eq!(list.error()["kind"], "ReadModelIncomplete", "{list}");
    // The next change brings it back, and a rebuild whatever there is.
    let shipped: Value = stage.cqrs(["order", "ship", &id, "--wait"]).json();
    assert_eq!(shipped["status"], "shipped");
    let got: Value = stage.cqrs(["order", "get", &id]).json();
    assert_eq!(got["version"], 2);
    stage.cqrs(["rebuild"]).succeeds();
    let unknown = stage.cqrs(["order", "get", "unknown"]).outcome();
    assert_eq!(unknown.code, 3, "{unknown}");
}

fn a_cache_that_does_not_answer_is_said_to_be_that_and_comes_back<S: Stage>() {
    let stage = S::deployed();
    let id = stage.place_order();
    let cache = stage.cache();
    cache.pause();
    let outcome = stage
        .cqrs(["order", "get", &id, "--output", "json"])
        .outcome();
    cache.resume();
    assert_eq!((outcome.code, outcome.stdout.as_str()), (1, ""));
    let error = outcome.error();
    assert_eq!(error["kind"], "ReadModelUnavailable", "{error}");
    assert!(
        error["hint"].as_str().unwrap().contains("repeat"),
        "{error}"
    );

    // Writing does not need the cache, and reading works again.
    stage.cqrs(["order", "ship", &id, "--wait"]).succeeds();
}

fn an_order_that_is_not_seen_in_time_is_printed_all_the_same<S: Stage>() {
    let stage = S::deployed();
    let cache = stage.cache();
    cache.pause();
    let created = stage
        .cqrs(["order", "create", "--client", "42", "--product", "abc"])
        .arg("--wait=1")
        .outcome();
    cache.resume();
    assert_snapshot!(created, @r"
    exit code 5
    --- stdout
    [ID]
    --- stderr
    error: after 1 s the read model still cannot be asked for it: order [ID]
      caused by: the read model is unavailable: the cache did not answer: timed out
    hint: the order is safe in the write model; look again with `cqrs order get [ID] --wait`
    ");
    let id = created.stdout.trim();
    let got: Value = stage.cqrs(["order", "get", id, "--wait"]).json();
    assert_eq!(got["version"], 1);
}

fn waiting_for_an_order_that_does_not_come_ends_with_its_own_exit_code<S: Stage>() {
    let stage = S::deployed();
    let id = "0199d3c2-8d5f-7a10-b3a4-5c8f3f0c2b11";
    let get = stage.cqrs(["order", "get", id, "--wait=1"]);
    assert_snapshot!(get.outcome(), @r"
    exit code 5
    --- stderr
    error: after 1 s the read model still has nothing of it: order [ID]
    hint: check the id; `cqrs order list` shows the orders that are there
    ");
}
