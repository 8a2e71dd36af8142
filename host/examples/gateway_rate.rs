//! How many requests the port answers in a second, beside the least that an HTTP server can do here.
//!
//! The route is the trivial one, `/_cqrs/health`; the floor is a bare hyper server that says "ok".
//! Both are asked in turn, by the same clients, on connections that stay open:
//! `cargo run --release -p host --example gateway_rate`.
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measurement that fails may end as it likes"
)]

use std::convert::Infallible;
use std::future::Future;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use host::gateway::{self, Control, Services};
use host::journal::Journal;
use host::lambda::{Functions, Settings};
use host::mapping::Mappings;
use host::offspring::Offspring;
use host::queue::Queues;
use host::store::{Reply, Store};
use http::Response;
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

const WHILE: Duration = Duration::from_secs(2);
const REQUEST: &[u8] = b"GET /_cqrs/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";

struct Nothing;

impl Control for Nothing {
    fn call<'a>(
        &'a self,
        _: &'a str,
        _: Bytes,
    ) -> Pin<Box<dyn Future<Output = Reply> + Send + 'a>> {
        let body = Bytes::new();
        Box::pin(std::future::ready(Reply { status: 200, body }))
    }
}

#[tokio::main]
async fn main() {
    if std::env::args().nth(1).as_deref() == Some("watch") {
        host::offspring::watch();
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let floor = floor().await;
    let (_stop, port) = port(folder.path().to_owned()).await;
    println!("connections  bare hyper/s  port/s  ratio");
    for connections in [1, 8, 32] {
        let (mut bare, mut own) = (0.0, 0.0);
        // In turn, so that a busy moment of the machine falls on both.
        for _ in 0..3 {
            bare += rate(floor, connections).await / 3.0;
            own += rate(port, connections).await / 3.0;
        }
        println!(
            "{connections:>11}  {bare:>12.0}  {own:>6.0}  {:>5.2}",
            own / bare
        );
    }
}

/// A server that says "ok".
async fn floor() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            tokio::spawn(async move {
                let service = service_fn(async |_| {
                    Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"ok"))))
                });
                let _ = http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    });
    port
}

async fn port(folder: PathBuf) -> (watch::Sender<bool>, u16) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let region = "eu-west-1".to_owned();
    let program = std::env::current_exe().unwrap();
    let settings = Settings {
        region: region.clone(),
        endpoint_url: format!("http://127.0.0.1:{port}"),
        logs: folder.join("logs"),
    };
    let store = Store::open(&folder.join("data.db"), &region).unwrap();
    let functions = Functions::new(
        settings,
        Offspring::new(program, &["watch"], &folder).unwrap(),
    );
    let journal = Journal::in_memory().unwrap();
    let queues = Queues::new(journal.clone(), &region).unwrap();
    let parts = (store.clone(), functions.clone(), queues.clone());
    let services = Services {
        mappings: Mappings::new(&region, journal, parts.0, parts.1, parts.2).unwrap(),
        store,
        functions,
        queues,
        control: Arc::new(Nothing),
        token: String::new(),
        region,
    };
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(gateway::serve(listener, services, stopped));
    (stop, port)
}

/// Requests in a second over so many connections, each with one request at a time.
async fn rate(port: u16, connections: usize) -> f64 {
    let start = Instant::now();
    let clients: Vec<_> = (0..connections)
        .map(|_| tokio::spawn(client(port)))
        .collect();
    let mut requests = 0_u32;
    for client in clients {
        requests += client.await.unwrap();
    }
    f64::from(requests) / start.elapsed().as_secs_f64()
}

async fn client(port: u16) -> u32 {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))
        .await
        .unwrap();
    stream.set_nodelay(true).unwrap();
    let start = Instant::now();
    let mut buffer = [0; 4096];
    let mut requests = 0;
    while start.elapsed() < WHILE {
        stream.write_all(REQUEST).await.unwrap();
        // Both answers come in one piece.
        let read = stream.read(&mut buffer).await.unwrap();
        assert!(buffer[..read].starts_with(b"HTTP/1.1 200 OK"), "{read}");
        requests += 1;
    }
    requests
}
