//! The tests of this crate's services with everything real: files, processes, ports. One program,
//! which links the SDK once.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "what fails here fails the test"
)]

mod cache;
mod definitions;
mod gateway;
mod lambda;
mod mapping;
mod offspring;
mod store;
