//! A way to a server on which one request is stopped, for as long as the test wants.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

/// Passes on all that comes, up to the first bytes that hold a text: these arrive nowhere.
pub(crate) struct Hold {
    port: u16,
    held: Receiver<()>,
}

impl Hold {
    /// A way to `endpoint`, an `http://` address.
    pub(crate) fn before(endpoint: &str, text: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let address = endpoint.trim_start_matches("http://").to_owned();
        let (tell, held) = channel();
        // It ends with the test's process.
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let server = TcpStream::connect(&address).unwrap();
                let (answers, back) = (server.try_clone().unwrap(), client.try_clone().unwrap());
                thread::spawn(move || pass_on(answers, back, None));
                let tell = tell.clone();
                thread::spawn(move || pass_on(client, server, Some((text, tell))));
            }
        });
        Self { port, held }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Waits until the request came.
    pub(crate) fn wait(&self) {
        self.held.recv().unwrap();
    }
}

fn pass_on(mut from: TcpStream, mut to: TcpStream, hold: Option<(&str, Sender<()>)>) {
    let mut bytes = [0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        let text = String::from_utf8_lossy(&bytes[..count]);
        if let Some((_, tell)) = hold.as_ref().filter(|(held, _)| text.contains(held)) {
            // The test may have its first already.
            let _ = tell.send(());
            continue;
        }
        if to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}
