//! Orders: what they are, what may be asked of them, and the two models that hold them.
//!
//! The domain ([`order`], [`command`], [`query`], [`projection`]) is pure: it knows neither AWS nor
//! Redis nor Lambda, and is all that a client needs. The models and the Lambda runtime stand
//! behind features, so that each handler links only what it uses:
//!
//! - `write-model`: the DynamoDB table, the source of truth
//! - `read-model`: the Valkey cache that queries read and the projection writes
//! - `lambda`: what the three handlers' mains share

pub mod command;
pub mod diagnosis;
pub mod error;
pub mod ids;
pub mod item;
pub mod json;
pub mod order;
pub mod projection;
pub mod query;
pub mod timestamp;

pub mod few;
mod fields;

#[cfg(feature = "lambda")]
pub mod lambda;
#[cfg(feature = "read-model")]
pub mod read_model;
#[cfg(any(feature = "lambda", feature = "read-model", feature = "write-model"))]
pub mod settings;
#[cfg(feature = "write-model")]
pub mod write_model;

/// The version of this library, and so of the handlers built with it.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
