//! What every command has: so far, the interrupt.

pub(crate) mod interrupt;
