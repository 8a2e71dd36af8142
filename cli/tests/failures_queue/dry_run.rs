//! A look before a retry: what would become of failures and records, and that nothing does.

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::{POISON, Place, steady};
use crate::support::{Parts, Stage, on_both};

on_both!(
    a_dry_run_says_what_would_be_projected_and_changes_nothing,
    a_dry_run_tells_each_end_of_a_failure_from_the_others,
);

fn a_dry_run_says_what_would_be_projected_and_changes_nothing<S: Stage>() {
    let parts = Parts::<S>::deployed();
    let nothing: Value = parts.failures(&["retry", "--all", "--dry-run"]).json();
    assert_eq!(nothing["failures"], json!([]));
    let order = parts.lost_order();
    let ids = parts.ids();

    let retry = parts.failures(&["retry", &ids[0], "--dry-run"]).outcome();
    assert_snapshot!(steady(retry), @r"
    exit code 0
    --- stdout
    [FAILURE]  would be retried and deleted
    RECORD  EVENT  ID  VERSION  TABLE HAS  READ MODEL HAS  IF PROJECTED
    [SEQUENCE]  INSERT  [ID]  1  version 1  nothing  applied

    1 failure: 1 would be retried and deleted
    1 record, if projected: 1 applied
    --- stderr
    Looking at the failures and both models…
    Nothing was changed
    ");
    // Nobody is asked, since nothing is done.
    let all = ["discard", "--all", "--dry-run"];
    assert_snapshot!(steady(parts.failures(&all).outcome()), @r"
    exit code 0
    --- stdout
    [FAILURE]  would be deleted, unprojected
    RECORD  EVENT  ID  VERSION  TABLE HAS  READ MODEL HAS  IF PROJECTED
    [SEQUENCE]  INSERT  [ID]  1  version 1  nothing  applied

    1 failure: 1 would be deleted, unprojected
    1 record, if projected: 1 applied
    --- stderr
    Looking at the failures and both models…
    Nothing was changed
    ");
    assert_eq!(parts.ids(), ids);
    assert!(!parts.can_be_read(&order));

    // What was foreseen is what then happens.
    let report: Value = parts.failures(&["retry", &ids[0]]).json();
    assert_eq!(report["retried"], 1);
    assert!(parts.can_be_read(&order));
}

fn a_dry_run_tells_each_end_of_a_failure_from_the_others<S: Stage>() {
    // This machine's stack itself is not to give it up meanwhile.
    let parts = Parts::with(S::empty(), &["MaximumRetryAttempts=1000"]);
    let order = parts.order();
    parts.poison();
    let (good, bad) = (parts.place(&order), parts.place(POISON));
    let trimmed = Place {
        sequence: good.before(),
        ..good.clone()
    };
    let messages = [&good, &bad, &trimmed].map(|place| parts.message(place));
    parts.send(messages.iter().chain([&json!({"hello": "world"})]));

    let plan: Value = parts.failures(&["retry", "--all", "--dry-run"]).json();
    assert_eq!(
        plan["outcomes"],
        json!({"retried": 1, "stillFailing": 1, "recordsGone": 1, "foreign": 1})
    );
    assert_eq!(plan["projections"], json!({"stale": 1, "failing": 1}));
    let failures = plan["failures"].as_array().unwrap();
    let of = |outcome: &str| failures.iter().find(|f| f["outcome"] == outcome).unwrap();
    let stale = &of("retried")["records"][0];
    assert_eq!(stale["orderId"], order.as_str());
    let present = json!({"state": "present", "version": "1"});
    assert_eq!(
        (&stale["writeModel"], &stale["readModel"]),
        (&present, &present)
    );
    let failing = &of("stillFailing")["records"][0];
    let reason = "quantity must be a whole number from 1 to 1000000, not a string";
    assert_eq!(failing["reason"], reason);
    assert_eq!(
        failing["writeModel"],
        json!({"state": "present", "version": null})
    );
    assert_eq!(failing["readModel"], json!({"state": "unknown"}));
    let gone = of("recordsGone");
    assert_eq!((&gone["of"], &gone["found"]), (&json!(1), &json!(0)));

    let plan: Value = parts.failures(&["discard", "--all", "--dry-run"]).json();
    assert_eq!(plan["outcomes"], json!({"discarded": 4}));
    assert_eq!(parts.ids().len(), 4);
    let named = parts
        .failures(&["retry", "0123456789ab", "--dry-run"])
        .outcome();
    assert_eq!(named.code, 3, "{named}");
}
