//! The report again and again: in place on a terminal, one after the other elsewhere.

use std::ops::ControlFlow;
use std::time::Duration;

use serde_json::to_string;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval};

use super::report::Report;
use super::screen;
use super::{Unshown, Watched};
use crate::error::{Failure, Kind};
use crate::printer::{Printer, Region};

/// Ends when the stack is gone, or nobody reads any more.
pub(super) async fn run(
    watched: &mut Watched,
    pause: Duration,
    printer: &Printer,
) -> Result<(), Failure> {
    let mut ticks = interval(pause);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let region = if printer.is_json() {
        None
    } else {
        printer.region()
    };
    match region {
        Some(region) => {
            let resized = signal(SignalKind::window_change()).map_err(|e| {
                Failure::new(Kind::Failed, "cannot watch the terminal").caused_by(e.to_string())
            })?;
            let mut view = View {
                region,
                resized,
                last: None,
                pause,
                printer,
            };
            view.run(watched, &mut ticks).await
        }
        None => {
            let mut seen = false;
            loop {
                ticks.tick().await;
                match watched.look().await {
                    Ok(report) => {
                        if print(&report, seen, printer)?.is_break() {
                            return Ok(());
                        }
                        seen = true;
                    }
                    Err(Unshown::NotNow(failure)) if seen => printer.failure(&failure),
                    Err(unshown) => return Err(unshown.into()),
                }
            }
        }
    }
}

/// One document a line, or texts with an empty line between them.
fn print(report: &Report, is_another: bool, printer: &Printer) -> Result<ControlFlow<()>, Failure> {
    if printer.is_json() {
        let line = to_string(report).map_err(|e| {
            Failure::new(Kind::Failed, "cannot write the result as JSON").caused_by(e.to_string())
        })?;
        return printer.stream(&line);
    }
    let text = screen::text(report, printer.data_style(), None);
    let gap = if is_another { "\n" } else { "" };
    printer.stream(&format!("{gap}{text}"))
}

/// The terminal.
struct View<'a> {
    region: Region,
    resized: Signal,
    last: Option<Shown>,
    pause: Duration,
    printer: &'a Printer,
}

/// What is on the terminal.
enum Shown {
    Report(Box<Report>),
    Failure(Failure),
}

impl View<'_> {
    async fn run(
        &mut self,
        watched: &mut Watched,
        ticks: &mut tokio::time::Interval,
    ) -> Result<(), Failure> {
        loop {
            self.meanwhile(ticks.tick()).await?;
            self.last = Some(match self.meanwhile(watched.look()).await? {
                Ok(report) => Shown::Report(Box::new(report)),
                Err(Unshown::NotNow(failure)) if self.last.is_some() => Shown::Failure(failure),
                Err(unshown) => return Err(unshown.into()),
            });
            self.draw()?;
        }
    }

    /// Awaits `work`, and draws again whenever the terminal has another size.
    async fn meanwhile<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Failure> {
        tokio::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return Ok(done),
                _ = self.resized.recv() => self.draw()?,
            }
        }
    }

    fn draw(&mut self) -> Result<(), Failure> {
        let style = self.printer.data_style();
        let text = match &self.last {
            None => return Ok(()),
            Some(Shown::Report(report)) => screen::text(report, style, self.printer.columns()),
            Some(Shown::Failure(failure)) => failure.render(style),
        };
        let seconds = self.pause.as_secs();
        let footer = style.dim(format_args!("every {seconds} s, until Ctrl-C"));
        self.region.draw(&format!("{text}\n{footer}"))
    }
}
