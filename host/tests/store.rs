//! The store, with real SQLite files.

mod api;
mod file;
mod recorded;
mod stream;
mod support;
mod tables;
