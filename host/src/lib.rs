//! The services that a stack on one machine is made of.
//!
//! One process runs them all behind one port that speaks AWS's wire protocols: [`store`] is the
//! table and its stream, [`lambda`] runs the functions, [`mapping`] carries the stream to them,
//! [`queue`] or [`bucket`] keeps what failed, [`cache`] is the read model's server, and [`gateway`] is the port.
//! [`live`] says what goes on in them right now, and [`faults`] makes them fail on purpose.
//! What they are to be comes as a [`definition`]; reading templates and talking to people are the
//! tool's business.

mod body;
pub mod bucket;
pub mod cache;
mod clock;
pub mod definition;
pub mod faults;
pub mod gateway;
pub mod guard;
pub mod journal;
pub mod lambda;
pub mod live;
pub mod mapping;
mod mark;
pub mod offspring;
pub mod pause;
pub mod queue;
pub mod store;
mod sync;
