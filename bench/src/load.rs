//! Many clients at once: how many orders a second, and how far the read model stays behind.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use test_support::tree::Seen;
use test_support::wire::Connection;

use crate::figure::{Figure, Target};
use crate::fill;
use crate::options::Options;
use crate::report::{Report, line, time};
use crate::samples::Samples;
use crate::stack::Stack;

const CLIENTS: usize = 32;
/// Between two looks at the read model. Each takes a moment of the processor from the stack.
const PAUSE: Duration = Duration::from_millis(2);

pub(crate) fn measure(options: &Options, stack: &Stack, report: &mut Report) {
    let duration = Duration::from_secs(if stack.quick { 3 } else { 10 });
    let echoes = echoes_per_second(options, duration / 2);
    let puts = puts_per_second(stack, duration / 2);
    let before = stack.count();
    let used_before: HashMap<_, _> = cpu_times(stack)
        .map(|(process, used)| (process.pid, used))
        .collect();

    // The order that was acknowledged last, and when.
    let newest = Mutex::new(None);
    let done = AtomicBool::new(false);
    let mut lags = Samples::default();
    let mut created = 0;
    thread::scope(|scope| {
        let watching = scope.spawn(|| watch(stack, &newest, &done));
        created = run(stack, duration, |connection| {
            let id = Stack::create(connection);
            *newest.lock().unwrap() = Some((id, Instant::now()));
        });
        done.store(true, Ordering::Relaxed);
        lags = watching.join().unwrap();
    });
    let ended = Instant::now();
    let used_after: Vec<_> = cpu_times(stack).collect();
    stack.wait_until_read(before + created);
    let caught_up = ended.elapsed();

    let each = |what: &str, rate| line(format!("{what}, {CLIENTS} clients"), Figure::Rate(rate));
    report.add(each("Invoke of an echo", echoes));
    report.add(each("PutItem", puts));
    // What a create must do, and the two share the processor.
    let floor = 1.0 / (1.0 / echoes + 1.0 / puts);
    let rate = created as f64 / duration.as_secs_f64();
    let creates = each("creates", rate).beside(Figure::Rate(floor), "an echo + PutItem");
    report.add(creates.target(Target::RatioAtLeast(0.6)));
    let all = each("creates by themselves", rate);
    report.add(all.target(Target::AtLeast(Figure::Rate(4000.0))));
    report.add(time("longest lag meanwhile", lags.longest()).within(1000));
    report.add(time("caught up after", caught_up).within(1000));
    // Environments that were added under the load began at nothing.
    let mut by_name = BTreeMap::<_, (Duration, usize)>::new();
    for (process, used) in used_after {
        let before = used_before.get(&process.pid).copied().unwrap_or_default();
        let (sum, count) = by_name.entry(process.name).or_default();
        *sum += used.saturating_sub(before);
        *count += 1;
    }
    for (name, (used, count)) in by_name {
        let share = used / u32::try_from(created.max(1)).unwrap();
        report.add(time(format!("CPU a create, {name} ({count})"), share));
    }
}

fn cpu_times(stack: &Stack) -> impl Iterator<Item = (Seen, Duration)> {
    stack.processes().into_iter().map(|process| {
        let used = process.cpu_time();
        (process, used)
    })
}

/// Lets all clients work for `duration`; gives how often they did.
fn run(stack: &Stack, duration: Duration, work: impl Fn(&mut Connection) + Sync) -> usize {
    let count = AtomicUsize::new(0);
    let end = Instant::now() + duration;
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                let mut connection = stack.connection();
                while Instant::now() < end {
                    work(&mut connection);
                    count.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    count.into_inner()
}

/// What the stack's process makes of functions that do nothing.
fn echoes_per_second(options: &Options, duration: Duration) -> f64 {
    let stack = Stack::of_echoes(options);
    // Environments are added under load only.
    run(&stack, duration / 4, |connection| {
        drop(Stack::invoke(connection))
    });
    let echoes = run(&stack, duration, |connection| {
        drop(Stack::invoke(connection))
    });
    echoes as f64 / duration.as_secs_f64()
}

/// The floor: the same writes without the function, to a table whose stream nobody reads.
fn puts_per_second(stack: &Stack, duration: Duration) -> f64 {
    let table = stack.scratch_table();
    let next = AtomicUsize::new(0);
    let puts = run(stack, duration, |connection| {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let request = fill::put(table, &format!("load-{number:026}"));
        let answer = connection.dynamodb("PutItem", &request);
        let _ = answer.unwrap();
    });
    puts as f64 / duration.as_secs_f64()
}

/// Follows the newest order to the read model, again and again; gives how long each took from its
/// acknowledgement.
fn watch(stack: &Stack, newest: &Mutex<Option<(String, Instant)>>, done: &AtomicBool) -> Samples {
    let mut cache = stack.cache();
    let mut lags = Samples::default();
    while !done.load(Ordering::Relaxed) {
        let latest = newest.lock().unwrap().take();
        if let Some((id, acknowledged)) = latest {
            while !cache.has_order(&id) {
                thread::sleep(PAUSE);
            }
            lags.add(acknowledged.elapsed());
        }
        thread::sleep(PAUSE);
    }
    lags
}
