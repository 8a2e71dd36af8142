//! The rules by themselves, then the whole with stand-ins for the services, in paused time.

mod batches;
mod driving;
mod lanes;
mod restarts;
mod rules;
mod support;
