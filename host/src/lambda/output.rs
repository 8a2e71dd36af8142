//! What an environment's process writes to its standard output and error, line by line.
//!
//! Both end in one pipe, which keeps their order. The pipe is read when it becomes readable, and
//! also when the process answers: what it wrote before its answer is then in the pipe, so that a
//! line always counts to its own invocation.

use std::io::{self, PipeWriter};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use tokio::net::unix::pipe::Receiver;

use super::log::FunctionLog;

use crate::sync::Mutex;

/// In bytes; what is longer becomes several lines. CloudWatch's largest event was as long.
const LONGEST_LINE: usize = 256 * 1024;
/// In bytes, as `LogResult` of `Invoke` is documented.
const LONGEST_TAIL: usize = 4 * 1024;

/// See the module's documentation.
#[derive(Debug)]
pub(super) struct Output {
    pipe: Receiver,
    lines: Mutex<Lines>,
}

#[derive(Debug)]
struct Lines {
    log: Arc<FunctionLog>,
    /// The environment's log stream.
    stream: Arc<str>,
    /// The invocation that runs, or ran last.
    request_id: Option<Arc<str>>,
    tail: Option<Vec<u8>>,
    /// A line without its end.
    partial: Vec<u8>,
}

impl Output {
    /// A new pipe, and the end that the process writes to.
    pub(super) fn new(log: Arc<FunctionLog>, stream: Arc<str>) -> io::Result<(Self, PipeWriter)> {
        let (reader, writer) = io::pipe()?;
        let output = Self {
            pipe: Receiver::from_owned_fd(OwnedFd::from(reader))?,
            lines: Mutex::new(Lines {
                log,
                stream,
                request_id: None,
                tail: None,
                partial: Vec::new(),
            }),
        };
        Ok((output, writer))
    }

    /// Reads until the last writer is gone.
    pub(super) async fn follow(&self) {
        let mut ended = false;
        while !ended && self.pipe.readable().await.is_ok() {
            ended = self.read_with(|chunk| self.pipe.try_read(chunk));
        }
    }

    /// Takes what the process has written so far.
    pub(super) fn read(&self) {
        // Not the pipe's own method: that one waits for the news that there is something.
        self.read_with(|chunk| Ok(rustix::io::read(self.pipe.as_fd(), chunk)?));
    }

    /// Takes what is there; true at the pipe's end.
    fn read_with(&self, mut read: impl FnMut(&mut [u8]) -> io::Result<usize>) -> bool {
        let mut lines = self.lines.lock();
        let mut chunk = [0; 8 * 1024];
        loop {
            match read(&mut chunk) {
                Ok(0) => {
                    lines.end_line();
                    return true;
                }
                Ok(count) => lines.take(&chunk[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return error.kind() != io::ErrorKind::WouldBlock,
            }
        }
    }

    /// From now on, lines count to this invocation.
    pub(super) fn begin(&self, request_id: &Arc<str>, tail: bool) {
        let mut lines = self.lines.lock();
        lines.request_id = Some(Arc::clone(request_id));
        lines.tail = tail.then(Vec::new);
    }

    /// A line of the platform's own, for log and tail.
    pub(super) fn add(&self, line: &str) {
        self.lines.lock().line(line.as_bytes());
    }

    /// The tail, where the invocation asked for it.
    pub(super) fn take_tail(&self) -> Option<Vec<u8>> {
        self.lines.lock().tail.take()
    }
}

impl Lines {
    fn take(&mut self, mut chunk: &[u8]) {
        while let Some(end) = chunk.iter().position(|&byte| byte == b'\n') {
            let (line, rest) = (&chunk[..end], &chunk[end + 1..]);
            if self.partial.is_empty() {
                self.line(line);
            } else {
                self.partial.extend_from_slice(line);
                self.end_line();
            }
            chunk = rest;
        }
        self.partial.extend_from_slice(chunk);
        if self.partial.len() >= LONGEST_LINE {
            self.end_line();
        }
    }

    fn end_line(&mut self) {
        if !self.partial.is_empty() {
            let line = std::mem::take(&mut self.partial);
            self.line(&line);
        }
    }

    fn line(&mut self, line: &[u8]) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        self.log
            .line(&self.stream, self.request_id.as_deref(), line);
        self.add_to_tail(line);
    }

    fn add_to_tail(&mut self, line: &[u8]) {
        if let Some(tail) = &mut self.tail {
            tail.extend_from_slice(line);
            tail.push(b'\n');
            if tail.len() > LONGEST_TAIL {
                tail.drain(..tail.len() - LONGEST_TAIL);
            }
        }
    }
}
