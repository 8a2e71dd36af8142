//! The real binary, end to end.
//!
//! Most scenarios run against an emulator of the AWS API with real handlers and a real Valkey;
//! what that cannot produce comes from a scripted server. scripts/test builds what they need.

// Tests may panic; the exception for functions marked as tests does not reach their helpers.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod aws_sources;
mod bench;
mod bulk;
mod bulk_faults;
mod bundle;
mod bundled;
mod data;
mod demo;
mod deploy;
mod described;
mod destroy;
mod dev;
mod doctor;
mod domain;
mod domains;
mod emulator;
mod evolution;
mod failures;
mod failures_queue;
mod hostile;
mod interrupt;
mod local;
mod local_crash;
mod local_failures;
mod local_faults;
mod local_troubles;
mod logs;
mod metrics;
mod network;
mod new;
mod older_layout;
mod order_ids;
mod orders;
mod other_stacks;
mod page;
mod permissions;
mod previews;
mod production;
mod project;
mod rebuild;
mod reference;
mod settings;
mod stack;
mod status;
mod support;
mod terminal;
mod ui;
mod verify;
mod versions;
