//! Failures: batches of the stream's records that used up their retries or their age.
//!
//! Lambda leaves a message about each in the failures queue, which says where in the stream the
//! records are and not what they are; or an object in the failures bucket, which has the records too.
//! Here those are read, kept and deleted, and the records are given to the subscriber again.

pub(crate) mod bucket;
pub(crate) mod destination;
pub(crate) mod event;
pub(crate) mod foresight;
pub(crate) mod message;
pub(crate) mod queue;
pub(crate) mod record;
pub(crate) mod records;
pub(crate) mod redelivery;
pub(crate) mod scan;
pub(crate) mod stream;
