//! The tool's own requests: as much of HTTP/1.1 as it takes to post one document and read one.

use std::io::{self, ErrorKind};
use std::net::Ipv4Addr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::local::protocol::HostFile;

/// An answer, whatever its status.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

/// Posts to `/_cqrs/<path>` of the process, over a connection of its own.
pub(super) async fn post(host: &HostFile, path: &str, body: &[u8]) -> io::Result<Answer> {
    let HostFile { port, token, .. } = host;
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, *port)).await?;
    let mut request = format!(
        "POST /_cqrs/{path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\
         Authorization: Bearer {token}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    )
    .into_bytes();
    request.extend_from_slice(body);
    stream.write_all(&request).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    read(&answer).ok_or_else(|| io::Error::new(ErrorKind::InvalidData, "its answer is cut off"))
}

/// Takes an answer apart; none if it is no whole one.
fn read(answer: &[u8]) -> Option<Answer> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&answer[..end]).ok()?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.strip_prefix("HTTP/1.1 ")?.get(..3)?;
    let length: usize = lines
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse().ok())?;
    let body = answer.get(end + 4..end + 4 + length)?;
    Some(Answer {
        status: status.parse().ok()?,
        body: body.to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_and_body_are_read() {
        let answer = read(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\n{}").unwrap();
        assert_eq!((answer.status, answer.body.as_slice()), (400, &b"{}"[..]));
    }

    #[test]
    fn an_answer_that_is_cut_off_is_none() {
        for answer in [
            &b""[..],
            b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n",
            b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{",
            b"HTTP/1.1 200 OK\r\n\r\n{}",
            b"SSH-2.0\r\ncontent-length: 0\r\n\r\n",
        ] {
            assert!(
                read(answer).is_none(),
                "{}",
                String::from_utf8_lossy(answer)
            );
        }
    }
}
