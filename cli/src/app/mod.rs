//! What every command has: the interrupt, and durations.

pub(crate) mod duration;
pub(crate) mod interrupt;
