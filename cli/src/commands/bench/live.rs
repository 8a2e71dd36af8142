//! What is shown while a run is under way: in place on a terminal, else a line every few seconds.

use std::time::Duration;

use tokio::time::interval;

use crate::loadtest::drive::Load;
use crate::loadtest::schedule::Until;
use crate::printer::Printer;

/// Four times a second: drawing takes part in what is measured.
const REFRESH: Duration = Duration::from_millis(250);
/// In refreshes.
const LINE_EVERY: u64 = 20;

/// Shows it until it is dropped, which leaves the terminal as it was.
pub(super) async fn show(load: &Load, printer: &Printer) {
    let step = printer.is_live().then(|| printer.step("running"));
    let mut refresh = interval(REFRESH);
    for turn in 0_u64.. {
        refresh.tick().await;
        match &step {
            Some(step) => step.message(format!("running, {}\n  {}", left(load), line(load))),
            None if turn > 0 && turn.is_multiple_of(LINE_EVERY) => printer.note(line(load)),
            None => {}
        }
    }
}

fn left(load: &Load) -> String {
    match load.plan().until {
        Until::Time(time) => match time.checked_sub(load.record().start.elapsed()) {
            Some(left) => format!("{} s left", left.as_secs()),
            None => "waiting for the last answers".to_owned(),
        },
        Until::Created(count) => {
            let all = load.plan().subject.domain.counted(count);
            format!("{:.0} % of {all}", load.progress() * 100.0)
        }
    }
}

fn line(load: &Load) -> String {
    let record = load.record();
    let last = record.timeline.past().last();
    let last = last.map(|second| {
        format!(
            ", {:.0} a second, p50 {:.2} ms, p99 {:.2} ms, longest {:.2} ms",
            second.per_second(),
            second.p50_ms,
            second.p99_ms,
            second.max_ms
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
