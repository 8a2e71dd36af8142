//! Commands as whole processes, as a person or a script runs them.

use test_support::runtime_api::Handler;
use test_support::valkey::Valkey;

use crate::figure::Figure;
use crate::options::Options;
use crate::report::{Report, time};
use crate::samples::Samples;
use crate::stack::{HANDLERS, Stack};

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
    let parts = (
        whole,
        "cqrs --version + starting the cache and the handlers",
    );
    for (what, samples, (figure, beside), target) in [
        ("deploy --local, new", &deploy, parts, 700),
        ("deploy --local, no change", &again, process, 200),
        ("destroy --local", &destroy, process, 300),
    ] {
        report.add(
            time(what, samples.median())
                .beside(figure, beside)
                .within(target),
        );
    }
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
