//! The port, as real clients see it: AWS's SDKs, the AWS CLI, and plain HTTP.

mod clients;
mod http;
mod lambda;
mod logs;
mod queue;
mod stopping;
