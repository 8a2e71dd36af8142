//! The read model: entities in a Valkey cache, made from the stream, read by queries.
//!
//! Each entity is one string, `<plural>:v2:<digits of a UUID>` or `<plural>:v2:=<id>`: the time of its creation in six bytes, its mark
//! (version, the stream's number of the change that made it so, and a tombstone's sign), a line
//! feed, and the document. Each list is a sorted set, `<plural>:v2:<field>:<value>`, whose members
//! are that time and the id, 22 bytes with a UUID, all of score 0, so that they sort by their bytes:
//! exact, stable cursors, found in logarithmic time. The list of all is the lists by status, merged
//! when it is read.
//!
//! A cache that lost its contents answers like an empty one, so the contents have a witness, which
//! is lost with them (`complete.rs`). Without it "there is none" is no answer.
//!
//! A change is written by one script (`project.lua`), and a query answered in one round trip, a
//! list by a script too (`list.lua`). No script knows a field: lists come as names and values. The
//! prefix carries the layout's version: another layout takes another prefix and a rebuild, and the
//! two can stand side by side.

mod cache;
mod compare;
mod complete;
mod diagnose;
mod keys;
mod outdated;
mod project;
mod read;
mod settings;
mod token;

pub use cache::{CacheError, ReadModel};
pub use project::StreamOutcome;
pub use read::{Answer, Page, Ping};
pub use settings::CacheSettings;
