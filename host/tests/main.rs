//! The tests of this crate's services with everything real: files, processes, ports. One program,
//! which links the SDK once.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "what fails here fails the test"
)]

mod cache;
mod definitions;
mod gateway;
mod lambda;
mod mapping;
mod offspring;
mod store;
mod support;

use std::time::Duration;

/// Whether `condition` comes to hold soon.
async fn comes_true(condition: impl FnMut() -> bool + Send + 'static) -> bool {
    let waiting = move || test_support::eventually(Duration::from_secs(20), condition);
    tokio::task::spawn_blocking(waiting).await.unwrap()
}
