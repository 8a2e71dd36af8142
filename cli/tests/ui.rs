//! The page's server: who gets in, what it tells, and what it runs.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

use insta::assert_snapshot;
use serde_json::{Value, json};
use test_support::http;

use crate::support::{AwsStage, LocalStage, Run, Running, Stage};

const CREATE: [&str; 6] = ["order", "create", "--client", "42", "--product", "abc"];

/// A page that is served.
pub(crate) struct Page {
    pub(crate) running: Running,
    /// `127.0.0.1:4711`
    host: String,
    /// `/<token>/`
    base: String,
}

impl Page {
    fn of(stage: &impl Stage, options: &[&str]) -> Self {
        Self::served(stage, stage.cqrs(["ui", "--no-open"]).args(options))
    }

    /// The page that a command serves.
    pub(crate) fn served(stage: &impl Stage, command: Run) -> Self {
        let path = stage.path().join("address");
        let mut running = command.start_to(File::create(&path).unwrap());
        running.until("Open this address in a browser; Ctrl-C ends it");
        let address = std::fs::read_to_string(&path).unwrap();
        let rest = address.trim().strip_prefix("http://").unwrap();
        let (host, base) = rest.split_once('/').unwrap();
        Self {
            running,
            host: host.to_owned(),
            base: format!("/{base}"),
        }
    }

    fn request(&self, method: &str, path: &str, headers: &str, body: &str) -> (u16, String) {
        let host = match headers.contains("Host:") {
            true => String::new(),
            false => format!("Host: {}\r\n", self.host),
        };
        let (line, headers) = (format!("{method} {path}"), host + headers);
        let answer = http::ask(&self.host, &line, &headers, body);
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        (status, answer)
    }

    pub(crate) fn get(&self, path: &str, headers: &str) -> (u16, String) {
        self.request("GET", &format!("{}{path}", self.base), headers, "")
    }

    /// What a question is answered.
    fn asks(&self, path: &str) -> Value {
        let (_, answer) = self.get(path, "");
        serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap()
    }

    /// The documents that a command came to, one a line.
    fn run(&self, words: &[&str]) -> (u16, Vec<Value>) {
        let path = format!("{}api/run", self.base);
        let body = json!({ "words": words }).to_string();
        let (status, answer) = self.request("POST", &path, "", &body);
        let lines = answer.lines().filter(|line| line.starts_with('{'));
        let heard = lines.map(|line| serde_json::from_str(line).unwrap());
        (status, heard.collect())
    }

    /// Events of the live feed, until one fits.
    fn until(&self, fits: impl Fn(&str, &Value) -> bool) {
        let mut stream = TcpStream::connect(&self.host).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        let path = format!("{}api/live", self.base);
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", self.host).unwrap();
        let mut event = String::new();
        for line in BufReader::new(stream).lines() {
            let line = line.unwrap();
            if let Some(name) = line.strip_prefix("event: ") {
                event = name.to_owned();
            }
            let data = line
                .strip_prefix("data: ")
                .map(serde_json::from_str::<Value>);
            if data.is_some_and(|data| fits(&event, &data.unwrap())) {
                return;
            }
        }
        panic!("the feed ended");
    }
}

#[test]
fn only_who_has_the_address_gets_in_and_no_page_of_elsewhere() {
    let stage = LocalStage::empty();
    let mut page = Page::of(&stage, &[]);
    let (status, answer) = page.get("", "");
    assert_eq!(status, 200);
    let head = answer.split("\r\n\r\n").next().unwrap().to_lowercase();
    assert!(
        head.contains("content-security-policy: default-src 'none'"),
        "{head}"
    );
    assert!(!head.contains("access-control"), "{head}");
    for path in ["main.js", "style.css", "api/about", "api/now"] {
        assert_eq!(page.get(path, "").0, 200, "{path}");
    }
    let own = format!(
        "Origin: http://{}\r\nSec-Fetch-Site: same-origin\r\n",
        page.host
    );
    assert_eq!(page.get("api/now", &own).0, 200);

    let wrong = format!("/{}/", "0".repeat(32));
    for path in ["/", "/api/now", "/main.js", wrong.as_str()] {
        assert_eq!(page.request("GET", path, "", "").0, 404, "{path}");
    }
    for headers in [
        "Host: evil.example\r\n",
        "Origin: http://evil.example\r\n",
        "Origin: null\r\n",
        "Sec-Fetch-Site: cross-site\r\n",
    ] {
        assert_eq!(page.get("api/now", headers).0, 403, "{headers}");
        let path = format!("{}api/run", page.base);
        let body = json!({ "words": ["verify"] }).to_string();
        assert_eq!(
            page.request("POST", &path, headers, &body).0,
            403,
            "{headers}"
        );
    }
    page.running.interrupt();
    let outcome = page.running.outcome();
    assert_snapshot!(outcome, @"
    exit code 0
    --- stderr
    Open this address in a browser; Ctrl-C ends it
    ");
}

#[test]
fn a_stack_that_comes_and_changes_is_seen_as_it_does() {
    let stage = LocalStage::empty();
    let mut page = Page::of(&stage, &[]);
    page.until(|event, data| event == "facts" && data["stack"] == "none");
    stage.deploy().succeeds();
    page.until(|event, data| event == "facts" && data["stack"] == "there");
    // What goes on is counted from when the host is watched.
    page.until(|event, _| event == "tick");
    let id = stage.cqrs(CREATE).succeeds();
    let id = id.trim();
    page.until(|event, data| {
        let mut ways = data["ways"].as_array().into_iter().flatten();
        event == "tick" && ways.any(|way| way["id"] == id && way["outcome"] == "projected")
    });
    let both = page.asks(&format!("api/entity?id={id}"));
    assert_eq!(both["written"]["clientId"], "42");
    assert_eq!(both["shown"]["clientId"], "42");
    assert_eq!(both["compared"]["state"], "same");
    let (_, list) = page.get("api/list?field=clientId&value=42", "");
    assert!(list.contains(id), "{list}");
    stage.cqrs(["local", "stop"]).succeeds();
    page.until(|event, data| event == "facts" && data["stack"] == "stopped");
    page.running.interrupt();
    assert_eq!(page.running.outcome().code, 0);
}

#[test]
fn what_is_killed_is_missed_and_comes_again() {
    let stage = LocalStage::deployed();
    let id = stage.place_order();
    let mut page = Page::of(&stage, &[]);
    for _ in 0..3 {
        page.until(|event, data| event == "facts" && data["stack"] == "there");
        stage.signal("-KILL");
        page.until(|event, data| event == "facts" && data["stack"] == "stopped");
        // Any command starts it.
        stage.cqrs(["order", "get", &id]).succeeds();
    }
    page.running.signal("-KILL");
    assert_eq!(page.running.outcome().code, -1);
    let port = page.host.rsplit(':').next().unwrap();
    let again = Page::of(&stage, &["--port", port]);
    let both = again.asks(&format!("api/entity?id={id}"));
    assert_eq!(both["compared"]["state"], "same", "{both}");
    let (status, _) = again.request("GET", &format!("{}api/now", page.base), "", "");
    assert_eq!(status, 404, "the former address is another's");
}

#[test]
fn on_aws_what_orders_hold_is_hidden_until_it_is_asked_for() {
    let stage = AwsStage::deployed();
    let id = stage.place_order();
    let page = Page::of(&stage, &[]);
    page.until(|event, data| event == "facts" && data["stack"] == "there");
    let about = page.asks("api/about");
    assert_eq!(
        [&about["target"], &about["hidden"]],
        [&json!("aws"), &json!(true)]
    );
    let one = format!("api/entity?id={id}");
    let both = page.asks(&one);
    for side in ["written", "shown"] {
        assert_eq!(both[side]["clientId"], Value::Null, "{both}");
        assert_eq!(both[side]["status"], "placed", "{both}");
    }
    assert_eq!(both["compared"]["state"], "same");
    let rows = &page.asks("api/list")["rows"];
    assert_eq!(
        [&rows[0]["orderId"], &rows[0]["clientId"]],
        [&json!(id), &Value::Null]
    );
    let (_, heard) = page.run(&["order", "ship", &id, "--wait=20"]);
    let said = format!("{heard:?}");
    assert!(
        said.contains("shipped") && !said.contains("\"42\""),
        "{said}"
    );
    let (_, heard) = page.run(&["verify"]);
    let answer = heard.iter().find_map(|heard| heard.get("answer"));
    assert_eq!(answer.unwrap()["orders"], 1, "{heard:?}");

    let open = Page::of(&stage, &["--show-documents"]);
    assert_eq!(open.asks(&one)["shown"]["clientId"], "42");
}

#[test]
fn a_page_runs_the_command_that_it_shows_and_no_other() {
    let stage = LocalStage::deployed();
    let page = Page::of(&stage, &[]);
    let (status, heard) = page.run(&["order", "create", "--client=7", "--product=x", "--wait=20"]);
    assert_eq!(status, 200, "{heard:?}");
    let answer = heard.iter().find_map(|heard| heard.get("answer")).unwrap();
    let id = answer["orderId"].as_str().unwrap();
    assert_eq!(heard.last(), Some(&json!({ "exit": 0 })));
    let got: Value = stage.cqrs(["order", "get", id]).json();
    assert_eq!(got["clientId"], "7");
    let (_, heard) = page.run(&[
        "order",
        "create",
        "--client=7",
        "--product=x",
        "--quantity=0",
    ]);
    assert_eq!(heard.last(), Some(&json!({ "exit": 4 })));
    for words in [
        &["destroy", "--yes"][..],
        &["order", "create", "--from=/etc/passwd"],
        &["verify", "--stack=other"],
    ] {
        assert_eq!(page.run(words).0, 400, "{words:?}");
    }
    let reader = Page::of(&stage, &["--read-only"]);
    assert_eq!(reader.run(&["order", "ship", id]).0, 400);
    for words in [
        &["verify"][..],
        &["failures", "retry", "--all", "--dry-run"],
    ] {
        let (status, heard) = reader.run(words);
        assert_eq!((status, heard.last()), (200, Some(&json!({ "exit": 0 }))));
    }
}
