//! What a stack takes while nothing is asked of it.

use std::thread;
use std::time::Duration;

use test_support::tree::Seen;

use crate::report::{Figure, Report};
use crate::stack::Stack;

const HANDLERS: [&str; 3] = ["publisher", "subscriber", "query"];

pub(crate) fn measure(stack: &Stack, report: &mut Report) {
    // What the last request set off may still be under way.
    thread::sleep(Duration::from_secs(1));
    let processes = stack.processes();
    let used = || -> Duration { processes.iter().map(Seen::cpu_time).sum() };
    let duration = Duration::from_secs(if stack.quick { 3 } else { 10 });
    let before = used();
    thread::sleep(duration);
    let share = (used() - before).as_secs_f64() / duration.as_secs_f64();
    report.add(
        "idle: CPU of all processes",
        Figure::Share(share),
        None,
        Some("0.0 %"),
    );
    let host = stack.host();
    let memory = |wanted: &dyn Fn(&Seen) -> bool| -> Figure {
        let wanted = processes.iter().filter(|process| wanted(process));
        Figure::Memory(wanted.map(Seen::memory).sum())
    };
    let is_handler = |process: &Seen| HANDLERS.contains(&process.name.as_str());
    let is_host = |process: &Seen| process.pid == host.pid;
    let is_cache = |process: &Seen| process.name.contains("-server");
    report.add(
        "idle: memory of host and handlers",
        memory(&|process| is_host(process) || is_handler(process)),
        None,
        Some("60 MB"),
    );
    report.add("of which the host", memory(&is_host), None, None);
    report.add("of which the handlers", memory(&is_handler), None, None);
    report.add("memory of the cache", memory(&is_cache), None, None);
    let watcher = |process: &Seen| !is_host(process) && !is_handler(process) && !is_cache(process);
    report.add("memory of the watcher", memory(&watcher), None, None);
    let handlers = processes.iter().filter(|process| is_handler(process));
    report.add(
        "processes of handlers",
        Figure::Ratio(handlers.count() as f64),
        None,
        None,
    );
}
