//! The port, as real clients see it: AWS's SDKs, the AWS CLI, and plain HTTP.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "what fails here fails the test"
)]

#[path = "gateway/clients.rs"]
mod clients;
#[path = "gateway/http.rs"]
mod http;
#[path = "gateway/lambda.rs"]
mod lambda;
#[path = "gateway/logs.rs"]
mod logs;
#[path = "gateway/queue.rs"]
mod queue;
#[path = "gateway/stopping.rs"]
mod stopping;
#[path = "gateway/support.rs"]
mod support;
