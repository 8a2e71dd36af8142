//! What every command has: the clock, durations, the names of the three functions, the interrupt,
//! waiting, versions, where the program is and where things are kept.

pub(crate) mod clock;
pub(crate) mod duration;
pub(crate) mod handler;
pub(crate) mod installed;
pub(crate) mod interrupt;
pub(crate) mod places;
pub(crate) mod version;
pub(crate) mod wait;
