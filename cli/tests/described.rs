//! What a stack is about, known where its project is not: asked once, kept, and asked again where
//! something is typed that is not known.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::support::{Fork, LocalStage, Reply, Run, Sandbox, Scripted, Stage, repository};

static RENAMED: AtomicBool = AtomicBool::new(false);

fn tickets() -> String {
    fs::read_to_string(repository().join("examples/tickets/domain.json")).unwrap()
}

/// A stack of tickets, which are matters from when it is said.
fn stack_of_tickets() -> Scripted {
    Scripted::new(|request| {
        if request.body() == r#"{"describe":true}"# {
            let mut description: Value = serde_json::from_str(&tickets()).unwrap();
            if RENAMED.load(Ordering::Relaxed) {
                description["entity"] = json!("matter");
                description["plural"] = json!("matters");
            }
            return Reply::json(200, description);
        }
        Reply::json(
            200,
            json!({
                "ticketId": "t", "title": "The lift is stuck", "status": "open", "version": 1,
                "createdAt": "2026-11-23T03:00:00.000Z", "updatedAt": "2026-11-23T03:00:00.000Z",
            }),
        )
    })
}

/// The one file that is kept.
fn kept(cache: &Path) -> PathBuf {
    let mut files: Vec<_> = fs::read_dir(cache.join("cqrs/stacks"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files.remove(0)
}

const QUERY: &str = "POST /2015-03-31/functions/tickets-query/invocations";
const PUBLISHER: &str = "POST /2015-03-31/functions/tickets-publisher/invocations";

#[test]
fn outside_of_a_project_a_stacks_words_are_those_that_it_says() {
    let server = stack_of_tickets();
    let sandbox = Sandbox::against(&server.endpoint());
    let outside = sandbox.path().to_owned();
    let cache = sandbox.path().join("cache");
    let cqrs = |arguments: &str| -> Run {
        sandbox
            .cqrs(arguments.split(' '))
            .args(["--stack", "tickets"])
            .env("XDG_CACHE_HOME", &cache)
            .current_dir(&outside)
    };
    // What is built in is at hand, and nobody is asked.
    cqrs("order create --help").succeeds();
    assert_eq!(server.actions(), Vec::<String>::new());

    let create = || cqrs("ticket create --title=Stuck");
    create().succeeds();
    assert_eq!(server.actions(), [QUERY, PUBLISHER]);
    create().succeeds();
    assert_eq!(server.actions(), [QUERY, PUBLISHER, PUBLISHER]);
    let help = cqrs("--help").succeeds();
    assert!(help.contains("cqrs ticket create"), "{help}");

    // What cannot be used is as good as none.
    for broken in [
        "{",
        &tickets().replacen("\"format\": 1", "\"format\": 9", 1),
    ] {
        fs::write(kept(&cache), broken).unwrap();
        let before = server.actions().len();
        create().succeeds();
        assert_eq!(server.actions()[before..], [QUERY, PUBLISHER]);
    }
    // A user without a folder has it asked each time.
    let before = server.actions().len();
    create()
        .env("XDG_CACHE_HOME", "/dev/null/nowhere")
        .succeeds();
    assert_eq!(server.actions()[before..], [QUERY, PUBLISHER]);

    // The stack is about something else now.
    RENAMED.store(true, Ordering::Relaxed);
    let help = cqrs("matter create --help").succeeds();
    assert!(help.contains("--title"), "{help}");
    let text = fs::read_to_string(kept(&cache)).unwrap();
    assert!(text.contains("\"matter\""), "{text}");
    // What nobody knows is wrong usage, after the stack was asked.
    let unknown = cqrs("nonsense list").outcome();
    assert_eq!(unknown.code, 2, "{unknown}");
}

#[test]
fn a_stack_that_does_not_say_what_it_is_about_is_named_beside_the_error() {
    let closed = test_support::ClosedPort::take();
    let sandbox = Sandbox::against(&format!("http://127.0.0.1:{}", closed.number()));
    let outcome = sandbox
        .cqrs(["--stack", "tickets", "ticket", "list"])
        .outcome();
    assert_eq!(outcome.code, 2, "{outcome}");
    for said in [
        "what stack tickets is about is not known: no answer from AWS",
        "unrecognized subcommand 'ticket'",
    ] {
        assert!(outcome.stderr.contains(said), "{outcome}");
    }
}

#[test]
fn a_deployment_keeps_the_projects_description_and_a_destruction_removes_it() {
    let stage = LocalStage::empty();
    let cache = stage.home().join(".cache");
    let source = fs::read_to_string(repository().join("examples/tickets/src/lib.rs")).unwrap();
    let fork = Fork::of("tickets", &source);
    stage.write("template.yaml", &fork.template);
    stage.write("handlers/domain/domain.json", &tickets());
    let deploy = stage.cqrs(["deploy", "--yes", "--prebuilt"]);
    let deployed = deploy.arg(fork.handlers).outcome();
    assert_eq!(deployed.code, 0, "{deployed}");
    assert!(!deployed.stderr.contains("warning:"), "{deployed}");
    assert_eq!(fs::read_to_string(kept(&cache)).unwrap(), tickets());
    fs::remove_file(stage.project().join("handlers/domain/domain.json")).unwrap();
    stage.cqrs(["ticket", "create", "--help"]).succeeds();
    stage.cqrs(["destroy", "--yes"]).succeeds();
    assert!(!cache.join("cqrs").exists());
    let gone = stage.cqrs(["ticket", "create", "--help"]).outcome();
    assert_eq!(gone.code, 2, "{gone}");
}

#[test]
fn functions_that_are_about_something_else_than_the_project_are_said_and_believed() {
    let stage = LocalStage::empty();
    stage.write("handlers/domain/domain.json", &tickets());
    let deployed = stage.deploy().outcome();
    assert_eq!(deployed.code, 0, "{deployed}");
    let warning =
        "warning: the functions do not say of their domain what handlers/domain/domain.json says";
    assert!(deployed.stderr.contains(warning), "{deployed}");
    let orders = fs::read_to_string(repository().join("handlers/domain/domain.json")).unwrap();
    let kept = kept(&stage.home().join(".cache"));
    assert_eq!(fs::read_to_string(kept).unwrap(), orders);
}

#[test]
fn a_deployment_says_what_changes_in_the_domain_and_warns_of_what_puts_data_at_risk() {
    let stage = LocalStage::deployed();
    let path = repository().join("handlers/domain/domain.json");
    let mut description: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    for schema in ["draft", "document"] {
        let fields = description[schema]["properties"].as_object_mut().unwrap();
        fields.remove("productId");
        fields["quantity"]["maximum"] = json!(10);
        let required = description[schema]["required"].as_array_mut();
        if let Some(required) = required {
            required.retain(|name| name != "productId");
        }
    }
    description["lists"] = json!(["clientId", "status"]);
    for example in description["examples"].as_array_mut().unwrap() {
        example.as_object_mut().unwrap().remove("productId");
    }
    stage.write("handlers/domain/domain.json", &description.to_string());
    let deployed = stage.deploy().outcome();
    assert_eq!(deployed.code, 0, "{deployed}");
    for warned in ["productId", "quantity"] {
        let line = deployed
            .stderr
            .lines()
            .find(|line| line.contains(&format!("field {warned}")));
        let line = line.unwrap_or_else(|| panic!("{deployed}"));
        assert!(line.starts_with("warning: "), "{line}");
    }
}
