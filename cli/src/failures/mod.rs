//! Failures: batches of the stream's records that used up their retries or their age.
//!
//! Lambda leaves a message about each in the failures queue, which says where in the stream the
//! records are and not what they are. Here such messages are read, kept and deleted, the records
//! are read back, and they are given to the subscriber again.

pub(crate) mod event;
pub(crate) mod foresight;
pub(crate) mod message;
pub(crate) mod queue;
pub(crate) mod record;
pub(crate) mod redelivery;
pub(crate) mod scan;
pub(crate) mod stream;
