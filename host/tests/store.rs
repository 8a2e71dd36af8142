//! The store, with real SQLite files.

mod api;
mod durability;
mod file;
mod recorded;
mod stream;
mod support;
mod tables;
