//! A handler for tests that does as its event says. Its Runtime API client is a few lines over a
//! socket, so that it starts in a millisecond.
//!
//! What to do comes as a JSON object, a [`Script`] with its fields in this order: the payload
//! itself, or, where the variable `SCRIPT` names a file, that file, read at each invocation. A
//! payload that is no object, or one without such fields, is echoed.
//!
//! | field | what it does |
//! |---|---|
//! | `print`, `warn` | a list of lines for standard output, or standard error |
//! | `waitForFile` | waits until a file of this name is there |
//! | `sleepMs` | sleeps |
//! | `exit`, `abort` | ends with this status, or (`true`) by a signal |
//! | `error` | answers this error: `{"errorType","errorMessage"}` |
//! | `answerBytes` | answers a JSON string of this many bytes, quotes included |
//! | `answer` | answers this value |
//! | `describe` | answers `{"pid","invocations","directory","environment","arn","context"}` |
//! | `exitAfter` | ends with this status after the answer |
//! | `hangAfter` | does nothing any more after the answer |
//! | `detach` | starts a process in a session of its own, whose id it writes to this file |
//!
//! `INIT` says how to begin: `exit:<status>`, `error` (reports `Scripted.Init` and ends),
//! `hang` (never polls), `hang-once:<path>` (hangs unless the file is there, and makes it), `sleep:<ms>`, `exit-unless-file:<path>`. `RECORD` names a file to which each
//! payload is appended as a line before anything is done.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "what fails here fails the test that scripted it"
)]

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process;
use std::thread;
use std::time::Duration;

use serde_json::{Map, Value, json};

type Script = Map<String, Value>;

fn main() {
    let address = env::var("AWS_LAMBDA_RUNTIME_API").expect("a Runtime API");
    begin(&address);
    let mut api = Api::connect(&address);
    for invocation in 1.. {
        let Invocation {
            id,
            payload,
            arn,
            context,
        } = api.next();
        if let Ok(path) = env::var("RECORD") {
            record(&path, &payload);
        }
        let script = script(&payload);
        let called = json!({ "arn": arn, "context": context });
        match act(&script, &payload, invocation, called) {
            Ok(answer) => api.post(&format!("invocation/{id}/response"), answer.as_bytes()),
            Err(error) => api.post(&format!("invocation/{id}/error"), error.as_bytes()),
        }
        if let Some(status) = number(&script, "exitAfter") {
            process::exit(i32::try_from(status).unwrap());
        }
        if script.contains_key("hangAfter") {
            hang();
        }
    }
}

fn begin(address: &str) {
    let Ok(init) = env::var("INIT") else { return };
    match init.split_once(':').unwrap_or((&init, "")) {
        ("exit", status) => process::exit(status.parse().unwrap()),
        ("exit-unless-file", path) if Path::new(path).exists() => {}
        ("exit-unless-file", _) => process::exit(7),
        ("error", _) => {
            let error = json!({ "errorType": "Scripted.Init", "errorMessage": "asked to fail" });
            Api::connect(address).post("init/error", error.to_string().as_bytes());
            process::exit(1);
        }
        ("hang", _) => hang(),
        ("hang-once", path) if Path::new(path).exists() => {}
        ("hang-once", path) => {
            fs::write(path, "").unwrap();
            hang();
        }
        ("sleep", ms) => thread::sleep(Duration::from_millis(ms.parse().unwrap())),
        _ => panic!("no such INIT: {init}"),
    }
}

fn hang() -> ! {
    loop {
        thread::park();
    }
}

fn record(path: &str, payload: &str) {
    let mut file = fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .unwrap();
    file.write_all(format!("{payload}\n").as_bytes()).unwrap();
}

fn script(payload: &str) -> Script {
    let text = env::var("SCRIPT").map(|path| fs::read_to_string(path).unwrap());
    serde_json::from_str(text.as_deref().unwrap_or(payload)).unwrap_or_default()
}

fn act(script: &Script, payload: &str, invocation: u64, called: Value) -> Result<String, String> {
    for line in strings(script, "print") {
        println!("{line}");
    }
    for line in strings(script, "warn") {
        eprintln!("{line}");
    }
    if let Some(path) = script.get("detach").and_then(Value::as_str) {
        let child = format!("echo $$ >{path}.new; mv {path}.new {path}; exec sleep 1000");
        let shell = format!("setsid sh -c '{child}' &");
        let status = process::Command::new("sh").args(["-c", &shell]).status();
        assert!(status.unwrap().success());
    }
    if let Some(path) = script.get("waitForFile").and_then(Value::as_str) {
        while !Path::new(path).exists() {
            thread::sleep(Duration::from_millis(2));
        }
    }
    if let Some(ms) = number(script, "sleepMs") {
        thread::sleep(Duration::from_millis(ms));
    }
    if let Some(status) = number(script, "exit") {
        process::exit(i32::try_from(status).unwrap());
    }
    if script.contains_key("abort") {
        process::abort();
    }
    if let Some(error) = script.get("error") {
        return Err(error.to_string());
    }
    if let Some(bytes) = number(script, "answerBytes") {
        let inner = usize::try_from(bytes).unwrap() - 2;
        return Ok(format!("\"{}\"", "x".repeat(inner)));
    }
    if let Some(answer) = script.get("answer") {
        return Ok(answer.to_string());
    }
    if script.contains_key("describe") {
        let environment: Map<String, Value> = env::vars()
            .map(|(name, value)| (name, value.into()))
            .collect();
        let directory = env::current_dir().unwrap();
        let description = json!({
            "pid": process::id(),
            "invocations": invocation,
            "directory": directory,
            "environment": environment,
            "arn": called["arn"],
            "context": called["context"],
        });
        return Ok(description.to_string());
    }
    Ok(payload.to_owned())
}

fn number(script: &Script, field: &str) -> Option<u64> {
    script.get(field).and_then(Value::as_u64)
}

fn strings(script: &Script, field: &str) -> Vec<String> {
    let list = script.get(field).and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .map(|line| line.as_str().unwrap().to_owned())
        .collect()
}

/// An invocation as it is handed out.
struct Invocation {
    id: String,
    payload: String,
    arn: Option<String>,
    context: Option<String>,
}

/// One connection, kept open as all runtimes do.
struct Api {
    stream: BufReader<TcpStream>,
    address: String,
}

impl Api {
    fn connect(address: &str) -> Self {
        let stream = TcpStream::connect(address).expect("the Runtime API listens");
        stream.set_nodelay(true).unwrap();
        Self {
            stream: BufReader::with_capacity(64 * 1024, stream),
            address: address.to_owned(),
        }
    }

    fn next(&mut self) -> Invocation {
        self.send("GET", "invocation/next", b"");
        self.receive()
    }

    fn post(&mut self, path: &str, body: &[u8]) {
        self.send("POST", path, body);
        self.receive();
    }

    fn send(&mut self, method: &str, path: &str, body: &[u8]) {
        let (address, length) = (&self.address, body.len());
        let mut request = format!(
            "{method} /2018-06-01/runtime/{path} HTTP/1.1\r\nhost: {address}\r\ncontent-length: {length}\r\n\r\n"
        )
        .into_bytes();
        request.extend_from_slice(body);
        if self.stream.get_mut().write_all(&request).is_err() {
            process::exit(0);
        }
    }

    /// The answer's headers and body. Ends the process where the connection was closed, as
    /// handlers do when their environment ends.
    fn receive(&mut self) -> Invocation {
        let (mut id, mut arn, mut context) = (String::new(), None, None);
        let mut length = 0;
        let mut line = String::new();
        loop {
            line.clear();
            if !matches!(self.stream.read_line(&mut line), Ok(1..)) {
                process::exit(0);
            }
            let Some((name, value)) = line.trim_end().split_once(": ") else {
                if line == "\r\n" {
                    break;
                }
                continue;
            };
            match name.to_ascii_lowercase().as_str() {
                "lambda-runtime-aws-request-id" => id = value.to_owned(),
                "lambda-runtime-invoked-function-arn" => arn = Some(value.to_owned()),
                "lambda-runtime-client-context" => context = Some(value.to_owned()),
                "content-length" => length = value.parse().unwrap(),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        if self.stream.read_exact(&mut body).is_err() {
            process::exit(0);
        }
        Invocation {
            id,
            payload: String::from_utf8(body).unwrap(),
            arn,
            context,
        }
    }
}
