//! Commands of the tool, each a whole process.

use serde_json::json;
use test_support::http::{Reply, Server};

use super::HotPath;
use super::callgrind::Counted;
use crate::options::Options;
use crate::stack::{HANDLERS, Stack};

pub(super) const ALL: [HotPath; 4] = [
    HotPath {
        name: "cqrs --version",
        count: |options| command(options, &["--version"], &[]),
    },
    HotPath {
        name: "cqrs order create --help",
        count: |options| command(options, &["order", "create", "--help"], &[]),
    },
    HotPath {
        name: "cqrs order create",
        count: create,
    },
    HotPath {
        name: "cqrs deploy --local --plan",
        count: plan,
    },
];

fn command(options: &Options, arguments: &[&str], environment: &[(&str, String)]) -> u64 {
    let counted = Counted::new(&options.cqrs, "cqrs");
    let mut options = options.clone();
    options.cqrs = counted.stand_in.clone();
    let stack = Stack::empty(&options);
    stack.run_with(arguments, environment);
    counted.instructions()
}

/// Arguments, settings, a signed request, its answer: all but what the publisher does.
fn create(options: &Options) -> u64 {
    let order = json!({
        "orderId": "0199d3c2-8d5f-7a10-b3a4-5c8f3f0c2b11", "clientId": "1", "productId": "2",
        "quantity": 1, "status": "placed", "version": 1,
        "createdAt": "2026-11-23T03:00:00.000Z", "updatedAt": "2026-11-23T03:00:00.000Z",
    });
    let publisher = Server::start(move |_| Reply::json(200, &order));
    let environment = [
        ("AWS_ENDPOINT_URL", publisher.url()),
        ("AWS_REGION", "eu-west-1".to_owned()),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "secret".to_owned()),
    ];
    let arguments = ["order", "create", "--client", "1", "--product", "2"];
    command(options, &arguments, &environment)
}

/// The template read and evaluated. With the smallest programs for handlers, whose hashes would
/// otherwise be most of it.
fn plan(options: &Options) -> u64 {
    let handlers = tempfile::tempdir().unwrap();
    for handler in HANDLERS {
        std::fs::copy("/bin/true", handlers.path().join(handler)).unwrap();
    }
    let prebuilt = handlers.path().to_str().unwrap();
    let arguments = ["deploy", "--local", "--plan", "--prebuilt", prebuilt];
    command(options, &arguments, &[])
}
