//! A proxy as companies have them, which remembers what it was asked for.

use std::io::{BufRead, BufReader, Write, copy};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// See the module's documentation. Its thread ends with the process.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// Passes connections and requests on to wherever they are for.
    #[must_use]
    pub fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let remembered = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let asked = Arc::clone(&remembered);
                std::thread::spawn(move || pass_on(&stream, &asked));
            }
        });
        Self { address, asked }
    }

    /// `http://host:port`
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The first line and the proxy's own credentials of each request, such as
    /// `CONNECT localhost:443 HTTP/1.1`.
    #[must_use]
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no panic while held").clone()
    }
}

/// Nothing is to be done where one of the two sides hangs up.
fn pass_on(client: &TcpStream, asked: &Mutex<Vec<String>>) -> Option<()> {
    let mut reader = BufReader::new(client);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let first = head.lines().next()?.to_owned();
    let signed = head
        .lines()
        .find(|line| line.to_ascii_lowercase().starts_with("proxy-auth"));
    let remembered = signed.map_or(first.clone(), |signed| format!("{first} {signed}"));
    asked.lock().expect("no panic while held").push(remembered);
    let (method, target) = first.split_once(' ')?;
    let target = target.split(' ').next()?;
    let host = target.split("://").last()?.split('/').next()?;
    let mut server = TcpStream::connect(host).ok()?;
    if method == "CONNECT" {
        let mut client = client;
        client.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").ok()?;
    } else {
        server.write_all(head.as_bytes()).ok()?;
    }
    let mut back = server.try_clone().ok()?;
    let mut to_client = client.try_clone().ok()?;
    let answering = std::thread::spawn(move || {
        let _ = copy(&mut back, &mut to_client);
        let _ = to_client.shutdown(Shutdown::Both);
    });
    let _ = copy(&mut reader, &mut server);
    let _ = server.shutdown(Shutdown::Write);
    let _ = answering.join();
    Some(())
}
