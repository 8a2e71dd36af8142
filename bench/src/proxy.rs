//! A proxy between a client and a server that remembers what passed, and when.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// What passed through one connection.
#[derive(Debug, Default)]
struct Passed {
    to_server: Vec<u8>,
    to_client: Vec<u8>,
    /// From a request's first byte to its answer's last.
    exchanges: Vec<(Instant, Instant)>,
    /// The client spoke last.
    asked: bool,
}

/// Listens on a port of its own for as long as it is held, and longer.
pub(crate) struct Proxy {
    port: u16,
    connections: Arc<Mutex<Vec<Arc<Mutex<Passed>>>>>,
}

impl Proxy {
    /// In front of the server on `port`.
    pub(crate) fn to(port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let proxy = Self {
            port: listener.local_addr().unwrap().port(),
            connections: Arc::default(),
        };
        let connections = Arc::clone(&proxy.connections);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let server = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
                let passed = Arc::<Mutex<Passed>>::default();
                connections.lock().unwrap().push(Arc::clone(&passed));
                copy(&client, &server, &passed, Passed::request);
                copy(&server, &client, &passed, Passed::answer);
            }
        });
        proxy
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Forgets what passed so far; connections stay.
    pub(crate) fn forget(&self) {
        for passed in self.connections.lock().unwrap().iter() {
            let mut passed = passed.lock().unwrap();
            let asked = passed.asked;
            *passed = Passed::default();
            passed.asked = asked;
        }
    }

    /// For how long at least one request waited for its answer.
    pub(crate) fn outstanding(&self) -> Duration {
        let connections = self.connections.lock().unwrap();
        let all = connections.iter();
        covered(
            all.flat_map(|passed| passed.lock().unwrap().exchanges.clone())
                .collect(),
        )
    }

    /// What the clients sent, and how many bytes they were answered, of all connections.
    pub(crate) fn sent(&self) -> Vec<(Vec<u8>, usize)> {
        let connections = self.connections.lock().unwrap();
        let sent = connections.iter().map(|passed| {
            let passed = passed.lock().unwrap();
            (passed.to_server.clone(), passed.to_client.len())
        });
        sent.collect()
    }
}

impl Passed {
    fn request(&mut self, bytes: &[u8]) {
        if !self.asked {
            let now = Instant::now();
            self.exchanges.push((now, now));
        }
        self.asked = true;
        self.to_server.extend_from_slice(bytes);
        self.seen();
    }

    fn answer(&mut self, bytes: &[u8]) {
        self.asked = false;
        self.to_client.extend_from_slice(bytes);
        self.seen();
    }

    fn seen(&mut self) {
        if let Some((_, end)) = self.exchanges.last_mut() {
            *end = Instant::now();
        }
    }
}

fn copy(
    from: &TcpStream,
    to: &TcpStream,
    passed: &Arc<Mutex<Passed>>,
    note: fn(&mut Passed, &[u8]),
) {
    to.set_nodelay(true).unwrap();
    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
    let passed = Arc::clone(passed);
    thread::spawn(move || {
        let mut buffer = vec![0; 256 * 1024];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            // Before it is passed on: whoever gets it may look at once.
            note(&mut passed.lock().unwrap(), &buffer[..count]);
            if to.write_all(&buffer[..count]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    });
}

/// How much time the spans cover together.
fn covered(mut spans: Vec<(Instant, Instant)>) -> Duration {
    spans.sort_unstable();
    let mut sum = Duration::ZERO;
    let mut until = None;
    for (start, end) in spans {
        let start = until.map_or(start, |until: Instant| until.max(start));
        sum += end.saturating_duration_since(start);
        until = Some(until.map_or(end, |until| until.max(end)));
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_that_spans_share_counts_once() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let spans = vec![
            (at(30), at(40)),
            (at(0), at(10)),
            (at(5), at(20)),
            (at(6), at(7)),
        ];
        assert_eq!(covered(spans), Duration::from_millis(30));
    }

    #[test]
    fn what_passes_arrives_and_is_remembered() {
        let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let proxy = Proxy::to(server.local_addr().unwrap().port());
        let mut client = TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port())).unwrap();
        let (mut there, _) = server.accept().unwrap();
        client.write_all(b"question").unwrap();
        let mut question = [0; 8];
        there.read_exact(&mut question).unwrap();
        there.write_all(b"answer").unwrap();
        let mut answer = [0; 6];
        client.read_exact(&mut answer).unwrap();
        assert_eq!((&question, &answer), (b"question", b"answer"));
        assert_eq!(proxy.sent(), [(b"question".to_vec(), 6)]);
        assert!(proxy.outstanding() > Duration::ZERO);
        proxy.forget();
        assert_eq!(proxy.outstanding(), Duration::ZERO);
    }
}
