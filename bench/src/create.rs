//! `order create`, a whole process each time, beside what it is made of and beside the AWS CLI.

use std::process::{Command, Stdio};

use test_support::workspace;

use crate::figure::{Figure, Target};
use crate::options::Options;
use crate::report::{Report, time};
use crate::samples::Samples;
use crate::stack::Stack;

const CREATE: [&str; 6] = ["order", "create", "--client", "1", "--product", "2"];
const PAYLOAD: &str = r#"{"clientId":"1","productId":"2"}"#;

pub(crate) fn measure(options: &Options, stack: &Stack, report: &mut Report) {
    let repetitions = if options.quick { 50 } else { 200 };
    let mut connection = stack.connection();
    let (mut invoke, mut version, mut create) =
        (Samples::default(), Samples::default(), Samples::default());
    for _ in 0..repetitions {
        invoke.time(|| Stack::create(&mut connection));
        version.add(stack.run(&["--version"]));
        create.add(stack.run_with(&CREATE, &local()).took);
    }
    let floor = Figure::Time(version.median() + invoke.median());
    for percent in [50, 99] {
        let took = create.percentile(percent);
        let line = time(format!("order create --local, p{percent}"), took);
        report.add(line.beside(floor, "cqrs --version + one Invoke").within(15));
    }
    peer(options, stack, report);
}

fn local() -> [(&'static str, String); 1] {
    [("CQRS_LOCAL", "1".to_owned())]
}

/// Both tools invoke the same function at the same address, neither told that it is this machine's.
fn peer(options: &Options, stack: &Stack, report: &mut Report) {
    let program = workspace().join("target/venv/bin/aws");
    if !program.is_file() {
        eprintln!("no AWS CLI beside it: scripts/tools installs one");
        return;
    }
    let environment = [
        (
            "AWS_ENDPOINT_URL",
            format!("http://127.0.0.1:{}", stack.port()),
        ),
        ("AWS_REGION", "us-east-1".to_owned()),
        ("AWS_DEFAULT_REGION", "us-east-1".to_owned()),
        ("AWS_ACCESS_KEY_ID", "test".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
    ];
    let (mut own, mut theirs) = (Samples::default(), Samples::default());
    for _ in 0..if options.quick { 3 } else { 20 } {
        own.add(stack.run_with(&CREATE, &environment).took);
        theirs.time(|| {
            let status = Command::new(&program)
                .args(["lambda", "invoke", "--function-name", "cqrs-publisher"])
                .args(["--payload", PAYLOAD, "/dev/null"])
                .env_clear()
                .envs(environment.iter().map(|(name, value)| (name, value)))
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .status();
            assert!(status.unwrap().success(), "the AWS CLI fails");
        });
    }
    let line = time("order create, at an endpoint", own.median());
    let beside = line.beside(
        Figure::Time(theirs.median()),
        "aws lambda invoke (AWS CLI 1)",
    );
    report.add(beside.target(Target::RatioAtMost(0.05)));
}
