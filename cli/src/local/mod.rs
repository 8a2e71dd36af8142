//! The stack on this machine: the same template, applied here.
//!
//! [`evaluate`] turns the template into a [`host::definition::Definition`]; [`serve`] is the
//! background process that runs it; [`client`] finds, starts and asks that process; [`protocol`] is
//! what they say to each other, and what they leave on the disk. [`private`] keeps all of it from other users. [`programs`] are the
//! handlers' own, and [`cache_program`] is the cache's.

pub(crate) mod cache_program;
pub(crate) mod client;
pub(crate) mod difference;
pub(crate) mod evaluate;
pub(crate) mod private;
pub(crate) mod programs;
pub(crate) mod protocol;
pub(crate) mod serve;
