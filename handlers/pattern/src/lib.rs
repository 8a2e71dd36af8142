//! CQRS over DynamoDB, its stream and Valkey, for any domain.
//!
//! A domain is one type that implements [`entity::Entity`]. What stands here knows neither AWS nor
//! Redis nor Lambda, and is all that a client needs: what a domain says of itself
//! ([`description`]), the rules of its fields ([`schema`]), and the types that every domain uses.

pub mod description;
pub mod document;
pub mod entity;
pub mod error;
pub mod id;
pub mod json;
pub mod schema;
pub mod text;
pub mod timestamp;
pub mod whole;

/// The version of this library, and so of the handlers built with it.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
