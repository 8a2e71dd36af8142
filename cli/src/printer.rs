//! The one owner of standard output, standard error and the progress display.
//!
//! Data goes to stdout; progress, notes and questions go to stderr. What the terminal can do is
//! decided once, when the printer is made, and every other module asks it.

mod place;
mod region;

use std::fmt::{self, Display};
use std::io::{self, BufRead, IsTerminal, Write};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clap::ValueEnum;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) use self::place::Place;
pub(crate) use self::region::Region;
use crate::error::{Failure, Kind};

/// How results are written on stdout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Output {
    /// For people.
    #[default]
    Text,
    /// One JSON document.
    Json,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`.
    #[default]
    Auto,
    Always,
    Never,
}

impl ColorChoice {
    fn decide(self, terminal: bool) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => {
                terminal
                    && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
                    && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
            }
        }
    }
}

/// The project's few text styles; plain text where colour is off.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    color: bool,
}

macro_rules! styles {
    ($($name:ident = $code:literal),* $(,)?) => {$(
        pub(crate) fn $name(self, text: impl Display) -> String {
            if self.color { format!(concat!("\x1b[", $code, "m{}\x1b[0m"), text) } else { text.to_string() }
        }
    )*};
}

impl Style {
    pub(crate) fn new(color: bool) -> Self {
        Self { color }
    }

    pub(crate) fn plain() -> Self {
        Self::new(false)
    }

    styles! {
        bold = "1", dim = "2", error = "1;31", hint = "1;36",
        red = "31", green = "32", yellow = "33", blue = "34",
    }
}

/// What was typed about the output.
#[derive(Clone, Debug, Default)]
pub(crate) struct PrinterOptions {
    pub(crate) output: Output,
    pub(crate) color: ColorChoice,
    pub(crate) quiet: bool,
    pub(crate) verbose: bool,
    /// What commands that are named on stderr are to lead to.
    pub(crate) place: Place,
}

#[derive(Clone, Debug)]
pub(crate) struct Printer {
    options: PrinterOptions,
    stderr_style: Style,
    stdout_style: Style,
    stderr_terminal: bool,
    stdout_terminal: bool,
    stdin_terminal: bool,
    /// What is printed belongs to a larger command, which has the results and the last word.
    part: bool,
    /// Where results go instead of stdout.
    captured: Option<Captured>,
    progress: MultiProgress,
}

/// Results that were printed into memory, in both forms.
#[derive(Clone, Debug, Default)]
pub(crate) struct Captured(Arc<Mutex<(String, Value)>>);

impl Captured {
    /// As text and as JSON.
    pub(crate) fn take(self) -> (String, Value) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *held)
    }
}

impl Printer {
    pub(crate) fn new(options: PrinterOptions) -> Self {
        let stderr_terminal = io::stderr().is_terminal();
        let stdout_terminal = io::stdout().is_terminal();
        let animate = stderr_terminal && !options.quiet;
        let target = if animate {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        Self {
            stderr_style: Style::new(options.color.decide(stderr_terminal)),
            stdout_style: Style::new(options.color.decide(stdout_terminal)),
            stderr_terminal,
            stdout_terminal,
            stdin_terminal: io::stdin().is_terminal(),
            part: false,
            captured: None,
            progress: MultiProgress::with_draw_target(target),
            options,
        }
    }

    /// The same printer for one part of a larger command: its notes are shown, its result and its
    /// advice are not.
    pub(crate) fn of_a_part(&self) -> Self {
        Self {
            part: true,
            ..self.clone()
        }
    }

    /// The same printer as `--quiet` makes it.
    pub(crate) fn quiet(&self) -> Self {
        let mut printer = self.clone();
        printer.options.quiet = true;
        printer
    }

    /// The same printer for a command whose result is not printed but given back.
    pub(crate) fn capturing(&self) -> (Self, Captured) {
        let captured = Captured::default();
        let printer = Self {
            captured: Some(captured.clone()),
            stdout_terminal: true,
            ..self.clone()
        };
        (printer, captured)
    }

    /// The style for what goes to stderr.
    pub(crate) fn style(&self) -> Style {
        self.stderr_style
    }

    /// The style for what goes to stdout.
    pub(crate) fn data_style(&self) -> Style {
        self.stdout_style
    }

    pub(crate) fn is_json(&self) -> bool {
        self.options.output == Output::Json
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.options.quiet
    }

    pub(crate) fn is_verbose(&self) -> bool {
        self.options.verbose
    }

    /// Whether stdout is a terminal: where it is not, some commands print bare values.
    pub(crate) fn stdout_is_terminal(&self) -> bool {
        self.stdout_terminal
    }

    /// Whether live progress is drawn; elsewhere each event is a plain line.
    pub(crate) fn is_live(&self) -> bool {
        self.stderr_terminal && !self.options.quiet
    }

    /// Whether a question can be asked and answered.
    pub(crate) fn can_ask(&self) -> bool {
        self.stdin_terminal && self.stderr_terminal
    }

    /// Writes a command's result: its `Display` as text, or itself as one JSON document.
    pub(crate) fn data<T: Serialize + Display>(&self, value: &T) -> Result<(), Failure> {
        if let Some(Captured(held)) = &self.captured {
            let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
            // Results always have a JSON form.
            *held = (
                value.to_string(),
                serde_json::to_value(value).unwrap_or_default(),
            );
            return Ok(());
        }
        if self.is_json() {
            self.json(value)
        } else {
            self.stdout(&value.to_string())
        }
    }

    /// Writes one JSON document to stdout.
    pub(crate) fn json<T: Serialize + ?Sized>(&self, value: &T) -> Result<(), Failure> {
        self.stdout(&self.to_json(value)?)
    }

    /// A value as JSON looks on stdout.
    pub(crate) fn to_json<T: Serialize + ?Sized>(&self, value: &T) -> Result<String, Failure> {
        let text = if self.stdout_terminal {
            serde_json::to_string_pretty(value)
        } else {
            serde_json::to_string(value)
        };
        text.map_err(|e| {
            Failure::new(Kind::Failed, "cannot write the result as JSON").caused_by(e.to_string())
        })
    }

    /// Writes text and a final newline to stdout. A reader that went away is no failure.
    pub(crate) fn stdout(&self, text: &str) -> Result<(), Failure> {
        self.stream(text).map(|_| ())
    }

    /// Writes one of many texts and a final newline to stdout; breaks where nobody reads any more.
    pub(crate) fn stream(&self, text: &str) -> Result<ControlFlow<()>, Failure> {
        if text.is_empty() || text.ends_with('\n') {
            self.stdout_part(text)
        } else {
            self.stdout_part(&format!("{text}\n"))
        }
    }

    /// Writes text as it stands to stdout; breaks where nobody reads any more.
    pub(crate) fn stdout_part(&self, text: &str) -> Result<ControlFlow<()>, Failure> {
        if self.part || text.is_empty() {
            return Ok(ControlFlow::Continue(()));
        }
        let mut out = io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(ControlFlow::Break(())),
            Err(e) => Err(unwritable(&e)),
            Ok(()) => Ok(ControlFlow::Continue(())),
        }
    }

    /// How many columns stdout has; none where it is no terminal.
    pub(crate) fn columns(&self) -> Option<usize> {
        let size = self.stdout_terminal.then(region::size)?;
        Some(size.columns)
    }

    /// The place on the terminal for what is drawn again and again; none where stdout is none, or
    /// one that cannot move its cursor.
    pub(crate) fn region(&self) -> Option<Region> {
        let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        (self.stdout_terminal && !is_dumb).then(Region::default)
    }

    /// A note for people on stderr, silenced by `--quiet`. Where JSON is asked for and nobody
    /// watches, an error is to be the only thing there, unless `--verbose` asks for more.
    pub(crate) fn note(&self, line: impl Display) {
        let for_people = !self.is_json() || self.stderr_terminal || self.options.verbose;
        if for_people && !self.options.quiet {
            self.stderr(line);
        }
    }

    /// A note about what to type next, as the last one.
    pub(crate) fn next(&self, command: impl Display) {
        if !self.part {
            let next = self.stderr_style.dim("next:");
            self.note(format_args!("\n{next} {command}"));
        }
    }

    /// A note that only `--verbose` shows.
    pub(crate) fn detail(&self, line: impl Display) {
        if self.options.verbose {
            self.stderr(self.stderr_style.dim(line));
        }
    }

    /// Something the user should know though the command goes on; `--quiet` does not hide it.
    pub(crate) fn warn(&self, line: impl Display) {
        self.stderr(format_args!(
            "{} {line}",
            self.stderr_style.yellow("warning:")
        ));
    }

    /// Renders a failure, the last thing a command says.
    pub(crate) fn failure(&self, failure: &Failure) {
        if failure.is_silent() {
            return;
        }
        if self.is_json() {
            self.stderr(failure.to_json());
        } else {
            self.stderr(failure.render(self.stderr_style).trim_end());
        }
    }

    /// A line to stderr that does not tear the progress display. Nothing can be done, and nothing
    /// is lost, when stderr is gone.
    fn stderr(&self, line: impl Display) {
        let line = line.to_string();
        let line = self.options.place.complete(&line);
        self.progress.suspend(|| {
            let _ = writeln!(io::stderr().lock(), "{line}");
        });
    }

    /// A step of unknown length: a spinner on a terminal, one plain line elsewhere.
    pub(crate) fn step(&self, message: impl Into<String>) -> Step {
        let message = message.into();
        if !self.is_live() {
            self.note(format_args!("{message}…"));
            return Step { bar: None };
        }
        let bar = self.progress.add(ProgressBar::new_spinner());
        bar.set_style(spinner_style());
        bar.set_message(message);
        bar.enable_steady_tick(Duration::from_millis(100));
        Step { bar: Some(bar) }
    }

    /// A step over a known number of bytes.
    pub(crate) fn bytes(&self, message: impl Into<String>, total: u64) -> Step {
        let step = self.step(message);
        if let Some(bar) = &step.bar {
            bar.set_length(total);
            bar.set_style(bytes_style());
        }
        step
    }

    /// A step over a known number of things.
    pub(crate) fn count(&self, message: impl Into<String>, total: u64) -> Step {
        let step = self.step(message);
        if let Some(bar) = &step.bar {
            bar.set_length(total);
            bar.set_style(count_style());
        }
        step
    }

    /// Asks a yes/no question; anything but yes is no. End of input counts as no.
    pub(crate) async fn confirm(&self, question: &str) -> Result<bool, Failure> {
        let answer = self.ask(&format!("{question} [y/N]")).await?;
        Ok(matches!(answer.to_ascii_lowercase().as_str(), "y" | "yes"))
    }

    /// Asks for a line of text on stderr and reads it from stdin, on a thread of its own so that
    /// Ctrl-C is heard meanwhile.
    pub(crate) async fn ask(&self, question: &str) -> Result<String, Failure> {
        let unreadable =
            |cause: String| Failure::new(Kind::Failed, "cannot read the answer").caused_by(cause);
        let printer = self.clone();
        let question = question.to_owned();
        let read = tokio::task::spawn_blocking(move || printer.read_answer(&question)).await;
        read.map_err(|e| unreadable(e.to_string()))?
            .map_err(|e| unreadable(e.to_string()))
    }

    fn read_answer(&self, question: &str) -> io::Result<String> {
        self.progress.suspend(|| {
            let mut err = io::stderr().lock();
            write!(err, "{question} ").and_then(|()| err.flush())
        })?;
        // No lock is held while waiting: Ctrl-C must still be able to say something.
        let mut line = String::new();
        if io::stdin().lock().read_line(&mut line)? == 0 {
            writeln!(io::stderr().lock())?;
        }
        Ok(line.trim().to_owned())
    }
}

/// The failure where standard output takes nothing.
pub(crate) fn unwritable(cause: &io::Error) -> Failure {
    Failure::new(Kind::Failed, "cannot write to standard output").caused_by(cause.to_string())
}

/// One line of progress, taken away when dropped.
#[derive(Debug)]
pub(crate) struct Step {
    bar: Option<ProgressBar>,
}

impl Step {
    pub(crate) fn message(&self, message: impl Into<String>) {
        if let Some(bar) = &self.bar {
            bar.set_message(message.into());
        }
    }

    pub(crate) fn advance(&self, by: u64) {
        if let Some(bar) = &self.bar {
            bar.inc(by);
        }
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn spinner_style() -> ProgressStyle {
    ProgressStyle::with_template("{spinner:.cyan} {msg} {elapsed:.dim}")
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
}

fn count_style() -> ProgressStyle {
    let rate = |state: &ProgressState, text: &mut dyn fmt::Write| {
        // Nobody can be informed where the display takes no text.
        let _ = write!(text, "{:.0}/s", state.per_sec());
    };
    ProgressStyle::with_template(
        "{spinner:.cyan} {msg} [{bar:24}] {human_pos}/{human_len} {rate}, {eta} left",
    )
    .map(|style| style.with_key("rate", rate))
    .unwrap_or_else(|_| ProgressStyle::default_bar())
}

fn bytes_style() -> ProgressStyle {
    ProgressStyle::with_template("{spinner:.cyan} {msg} [{bar:24}] {bytes}/{total_bytes}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
}
