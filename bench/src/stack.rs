//! A stack on this machine: at rest, one operation at a time, under load, with a table that grows,
//! and its read model made again. `cqrs bench` drives it; its own time is in the figures.

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use test_support::tree::{self, Seen};

use crate::Options;
use crate::project::Project;
use crate::report::{Report, Target, bytes, cores, rate, seconds};
use crate::samples::{Samples, in_turn};

const SMALLEST: usize = 1000;

pub(crate) fn measure(options: &Options, report: &mut Report) {
    let stack = Project::deployed(options);
    let one_at_a_time = ["--concurrency", "1", "--orders", "200"];
    stack.bench(&one_at_a_time);
    at_rest(options, &stack, report);
    under_load(options, &stack, report);
    let mut first: Option<Vec<f64>> = None;
    let sizes = std::iter::successors(Some(SMALLEST), |size| Some(size * 10));
    for size in sizes.take_while(|size| *size <= options.scaled(options.orders)) {
        stack.run(&["bench", "--clean", "--yes"]);
        if size > SMALLEST {
            let orders = size.to_string();
            stack.bench(&[
                "--concurrency",
                "32",
                "--mix",
                "create=1",
                "--orders",
                &orders,
            ]);
        }
        let run = stack.bench(&one_at_a_time);
        let p50 = |of: &Value| of["p50"].as_f64().unwrap_or(f64::NAN) / 1e3;
        let step = |name: &str| p50(&run["steps"][name]["latencyMs"]);
        let figures = vec![
            step("create"),
            step("get"),
            step("list"),
            p50(&run["visible"]["lagMs"]),
        ];
        let names = ["create", "get", "list", "answer to visible"];
        for (at, (name, figure)) in names.iter().zip(&figures).enumerate() {
            let line = seconds(format!("{name}, p50, {size} orders"), *figure);
            report.add(match &first {
                None => line,
                Some(first) => line
                    .beside(first[at], format!("with {SMALLEST} orders"))
                    .target(Target::RatioAtMost(1.5)),
            });
        }
        let host = tree::seen(stack.host("pid")).unwrap().memory() as f64;
        let host = bytes(format!("memory of the host, {size} orders"), host);
        report.add(host.target(Target::AtMost(50e6)));
        let disk = stack.disk() as f64;
        report.add(bytes(format!("disk, {size} orders"), disk));
        first.get_or_insert(figures);
    }
    made_again(options, &stack, report);
}

fn processes(stack: &Project) -> Vec<Seen> {
    let host = stack.host("pid");
    tree::below(host)
        .into_iter()
        .chain(tree::seen(host))
        .collect()
}

fn at_rest(options: &Options, stack: &Project, report: &mut Report) {
    // What the last request set off may still be under way.
    thread::sleep(Duration::from_secs(1));
    let all = processes(stack);
    let used = || -> Duration { all.iter().map(Seen::cpu_time).sum() };
    let duration = Duration::from_secs(options.scaled(10) as u64);
    let before = used();
    thread::sleep(duration);
    let share = (used() - before).as_secs_f64() / duration.as_secs_f64();
    let share = cores("idle: CPU of all processes", share);
    report.add(share.target(Target::AtMost(0.001)));
    let memory = |of: &dyn Fn(&Seen) -> bool| -> f64 {
        all.iter()
            .filter(|process| of(process))
            .map(Seen::memory)
            .sum::<u64>() as f64
    };
    let is_cache = |process: &Seen| process.name.contains("-server");
    let own = memory(&|process| !is_cache(process));
    let own = bytes("idle: memory of all but the cache", own);
    report.add(own.target(Target::AtMost(60e6)));
    report.add(bytes("idle: memory of the cache", memory(&is_cache)));
}

fn under_load(options: &Options, stack: &Project, report: &mut Report) {
    let duration = format!("{}s", options.scaled(10));
    let arguments = [
        "--concurrency",
        "32",
        "--mix",
        "create=1",
        "--duration",
        &duration,
    ];
    let run = stack.bench(&arguments);
    let number = |value: &Value| value.as_f64().unwrap_or(f64::NAN);
    report.add(rate("creates, 32 at a time", number(&run["perSecond"])));
    let lag = number(&run["visible"]["lagMs"]["max"]) / 1e3;
    report.add(seconds("longest lag meanwhile", lag).target(Target::AtMost(1.0)));
    let client = number(&run["client"]["cpuShare"]);
    report.add(cores("of a processor, the client took", client));
}

/// The commands that read the whole table, beside one that only reads it.
fn made_again(options: &Options, stack: &Project, report: &mut Report) {
    let table = stack
        .connection()
        .dynamodb("ListTables", "{}")
        .unwrap()
        .json()
        .unwrap();
    let table = table["TableNames"][0].clone();
    let orders = scan(stack, &table);
    let [scanned, rebuilt, verified] = in_turn(
        options.scaled(3),
        [
            &mut || assert_eq!(scan(stack, &table), orders),
            &mut || drop(stack.run(&["rebuild", "--restart"])),
            &mut || drop(stack.run(&["verify"])),
        ],
    );
    let mut add = |what: &str, samples: &Samples| {
        let line = seconds(format!("{what}, {orders} orders"), samples.median());
        report.add(line.beside(scanned.median(), "a Scan of the table"));
    };
    add("cqrs rebuild", &rebuilt);
    add("cqrs verify", &verified);
}

/// Reads the table; gives how many items it has.
fn scan(stack: &Project, table: &Value) -> u64 {
    let mut connection = stack.connection();
    let mut request = json!({"TableName": table});
    let mut count = 0;
    loop {
        let answer = connection.dynamodb("Scan", &request.to_string()).unwrap();
        let mut page = answer.json().unwrap();
        count += page["Count"].as_u64().unwrap();
        request["ExclusiveStartKey"] = page["LastEvaluatedKey"].take();
        if request["ExclusiveStartKey"].is_null() {
            return count;
        }
    }
}
