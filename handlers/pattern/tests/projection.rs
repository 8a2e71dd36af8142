//! The rules by which a change is applied or stale, one by one, against a real server.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "support/given.rs"]
mod given;
#[path = "../../domain/src/lib.rs"]
#[allow(dead_code, unreachable_pub, reason = "it is a crate's source")]
mod order;
#[path = "support/stored.rs"]
mod stored;

use given::{APPLIED, Given, STALE, at, by_hand, numbered, order, present, removed};
use pattern::payload::Projected;
use serde_json::{Value, json};

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
    assert_eq!(given.number(), "");
    assert_eq!(
        given.project(numbered(present(&at(1, "placed")), "70")),
        STALE
    );
    assert_eq!(given.number(), "70");
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
    let left: i64 = given.server.run(&["TTL", "orders:v2:=o"]);
    assert!((172_700..=172_800).contains(&left), "{left}");
    assert_eq!(given.project(present(&at(3, "placed"))), APPLIED);
    let left: i64 = given.server.run(&["TTL", "orders:v2:=o"]);
    assert_eq!(left, -1);
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
    assert_eq!(given.number(), "");
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
            Ok(present(&order(
                &format!("o{n}"),
                1,
                "placed",
                "2026-11-23T03:00:00.000Z",
            )))
        })
        .collect();
    let projected = given
        .runtime
        .block_on(given.model.project(changes))
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
fn pages(given: &Given, limit: usize, mut between: impl FnMut(usize)) -> (Vec<String>, usize) {
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
        let (ids, pages) = pages(&given, limit, |_| {});
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
    let (ids, _) = pages(&given, 3, |page| {
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
            .run::<()>(&["DEL", &format!("orders:v2:=o{n}")]);
    }
    for limit in 1..=6 {
        let (ids, _) = pages(&given, limit, |_| {});
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
fn a_comparison_says_how_the_models_agree_and_names_the_state_held() {
    let given = Given::an_empty_read_model();
    let two = at(2, "shipped");
    assert_eq!(
        given.compared(&two),
        json!({"state": "missing", "mark": "", "written": 2})
    );
    given.project(numbered(present(&two), "70"));
    assert_eq!(
        given.compared(&two),
        json!({"state": "same", "mark": "2 70 ", "version": 2, "written": 2})
    );
    assert_eq!(given.state(&at(3, "shipped")), "behind");
    assert_eq!(given.state(&at(1, "placed")), "ahead");
    assert_eq!(
        given.compared(&at(2, "cancelled")),
        json!({
            "state": "different", "mark": "2 70 ", "version": 2, "written": 2,
            "fields": [{"field": "status", "readModel": "shipped", "writeModel": "cancelled"}],
        })
    );
    let mut many: Vec<Value> = (0..250)
        .map(|n| json!({"orderId": format!("none {n}")}))
        .collect();
    many.push(json!({"orderId": "o"}));
    many.push(json!({"item": {"orderId": {"S": "o"}}}));
    let answer = given.ask(&json!({"compare": many}));
    let answer = answer["compared"].as_array().unwrap();
    assert_eq!(
        (answer.len(), &answer[249]),
        (252, &json!({"state": "same", "mark": ""}))
    );
    assert_eq!(
        answer[250],
        json!({"state": "ahead", "mark": "2 70 ", "version": 2})
    );
    assert_eq!(
        (&answer[251]["state"], &answer[251]["reason"]),
        (
            &json!("unreadable"),
            &json!("clientId is missing from the item")
        )
    );

    given.project(numbered(removed(2), "80"));
    assert_eq!(
        given.compared(&two),
        json!({"state": "tombstone", "mark": "2 80 1", "version": 2, "written": 2})
    );
    assert_eq!(given.ask(&json!({"compare": []})), json!({"compared": []}));
}

#[test]
fn a_list_that_lacks_an_order_and_a_guard_of_another_version_are_seen_and_replaced() {
    let given = Given::an_empty_read_model();
    let placed = at(1, "placed");
    for list in ["clientId:c", "productId:p", "status:placed"] {
        given.project(numbered(present(&placed), "70"));
        given
            .server
            .run::<()>(&["EXPIRE", &format!("orders:v2:{list}"), "0"]);
        assert_eq!(given.state(&placed), "different", "{list}");
        assert_eq!(given.compared(&placed)["reason"], "a list does not show it");
        assert_eq!(given.replace(&placed, &given.mark()), APPLIED);
        assert_eq!(given.state(&placed), "same", "{list}");
        given
            .server
            .run::<()>(&["EXPIRE", &format!("orders:v2:{list}"), "0"]);
        // By hand the same changes nothing but the lists.
        assert_eq!(given.project(present(&placed)), STALE);
        assert_eq!(given.state(&placed), "same", "{list}");
    }
    assert_eq!(given.number(), "70");
    let mut held = placed.clone();
    let fields = held.as_object_mut().unwrap();
    fields.retain(|name, _| name != "orderId");
    given.put("9 70 ", &held.to_string());
    assert_eq!(given.state(&placed), "different");
    assert_eq!(given.replace(&placed, &given.mark()), APPLIED);
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
    let left: i64 = given.server.run(&["TTL", "orders:v2:=o"]);
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
fn a_document_is_held_without_its_id_and_shown_with_any_id() {
    let given = Given::an_empty_read_model();
    for id in [
        "0199b0a0-0000-7000-8000-000000000001",
        "0199B0A0-0000-7000-8000-000000000001",
        "sixteen bytes !!",
        r#"a "b" \ 注"#,
    ] {
        let one = order(id, 1, "placed", "2026-11-23T03:00:00.000Z");
        assert_eq!(given.project(present(&one)), APPLIED, "{id}");
        assert_eq!(given.project(present(&one)), STALE, "{id}");
        assert_eq!(given.state(&one), "same", "{id}");
        let written = format!(
            r#"{{"orderId":{},"clientId":"c","productId":"p","quantity":1,"status":"placed","version":1,"createdAt":"2026-11-23T03:00:00.000Z","updatedAt":"2026-11-23T03:00:00.000Z"}}"#,
            json!(id)
        );
        for (query, answer) in [
            (json!({"orderId": id}), written.clone()),
            (
                json!({"orderIds": [id]}),
                format!(r#"{{"orders":[{written}]}}"#),
            ),
            (
                json!({"list": {"clientId": "c"}}),
                format!(r#"{{"orders":[{written}],"cursor":null}}"#),
            ),
        ] {
            assert_eq!(given.text(&query), answer);
        }
        let removal = json!({"removed": [{"orderId": id, "version": 2}]});
        assert_eq!(given.project(by_hand(&removal)), APPLIED, "{id}");
    }
}

#[test]
fn a_document_that_is_no_order_does_not_keep_the_order_from_being_projected() {
    let given = Given::an_empty_read_model();
    for document in ["no JSON", "{}", "7", "null", "{\"status\":[]}"] {
        given.project(present(&at(1, "placed")));
        given.put("1  ", document);
        let next = given.project(present(&at(2, "shipped")));
        assert_eq!(next, APPLIED, "{document}");
        assert_eq!(given.held(), at(2, "shipped"));
        given.server.run::<()>(&["FLUSHALL"]);
    }
}

/// Makes `key` what no script of the read model expects.
fn junk(given: &Given, key: &str) {
    let key = format!("orders:v2:{key}");
    given.server.run::<()>(&["EXPIRE", &key, "0"]);
    given.server.run::<()>(&["HSET", &key, "junk", "junk"]);
}

#[test]
fn by_hand_a_key_of_another_type_is_made_anew() {
    for key in ["=o", "clientId:c", "productId:p", "status:placed"] {
        let given = Given::an_empty_read_model();
        let two = at(2, "placed");
        junk(&given, key);
        assert_eq!(given.project(present(&at(1, "placed"))), APPLIED, "{key}");
        // Where the order is there already, too.
        junk(&given, key);
        let again = given.project(present(&at(1, "placed")));
        assert_eq!(again, if key == "=o" { APPLIED } else { STALE }, "{key}");
        junk(&given, key);
        assert_eq!(given.project(present(&two)), APPLIED, "{key}");
        junk(&given, key);
        if key == "=o" {
            assert_eq!(given.state(&two), "missing");
            given.project(present(&two));
        } else {
            assert_eq!(given.state(&two), "different");
            let mark = given.mark();
            assert_eq!(given.replace(&two, &mark), APPLIED);
        }
        assert_eq!(given.state(&two), "same", "{key}");
        assert_eq!(given.list(&json!({"clientId": "c"})), [at(2, "placed")]);
        junk(&given, key);
        assert_eq!(given.project(removed(3)), APPLIED, "{key}");
    }
}

#[test]
fn from_the_stream_a_key_of_another_type_fails_its_change() {
    for key in ["=o", "clientId:c", "productId:p", "status:placed"] {
        let given = Given::an_empty_read_model();
        junk(&given, key);
        let projected = given.project(numbered(present(&at(1, "placed")), "100"));
        let [failed] = projected.failed.as_slice() else {
            panic!("{key}: {projected:?}")
        };
        let failed = serde_json::to_value(failed).unwrap();
        assert_eq!(failed["orderId"], "o");
        let reason = failed["reason"].as_str().unwrap();
        assert!(reason.contains("WRONGTYPE"), "{reason}");
    }
}

#[test]
fn an_id_that_is_a_uuid_and_one_that_is_none_are_shown_alike() {
    let given = Given::an_empty_read_model();
    let ids = [
        "0199b0a0-0000-7000-8000-000000000001",
        "0199B0A0-0000-7000-8000-000000000001",
        "fourteen bytes",
        "fifteen bytes !",
        "sixteen bytes !!",
    ];
    for id in ids {
        given.project(present(&order(id, 1, "placed", "2026-11-23T03:00:00.000Z")));
    }
    for limit in [1, 2, 9] {
        let (mut shown, _) = pages(&given, limit, |_| {});
        assert_eq!(
            shown.last().unwrap(),
            ids[0],
            "the UUID sorts before any text"
        );
        shown.sort_unstable();
        let mut all = ids;
        all.sort_unstable();
        assert_eq!(shown, all, "limit {limit}");
    }
    for id in ids {
        given.project(by_hand(
            &json!({"removed": [{"orderId": id, "version": 1}]}),
        ));
    }
    assert_eq!(given.list(&json!({})), [] as [Value; 0]);
}

#[test]
fn pages_of_all_statuses_are_one_list() {
    let given = Given::an_empty_read_model();
    let mut expected = Vec::new();
    for n in 0..30 {
        let status = ["placed", "shipped", "cancelled"][n * 7 % 3];
        let time = format!("2026-11-23T03:00:{:02}.000Z", n / 4);
        let id = format!("o{n:02}");
        given.project(present(&order(&id, 1, status, &time)));
        expected.insert(0, id);
    }
    for limit in [1, 4, 7, 30, 31] {
        let (ids, _) = pages(&given, limit, |_| {});
        assert_eq!(ids, expected, "limit {limit}");
    }
}
