use std::collections::BTreeMap;

use roxmltree::Document;

use super::*;
use crate::loadtest::cost::{Machine, Usage, estimate};
use crate::loadtest::latency::Percentiles;
use crate::loadtest::mix::Step;
use crate::loadtest::record::Failed;
use crate::loadtest::summary::{Circumstances, Client, ErrorKind, Settings, StepSummary, Visible};
use crate::loadtest::timeline::Second;

/// A run whose texts are as odd as they can be.
fn summary(timeline: Vec<Second>) -> Summary {
    let latency = Percentiles {
        mean: 1.0,
        p50: 0.9,
        p90: 2.0,
        p99: 5.0,
        p999: 9.0,
        max: 11.0,
    };
    let step = StepSummary {
        count: 100,
        per_second: 50.0,
        errors: 1,
        latency_ms: Some(latency),
        curve: vec![(0.0, 0.2), (0.5, 0.9), (0.99, 5.0), (1.0, 11.0)],
    };
    let failed = Failed {
        count: 1,
        message: "<script>alert(\"1\")</script> & \u{1b}[31m".to_owned(),
    };
    Summary {
        run: "1".to_owned(),
        client_id: "cqrs-bench-1".to_owned(),
        circumstances: Circumstances {
            stack: "cqrs".to_owned(),
            target: Target::Local,
            region: "eu-west-1".to_owned(),
            begun_at: "2026-11-24T01:00:00.000Z".to_owned(),
            version: "0",
            machine: "a <fast> machine".to_owned(),
        },
        settings: Settings {
            concurrency: Some(8),
            rate: None,
            duration_seconds: None,
            orders: Some(100),
            mix: "create=1".parse().unwrap(),
            text: "8 at a time".to_owned(),
        },
        complete: true,
        seconds: 2.0,
        operations: 100,
        per_second: 50.0,
        errors: 1,
        not_sent: 0,
        latency_ms: Some(latency),
        waited_ms: None,
        steps: BTreeMap::from([(Step::Create, step)]),
        errors_by_kind: vec![ErrorKind {
            step: Step::Create,
            kind: "Runtime.ExitError".to_owned(),
            failed,
        }],
        visible: Visible {
            followed: 10,
            unseen: 0,
            left_out: 0,
            lag_ms: Some(latency),
            within_ms: Some(latency),
            curve: vec![(0.5, 0.9), (1.0, 11.0)],
        },
        early_reads: 0,
        cold_starts: None,
        client: Client {
            cpu_share: 0.5,
            cpu_ms_per_operation: 0.2,
            saturated: false,
        },
        cost: estimate(
            Usage {
                publisher_calls: 100.0,
                query_calls: 0.0,
                publisher_ms: None,
                query_ms: None,
            },
            Machine::default(),
        ),
        timeline,
    }
}

fn second(operations: u64) -> Second {
    Second {
        seconds: 1.0,
        operations,
        errors: 0,
        p50_ms: 0.9,
        p99_ms: 5.0,
        max_ms: 11.0,
    }
}

fn lines(document: &Document<'_>) -> usize {
    let paths = document.descendants().filter(|node| {
        let class = node.attribute("class").unwrap_or_default();
        class.starts_with('s') && node.attribute("d").is_some_and(|d| d.ends_with("h0"))
    });
    paths.count()
}

#[test]
fn a_page_is_well_formed_needs_nothing_else_and_says_what_was_said_as_text() {
    let text = html(&summary(vec![second(40), second(60)]));
    let document = Document::parse(&text).unwrap();
    assert!(!text.contains("<script"), "{text}");
    for reference in ["href", "src=", "url(", "@import"] {
        assert!(!text.contains(reference), "{reference}");
    }
    let cells = document
        .descendants()
        .filter(|node| node.has_tag_name("td"));
    let cells: Vec<_> = cells.filter_map(|cell| cell.text()).collect();
    let error = "create Runtime.ExitError, 1 times: <script>alert(\"1\")</script> & \u{fffd}[31m";
    assert!(cells.contains(&error), "{cells:?}");
    assert!(cells.iter().any(|c| c.contains("a <fast> machine")));
    // Two curves, two lines of throughput, three of latency.
    assert_eq!(lines(&document), 7);

    let mut nothing = summary(Vec::new());
    nothing.steps.clear();
    nothing.visible.curve.clear();
    let text = html(&nothing);
    assert_eq!(lines(&Document::parse(&text).unwrap()), 0);
}

#[test]
fn no_text_is_cut_at_the_edges_and_no_percentile_lies_on_its_neighbour() {
    for count in [1, 100, 5_000, 1_000_000_000] {
        let mut run = summary(vec![second(40), second(1_000_000)]);
        run.steps.values_mut().for_each(|step| step.count = count);
        let page = html(&run);
        let document = Document::parse(&page).unwrap();
        let mut percentiles = Vec::new();
        for text in document.descendants().filter(|n| n.has_tag_name("text")) {
            let said = text.text().unwrap();
            let x: f64 = text.attribute("x").unwrap().parse().unwrap();
            // About, in the page's font.
            let width = 7.0 * said.chars().count() as f64;
            let from = match text.attribute("class") {
                Some("middle") => x - width / 2.0,
                Some("end") => x - width,
                _ => x,
            };
            assert!(from >= 0.0 && from + width <= 760.0, "{said} at {x}");
            if said.ends_with('%') {
                percentiles.push((from, from + width));
            }
        }
        assert!(percentiles.windows(2).all(|two| two[0].1 < two[1].0));
    }
}

#[test]
fn seconds_of_a_long_run_are_drawn_together() {
    let seconds: Vec<_> = (0..3600).map(|_| second(7)).collect();
    let points = points(&seconds);
    assert_eq!(points.len(), MOST_POINTS);
    let last = points.last().unwrap();
    assert_eq!((last.at, last.per_second, last.max), (3600.0, 7.0, 11.0));
}

#[test]
fn a_short_last_second_is_not_drawn_unless_there_is_no_other() {
    let short = Second {
        seconds: 0.1,
        ..second(3)
    };
    assert_eq!(points(&[second(9), short]).len(), 1);
    let only = points(&[short]);
    assert_eq!(only.first().map(|p| p.per_second.round()), Some(30.0));
}

#[test]
fn where_a_run_cannot_be_saved_is_said_beforehand() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| PageFile::at(folder.path().join(name)).map(|_| ());
    assert!(matches!(at("run.txt"), Err(PageError::NoPage(_))));
    assert!(matches!(at("none/run.html"), Err(PageError::NoFolder(_))));
    assert!(at("run.html").is_ok());
    fs::create_dir(folder.path().join("run.html")).unwrap();
    assert!(matches!(at("run.html"), Err(PageError::NoFile(_))));
}

#[test]
fn a_file_that_is_there_is_replaced_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.html");
    fs::write(&path, "before").unwrap();
    let file = PageFile::at(path.clone()).unwrap();
    file.write(&summary(vec![second(1)])).unwrap();
    assert!(fs::read_to_string(&path).unwrap().starts_with("<!DOCTYPE"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);

    // What stands in the way by then is left there, and nothing beside it.
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let failed = file.write(&summary(vec![second(1)]));
    assert!(matches!(failed, Err(PageError::Unwritable { .. })));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}
