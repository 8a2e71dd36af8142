//! CQRS over DynamoDB, its stream and Valkey, for any domain.
//!
//! A domain is one type that implements [`entity::Entity`]. Without features there is what a client
//! needs, pure of AWS, Redis and Lambda: what a domain says of itself ([`description`]), the rules
//! of its fields ([`schema`]), its commands ([`command`]), and the types that every domain uses.
//! The models and the Lambda runtime stand behind features, so that each handler links only what it
//! uses:
//!
//! - `write-model`: the DynamoDB table, the source of truth
//! - `read-model`: the Valkey cache that queries read and the projection writes
//! - `lambda`: what the three handlers' mains share

pub mod applied;
pub mod asked;
pub mod command;
pub mod date;
pub mod description;
pub mod diagnosis;
pub mod document;
pub mod entity;
pub mod error;
pub mod few;
pub mod id;
pub mod item;
pub mod json;
pub mod list;
pub mod payload;
pub mod query;
pub mod schema;
pub mod text;
pub mod timestamp;
pub mod whole;

#[cfg(feature = "lambda")]
pub mod lambda;
#[cfg(feature = "read-model")]
pub mod projection;
#[cfg(all(feature = "lambda", feature = "write-model"))]
pub mod publisher;
#[cfg(all(feature = "lambda", feature = "read-model"))]
pub mod queries;
#[cfg(feature = "read-model")]
pub mod read_model;
#[cfg(any(feature = "lambda", feature = "read-model", feature = "write-model"))]
pub mod settings;
#[cfg(all(feature = "lambda", feature = "read-model"))]
pub mod subscriber;
#[cfg(feature = "write-model")]
pub mod write_model;

// The domains to test with are written as one outside this library would be.
#[cfg(test)]
extern crate self as pattern;
#[cfg(test)]
mod testing;

/// The version of this library, and so of the handlers built with it.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
