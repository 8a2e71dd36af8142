//! The stack on this machine: the same template, applied here.
//!
//! [`evaluate`] turns the template into a [`host::definition::Definition`]; [`serve`] is the
//! background process that runs it; [`client`] finds, starts and asks that process; [`protocol`] is
//! what they say to each other, and what they leave on the disk.

pub(crate) mod client;
pub(crate) mod difference;
pub(crate) mod evaluate;
pub(crate) mod protocol;
pub(crate) mod serve;
