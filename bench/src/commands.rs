//! Commands as whole processes, as a person or a script runs them.

use test_support::runtime_api::Handler;
use test_support::valkey::Valkey;

use crate::options::Options;
use crate::report::{Figure, Report};
use crate::samples::Samples;
use crate::stack::Stack;

const HANDLERS: [&str; 3] = ["publisher", "subscriber", "query"];

/// `deploy` of a new stack and of one that is there, and `destroy`.
pub(crate) fn measure(options: &Options, report: &mut Report) {
    let repetitions = if options.quick { 2 } else { 10 };
    let parts = Samples::of(repetitions, || start_parts(options));
    let (mut deploy, mut again, mut destroy) =
        (Samples::default(), Samples::default(), Samples::default());
    let mut version = Samples::default();
    for _ in 0..repetitions {
        let stack = Stack::empty(options);
        version.add(stack.run(&["--version"]));
        deploy.add(stack.deploy());
        again.add(stack.deploy());
        destroy.add(stack.destroy());
    }
    let process = (Figure::Time(version.median()), "cqrs --version");
    let whole = Figure::Time(version.median() + parts.median());
    let mut add = |what, samples: &Samples, floor, target| {
        report.add(what, Figure::Time(samples.median()), Some(floor), target);
    };
    add(
        "deploy --local, new",
        &deploy,
        (
            whole,
            "cqrs --version + starting the cache and the handlers",
        ),
        Some("0.7 s"),
    );
    add("deploy --local, no change", &again, process, Some("0.2 s"));
    add("destroy --local", &destroy, process, Some("0.3 s"));
}

/// The cache and the three handlers, one after the other, each until it is ready.
fn start_parts(options: &Options) {
    let cache = Valkey::start();
    let url = cache.url();
    let environment = [("CACHE_URL", url.as_str()), ("ORDERS_TABLE", "orders")];
    for handler in HANDLERS {
        Handler::start(options.handlers.join(handler), &environment).first_poll();
    }
}

/// `order create`, which is one call of the publisher.
pub(crate) fn create(stack: &Stack, report: &mut Report) {
    let repetitions = if stack.quick { 50 } else { 200 };
    let mut connection = stack.connection();
    let invoke = Samples::of(repetitions, || {
        Stack::create(&mut connection);
    });
    let version: Samples = (0..repetitions)
        .map(|_| stack.run(&["--version"]))
        .collect();
    let create = [
        "order",
        "create",
        "--local",
        "--client",
        "1",
        "--product",
        "2",
    ];
    let create: Samples = (0..repetitions).map(|_| stack.run(&create)).collect();
    let floor = (
        Figure::Time(version.median() + invoke.median()),
        "cqrs --version + one Invoke",
    );
    report.add(
        "order create --local",
        Figure::Time(create.median()),
        Some(floor),
        Some("15 ms"),
    );
    report.add(
        "order create --local, p99",
        Figure::Time(create.percentile(99)),
        Some(floor),
        None,
    );
}
