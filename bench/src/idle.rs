//! What a stack takes while nothing is asked of it.

use std::thread;
use std::time::Duration;

use test_support::tree::Seen;

use crate::figure::{Figure, Target};
use crate::report::{Report, line};
use crate::stack::{HANDLERS, Stack};

pub(crate) fn measure(stack: &Stack, report: &mut Report) {
    // What the last request set off may still be under way.
    thread::sleep(Duration::from_secs(1));
    let processes = stack.processes();
    let used = || -> Duration { processes.iter().map(Seen::cpu_time).sum() };
    let duration = Duration::from_secs(if stack.quick { 3 } else { 10 });
    let before = used();
    thread::sleep(duration);
    let share = (used() - before).as_secs_f64() / duration.as_secs_f64();
    let cpu = line("idle: CPU of all processes", Figure::Share(share));
    report.add(cpu.target(Target::AtMost(Figure::Share(0.001))));
    let host = stack.host();
    let memory = |wanted: &dyn Fn(&Seen) -> bool| -> Figure {
        let wanted = processes.iter().filter(|process| wanted(process));
        Figure::Memory(wanted.map(Seen::memory).sum())
    };
    let is_handler = |process: &Seen| HANDLERS.contains(&process.name.as_str());
    let is_host = |process: &Seen| process.pid == host.pid;
    let is_cache = |process: &Seen| process.name.contains("-server");
    let whole = memory(&|process| is_host(process) || is_handler(process));
    let bound = Target::AtMost(Figure::Memory(60_000_000));
    report.add(line("idle: memory of host and handlers", whole).target(bound));
    report.add(line("of which the host", memory(&is_host)));
    report.add(line("of which the handlers", memory(&is_handler)));
    report.add(line("memory of the cache", memory(&is_cache)));
    let watcher = |process: &Seen| !is_host(process) && !is_handler(process) && !is_cache(process);
    report.add(line("memory of the watcher", memory(&watcher)));
    let handlers = processes.iter().filter(|process| is_handler(process));
    report.add(line(
        "processes of handlers",
        Figure::Count(handlers.count()),
    ));
}
