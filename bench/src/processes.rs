//! The tool as people and scripts run it: whole processes.

use std::process::{Command, Stdio};

use test_support::runtime_api::Handler;
use test_support::valkey::Valkey;
use test_support::workspace;

use crate::Options;
use crate::events;
use crate::project::Project;
use crate::report::{Report, Target, seconds};
use crate::samples::{Samples, in_turn};

const CREATE: [&str; 6] = ["order", "create", "--client", "1", "--product", "2"];

/// How long the tool takes before it does anything, beside the least program.
pub(crate) fn start(options: &Options, report: &mut Report) {
    let run = |program: &std::path::Path, arguments: &[&str]| {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        assert!(command.status().unwrap().success(), "{command:?}");
    };
    let hello = Options::own_program("hello");
    let [floor, version, help] = in_turn(
        options.scaled(500),
        [
            &mut || run(&hello, &[]),
            &mut || run(&options.programs.cqrs, &["--version"]),
            &mut || run(&options.programs.cqrs, &["order", "create", "--help"]),
        ],
    );
    for (what, samples) in [
        ("cqrs --version", version),
        ("cqrs order create --help", help),
    ] {
        let line = seconds(what, samples.median())
            .beside(floor.median(), "a program that says hello")
            .target(Target::RatioAtMost(2.0));
        report.add(line);
    }
}

/// A stack on this machine: made, made again, removed; an order placed, beside what that is made of
/// and beside the AWS CLI.
pub(crate) fn commands(options: &Options, report: &mut Report) {
    let [
        mut process,
        mut parts,
        mut deploy,
        mut again,
        mut create,
        mut destroy,
    ] = std::array::from_fn(|_| Samples::default());
    for _ in 0..options.scaled(10) {
        let project = Project::new(options, &[("CQRS_LOCAL", "1")]);
        parts.time(|| start_parts(options));
        process.add(project.run(&["--version"]).took);
        deploy.add(project.deploy(&[]).took);
        again.add(project.deploy(&[]).took);
        for _ in 0..20 {
            create.add(project.run(&CREATE).took);
        }
        destroy.add(project.run(&["destroy", "--yes"]).took);
    }
    let whole = process.median() + parts.median();
    let whole = (
        whole,
        "cqrs --version + starting the cache and the handlers",
    );
    let process = (process.median(), "cqrs --version");
    let mut add = |what, value, (beside, is), most| {
        let line = seconds(what, value).beside(beside, is);
        report.add(line.target(Target::AtMost(most)));
    };
    add("deploy --local, new", deploy.median(), whole, 0.7);
    add("deploy --local, no change", again.median(), process, 0.2);
    add("destroy --local", destroy.median(), process, 0.3);
    add("order create --local, p50", create.median(), process, 0.015);
    let slowest = create.percentile(99);
    add("order create --local, p99", slowest, process, 0.015);
    beside_the_aws_cli(options, report);
}

/// The cache and the three handlers, one after the other, each until it is ready.
fn start_parts(options: &Options) {
    let cache = Valkey::start();
    let url = cache.url();
    let environment = [("CACHE_URL", url.as_str()), ("WRITE_MODEL_TABLE", "orders")];
    for handler in ["publisher", "subscriber", "query"] {
        Handler::start(options.programs.handlers.join(handler), &environment).first_poll();
    }
}

/// Both tools invoke the same function at the same address, and neither knows that it is this machine's.
fn beside_the_aws_cli(options: &Options, report: &mut Report) {
    let stack = Project::deployed(options);
    let endpoint = format!("http://127.0.0.1:{}", stack.host("port"));
    let elsewhere = Project::new(
        options,
        &[
            ("AWS_ENDPOINT_URL", endpoint.as_str()),
            ("AWS_REGION", "us-east-1"),
            ("AWS_DEFAULT_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
        ],
    );
    let payload = events::draft().to_string();
    let [own, theirs] = in_turn(
        options.scaled(20),
        [&mut || drop(elsewhere.run(&CREATE)), &mut || {
            let mut aws = Command::new(workspace().join("target/venv/bin/aws"));
            aws.args(["lambda", "invoke", "--function-name", "cqrs-publisher"]);
            aws.args(["--payload", &payload, "/dev/null"]);
            elsewhere.run_here(aws);
        }],
    );
    let line = seconds("order create, at an endpoint", own.median())
        .beside(theirs.median(), "aws lambda invoke (AWS CLI 1)");
    report.add(line.target(Target::RatioAtMost(0.05)));
}
