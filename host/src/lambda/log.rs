//! A function's log: one file per function, one line of it per line that the function writes.
//!
//! A line is `<milliseconds since 1970> <request id, or -> <log stream> <text>`, so that a reader
//! filters without parsing more than three words. Lines wait a moment in memory and are
//! written together; a file that reaches [`LARGEST_FILE`] becomes `<function>.log.1`, and what that
//! was is gone. A disk that is full loses lines and stops nothing.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast;

use super::LogLine;
use crate::clock::now_ms;
use crate::sync::Mutex;

mod read;

pub(crate) use read::{Line, LogReader, Place};

/// In bytes, before it is turned over.
const LARGEST_FILE: u64 = 10 * 1024 * 1024;
/// In bytes; what comes while so much waits for the disk is dropped, and counted.
const LARGEST_BUFFER: usize = 4 * 1024 * 1024;
/// How long a line waits for others to be written with.
const GATHERING: Duration = Duration::from_millis(25);

/// See the module's documentation.
#[derive(Debug)]
pub(super) struct FunctionLog {
    function: Arc<str>,
    path: PathBuf,
    followers: broadcast::Sender<LogLine>,
    buffer: Mutex<Buffer>,
    /// Held while the file is written, so that batches keep their order.
    file: Mutex<()>,
}

#[derive(Debug, Default)]
struct Buffer {
    text: Vec<u8>,
    dropped: u64,
    /// A task is about to write it.
    claimed: bool,
}

impl FunctionLog {
    pub(super) fn new(
        folder: &Path,
        function: &str,
        followers: broadcast::Sender<LogLine>,
    ) -> Arc<Self> {
        Arc::new(Self {
            function: function.into(),
            path: folder.join(format!("{function}.log")),
            followers,
            buffer: Mutex::default(),
            file: Mutex::default(),
        })
    }

    /// Adds a line, given without its line break.
    pub(super) fn line(self: &Arc<Self>, stream: &str, request_id: Option<&str>, text: &[u8]) {
        let mut buffer = self.buffer.lock();
        // Read here, so that the lines of the file are in the order of their times.
        let at_ms = now_ms();
        if buffer.text.len() + text.len() > LARGEST_BUFFER {
            buffer.dropped += 1;
        } else {
            let request_id = request_id.unwrap_or("-");
            // Writing to memory does not fail.
            let _ = write!(buffer.text, "{at_ms} {request_id} {stream} ");
            buffer.text.extend_from_slice(text);
            buffer.text.push(b'\n');
        }
        if !buffer.claimed {
            buffer.claimed = true;
            tokio::spawn(Arc::clone(self).write_soon());
        }
        drop(buffer);
        if self.followers.receiver_count() > 0 {
            // Fails where the last follower has just gone.
            let _ = self.followers.send(LogLine {
                function: Arc::clone(&self.function),
                at_ms,
                text: String::from_utf8_lossy(text).into(),
            });
        }
    }

    /// A reader of what the function has logged so far.
    pub(super) async fn reader(self: &Arc<Self>) -> io::Result<LogReader> {
        self.flush().await;
        LogReader::open(&self.path)
    }

    /// Writes what waits.
    pub(super) async fn flush(self: &Arc<Self>) {
        let log = Arc::clone(self);
        // It is cancelled only with the whole runtime.
        let _ = tokio::task::spawn_blocking(move || log.write()).await;
    }

    async fn write_soon(self: Arc<Self>) {
        loop {
            tokio::time::sleep(GATHERING).await;
            self.flush().await;
            let mut buffer = self.buffer.lock();
            if buffer.text.is_empty() && buffer.dropped == 0 {
                buffer.claimed = false;
                return;
            }
        }
    }

    fn write(&self) {
        let _file = self.file.lock();
        let (mut text, dropped) = {
            let mut buffer = self.buffer.lock();
            (
                std::mem::take(&mut buffer.text),
                std::mem::take(&mut buffer.dropped),
            )
        };
        if dropped > 0 {
            let _ = writeln!(text, "{} - - {dropped} lines were not kept", now_ms());
        }
        // The log is where a failure would be written.
        let _ = append(&self.path, &text);
    }
}

fn append(path: &Path, text: &[u8]) -> io::Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(text)?;
    if file.metadata()?.len() >= LARGEST_FILE {
        fs::rename(path, older(path))?;
    }
    Ok(())
}

/// What a full file becomes.
fn older(path: &Path) -> PathBuf {
    let mut older = path.as_os_str().to_owned();
    older.push(".1");
    older.into()
}
