//! The process that stands in for AWS on this machine, as its callers meet it: at a port, with the
//! number that a signal needs.
//!
//! A process that is stopped (a debugger, SIGSTOP) takes connections and says nothing, for ever.
//! One that is busy answers others meanwhile: that tells the two apart, however long a call takes.

use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

/// How long a call goes on before it is asked whether anybody is there.
const LONG: Duration = Duration::from_secs(5);
/// How long that may stay without a byte.
const PATIENCE: Duration = Duration::from_secs(5);

/// See the module's documentation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    /// On 127.0.0.1.
    pub(crate) port: u16,
}

/// There is a process, and it does not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stack's process {pid} says nothing, for {} s now", (LONG + PATIENCE).as_secs())]
pub(crate) struct Silent {
    pub(crate) pid: u32,
}

impl Silent {
    pub(crate) fn hint(&self) -> String {
        let pid = self.pid;
        format!(
            "where it was stopped, `kill -CONT {pid}` lets it go on; `cqrs local stop` ends it, and \
             the next command starts it again"
        )
    }
}

impl Process {
    /// The address for AWS's clients.
    pub(crate) fn endpoint(self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Awaits `work`, which the process is to answer, unless it says nothing at all.
    pub(crate) async fn unless_silent<T>(self, work: impl Future<Output = T>) -> Result<T, Silent> {
        let silent = async {
            loop {
                sleep(LONG).await;
                // One that is gone is the work's to notice.
                if timeout(PATIENCE, self.first_byte()).await.is_err() {
                    return Silent { pid: self.pid };
                }
            }
        };
        tokio::select! {
            biased;
            done = work => Ok(done),
            silent = silent => Err(silent),
        }
    }

    /// Awaits the first byte of any answer; that this is none of its paths changes nothing.
    async fn first_byte(self) -> std::io::Result<()> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await?;
        let host = self.port;
        let request = format!("GET /_cqrs/ HTTP/1.1\r\nHost: 127.0.0.1:{host}\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        stream.read_u8().await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;

    fn at(listener: &TcpListener) -> Process {
        let port = listener.local_addr().unwrap().port();
        Process { pid: 7, port }
    }

    #[tokio::test(start_paused = true)]
    async fn a_process_that_takes_connections_and_says_nothing_is_named() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let never = std::future::pending::<()>();
        let silent = at(&listener).unless_silent(never).await.unwrap_err();
        assert_eq!(silent, Silent { pid: 7 });
        assert!(silent.hint().contains("kill -CONT 7"), "{}", silent.hint());
        let said = silent.to_string();
        assert_eq!(said, "the stack's process 7 says nothing, for 10 s now");
    }

    #[tokio::test]
    async fn one_that_answers_others_is_busy_and_waited_for() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let process = at(&listener);
        let (asked, seen) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 256]).unwrap();
            stream.write_all(b"H").unwrap();
            asked.send(()).unwrap();
        });
        assert_eq!(process.unless_silent(seen).await, Ok(Ok(())));
    }
}
