//! The variables that stand for options: what is wrong with the value of one is said of the variable
//! and not of an option that nobody typed.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command};

/// The error, in which the variable stands for the option where the value is the variable's.
pub(super) fn named(
    mut error: clap::Error,
    command: &Command,
    arguments: &[OsString],
) -> clap::Error {
    let variable = |wrong: &dyn Fn(&Arg) -> bool| {
        let option = command.get_arguments().find(|option| wrong(option))?;
        let typed = format!("--{}", option.get_long()?);
        let is_typed = arguments
            .iter()
            .filter_map(|text| text.to_str())
            .any(|text| {
                let rest = text.strip_prefix(&typed);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
            });
        let name = option.get_env().filter(|_| !is_typed)?;
        Some(name.to_string_lossy().into_owned())
    };
    let shown = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(shown)) => shown.clone(),
        _ if error.kind() == ErrorKind::InvalidUtf8 => {
            let not_utf8 = |option: &Arg| {
                let value = option.get_env().and_then(std::env::var_os);
                value.is_some_and(|value| value.to_str().is_none())
            };
            return match variable(&not_utf8) {
                Some(name) => command
                    .clone()
                    .error(ErrorKind::InvalidUtf8, format!("{name} is not UTF-8")),
                None => error,
            };
        }
        _ => return error,
    };
    if let Some(name) = variable(&|option: &Arg| option.to_string() == shown) {
        error.insert(ContextKind::InvalidArg, ContextValue::String(name));
    }
    error
}
