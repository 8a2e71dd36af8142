//! `cqrs dev`: what is saved is built and swapped in the stack that runs, again and again until Ctrl-C.
//!
//! A change that cannot be built or deployed is shown, and what ran before runs on.

mod here;
mod on_aws;
pub(crate) mod options;
mod round;
mod watch;

use std::path::PathBuf;
use std::time::Instant;

use self::options::DevArgs;
use self::round::Round;
use self::watch::Watch;
use crate::app::interrupt::Interrupt;
use crate::cli::Global;
use crate::commands::ui::options::UiArgs;
use crate::commands::{project, ui};
use crate::error::{Failure, Kind};
use crate::printer::Printer;
use crate::settings::{Settings, Target};
use crate::stack::change_set::ResourceChanged;

pub(crate) async fn run(
    args: DevArgs,
    global: &Global,
    settings: Settings,
    interrupt: &Interrupt,
    printer: &Printer,
) -> Result<(), Failure> {
    let project = project(&settings)?;
    let page = match args.ui {
        true => Some(ui::open(UiArgs::default(), global, &settings, printer).await?),
        false => None,
    };
    // Before anything is built, so that what is saved meanwhile counts.
    let watch = Watch::begin(&project)?;
    let mut session = Session {
        args,
        settings,
        project,
        watch,
        interrupt,
        printer,
    };
    // It ends in order: what AWS was asked for is taken back or left to itself, and said.
    let _hold = interrupt.hold();
    let watched = match page {
        None => session.watching().await,
        Some(page) => tokio::select! {
            watched = session.watching() => watched,
            () = page.serve() => Ok(()),
        },
    };
    match watched {
        Err(failure) if failure.kind() != Kind::Interrupted => Err(failure),
        _ => {
            session.say_goodbye();
            Ok(())
        }
    }
}

/// What is watched, and where it goes.
struct Session<'a> {
    args: DevArgs,
    settings: Settings,
    project: PathBuf,
    watch: Watch,
    interrupt: &'a Interrupt,
    printer: &'a Printer,
}

impl Session<'_> {
    async fn watching(&mut self) -> Result<(), Failure> {
        self.start().await?;
        let beside = match self.settings.target {
            Target::Local => " and template.yaml",
            Target::Aws => "",
        };
        self.printer.note(format_args!(
            "Watching handlers/{beside}; Ctrl-C ends that, and stack {} runs on",
            self.settings.stack
        ));
        loop {
            let changed = self.interrupt.unless(self.watch.changed(), ended);
            let changed = changed.await??;
            self.round(changed).await?;
        }
    }

    /// Brings the stack to what the sources say now. What is wrong with them is there to be mended;
    /// anything else ends this.
    async fn start(&mut self) -> Result<(), Failure> {
        match self.settings.target {
            Target::Aws => self.agree().await?,
            Target::Local if !self.is_deployed()? => return self.deploy_first().await,
            Target::Local => {}
        }
        self.round(Vec::new()).await
    }

    /// One change, from its sight to its end.
    async fn round(&mut self, changed: Vec<PathBuf>) -> Result<(), Failure> {
        let seen = Instant::now();
        let swapped = match self.settings.target {
            Target::Local => self.swap_here().await,
            Target::Aws => self.swap_on_aws(&changed).await,
        };
        if let Err(failure) = &swapped
            && failure.kind() == Kind::Interrupted
        {
            return Err(failure.clone());
        }
        self.tell(&Round::new(changed, swapped, seen.elapsed()))
    }

    fn tell(&self, round: &Round) -> Result<(), Failure> {
        if self.printer.is_json() {
            return self.printer.json(round);
        }
        if let Some(failure) = &round.error {
            self.printer.failure(failure);
        }
        self.printer.note(round.line(self.printer.style()));
        Ok(())
    }

    fn say_goodbye(&self) {
        let stack = &self.settings.stack;
        match self.settings.target {
            Target::Local => self.printer.note(format_args!(
                "\nWatching has ended; stack {stack} runs on, and `cqrs local stop` stops it"
            )),
            Target::Aws => self
                .printer
                .note(format_args!("\nWatching has ended; stack {stack} runs on")),
        }
    }
}

/// Said of the session as a whole, which has its own last word.
fn ended() -> Failure {
    Failure::interrupted("interrupted")
}

/// What a stack was changed in.
type Swapped = Result<Vec<ResourceChanged>, Failure>;
