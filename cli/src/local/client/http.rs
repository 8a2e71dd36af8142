//! The tool's own requests: one document is posted and one is read, over a connection of its own.

use std::io;
use std::net::Ipv4Addr;

use bytes::Bytes;
use http::Request;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::local::protocol::HostFile;

/// An answer, whatever its status.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Bytes,
}

/// Posts to `/_cqrs/<path>` of the process.
pub(super) async fn post(host: &HostFile, path: &str, body: Vec<u8>) -> io::Result<Answer> {
    let HostFile { port, token, .. } = host;
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, *port)).await?;
    let request = Request::post(format!("/_cqrs/{path}"))
        .header(HOST, format!("127.0.0.1:{port}"))
        .header(AUTHORIZATION, format!("Bearer {token}"))
        .header(CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from(body)))
        .map_err(io::Error::other)?;
    answer(stream, request).await.map_err(io::Error::other)
}

async fn answer(stream: TcpStream, request: Request<Full<Bytes>>) -> hyper::Result<Answer> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // It ends with the sender.
    tokio::spawn(connection);
    let answer = sender.send_request(request).await?;
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await?.to_bytes();
    Ok(Answer { status, body })
}
