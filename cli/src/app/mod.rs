//! What every command has: the clock, durations, the names of the three functions, the interrupt, and
//! waiting.

pub(crate) mod clock;
pub(crate) mod duration;
pub(crate) mod handler;
pub(crate) mod interrupt;
pub(crate) mod wait;
