//! Idempotency keys: typed, or made where the answer to what is sent may get lost.

use clap::{Arg, ArgMatches};
use pattern::error::ErrorType;
use pattern::id::{Id, IdempotencyKey};

use crate::domain::{InvalidArgument, KEY};
use crate::error::Failure;

pub(super) const OPTION: &str = "idempotency-key";

pub(super) fn argument(help: &'static str) -> Arg {
    Arg::new(KEY).long(OPTION).value_name("KEY").help(help)
}

/// The key that was typed.
pub(super) fn typed(matches: &ArgMatches) -> Result<Option<IdempotencyKey>, InvalidArgument> {
    let key = matches.get_one::<String>(KEY).cloned();
    let key = key.map(IdempotencyKey::new).transpose();
    key.map_err(|rule| InvalidArgument::of(&format!("--{OPTION}"), rule))
}

/// A key that nobody else has.
pub(super) fn made() -> IdempotencyKey {
    Id::fresh().into()
}

/// Says how to repeat what may be done although it failed: with the key that was made for it, what it
/// does is `not_again`.
pub(super) fn hinted(failure: Failure, made: &IdempotencyKey, not_again: &str) -> Failure {
    match may_be_written(&failure) {
        true => failure.also_hint(&format!(
            "with `--{OPTION} {made}` a repetition {not_again}"
        )),
        false => failure,
    }
}

/// Whether it may be there although the command failed: the answer was lost, or the publisher or
/// the table went away before they could give one.
fn may_be_written(failure: &Failure) -> bool {
    let name = failure.name();
    name == "Unreachable"
        || name == ErrorType::WriteModelUnavailable.as_str()
        || name.starts_with("Runtime.")
        || name.starts_with("Sandbox.")
}
