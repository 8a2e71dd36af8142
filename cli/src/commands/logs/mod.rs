//! `cqrs logs`: what the functions log, in the order of time, and on request as it comes.
//!
//! With `--output json` each event is one line and an object of its own: a single document would
//! have to be held in memory to its end, and one that is followed has none.

mod follow;
pub(crate) mod options;
mod out;
mod shown;

use std::time::Duration;

use pattern::id::Id;

use crate::app::clock;
use crate::app::handler::Handler;
use crate::app::interrupt::Interrupt;
use crate::commands::connected::Connected;
use crate::commands::logs::options::LogsArgs;
use crate::error::{Failure, Kind};
use crate::logs::group::{LogGroup, Wanted};
use crate::logs::merged::Merged;
use crate::printer::Printer;
use crate::settings::Settings;

use self::out::{Out, Written};
pub(in crate::commands) use self::shown::coloured;

/// What the clocks of AWS and of this machine may differ by. Without an end, reading could run
/// after events that come faster than they are read.
const CLOCKS_DIFFER_MS: i64 = 60_000;
/// An account may ask CloudWatch five times a second, and others may ask too: the pages of a long log
/// run into that.
const THROTTLED_PAUSE: Duration = Duration::from_secs(2);
const THROTTLED_ATTEMPTS: u32 = 5;

pub(crate) async fn run(
    args: LogsArgs,
    settings: &Settings,
    interrupt: &Interrupt,
    printer: &Printer,
) -> Result<(), Failure> {
    if args.follow {
        let following = follow::run(&args, settings, printer);
        let said = || Failure::silent(Kind::Interrupted);
        return interrupt.unless(following, said).await?;
    }
    show(&args, settings, printer).await
}

async fn show(args: &LogsArgs, settings: &Settings, printer: &Printer) -> Result<(), Failure> {
    let now = clock::now();
    let since_ms = args.since.begin_ms(now);
    let mut wanted = wanted(args)?;
    wanted.until_ms = Some(now.as_millis().max(since_ms) + CLOCKS_DIFFER_MS);
    let connected = Connected::to(settings, printer).await?;
    let groups = groups(args, &connected)?;
    let mut events = Merged::new(groups.iter().map(|group| (group, since_ms)), &wanted);
    let mut out = Out::new(printer);
    let mut throttled = 0;
    loop {
        let before = out.count();
        match out.write(async || events.next().await).await? {
            Written::All => break,
            Written::Unread => return Ok(()),
            // The next attempt goes on with the page that was refused.
            Written::Until(error) if error.is_throttling() => {
                throttled = if out.count() > before {
                    1
                } else {
                    throttled + 1
                };
                if throttled > THROTTLED_ATTEMPTS {
                    return Err(error.into());
                }
                tokio::time::sleep(THROTTLED_PAUSE).await;
            }
            Written::Until(error) => return Err(error.into()),
        }
    }
    for handler in events.missing() {
        warn_missing(handler, &groups, printer);
    }
    if out.count() == 0 {
        printer.note(nothing(args));
    }
    Ok(())
}

/// CloudWatch's pattern for what was asked for.
fn wanted(args: &LogsArgs) -> Result<Wanted, Failure> {
    let pattern = match (&args.entity, &args.filter) {
        (Some(id), _) => {
            let id = Id::new(id)
                .map_err(|error| Failure::new(Kind::Usage, format!("the id {error}")))?;
            let escaped = id.as_str().replace('\\', "\\\\").replace('"', "\\\"");
            Some(format!("\"{escaped}\""))
        }
        (None, filter) => filter.clone().filter(|pattern| !pattern.trim().is_empty()),
    };
    Ok(Wanted {
        pattern,
        until_ms: None,
    })
}

/// The groups of the functions that were named, or of all, each once.
fn groups(args: &LogsArgs, connected: &Connected) -> Result<Vec<LogGroup>, Failure> {
    let named = |handler: &Handler| args.functions.is_empty() || args.functions.contains(handler);
    let group = |handler: Handler| {
        let name = connected.output(handler.log_group_output())?;
        Ok(LogGroup::new(&connected.aws, handler, name))
    };
    Handler::ALL.into_iter().filter(named).map(group).collect()
}

fn warn_missing(handler: Handler, groups: &[LogGroup], printer: &Printer) {
    if let Some(group) = groups.iter().find(|group| group.handler == handler) {
        printer.warn(format_args!("there is no log group {}", group.name));
    }
}

fn nothing(args: &LogsArgs) -> &'static str {
    match (&args.entity, &args.filter) {
        (Some(_), _) => "No line names it; `--since 1d` looks further back",
        (None, Some(_)) => "No line matches; `--since 1d` looks further back",
        (None, None) => "Nothing was logged; `--since 1d` looks further back",
    }
}
