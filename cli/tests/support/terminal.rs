//! A run on a pseudo-terminal: prompts, live progress, Ctrl-C.

use std::process::Command;

use rexpect::process::WaitStatus;
use rexpect::session::{Options, PtySession, spawn_with_options};

use super::filters::Filters;

/// Only a hang takes this long; nothing is timed.
const HANG: u64 = 120_000;

/// A run in progress, with a terminal for stdin, stdout and stderr.
pub(crate) struct Terminal {
    session: PtySession,
    filters: Filters,
}

impl Terminal {
    pub(super) fn start(mut command: Command, filters: Filters) -> Self {
        command.env("TERM", "xterm-256color");
        let options = Options::new()
            .timeout_ms(Some(HANG))
            .strip_ansi_escape_codes(true);
        let mut session = spawn_with_options(command, options).unwrap();
        session.process_mut().set_kill_timeout(Some(5_000));
        Self { session, filters }
    }

    /// Reads up to `text`; gives what came before it.
    #[track_caller]
    pub(crate) fn until(&mut self, text: &str) -> String {
        match self.session.exp_string(text) {
            Ok(before) => before,
            Err(error) => panic!("the terminal does not show {text:?}: {error}"),
        }
    }

    /// Types a line.
    pub(crate) fn line(&mut self, text: &str) {
        self.session.send_line(text).unwrap();
    }

    /// Presses Ctrl and a letter.
    pub(crate) fn control(&mut self, letter: char) {
        self.session.send_control(letter).unwrap();
        self.session.flush().unwrap();
    }

    /// Reads to its end; gives the exit code and what it showed since the last reading, without
    /// what differs from run to run.
    #[track_caller]
    pub(crate) fn end(mut self) -> (i32, String) {
        let text = self.session.exp_eof().unwrap();
        let code = match self.session.process().wait().unwrap() {
            WaitStatus::Exited(_, code) => code,
            other => panic!("{other:?} after {text}"),
        };
        (code, self.filters.apply(&text.replace("\r\n", "\n")))
    }
}
