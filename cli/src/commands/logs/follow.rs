//! `cqrs logs --follow`: what comes, until Ctrl-C or until nobody reads any more.
//!
//! What passes is waited for: throttling, a network that is gone, a stack on this machine that was
//! stopped, which following does not start again. Everything else ends the command.

use std::collections::BTreeSet;
use std::time::Duration;

use host::pause::Pause;

use crate::app::clock;
use crate::app::handler::Handler;
use crate::commands::connected::Connected;
use crate::commands::local;
use crate::commands::logs::options::LogsArgs;
use crate::commands::logs::out::{Out, Written};
use crate::commands::logs::{groups, wanted, warn_missing};
use crate::error::Failure;
use crate::local::client::{Client, LocalError};
use crate::logs::follow::{Follow, Pace};
use crate::logs::group::LogsError;
use crate::printer::Printer;
use crate::settings::{Settings, Target};

/// The longest pause while something is wrong.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

pub(super) async fn run(
    args: &LogsArgs,
    settings: &Settings,
    printer: &Printer,
) -> Result<(), Failure> {
    let since_ms = args.since.begin_ms(clock::now());
    let wanted = wanted(args)?;
    let connected = Connected::to(settings, printer).await?;
    let groups = groups(args, &connected)?;
    let pace = Pace::on(settings.target);
    let mut follow = Follow::new(groups.clone(), wanted, since_ms, pace);
    let mut out = Out::new(printer);
    let mut missing = BTreeSet::new();
    let mut pause = Pause::between(pace.pause, LONGEST_PAUSE);
    let mut away = false;
    printer.note("Following the logs; Ctrl-C ends it");
    loop {
        let mut round = follow.round();
        match out.write(async || round.next().await).await? {
            Written::Unread => return Ok(()),
            Written::All => {
                let without: BTreeSet<Handler> = round.missing().collect();
                for handler in without.difference(&missing) {
                    warn_missing(*handler, &groups, printer);
                }
                missing = without;
                pause.reset();
                if std::mem::take(&mut away) {
                    printer.note("Following goes on");
                }
            }
            Written::Until(error) if error.passes() => {
                if !std::mem::replace(&mut away, true) {
                    say_away(&error, settings, printer);
                }
                if settings.target == Target::Local {
                    reattach(&mut follow, settings).await?;
                } else {
                    pause.take();
                }
            }
            Written::Until(error) => return Err(error.into()),
        }
        tokio::time::sleep(pause.length()).await;
    }
}

fn say_away(error: &LogsError, settings: &Settings, printer: &Printer) {
    match settings.target {
        Target::Local => printer.warn(format_args!(
            "stack {} on this machine has stopped: following goes on when it runs again",
            settings.stack
        )),
        Target::Aws => printer.warn(format_args!("{error}: following tries again")),
    }
}

/// Finds the stack's process where it runs again.
async fn reattach(follow: &mut Follow, settings: &Settings) -> Result<(), Failure> {
    let folder = local::folder(settings)?;
    if !folder.is_deployed() {
        return Err(LocalError::NotDeployed(settings.stack.clone()).into());
    }
    if let Some(client) = Client::listening(&folder).await? {
        follow.reconnect(&client.aws());
    }
    Ok(())
}
