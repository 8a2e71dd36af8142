//! The store, with real SQLite files.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

#[path = "store/api.rs"]
mod api;
#[path = "store/durability.rs"]
mod durability;
#[path = "store/file.rs"]
mod file;
#[path = "store/recorded.rs"]
mod recorded;
#[path = "store/stream.rs"]
mod stream;
#[path = "store/support.rs"]
mod support;
#[path = "store/tables.rs"]
mod tables;
