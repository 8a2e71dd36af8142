//! The rules by which a change is applied or stale, one by one, against a real server.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use orders::projection::{Change, Event, Projected, Sequence};
use orders::query::Query;
use orders::read_model::{CacheSettings, ReadModel};
use serde_json::{Value, json};
use test_support::valkey::Valkey;

struct Given {
    server: Valkey,
    model: ReadModel,
    runtime: tokio::runtime::Runtime,
}

const APPLIED: Projected = Projected {
    applied: 1,
    stale: 0,
    failed: Vec::new(),
};
const STALE: Projected = Projected {
    applied: 0,
    stale: 1,
    failed: Vec::new(),
};

impl Given {
    fn an_empty_read_model() -> Self {
        let server = Valkey::start();
        server.complete();
        let url = server.url();
        let settings = CacheSettings::from_env(&|name| (name == "CACHE_URL").then(|| url.clone()));
        Self {
            server,
            model: ReadModel::new(settings.unwrap()).unwrap(),
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap(),
        }
    }

    fn project(&self, change: Change) -> Projected {
        self.runtime
            .block_on(self.model.project(&[change]))
            .unwrap()
    }

    fn ask(&self, query: &Value) -> Value {
        let query = Query::parse(&query.to_string()).unwrap();
        let answer = self.runtime.block_on(self.model.answer(&query)).unwrap();
        serde_json::to_value(answer).unwrap()
    }

    fn replace(&self, order: &Value, mark: &str) -> Projected {
        let payload = json!({"project": {"replaced": [{"order": order, "mark": mark}]}});
        let Event::Replace(replacements) = Event::parse(&payload.to_string()).unwrap() else {
            panic!("no replacement")
        };
        let replaced = self.model.replace(&replacements);
        self.runtime.block_on(replaced).unwrap()
    }

    fn inspected(&self) -> Value {
        self.ask(&json!({"inspect": ["o"]}))["inspected"][0].take()
    }

    /// The name of the state that is held.
    fn mark(&self) -> String {
        self.inspected()["mark"].as_str().unwrap().to_owned()
    }

    /// The orders of a list.
    fn list(&self, filter: &Value) -> Vec<Value> {
        let mut page = self.ask(&json!({"list": filter}));
        serde_json::from_value(page["orders"].take()).unwrap()
    }

    fn held(&self) -> Value {
        self.ask(&json!({"orderId": "o"}))
    }

    fn field(&self, name: &str) -> Option<String> {
        self.server.run(&["HGET", "orders:v1:order:o", name])
    }
}

fn order(id: &str, version: u64, status: &str, created_at: &str) -> Value {
    json!({
        "orderId": id, "clientId": "c", "productId": "p", "quantity": 1, "status": status,
        "version": version, "createdAt": created_at, "updatedAt": created_at,
    })
}

fn at(version: u64, status: &str) -> Value {
    order("o", version, status, "2026-11-23T03:00:00.000Z")
}

fn by_hand(payload: &Value) -> Change {
    match Event::parse(&json!({"project": payload}).to_string()).unwrap() {
        Event::Project(mut changes) => changes.pop().unwrap(),
        _ => panic!("not by hand"),
    }
}

fn present(order: &Value) -> Change {
    by_hand(&json!({"orders": [order]}))
}

fn removed(version: u64) -> Change {
    by_hand(&json!({"removed": [{"orderId": "o", "version": version}]}))
}

fn numbered(change: Change, sequence: &str) -> Change {
    Change {
        sequence: Sequence::new(sequence),
        ..change
    }
}

#[test]
fn a_newer_version_applies_and_an_older_one_is_stale() {
    let given = Given::an_empty_read_model();
    assert_eq!(given.project(present(&at(2, "shipped"))), APPLIED);
    assert_eq!(given.project(present(&at(1, "placed"))), STALE);
    assert_eq!(given.held(), at(2, "shipped"));
    assert_eq!(given.project(present(&at(10, "cancelled"))), APPLIED);
    assert_eq!(given.held(), at(10, "cancelled"));
}

#[test]
fn versions_compare_exactly_beyond_the_precision_of_lua() {
    let given = Given::an_empty_read_model();
    let big = 9_007_199_254_740_993;
    assert_eq!(given.project(present(&at(big, "shipped"))), APPLIED);
    assert_eq!(given.project(present(&at(big - 1, "placed"))), STALE);
    assert_eq!(given.held(), at(big, "shipped"));
}

#[test]
fn the_same_document_changes_nothing_but_its_number_is_remembered() {
    let given = Given::an_empty_read_model();
    assert_eq!(given.project(present(&at(1, "placed"))), APPLIED);
    assert_eq!(given.project(present(&at(1, "placed"))), STALE);
    assert_eq!(given.field("q"), None);
    assert_eq!(
        given.project(numbered(present(&at(1, "placed")), "70")),
        STALE
    );
    assert_eq!(given.field("q").as_deref(), Some("70"));
}

#[test]
fn another_document_at_the_same_version_repairs_drift() {
    let given = Given::an_empty_read_model();
    given.project(present(&at(1, "shipped")));
    assert_eq!(given.project(present(&at(1, "placed"))), APPLIED);
    assert_eq!(given.held(), at(1, "placed"));
    let shipped = given.ask(&json!({"list": {"status": "shipped"}}));
    assert_eq!(shipped, json!({"orders": [], "cursor": null}));
}

#[test]
fn at_one_version_a_removal_wins_whichever_comes_first() {
    let given = Given::an_empty_read_model();
    given.project(present(&at(3, "placed")));
    assert_eq!(given.project(removed(3)), APPLIED);
    assert_eq!(given.held(), Value::Null);
    assert_eq!(given.project(present(&at(3, "placed"))), STALE);
    assert_eq!(given.project(removed(3)), STALE);
    assert_eq!(given.held(), Value::Null);
}

#[test]
fn an_older_replay_does_not_bring_a_removed_order_back() {
    let given = Given::an_empty_read_model();
    given.project(numbered(present(&at(1, "placed")), "100"));
    given.project(numbered(present(&at(2, "shipped")), "200"));
    assert_eq!(given.project(numbered(removed(2), "300")), APPLIED);
    assert_eq!(
        given.project(numbered(present(&at(1, "placed")), "100")),
        STALE
    );
    assert_eq!(
        given.project(numbered(present(&at(2, "shipped")), "200")),
        STALE
    );
    assert_eq!(given.project(present(&at(2, "shipped"))), STALE);
    assert_eq!(given.held(), Value::Null);
    assert_eq!(
        given.ask(&json!({"list": {}})),
        json!({"orders": [], "cursor": null})
    );
}

#[test]
fn a_tombstone_stays_48_hours_and_an_order_for_good() {
    let given = Given::an_empty_read_model();
    given.project(removed(2));
    let left: i64 = given.server.run(&["TTL", "orders:v1:order:o"]);
    assert!((172_700..=172_800).contains(&left), "{left}");
    assert_eq!(given.project(present(&at(3, "placed"))), APPLIED);
    let left: i64 = given.server.run(&["TTL", "orders:v1:order:o"]);
    assert_eq!(left, -1);
    assert_eq!(given.field("x"), None);
}

#[test]
fn an_order_that_was_removed_and_created_anew_is_shown_by_the_streams_order() {
    let given = Given::an_empty_read_model();
    given.project(numbered(present(&at(5, "shipped")), "99"));
    given.project(numbered(removed(5), "100"));
    let anew = order("o", 1, "placed", "2026-11-23T04:00:00.000Z");
    assert_eq!(given.project(numbered(present(&anew), "101")), APPLIED);
    assert_eq!(given.held(), anew);
    assert_eq!(
        given.project(numbered(present(&at(5, "shipped")), "99")),
        STALE
    );
    assert_eq!(given.project(numbered(removed(5), "100")), STALE);
    assert_eq!(given.held(), anew);
}

#[test]
fn sequence_numbers_compare_as_numbers_not_as_texts() {
    let given = Given::an_empty_read_model();
    given.project(numbered(present(&at(1, "placed")), "999999999999999999999"));
    let next = numbered(present(&at(2, "shipped")), "1000000000000000000000");
    assert_eq!(given.project(next.clone()), APPLIED);
    assert_eq!(given.project(next), STALE);
    let late = numbered(present(&at(9, "cancelled")), "999999999999999999999");
    assert_eq!(given.project(late), STALE);
    assert_eq!(given.held(), at(2, "shipped"));
}

#[test]
fn what_is_applied_without_a_number_forgets_the_number_before_it() {
    let given = Given::an_empty_read_model();
    given.project(numbered(present(&at(1, "placed")), "100"));
    assert_eq!(given.project(present(&at(2, "shipped"))), APPLIED);
    assert_eq!(given.field("q"), None);
}

#[test]
fn an_order_moves_between_the_lists_as_it_changes() {
    let given = Given::an_empty_read_model();
    given.project(present(&at(1, "placed")));
    given.project(present(&at(2, "cancelled")));
    let count = |filter: &Value| {
        given.ask(&json!({"list": filter}))["orders"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(count(&json!({})), 1);
    assert_eq!(count(&json!({"status": "placed"})), 0);
    assert_eq!(count(&json!({"status": "cancelled"})), 1);
    assert_eq!(count(&json!({"clientId": "c"})), 1);
    assert_eq!(count(&json!({"productId": "p"})), 1);
    assert_eq!(count(&json!({"productId": "q"})), 0);
}

#[test]
fn a_large_projection_by_hand_goes_in_several_round_trips() {
    let given = Given::an_empty_read_model();
    let changes: Vec<_> = (0..2_500)
        .map(|n| {
            present(&order(
                &format!("o{n}"),
                1,
                "placed",
                "2026-11-23T03:00:00.000Z",
            ))
        })
        .collect();
    let projected = given
        .runtime
        .block_on(given.model.project(&changes))
        .unwrap();
    assert_eq!(
        projected,
        Projected {
            applied: 2_500,
            ..Projected::default()
        }
    );
    assert_eq!(given.ask(&json!({"ping": true}))["orders"], 2_500);
}

/// Ids of the orders of all pages, and how many pages there were.
fn walk(given: &Given, limit: usize, mut between: impl FnMut(usize)) -> (Vec<String>, usize) {
    let (mut ids, mut pages, mut cursor) = (Vec::new(), 0, Value::Null);
    loop {
        let page = given.ask(&json!({"list": {"limit": limit, "cursor": cursor}}));
        let orders = page["orders"].as_array().unwrap();
        ids.extend(
            orders
                .iter()
                .map(|order| order["orderId"].as_str().unwrap().to_owned()),
        );
        pages += 1;
        between(pages);
        cursor = page["cursor"].clone();
        if cursor.is_null() {
            return (ids, pages);
        }
    }
}

#[test]
fn pages_show_each_order_once_newest_first_also_at_equal_times() {
    let given = Given::an_empty_read_model();
    let mut expected = Vec::new();
    for n in 0..25 {
        let time = format!("2026-11-23T03:00:0{}.000Z", n / 5);
        let id = format!("o{n:02}");
        given.project(present(&order(&id, 1, "placed", &time)));
        expected.insert(0, id);
    }
    for limit in [1, 4, 5, 24, 25, 26] {
        let (ids, pages) = walk(&given, limit, |_| {});
        assert_eq!(ids, expected, "limit {limit}");
        assert_eq!(pages, 25_usize.div_ceil(limit), "limit {limit}");
    }
}

#[test]
fn orders_that_arrive_or_leave_between_pages_do_not_shift_them() {
    let given = Given::an_empty_read_model();
    for n in 10..20 {
        given.project(present(&order(
            &format!("o{n}"),
            1,
            "placed",
            "2026-11-23T03:00:00.000Z",
        )));
    }
    let (ids, _) = walk(&given, 3, |page| {
        let newer = order(
            &format!("new{page}"),
            1,
            "placed",
            "2026-11-23T04:00:00.000Z",
        );
        given.project(present(&newer));
        if page == 1 {
            // The order that the cursor stands on, and one that was not shown yet.
            given.project(by_hand(
                &json!({"removed": [{"orderId": "o17", "version": 1}]}),
            ));
            given.project(by_hand(
                &json!({"removed": [{"orderId": "o15", "version": 1}]}),
            ));
        }
    });
    assert_eq!(
        ids,
        [
            "o19", "o18", "o17", "o16", "o14", "o13", "o12", "o11", "o10"
        ]
    );
}

#[test]
fn a_member_without_a_document_does_not_end_a_page_early() {
    let given = Given::an_empty_read_model();
    for n in 0..10 {
        given.project(present(&order(
            &format!("o{n}"),
            1,
            "placed",
            "2026-11-23T03:00:00.000Z",
        )));
    }
    for n in [2, 5, 6, 7, 9] {
        given
            .server
            .run::<()>(&["DEL", &format!("orders:v1:order:o{n}")]);
    }
    for limit in 1..=6 {
        let (ids, _) = walk(&given, limit, |_| {});
        assert_eq!(ids, ["o8", "o4", "o3", "o1", "o0"], "limit {limit}");
    }
    let page = given.ask(&json!({"list": {"limit": 3}}));
    assert_eq!(page["orders"].as_array().unwrap().len(), 3);
}

#[test]
fn a_batch_answers_in_the_order_of_its_ids_with_null_for_the_unknown() {
    let given = Given::an_empty_read_model();
    given.project(present(&at(1, "placed")));
    let answer = given.ask(&json!({"orderIds": ["x", "o", "o", "y"]}));
    let order = at(1, "placed");
    assert_eq!(answer, json!({"orders": [null, order, order, null]}));
    assert_eq!(given.ask(&json!({"orderIds": []})), json!({"orders": []}));
}

#[test]
fn an_inspection_shows_the_order_its_mark_and_whether_its_lists_have_it() {
    let given = Given::an_empty_read_model();
    assert_eq!(given.inspected(), Value::Null);
    given.project(numbered(present(&at(2, "shipped")), "70"));
    assert_eq!(
        given.inspected(),
        json!({"mark": "2 70 ", "order": at(2, "shipped"), "consistent": true})
    );
    let mut many: Vec<String> = (0..250).map(|n| format!("none {n}")).collect();
    many.push("o".to_owned());
    let answer = given.ask(&json!({"inspect": many}));
    let answer = answer["inspected"].as_array().unwrap();
    assert_eq!((answer.len(), &answer[250]["mark"]), (251, &json!("2 70 ")));
    assert_eq!(answer[249], Value::Null);

    given.project(numbered(removed(2), "80"));
    assert_eq!(
        given.inspected(),
        json!({"mark": "2 80 1", "order": null, "consistent": true})
    );
    assert_eq!(given.ask(&json!({"inspect": []})), json!({"inspected": []}));
}

#[test]
fn a_list_that_lacks_an_order_and_a_guard_of_another_version_are_seen_and_replaced() {
    let given = Given::an_empty_read_model();
    let member = "2026-11-23T03:00:00.000Z o";
    for list in ["all", "client:c", "product:p", "status:placed"] {
        given.project(numbered(present(&at(1, "placed")), "70"));
        given
            .server
            .run::<()>(&["ZREM", &format!("orders:v1:{list}"), member]);
        assert_eq!(given.inspected()["consistent"], false, "{list}");
        // The rules see no difference.
        assert_eq!(given.project(present(&at(1, "placed"))), STALE);
        assert_eq!(given.replace(&at(1, "placed"), &given.mark()), APPLIED);
        assert_eq!(given.inspected()["consistent"], true, "{list}");
    }
    assert_eq!(given.field("q").as_deref(), Some("70"));
    given
        .server
        .run::<()>(&["HSET", "orders:v1:order:o", "v", "9"]);
    assert_eq!(given.inspected()["consistent"], false);
    assert_eq!(given.replace(&at(1, "placed"), &given.mark()), APPLIED);
    assert_eq!(given.mark(), "1 70 ");
}

#[test]
fn a_state_that_is_ahead_is_replaced_and_the_streams_next_change_applies() {
    let given = Given::an_empty_read_model();
    given.project(numbered(present(&at(5, "shipped")), "500"));
    assert_eq!(given.project(present(&at(2, "placed"))), STALE);
    assert_eq!(given.replace(&at(2, "placed"), &given.mark()), APPLIED);
    assert_eq!(given.held(), at(2, "placed"));
    assert_eq!(given.list(&json!({"status": "shipped"})), [] as [Value; 0]);
    assert_eq!(given.list(&json!({"status": "placed"})), [at(2, "placed")]);
    let next = numbered(present(&at(3, "cancelled")), "400");
    assert_eq!(given.project(next), APPLIED);
}

#[test]
fn a_tombstone_of_an_order_that_is_there_is_replaced_and_the_order_stays_for_good() {
    let given = Given::an_empty_read_model();
    given.project(removed(4));
    assert_eq!(given.project(present(&at(4, "placed"))), STALE);
    assert_eq!(given.replace(&at(4, "placed"), &given.mark()), APPLIED);
    assert_eq!(given.held(), at(4, "placed"));
    assert_eq!(given.list(&json!({})), [at(4, "placed")]);
    let left: i64 = given.server.run(&["TTL", "orders:v1:order:o"]);
    assert_eq!((left, given.mark()), (-1, "4  ".to_owned()));
}

#[test]
fn what_live_traffic_has_changed_since_it_was_inspected_is_not_replaced() {
    let given = Given::an_empty_read_model();
    given.project(numbered(removed(4), "400"));
    let seen = given.mark();
    // Removed once more: the same version, another change.
    given.project(numbered(removed(4), "401"));
    assert_eq!(given.replace(&at(4, "placed"), &seen), STALE);
    given.project(numbered(present(&at(5, "placed")), "402"));
    assert_eq!(given.replace(&at(4, "placed"), &seen), STALE);
    assert_eq!(given.replace(&at(4, "placed"), ""), STALE);
    assert_eq!(given.held(), at(5, "placed"));
    given.server.run::<()>(&["FLUSHALL"]);
    assert_eq!(given.replace(&at(4, "placed"), &seen), STALE);
    assert_eq!(given.replace(&at(4, "placed"), ""), APPLIED);
}

#[test]
fn a_document_that_is_no_order_does_not_keep_the_order_from_being_projected() {
    let given = Given::an_empty_read_model();
    for document in ["no JSON", "{}", "7", "null"] {
        given.project(present(&at(1, "placed")));
        given
            .server
            .run::<()>(&["HSET", "orders:v1:order:o", "d", document]);
        assert_eq!(
            given.project(present(&at(2, "shipped"))),
            APPLIED,
            "{document}"
        );
        assert_eq!(given.held(), at(2, "shipped"));
        given.server.run::<()>(&["FLUSHALL"]);
    }
}

/// Makes `key` what no script of the read model expects.
fn junk(given: &Given, key: &str) {
    let key = format!("orders:v1:{key}");
    given.server.run::<()>(&["SET", &key, "junk"]);
}

#[test]
fn by_hand_a_key_of_another_type_is_made_anew() {
    for key in ["order:o", "all", "client:c", "product:p", "status:placed"] {
        let given = Given::an_empty_read_model();
        junk(&given, key);
        assert_eq!(given.project(present(&at(1, "placed"))), APPLIED, "{key}");
        // Where the order is there already, too.
        junk(&given, key);
        let again = given.project(present(&at(1, "placed")));
        let expected = if key == "order:o" { APPLIED } else { STALE };
        assert_eq!(again, expected, "{key}");
        junk(&given, key);
        assert_eq!(given.project(present(&at(2, "placed"))), APPLIED, "{key}");
        if key == "order:o" {
            junk(&given, key);
            assert_eq!(given.inspected(), Value::Null);
            given.project(present(&at(2, "placed")));
        } else {
            junk(&given, key);
            assert_eq!(given.inspected()["consistent"], false);
            let mark = given.mark();
            assert_eq!(given.replace(&at(2, "placed"), &mark), APPLIED);
        }
        assert_eq!(given.inspected()["consistent"], true, "{key}");
        assert_eq!(given.list(&json!({"clientId": "c"})), [at(2, "placed")]);
        junk(&given, key);
        assert_eq!(given.project(removed(3)), APPLIED, "{key}");
    }
}

#[test]
fn from_the_stream_a_key_of_another_type_fails_its_change() {
    for key in ["order:o", "all", "client:c", "product:p", "status:placed"] {
        let given = Given::an_empty_read_model();
        junk(&given, key);
        let projected = given.project(numbered(present(&at(1, "placed")), "100"));
        let [failed] = projected.failed.as_slice() else {
            panic!("{key}: {projected:?}")
        };
        assert_eq!(failed.order_id.as_ref().unwrap().as_str(), "o");
        assert!(failed.reason.contains("WRONGTYPE"), "{failed:?}");
    }
}
