//! AWS's wire protocols by hand: requests on one connection that stays open, without an SDK.
//!
//! For tests that must know what came of each request when the server dies in the middle, and for
//! measurements that an SDK's own time would blur. Nothing is signed and nothing is retried.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

/// Longer than any request should take; a server that is silent for longer has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection to a port of 127.0.0.1 that speaks AWS's protocols.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    /// What was read and not used yet.
    buffer: Vec<u8>,
}

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The header `X-Amz-Function-Error` was there.
    pub function_error: bool,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body of a success, as JSON.
    ///
    /// # Errors
    /// What was answered instead.
    pub fn json(&self) -> Result<serde_json::Value, String> {
        if self.status != 200 || self.function_error {
            return Err(format!(
                "status {}: {}",
                self.status,
                String::from_utf8_lossy(&self.body)
            ));
        }
        serde_json::from_slice(&self.body).map_err(|error| error.to_string())
    }
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn open(port: u16) -> io::Result<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self {
            stream,
            buffer: Vec::new(),
        })
    }

    /// Lambda's `Invoke`, which waits for the function's answer.
    ///
    /// # Errors
    /// The connection broke: whether the function ran is not known.
    pub fn invoke(&mut self, function: &str, payload: &str) -> io::Result<Answer> {
        let path = format!("/2015-03-31/functions/{function}/invocations");
        self.post(&path, "", payload)
    }

    /// An operation of DynamoDB, such as `PutItem`.
    ///
    /// # Errors
    /// The connection broke: whether the operation was carried out is not known.
    pub fn dynamodb(&mut self, operation: &str, body: &str) -> io::Result<Answer> {
        let headers = format!(
            "X-Amz-Target: DynamoDB_20120810.{operation}\r\n\
             Content-Type: application/x-amz-json-1.0\r\n"
        );
        self.post("/", &headers, body)
    }

    /// An operation of DynamoDB Streams, such as `GetRecords`.
    ///
    /// # Errors
    /// The connection broke.
    pub fn streams(&mut self, operation: &str, body: &str) -> io::Result<Answer> {
        let headers = format!(
            "X-Amz-Target: DynamoDBStreams_20120810.{operation}\r\n\
             Content-Type: application/x-amz-json-1.0\r\n"
        );
        self.post("/", &headers, body)
    }

    fn post(&mut self, path: &str, headers: &str, body: &str) -> io::Result<Answer> {
        // In one write, or the second would wait for the first one's acknowledgement.
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.stream.write_all(request.as_bytes())?;
        let end = loop {
            if let Some(at) = find(&self.buffer, b"\r\n\r\n") {
                break at;
            }
            self.receive()?;
        };
        let head = std::str::from_utf8(&self.buffer[..end]).map_err(malformed)?;
        let mut lines = head.split("\r\n");
        let status = lines
            .next()
            .and_then(|line| line.split(' ').nth(1)?.parse().ok())
            .ok_or_else(|| malformed("no status"))?;
        let mut length = None;
        let mut function_error = false;
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse::<usize>().ok();
            } else if name.eq_ignore_ascii_case("x-amz-function-error") {
                function_error = true;
            }
        }
        let whole = end + 4 + length.ok_or_else(|| malformed("a body without a length"))?;
        while self.buffer.len() < whole {
            self.receive()?;
        }
        let body = self.buffer[end + 4..whole].to_vec();
        self.buffer.drain(..whole);
        Ok(Answer {
            status,
            function_error,
            body,
        })
    }

    fn receive(&mut self) -> io::Result<()> {
        let mut chunk = [0; 16 * 1024];
        match self.stream.read(&mut chunk)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            count => {
                self.buffer.extend_from_slice(&chunk[..count]);
                Ok(())
            }
        }
    }
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

fn malformed(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{Reply, Server};

    #[test]
    fn requests_follow_each_other_on_one_connection() {
        let server = Server::start(|request| {
            assert_eq!(request.path, "/2015-03-31/functions/f/invocations");
            Reply::Answer {
                status: 200,
                headers: Vec::new(),
                body: request.body,
            }
        });
        let mut connection = Connection::open(server.address().port()).unwrap();
        for payload in ["1", "", "[2]"] {
            let answer = connection.invoke("f", payload).unwrap();
            assert_eq!(answer.body, payload.as_bytes());
        }
    }

    #[test]
    fn a_function_that_failed_differs_from_one_that_answered() {
        let server = Server::start(|_| Reply::Answer {
            status: 200,
            headers: vec![("X-Amz-Function-Error".into(), "Unhandled".into())],
            body: b"{}".to_vec(),
        });
        let mut connection = Connection::open(server.address().port()).unwrap();
        assert_eq!(
            connection.invoke("f", "{}").unwrap().json(),
            Err("status 200: {}".into())
        );
    }

    #[test]
    fn a_server_that_hangs_up_is_an_error() {
        let server = Server::start(|_| Reply::HangUp);
        let mut connection = Connection::open(server.address().port()).unwrap();
        let error = connection.dynamodb("PutItem", "{}").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }
}
