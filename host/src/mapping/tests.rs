//! The rules by themselves, then the whole with stand-ins for the services, in paused time.

mod driving;
mod restarts;
mod rules;
mod support;
