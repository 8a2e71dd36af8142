//! The harness of the end-to-end tests: the real binary, in an environment of its own.
//!
//! A [`Sandbox`] is a folder with a home and a project, in which the binary runs with nothing of
//! this machine's settings. A [`Stage`] is a sandbox with the real handlers behind it, on an emulator
//! of AWS or on this machine. A [`Scripted`] server gives answers that the emulator cannot; a [`Hold`]
//! stops a request on its way; a [`Fork`] is a project about something else; [`Installed`] is a user
//! who has a [`Release`] and no project. What a run says comes as one text, in which everything that
//! changes from run to run is replaced.

mod filters;
mod fork;
mod guard;
mod hold;
mod parts;
pub(crate) mod read_model;
mod release;
mod run;
mod sandbox;
mod scripted;
mod stage;
mod terminal;

pub(crate) use self::fork::Fork;
pub(crate) use self::hold::Hold;
pub(crate) use self::parts::Parts;
pub(crate) use self::release::{Installed, Release};
pub(crate) use self::run::{Outcome, Run, Running};
pub(crate) use self::sandbox::{
    HANDLERS, Sandbox, another_query, architecture, files, handlers, handlers_with, target,
};
pub(crate) use self::scripted::{Reply, Request, Scripted};
pub(crate) use self::stage::{AwsStage, LocalStage, Stage, block_on, on_both};
pub(crate) use self::terminal::Terminal;
pub(crate) use test_support::workspace as repository;
