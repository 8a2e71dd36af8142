//! The read model: orders in a Valkey cache, made from the stream, read by queries.
//!
//! Each order is a hash, `orders:v1:order:<id>`, of its version (`v`), its JSON document (`d`), the
//! stream's number of the change that made it so (`q`, where known), and the mark of a tombstone
//! (`x`). Each list is a sorted set whose members are `<createdAt> <orderId>`, all of score 0, so
//! that they sort by their text: exact, stable cursors, found in logarithmic time.
//!
//! A cache that lost its contents answers like an empty one, so the contents have a witness, which
//! is lost with them (`complete.rs`). Without it "there is none" is no answer.
//!
//! A change is written by one script (`project.lua`), and a query answered in one round trip, a
//! list by a script too (`list.lua`). The prefix carries the layout's version: another
//! layout takes another prefix and a rebuild, and the two can stand side by side.

mod cache;
mod complete;
mod diagnose;
mod keys;
mod project;
mod read;
mod settings;
mod token;

pub use cache::{CacheError, ReadModel};
pub use project::StreamOutcome;
pub use read::{Answer, Inspected, Page, Ping};
pub use settings::CacheSettings;
