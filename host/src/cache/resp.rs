//! As much of the Redis protocol (RESP2) as it takes to ask a server how it is.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Address;

/// How long a server that is asked something may take, and one that is connected to.
const PATIENCE: Duration = Duration::from_secs(2);
/// More than any answer to what is asked here.
const LONGEST: usize = 1 << 20;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum RespError {
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The server's own words, such as `NOAUTH Authentication required.`
    #[error("{0}")]
    Refused(String),
    #[error("it does not speak the protocol of Redis")]
    Foreign,
    #[error("it accepts connections and says nothing")]
    TimedOut,
}

/// Asks one thing over a connection of its own: what is asked here is asked rarely.
pub(super) async fn ask(address: &Address, words: &[&str]) -> Result<Option<String>, RespError> {
    let asking = async {
        let stream = TcpStream::connect((address.host.as_str(), address.port)).await?;
        stream.set_nodelay(true)?;
        let mut stream = BufStream::new(stream);
        let mut request = format!("*{}\r\n", words.len());
        for word in words {
            request.push_str(&format!("${}\r\n{word}\r\n", word.len()));
        }
        stream.write_all(request.as_bytes()).await?;
        stream.flush().await?;
        answer(&mut stream).await
    };
    timeout(PATIENCE, asking)
        .await
        .map_err(|_| RespError::TimedOut)?
}

/// A text, or that there is none.
async fn answer(stream: &mut BufStream<TcpStream>) -> Result<Option<String>, RespError> {
    let mut line = Vec::new();
    let mut bounded = (&mut *stream).take(LONGEST as u64);
    bounded.read_until(b'\n', &mut line).await?;
    let line = std::str::from_utf8(&line)
        .ok()
        .and_then(|line| line.strip_suffix("\r\n"))
        .ok_or(RespError::Foreign)?;
    match (line.get(..1), line.get(1..).unwrap_or_default()) {
        (Some("+"), text) => Ok(Some(text.to_owned())),
        (Some("-"), text) => Err(RespError::Refused(text.to_owned())),
        (Some("$"), "-1") => Ok(None),
        (Some("$"), length) => {
            let length: usize = length.parse().map_err(|_| RespError::Foreign)?;
            if length > LONGEST {
                return Err(RespError::Foreign);
            }
            let mut bytes = vec![0; length + 2];
            stream.read_exact(&mut bytes).await?;
            bytes.truncate(length);
            let text = String::from_utf8(bytes).map_err(|_| RespError::Foreign)?;
            Ok(Some(text))
        }
        _ => Err(RespError::Foreign),
    }
}

/// A field of the answer to `INFO`.
pub(super) fn info_field<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    info.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
        .map(str::trim_end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    /// What comes of an answer of these bytes.
    async fn answered(bytes: &'static [u8]) -> Result<Option<String>, RespError> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = Address {
            host: "127.0.0.1".to_owned(),
            port: listener.local_addr().unwrap().port(),
        };
        let serving = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 14];
            stream.read_exact(&mut request).await.unwrap();
            assert_eq!(&request, b"*1\r\n$4\r\nPING\r\n");
            stream.write_all(bytes).await.unwrap();
        });
        let reply = ask(&address, &["PING"]).await;
        serving.await.unwrap();
        reply
    }

    #[tokio::test]
    async fn each_kind_of_answer_is_read() {
        for (bytes, text) in [
            (&b"+PONG\r\n"[..], Some("PONG")),
            (b"$-1\r\n", None),
            (b"$4\r\na\r\nb\r\n", Some("a\r\nb")),
        ] {
            assert_eq!(answered(bytes).await.unwrap().as_deref(), text);
        }
        let refused = answered(b"-NOAUTH no\r\n").await.unwrap_err();
        assert_eq!(refused.to_string(), "NOAUTH no");
    }

    #[tokio::test]
    async fn another_kind_of_server_is_recognised() {
        for bytes in [
            &b"HTTP/1.1 400 Bad Request\r\n"[..],
            b"",
            b":12\r\n",
            b"+PONG",
            b"$9999999999\r\n",
        ] {
            let error = answered(bytes).await.unwrap_err();
            assert!(matches!(error, RespError::Foreign), "{error}");
        }
    }

    #[test]
    fn a_field_of_the_info_is_found_by_its_whole_name() {
        let info = "# Server\r\nredis_version:7.2.4\r\nversion:1\r\n";
        assert_eq!(info_field(info, "version"), Some("1"));
        assert_eq!(info_field(info, "redis_version"), Some("7.2.4"));
        assert_eq!(info_field(info, "redis"), None);
    }
}
