//! Opens an address in the user's browser, where there is one.

use std::process::{Command, Stdio};

use crate::printer::Printer;

/// Whether somebody sits at this machine: a terminal, and no session from another machine.
pub(super) fn can_be_opened(printer: &Printer) -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_remote = ["SSH_CONNECTION", "SSH_TTY", "CI"].into_iter().any(is_set);
    let has_screen =
        cfg!(target_os = "macos") || ["DISPLAY", "WAYLAND_DISPLAY"].into_iter().any(is_set);
    printer.stdout_is_terminal() && !is_remote && has_screen
}

/// Opens it; the browser is not waited for.
pub(super) fn open(address: &str) -> Result<(), String> {
    let program = match cfg!(target_os = "macos") {
        true => "open",
        false => "xdg-open",
    };
    let child = Command::new(program)
        .arg(address)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    child
        .map(drop)
        .map_err(|error| format!("`{program}` cannot be run: {error}"))
}
