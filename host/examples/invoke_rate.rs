//! How fast functions are invoked, beside the floor: the same bytes over bare sockets between as
//! many processes.
//!
//! `cargo run --release -p host --example invoke_rate [seconds]`, after
//! `cargo build --release -p host --bins`.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement for people"
)]

use std::collections::BTreeMap;
use std::env;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{self, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::join_all;
use host::definition::Function;
use host::lambda::{Functions, InvokeOptions, Settings};
use host::offspring::Offspring;

const PAYLOAD: &str = r#"{"clientId":"123456789","productId":"abc-def-ghi"}"#;
/// About what two requests of a runtime and the host's answers to them take.
const REQUESTS: usize = 420;
const ANSWERS: usize = 560;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("watch") => return host::offspring::watch(),
        Some("pong") => return pong(&arguments[1]),
        _ => {}
    }
    let seconds = arguments.first().map_or(5, |text| text.parse().unwrap());
    let time = Duration::from_secs(seconds);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for (name, print) in [("silent", false), ("a log line each", true)] {
        for callers in [1, 8, 32] {
            let (rate, processes, p50, p99) = runtime.block_on(invoke(callers, print, time));
            let floor = floor(processes, time);
            println!(
                "{name}, {callers} callers: {rate:.0}/s, p50 {p50:.3} ms, p99 {p99:.3} ms, \
                 {processes} processes; floor {floor:.0}/s, ratio {:.2}",
                rate / floor
            );
        }
    }
}

async fn invoke(callers: usize, print: bool, time: Duration) -> (f64, usize, f64, f64) {
    let folder = tempfile::tempdir().unwrap();
    let offspring = Offspring::new(env::current_exe().unwrap(), &["watch"], folder.path()).unwrap();
    let settings = Settings {
        region: "eu-west-1".to_owned(),
        endpoint_url: "http://127.0.0.1:4000".to_owned(),
        logs: folder.path().to_owned(),
    };
    let functions = Functions::new(settings, offspring);
    functions
        .apply(vec![Function {
            logical_id: "F".to_owned(),
            name: "f".to_owned(),
            program: handler(),
            handler: "bootstrap".to_owned(),
            environment: BTreeMap::new(),
            timeout_seconds: 10,
            memory_mb: 256,
            reserved_concurrency: None,
            log_level: None,
            log_json: true,
            log_platform: false,
            log_group: "/aws/lambda/f".to_owned(),
        }])
        .await;
    assert!(functions.warm().await.is_empty());
    let payload = if print {
        let line = "x".repeat(180);
        Bytes::from(format!(r#"{{"print":["{line}"]}}"#))
    } else {
        Bytes::from_static(PAYLOAD.as_bytes())
    };
    // Environments start under load only.
    load(&functions, &payload, callers, Duration::from_secs(1)).await;
    let start = Instant::now();
    let mut took = load(&functions, &payload, callers, time).await;
    let rate = took.len() as f64 / start.elapsed().as_secs_f64();
    took.sort_unstable();
    let at = |part: f64| took[(took.len() as f64 * part) as usize].as_secs_f64() * 1_000.0;
    let processes = children(&handler());
    let result = (rate, processes, at(0.50), at(0.99));
    functions.stop().await;
    result
}

async fn load(
    functions: &Functions,
    payload: &Bytes,
    callers: usize,
    time: Duration,
) -> Vec<Duration> {
    let end = Instant::now() + time;
    let tasks = (0..callers).map(|_| {
        let (functions, payload) = (functions.clone(), payload.clone());
        tokio::spawn(async move {
            let mut took = Vec::new();
            loop {
                let start = Instant::now();
                if start >= end {
                    return took;
                }
                let invoked = functions
                    .invoke("f", payload.clone(), InvokeOptions::default())
                    .await
                    .unwrap();
                assert_eq!(invoked.payload, payload);
                took.push(start.elapsed());
            }
        })
    });
    let lists = join_all(tasks).await;
    lists.into_iter().flat_map(Result::unwrap).collect()
}

fn handler() -> PathBuf {
    let here = env::current_exe().unwrap();
    here.ancestors().nth(2).unwrap().join("scripted-handler")
}

/// Our children that run `program`.
fn children(program: &std::path::Path) -> usize {
    let output = Command::new("ps")
        .args(["-o", "args=", "--ppid", &process::id().to_string()])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let program = program.to_str().unwrap();
    text.lines()
        .filter(|line| line.starts_with(program))
        .count()
}

/// Round trips a second, of the bytes of one invocation, with one thread for each process.
fn floor(processes: usize, time: Duration) -> f64 {
    let listener = Arc::new(TcpListener::bind(("127.0.0.1", 0)).unwrap());
    let address = listener.local_addr().unwrap().to_string();
    let threads: Vec<_> = (0..processes)
        .map(|_| {
            let mut child = Command::new(env::current_exe().unwrap())
                .args(["pong", &address])
                .stdin(Stdio::null())
                .spawn()
                .unwrap();
            let (mut stream, _) = listener.accept().unwrap();
            stream.set_nodelay(true).unwrap();
            thread::spawn(move || {
                let start = Instant::now();
                let mut count = 0_u64;
                let (answer, mut request) = ([0; ANSWERS / 2], [0; REQUESTS / 2]);
                while start.elapsed() < time {
                    for _ in 0..2 {
                        stream.write_all(&answer).unwrap();
                        stream.read_exact(&mut request).unwrap();
                    }
                    count += 1;
                }
                drop(stream);
                child.wait().unwrap();
                count
            })
        })
        .collect();
    let counts = threads.into_iter().map(|thread| thread.join().unwrap());
    counts.sum::<u64>() as f64 / time.as_secs_f64()
}

fn pong(address: &str) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    let (mut answer, request) = ([0; ANSWERS / 2], [0; REQUESTS / 2]);
    while stream.read_exact(&mut answer).is_ok() {
        if stream.write_all(&request).is_err() {
            return;
        }
    }
}
