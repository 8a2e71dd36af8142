//! A Lambda Runtime API, and a real handler binary that runs on it.

use std::collections::{HashMap, VecDeque};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;

use crate::eventually;
use crate::http::{Reply, Request, Server};
use crate::process::Process;

const PREFIX: &str = "/2018-06-01/runtime/";
/// Longer than any invocation of a test should take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks whether the handler has ended.
const MOMENT: Duration = Duration::from_millis(50);

/// A handler that is running on its own Runtime API.
#[derive(Debug)]
pub struct Handler {
    process: Process,
    server: Server,
    shared: Arc<Shared>,
    started: Instant,
}

/// What a handler answered instead of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionError {
    /// `errorType`
    pub error_type: String,
    /// `errorMessage`
    pub message: String,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    events: VecDeque<(u64, String)>,
    answers: HashMap<u64, Result<Value, FunctionError>>,
    invocations: u64,
    first_poll: Option<Instant>,
    init_error: Option<FunctionError>,
    closed: bool,
    log: Vec<String>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic while held")
    }

    /// Waits for the answer for a moment, woken as soon as it comes: an invocation takes less time
    /// than a look now and then would.
    fn answer_to(&self, id: u64) -> Option<Result<Value, FunctionError>> {
        let waiting = |state: &mut State| !state.answers.contains_key(&id);
        let state = self.lock();
        let waited = self.changed.wait_timeout_while(state, MOMENT, waiting);
        let (mut state, _) = waited.expect("no panic while held");
        state.answers.remove(&id)
    }
}

impl Handler {
    /// Starts `binary` with the variables that Lambda sets and those of `environment`, and no
    /// other of this process's but `PATH`.
    #[must_use]
    pub fn start(binary: impl AsRef<Path>, environment: &[(&str, &str)]) -> Self {
        let shared = Arc::<Shared>::default();
        let server = Server::start({
            let shared = Arc::clone(&shared);
            move |request| answer(&shared, &request)
        });
        let address = server.address().to_string();
        let mut command = Command::new(binary.as_ref());
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("AWS_LAMBDA_RUNTIME_API", address)
            .env("AWS_LAMBDA_FUNCTION_NAME", "test")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .env("AWS_REGION", "eu-west-1")
            .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", "secret")
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let started = Instant::now();
        let mut process = Process::spawn(&mut command);
        let child = process.child();
        collect(&shared, child.stdout.take().expect("it is piped"));
        collect(&shared, child.stderr.take().expect("it is piped"));
        Self {
            process,
            server,
            shared,
            started,
        }
    }

    /// Sends an event and waits for what comes of it.
    ///
    /// # Errors
    /// What the handler answered as its error; or `Runtime.ExitError` when it ended.
    pub fn invoke(&mut self, event: &Value) -> Result<Value, FunctionError> {
        self.invoke_raw(event.to_string())
    }

    /// The same with an event that need not be JSON.
    ///
    /// # Errors
    /// See [`Handler::invoke`].
    pub fn invoke_raw(&mut self, event: String) -> Result<Value, FunctionError> {
        let id = {
            let mut state = self.shared.lock();
            state.invocations += 1;
            let id = state.invocations;
            state.events.push_back((id, event));
            self.shared.changed.notify_all();
            id
        };
        let mut answer = None;
        let answered = eventually(PATIENCE, || {
            let ended = self.process.ended(Duration::ZERO);
            answer = self.shared.answer_to(id).or_else(|| {
                ended.map(|status| {
                    Err(FunctionError {
                        error_type: "Runtime.ExitError".into(),
                        message: status.to_string(),
                    })
                })
            });
            answer.is_some()
        });
        assert!(answered, "no answer; the log: {:#?}", self.log());
        answer.expect("it was answered")
    }

    /// The id of its process.
    #[must_use]
    pub fn pid(&mut self) -> u32 {
        self.process.child().id()
    }

    /// From the start of the process to its first poll for an event; waits for it.
    pub fn first_poll(&self) -> Duration {
        let mut polled = None;
        eventually(PATIENCE, || {
            polled = self.shared.lock().first_poll;
            polled.is_some()
        });
        let polled = polled.unwrap_or_else(|| panic!("it never polled: {:#?}", self.log()));
        polled - self.started
    }

    /// What it reported of a start that failed; waits for it.
    #[must_use]
    pub fn init_error(&self) -> Option<FunctionError> {
        eventually(Duration::from_secs(10), || {
            self.shared.lock().init_error.is_some()
        });
        self.shared.lock().init_error.clone()
    }

    /// The lines that it wrote so far.
    #[must_use]
    pub fn log(&self) -> Vec<String> {
        self.shared.lock().log.clone()
    }

    /// The line it logged of its `nth` invocation, counted from 0, as JSON; waits for it.
    #[must_use]
    pub fn log_line(&self, nth: usize) -> Value {
        eventually(PATIENCE, || self.shared.lock().log.len() > nth);
        let log = self.log();
        let line = log
            .get(nth)
            .unwrap_or_else(|| panic!("no line {nth} in {log:#?}"));
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    /// Closes the Runtime API, as Lambda does at the end of an environment.
    pub fn close_api(&self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_all();
        self.server.close();
    }

    /// How the process ended, if it did before `limit` was over.
    pub fn ended(&mut self, limit: Duration) -> Option<ExitStatus> {
        self.process.ended(limit)
    }
}

impl Drop for Handler {
    fn drop(&mut self) {
        self.close_api();
    }
}

fn answer(shared: &Shared, request: &Request) -> Reply {
    let path = request.path.strip_prefix(PREFIX).unwrap_or_default();
    if path == "invocation/next" {
        return next(shared);
    }
    let mut state = shared.lock();
    if path == "init/error" {
        state.init_error = Some(function_error(request));
        return Reply::json(202, &serde_json::json!({ "status": "OK" }));
    }
    let words: Vec<_> = path.split('/').collect();
    let outcome = match words.as_slice() {
        ["invocation", id, "response"] => id.parse().ok().map(|id| (id, Ok(request.json()))),
        ["invocation", id, "error"] => id.parse().ok().map(|id| (id, Err(function_error(request)))),
        _ => None,
    };
    let Some((id, outcome)) = outcome else {
        return Reply::json(404, &Value::Null);
    };
    state.answers.insert(id, outcome);
    shared.changed.notify_all();
    Reply::json(202, &serde_json::json!({ "status": "OK" }))
}

#[allow(
    clippy::disallowed_methods,
    reason = "no part of what is tested has the clock"
)]
fn next(shared: &Shared) -> Reply {
    let mut state = shared.lock();
    state.first_poll.get_or_insert_with(Instant::now);
    loop {
        if state.closed {
            return Reply::HangUp;
        }
        if let Some((id, event)) = state.events.pop_front() {
            let deadline = SystemTime::now() + PATIENCE;
            let deadline = deadline
                .duration_since(SystemTime::UNIX_EPOCH)
                .expect("it is later");
            let headers = [
                ("Lambda-Runtime-Aws-Request-Id", id.to_string()),
                (
                    "Lambda-Runtime-Deadline-Ms",
                    deadline.as_millis().to_string(),
                ),
                (
                    "Lambda-Runtime-Invoked-Function-Arn",
                    "arn:aws:lambda:eu-west-1:000000000000:function:test".into(),
                ),
                ("Content-Type", "application/json".into()),
            ];
            return Reply::Answer {
                status: 200,
                headers: headers.map(|(name, value)| (name.to_owned(), value)).into(),
                body: event.into_bytes(),
            };
        }
        state = shared.changed.wait(state).expect("no panic while held");
    }
}

fn function_error(request: &Request) -> FunctionError {
    let body = request.json();
    let field = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    FunctionError {
        error_type: field("errorType"),
        message: field("errorMessage"),
    }
}

fn collect(shared: &Arc<Shared>, stream: impl std::io::Read + Send + 'static) {
    let shared = Arc::clone(shared);
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            shared.lock().log.push(line);
        }
    });
}
