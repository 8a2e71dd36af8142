//! How many records a second the subscriber projects, beside the same commands without it.
//!
//! A proxy records what the subscriber sends to the cache for each batch. The floor sends those
//! bytes again, a batch at a time on one connection, to a cache that is as empty: the same scripts
//! with the same arguments at the same depth of pipeline, and nothing read or made.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};

use test_support::runtime_api::Handler;
use test_support::valkey::Valkey;

use crate::figure::{Figure, Target};
use crate::options::Options;
use crate::proxy::Proxy;
use crate::report::{Report, line};
use crate::samples::Samples;
use crate::stream;

/// The template's default, and the most of one round trip.
const BATCHES: [usize; 2] = [100, 1000];

pub(crate) fn measure(options: &Options, report: &mut Report) {
    let rounds = if options.quick { 1 } else { 5 };
    let records = options.scaled(20_000);
    let cache = Valkey::start();
    for size in BATCHES {
        let events: Vec<_> = (0..records / size)
            .map(|number| stream::batch(number * size, size))
            .collect();
        let sent = record(options, &cache, &events);
        let (mut projected, mut replayed) = (Samples::default(), Samples::default());
        for _ in 0..rounds {
            empty(&cache);
            let mut handler = subscriber(options, cache.port());
            projected.time(|| project(&mut handler, &events));
            empty(&cache);
            let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, cache.port())).unwrap();
            stream.set_nodelay(true).unwrap();
            replayed.time(|| replay(&mut stream, &sent));
        }
        let rate = |samples: &Samples| {
            Figure::Rate((events.len() * size) as f64 / samples.median().as_secs_f64())
        };
        let projected = line(
            format!("subscriber, batches of {size}, records"),
            rate(&projected),
        );
        let beside = projected.beside(rate(&replayed), "the same commands without it");
        report.add(beside.target(Target::RatioAtLeast(0.6)));
    }
}

fn empty(cache: &Valkey) {
    cache.run::<()>(&["FLUSHALL"]);
    cache.run::<()>(&["SCRIPT", "FLUSH"]);
}

/// Ready, so that its start is not in what is measured.
fn subscriber(options: &Options, port: u16) -> Handler {
    let url = format!("redis://127.0.0.1:{port}");
    let handler = Handler::start(options.handlers.join("subscriber"), &[("CACHE_URL", &url)]);
    handler.first_poll();
    handler
}

fn project(handler: &mut Handler, events: &[String]) {
    for event in events {
        let answer = handler.invoke_raw(event.clone()).unwrap();
        let failures = answer["batchItemFailures"].as_array().unwrap();
        assert!(failures.is_empty(), "{answer}");
    }
}

/// What the subscriber sends for each event, and how many bytes it is answered.
fn record(options: &Options, cache: &Valkey, events: &[String]) -> Vec<(Vec<u8>, usize)> {
    empty(cache);
    let proxy = Proxy::to(cache.port());
    let mut handler = subscriber(options, proxy.port());
    let record = |event| {
        proxy.forget();
        project(&mut handler, std::slice::from_ref(event));
        let mut sent = proxy.sent();
        assert_eq!(sent.len(), 1, "the subscriber has one connection");
        sent.remove(0)
    };
    events.iter().map(record).collect()
}

fn replay(stream: &mut TcpStream, sent: &[(Vec<u8>, usize)]) {
    let mut answer = Vec::new();
    for (commands, answered) in sent {
        stream.write_all(commands).unwrap();
        answer.resize(*answered, 0);
        stream.read_exact(&mut answer).unwrap();
        assert!(!answer.contains(&b'-'), "an error among the answers");
    }
}
