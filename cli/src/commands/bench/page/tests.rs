use std::time::{Duration, Instant};

use roxmltree::Document;

use super::*;
use crate::domain::Domain;
use crate::loadtest::Plan;
use crate::loadtest::cost::{Machine, Usage, estimate};
use crate::loadtest::mix::{Mix, Step};
use crate::loadtest::outcome::Circumstances;
use crate::loadtest::record::{Failed, Record};
use crate::loadtest::schedule::{Pace, Until};
use crate::loadtest::subject::Subject;

/// A run of so many creates in two seconds, whose texts are as odd as they can be.
fn run(creates: u32) -> Outcome {
    let mix: Mix = "create=1".parse().unwrap();
    let start = Instant::now();
    let mut record = Record::new(start, mix.steps()).unwrap();
    for number in 0..creates {
        let due = start + Duration::from_secs(2) * number / creates.max(1);
        let done = due + Duration::from_micros(200 + u64::from(number % 100) * 100);
        record.done(Step::Create, due, due, done, Ok(()));
        record.visible.lag.add(done - due);
    }
    record.end();
    let message = "<script>alert(\"1\")</script> & \u{1b}[31m".to_owned();
    let kind = (Step::Create, "Runtime.ExitError".to_owned());
    record.errors.insert(kind, Failed { count: 1, message });
    let usage = Usage {
        publisher_calls: 100.0,
        query_calls: 0.0,
        publisher_ms: None,
        query_ms: None,
    };
    Outcome {
        plan: Plan {
            subject: Subject::of(&Domain::bundled(), "1").unwrap(),
            mix,
            pace: Pace::Closed { concurrency: 8 },
            until: Until::Created(creates.into()),
        },
        circumstances: Circumstances {
            stack: "cqrs".to_owned(),
            target: Target::Local,
            region: "eu-west-1".to_owned(),
            begun_at: "2026-11-24T01:00:00.000Z".to_owned(),
            version: "0",
            machine: "a <fast> machine".to_owned(),
        },
        complete: true,
        record,
        not_sent: 0,
        used: Duration::from_secs(1),
        cost: estimate(usage, Machine::default()),
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
    let text = html(&run(100));
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

    let nothing = html(&run(0));
    assert_eq!(lines(&Document::parse(&nothing).unwrap()), 0);
}

#[test]
fn no_text_is_cut_at_the_edges_and_no_percentile_lies_on_its_neighbour() {
    for count in [1, 100, 5_000, 200_000] {
        let page = html(&run(count));
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
    file.write(&run(1)).unwrap();
    assert!(fs::read_to_string(&path).unwrap().starts_with("<!DOCTYPE"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);

    // What stands in the way by then is left there, and nothing beside it.
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let failed = file.write(&run(1));
    assert!(matches!(failed, Err(PageError::Unwritable { .. })));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}
