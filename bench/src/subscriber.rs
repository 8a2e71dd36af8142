//! How many records a second the subscriber projects, beside the same commands without it.
//!
//! A proxy records what the subscriber sends to the cache for each batch. The floor sends those
//! bytes again, a batch at a time on one connection, to a cache that is as empty: the same scripts
//! with the same arguments at the same depth of pipeline, and nothing read or made.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use test_support::runtime_api::Handler;
use test_support::valkey::Valkey;

use crate::Options;
use crate::events;
use crate::report::{Report, Target, rate};
use crate::samples::in_turn;

/// The template's default, and the most of one round trip.
const BATCHES: [usize; 2] = [100, 1000];

/// What was sent to the cache, and how many bytes it answered.
type Exchange = (Vec<u8>, usize);

pub(crate) fn measure(options: &Options, report: &mut Report) {
    let records = options.scaled(20_000);
    let cache = Valkey::start();
    for size in BATCHES {
        let batches = records / size;
        let batches = (0..batches).map(|number| events::batch(number * size, size));
        let batches: Vec<_> = batches.collect();
        let sent = record(options, &cache, &batches);
        let mut handler = subscriber(options, cache.port());
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, cache.port())).unwrap();
        stream.set_nodelay(true).unwrap();
        let [_, projected, _, replayed] = in_turn(
            options.scaled(5),
            [
                &mut || empty(&cache),
                &mut || project(&mut handler, &batches),
                &mut || empty(&cache),
                &mut || replay(&mut stream, &sent),
            ],
        );
        let count = (batches.len() * size) as f64;
        let what = format!("subscriber, batches of {size}, records");
        let line = rate(what, count / projected.median())
            .beside(count / replayed.median(), "the same commands without it")
            .target(Target::RatioAtLeast(0.6));
        report.add(line);
    }
}

fn empty(cache: &Valkey) {
    cache.run::<()>(&["FLUSHALL"]);
    cache.run::<()>(&["SCRIPT", "FLUSH"]);
    cache.complete();
}

/// Ready, so that its start is not in what is measured.
fn subscriber(options: &Options, port: u16) -> Handler {
    let url = format!("redis://127.0.0.1:{port}");
    let handler = Handler::start(
        options.programs.handlers.join("subscriber"),
        &[("CACHE_URL", &url)],
    );
    handler.first_poll();
    handler
}

fn project(handler: &mut Handler, batches: &[String]) {
    for batch in batches {
        let answer = handler.invoke_raw(batch.clone()).unwrap();
        let failures = answer["batchItemFailures"].as_array().unwrap();
        assert!(failures.is_empty(), "{answer}");
    }
}

/// What the subscriber sends for each batch.
fn record(options: &Options, cache: &Valkey, batches: &[String]) -> Vec<Exchange> {
    empty(cache);
    let passed = Arc::<Mutex<Exchange>>::default();
    let mut handler = subscriber(options, proxy(cache.port(), &passed));
    let sent = batches.iter().map(|batch| {
        *passed.lock().unwrap() = Exchange::default();
        project(&mut handler, std::slice::from_ref(batch));
        passed.lock().unwrap().clone()
    });
    sent.collect()
}

/// Listens in front of the server on `port` and notes what passes.
fn proxy(port: u16, passed: &Arc<Mutex<Exchange>>) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let own = listener.local_addr().unwrap().port();
    let passed = Arc::clone(passed);
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let server = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
            for (from, to, is_request) in [(&client, &server, true), (&server, &client, false)] {
                to.set_nodelay(true).unwrap();
                let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                let passed = Arc::clone(&passed);
                thread::spawn(move || {
                    let mut buffer = vec![0; 256 * 1024];
                    while let Ok(count @ 1..) = from.read(&mut buffer) {
                        let bytes = &buffer[..count];
                        let mut passed = passed.lock().unwrap();
                        if is_request {
                            passed.0.extend_from_slice(bytes);
                        } else {
                            passed.1 += count;
                        }
                        drop(passed);
                        if to.write_all(bytes).is_err() {
                            break;
                        }
                    }
                });
            }
        }
    });
    own
}

fn replay(stream: &mut TcpStream, sent: &[Exchange]) {
    let mut answer = Vec::new();
    for (commands, answered) in sent {
        stream.write_all(commands).unwrap();
        answer.resize(*answered, 0);
        stream.read_exact(&mut answer).unwrap();
        assert!(!answer.contains(&b'-'), "an error among the answers");
    }
}
