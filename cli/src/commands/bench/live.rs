//! What is shown while a run is under way: in place on a terminal, else a line every few seconds.

use std::time::Duration;

use tokio::time::{interval, sleep};

use super::plot;
use crate::loadtest::drive::Load;
use crate::loadtest::schedule::Until;
use crate::printer::{Printer, Step, Style};

/// Four times a second: drawing takes part in what is measured.
const REFRESH: Duration = Duration::from_millis(250);
const LINE_EVERY: Duration = Duration::from_secs(5);
const COLUMNS: usize = 40;

/// Shows it until it is dropped, which leaves the terminal as it was.
pub(super) async fn show(load: &Load, printer: &Printer) {
    if printer.is_live() {
        draw(load, printer.panel(), printer.style()).await;
    }
    loop {
        sleep(LINE_EVERY).await;
        printer.note(line(load));
    }
}

async fn draw(load: &Load, panel: Step, style: Style) {
    let mut refresh = interval(REFRESH);
    loop {
        refresh.tick().await;
        panel.message(view(load, style));
    }
}

fn view(load: &Load, style: Style) -> String {
    let record = load.record();
    let elapsed = record.start.elapsed().as_secs_f64();
    let seconds = record.timeline.past();
    let last = seconds.last();
    let rate = last.map_or_else(String::new, |s| format!("{:.0}/s, ", s.per_second()));
    let latency = last.map_or_else(String::new, |s| {
        format!(
            "p50 {:.2} ms, p99 {:.2} ms, longest {:.2} ms",
            s.p50_ms, s.p99_ms, s.max_ms
        )
    });
    let errors = match record.failed() {
        0 => "0 errors".to_owned(),
        errors => style.red(format_args!("{errors} errors")),
    };
    let left = match load.plan().until {
        Until::Time(time) => match time.as_secs_f64() - elapsed {
            left if left > 0.0 => format!("{left:.0} s left"),
            _ => "waiting for the last answers".to_owned(),
        },
        Until::Orders(orders) => format!("of {orders} orders"),
    };
    let recent = seconds.get(seconds.len().saturating_sub(COLUMNS)..);
    let recent = recent.unwrap_or_default().iter();
    let rates = plot::columns(recent.map(|second| second.per_second()));
    let all = &record.latencies;
    let counts = all.columns(COLUMNS).into_iter().map(|count| count as f64);
    let latencies = plot::columns(counts);
    let name = |name: &str| style.dim(format_args!("{name:<10}"));
    [
        format!(
            "{}{} {elapsed:.0} s, {left}",
            name("running"),
            style.green(plot::bar(load.progress(), 24)),
        ),
        format!(
            "{}{rate}{} operations, {errors}",
            name("now"),
            record.operations()
        ),
        format!("{}{latency}", name("")),
        format!(
            "{}{} {:.2} to {:.2} ms",
            name("latency"),
            style.blue(latencies),
            all.min(),
            all.max()
        ),
        format!("{}{}", name("a second"), style.blue(rates)),
    ]
    .join("\n")
}

fn line(load: &Load) -> String {
    let record = load.record();
    let last = record.timeline.past().last();
    let last = last.map(|second| {
        format!(
            ", {:.0}/s, p50 {:.2} ms, p99 {:.2} ms",
            second.per_second(),
            second.p50_ms,
            second.p99_ms
        )
    });
    format!(
        "{:.0} s: {} operations{}, {} errors",
        record.start.elapsed().as_secs_f64(),
        record.operations(),
        last.unwrap_or_default(),
        record.failed()
    )
}
