//! One list of checks for every domain, through the real binary on this machine: orders, and the domains
//! of `examples/`, each built as a project of its own. What is typed is made of the description's
//! examples, so no check names a field, a status or a command.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use pattern::description::{CommandKind, Description};
use serde_json::{Map, Value, json};
use test_support::eventually;

use crate::support::{Fork, LocalStage, Outcome, Run, Stage, block_on, handlers, repository};

const PATIENCE: Duration = Duration::from_secs(30);
/// Creations of each kind of file.
const ROWS: usize = 6;

#[test]
fn orders_pass_every_check() {
    let of = |name: &str| std::fs::read_to_string(repository().join(name)).unwrap();
    let says = Description::parse(&of("handlers/domain/domain.json")).unwrap();
    Subject::deployed(says, &of("template.yaml"), handlers()).is_checked();
}

#[test]
fn tickets_pass_every_check() {
    example("tickets").is_checked();
}

#[test]
fn accounts_pass_every_check() {
    example("accounts").is_checked();
}

fn example(name: &str) -> Subject {
    let source = repository().join(format!("examples/{name}/src/lib.rs"));
    let fork = Fork::of(name, &std::fs::read_to_string(source).unwrap());
    Subject::deployed(fork.says, &fork.template, fork.handlers)
}

/// A stack of some domain.
struct Subject {
    stage: LocalStage,
    says: Description,
}

/// `clientId` in kebab case: a name of its option.
fn kebab(name: &str) -> String {
    let letters = name
        .chars()
        .map(|letter| match letter.is_ascii_uppercase() {
            true => format!("-{}", letter.to_ascii_lowercase()),
            false => letter.to_string(),
        });
    letters.collect()
}

/// A value as it is typed.
fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// Fields as they are typed.
fn options(fields: &Map<String, Value>) -> Vec<String> {
    let options = fields.iter().flat_map(|(name, value)| {
        let values = value.as_array().cloned().unwrap_or(vec![value.clone()]);
        let typed = move |value| format!("--{}={}", kebab(name), text(&value));
        values.into_iter().map(typed)
    });
    options.collect()
}

/// A line of CSV.
fn line(cells: impl IntoIterator<Item = String>) -> String {
    let cells = cells.into_iter();
    let quoted = cells.map(|cell| format!("\"{}\"", cell.replace('"', "\"\"")));
    format!("{}\n", quoted.collect::<Vec<_>>().join(","))
}

/// A document without the times that the tool adds.
fn untimed(mut document: Value) -> Value {
    for name in ["writeMs", "visibleMs"] {
        document.as_object_mut().unwrap().remove(name);
    }
    document
}

/// The item of a document.
fn item(document: &Value) -> Value {
    let fields = document.as_object().unwrap().iter();
    let fields = fields.filter(|(_, value)| !value.is_null());
    fields
        .map(|(name, value)| (name.clone(), attribute(value)))
        .collect()
}

fn attribute(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!({"N": number.to_string()}),
        Value::Array(elements) => json!({"L": elements.iter().map(attribute).collect::<Vec<_>>()}),
        other => json!({"S": other}),
    }
}

impl Subject {
    /// Its failures come soon.
    fn deployed(says: Description, template: &str, handlers: PathBuf) -> Self {
        let stage = LocalStage::empty();
        stage.write("template.yaml", template);
        stage.write("handlers/domain/domain.json", &says.pretty());
        let deploy = stage.cqrs(["deploy", "--yes", "--quiet", "--prebuilt"]);
        let deploy = deploy.arg(handlers);
        deploy
            .args(["--parameter", "MaximumRetryAttempts=1"])
            .succeeds();
        Self { stage, says }
    }

    fn is_checked(&self) {
        self.helps();
        self.is_seen_to_be_well();
        self.creates_one_for_one_key();
        self.creates_many_or_none();
        self.takes_every_command_and_refuses_some();
        self.does_a_command_once_for_one_key();
        self.lists_by_every_list();
        self.keeps_what_is_newer();
        self.retries_what_failed();
        self.goes_on_past_what_is_none();
        self.makes_a_lost_read_model_again();
        self.sees_and_repairs_what_is_missing();
    }

    fn is_seen_to_be_well(&self) {
        let none = format!("0 {}", self.says.plural);
        let status = self.stage.cqrs(["status"]).succeeds();
        assert_eq!(status.matches(&none).count(), 2, "{status}");
        let doctor = self.stage.cqrs(["doctor"]).succeeds();
        assert!(doctor.contains(&none), "{doctor}");
    }

    /// `cqrs order …`.
    fn run(&self, words: &[&str]) -> Run {
        self.stage.cqrs([&self.says.entity]).args(words)
    }

    fn example(&self, number: usize) -> &Map<String, Value> {
        &self.says.examples[number % self.says.examples.len()]
    }

    /// Creates one, and gives its document as the read model shows it.
    fn create(&self) -> Value {
        let create = self
            .run(&["create", "--wait"])
            .args(options(self.example(0)));
        self.get(create.succeeds().trim())
    }

    fn get(&self, id: &str) -> Value {
        untimed(self.run(&["get", id, "--wait"]).json())
    }

    fn id<'a>(&self, document: &'a Value) -> &'a str {
        document[&self.says.id].as_str().unwrap()
    }

    fn list(&self, words: &[&str]) -> Vec<Value> {
        let mut listed: Value = self.run(&["list", "--all"]).args(words).json();
        serde_json::from_value(listed[&self.says.plural].take()).unwrap()
    }

    /// What a command takes beside the id, of its examples.
    fn payload(&self, command: &str) -> Vec<String> {
        match &self.says.command(command).unwrap().kind {
            CommandKind::Move { .. } => Vec::new(),
            CommandKind::Rule { payload } => {
                let required = payload.fields.iter().filter(|field| field.required);
                let fields = required.map(|field| {
                    let example = field.examples.first();
                    (field.name.clone(), example.expect("an example").clone())
                });
                options(&fields.collect())
            }
        }
    }

    /// A command that was accepted or refused, and nothing else.
    fn change(&self, command: &str, id: &str, words: &[&str]) -> Outcome {
        let run = self.run(&[command, id, "--output", "json"]);
        let outcome = run.args(self.payload(command)).args(words).outcome();
        if outcome.code != 0 {
            let kind = outcome.error()["kind"].clone();
            let refused = kind == "Refused" || kind == "IllegalTransition";
            assert!(outcome.code == 4 && refused, "{command}: {outcome}");
        }
        outcome
    }

    fn commands(&self) -> Vec<&str> {
        let commands = self.says.commands.iter();
        commands.map(|command| command.name.as_str()).collect()
    }

    /// The key of the cache that holds one.
    fn key(&self, id: &str) -> String {
        format!("{}:v2:{}", self.says.plural, id.replace('-', ""))
    }

    fn helps(&self) {
        let all = self.run(&["--help"]).succeeds();
        for name in ["create", "get", "list"].into_iter().chain(self.commands()) {
            assert!(all.contains(&format!("\n  {name}")), "{name}: {all}");
            let help = self.run(&[name, "--help"]).succeeds();
            let example = format!("\n  cqrs {} {name}", self.says.entity);
            assert!(help.contains(&example), "{name}: {help}");
            let widest = help.lines().map(|line| line.chars().count()).max();
            assert!(widest <= Some(100), "{name}: {help}");
        }
        let help = self.run(&["create", "--help"]).succeeds();
        let words: Vec<&str> = help.split_whitespace().collect();
        let help = words.join(" ");
        for field in &self.says.draft.fields {
            let said = field.help.trim_end_matches('.');
            assert!(help.contains(said), "{said}: {help}");
        }
    }

    fn creates_one_for_one_key(&self) {
        let create = || {
            let keyed = self.run(&["create", "--wait", "--idempotency-key", "once"]);
            keyed.args(options(self.example(0))).succeeds()
        };
        let id = create();
        assert_eq!(create(), id);
        assert_eq!(self.list(&[]).len(), 1);
        let shown = self.get(id.trim());
        for (name, value) in self.example(0) {
            assert_eq!(&shown[name], value, "{name}: {shown}");
        }
        let broken = self.run(&["create", "--idempotency-key=", "--output", "json"]);
        let outcome = broken.args(options(self.example(0))).outcome();
        assert_eq!(outcome.error()["kind"], "InvalidCommand", "{outcome}");
        assert_eq!(outcome.code, 4, "{outcome}");
    }

    fn creates_many_or_none(&self) {
        let before = self.list(&[]).len();
        let names = self.says.draft.fields.iter().map(|field| &field.name);
        let names: Vec<&String> = names.collect();
        let cell = |value: &Value| match value.as_array() {
            Some(elements) => elements.iter().map(text).collect::<Vec<_>>().join("|"),
            None => text(value),
        };
        let row = |number: usize| {
            let example = self.example(number);
            line(
                names
                    .iter()
                    .map(|name| example.get(*name).map(cell).unwrap_or_default()),
            )
        };
        let mut csv = line(names.iter().map(|name| (*name).clone()));
        csv.extend((0..ROWS).map(row));
        let bad = line(names.iter().enumerate().map(|(at, _)| match at {
            0 => String::new(),
            _ => "\u{7}".to_owned(),
        }));
        let object = |number: usize| format!("{}\n", json!(self.example(number)));
        let jsonl: String = (0..ROWS).map(object).collect();
        for (name, rows, bad) in [
            ("many.csv", csv, bad),
            ("many.jsonl", jsonl, "{}\n".to_owned()),
        ] {
            let create = || self.run(&["create", "--from", name]);
            self.stage.write(name, &format!("{rows}{bad}"));
            let outcome = create().outcome();
            let number = rows.lines().count() + 1;
            assert_eq!(outcome.code, 2, "{outcome}");
            assert!(
                outcome.stderr.contains(&format!("line {number}: ")),
                "{outcome}"
            );
            self.stage.write(name, &rows);
            create().succeeds();
            create().succeeds();
        }
        let all = before + 2 * ROWS;
        assert!(eventually(PATIENCE, || self.list(&[]).len() >= all));
        assert_eq!(self.list(&[]).len(), all);
    }

    /// Each command of one after the other, and the other way round, so that each is accepted once.
    fn takes_every_command_and_refuses_some(&self) {
        let forwards = self.commands();
        let backwards: Vec<&str> = forwards.iter().rev().copied().collect();
        let (mut accepted, mut refused) = (BTreeSet::new(), 0);
        for commands in [forwards, backwards] {
            let mut last = self.create();
            let id = self.id(&last).to_owned();
            for command in commands {
                let outcome = self.change(command, &id, &["--wait"]);
                if outcome.code == 0 {
                    accepted.insert(command);
                    last = untimed(serde_json::from_str(&outcome.stdout).unwrap());
                } else {
                    refused += 1;
                }
                assert_eq!(self.get(&id), last, "{command}");
            }
        }
        assert_eq!(accepted, self.commands().into_iter().collect());
        assert!(refused > 0);
    }

    fn does_a_command_once_for_one_key(&self) {
        let id = self.id(&self.create()).to_owned();
        for command in self.commands() {
            let send = || {
                let outcome = self.change(command, &id, &["--idempotency-key", command]);
                (outcome.code, outcome.stdout)
            };
            assert_eq!(send(), send(), "{command}");
        }
    }

    fn lists_by_every_list(&self) {
        let all = self.list(&[]);
        for field in &self.says.lists {
            let values = all.iter().map(|document| &document[field]);
            let values: BTreeSet<String> =
                values.filter(|value| !value.is_null()).map(text).collect();
            assert!(!values.is_empty(), "{field}: {all:?}");
            for value in values {
                let listed = self.list(&[&format!("--{}={value}", kebab(field))]);
                let of_value = all
                    .iter()
                    .filter(|document| text(&document[field]) == value);
                let expected: Vec<&Value> = of_value.collect();
                assert_eq!(
                    listed.iter().collect::<Vec<_>>(),
                    expected,
                    "{field}: {value}"
                );
            }
        }
    }

    /// An older record that comes again changes nothing.
    fn keeps_what_is_newer(&self) {
        let before = self.create();
        let id = self.id(&before);
        self.changed(id, &["--wait"]);
        let after = self.get(id);
        assert_ne!(before["version"], after["version"]);
        let payload = json!({"project": {"items": [item(&before)]}}).to_string();
        let (error, answer) = self.stage.invoke("cqrs-subscriber", &payload);
        assert_eq!((error, &answer["stale"]), (None, &json!(1)), "{answer}");
        assert_eq!(self.get(id), after);
    }

    /// Sends the first command that is accepted.
    fn changed(&self, id: &str, words: &[&str]) {
        let mut commands = self.commands().into_iter();
        let done = commands.any(|command| self.change(command, id, words).code == 0);
        assert!(done, "{id}");
    }

    /// How many failures wait.
    fn failures(&self) -> usize {
        let listed: Value = self.stage.cqrs(["failures", "list"]).json();
        listed["failures"].as_array().unwrap().len()
    }

    /// A record that comes while the cache is away becomes a failure.
    fn retries_what_failed(&self) {
        let created = self.create();
        let id = self.id(&created);
        let cache = self.stage.cache();
        cache.pause();
        self.changed(id, &[]);
        let failed = eventually(PATIENCE, || self.failures() == 1);
        cache.resume();
        assert!(failed);
        let retried: Value = self
            .stage
            .cqrs(["failures", "retry", "--all", "--yes"])
            .json();
        assert_eq!(retried["retried"], 1, "{retried}");
        assert_eq!(self.get(id)["version"], 2);
        assert_eq!(self.failures(), 0);
    }

    /// An item of the table that lacks what it must have.
    fn goes_on_past_what_is_none(&self) {
        let outputs: Value = self.stage.cqrs(["outputs"]).json();
        let table = outputs["TableName"].as_str().unwrap();
        let client = aws_sdk_dynamodb::Client::new(&self.stage.sdk());
        let id = AttributeValue::S("none".to_owned());
        let put = client.put_item().table_name(table);
        block_on(put.item(&self.says.id, id.clone()).send()).unwrap();
        let failures = |words: &[&str]| self.stage.cqrs(["failures"]).args(words);
        assert!(eventually(PATIENCE, || self.failures() == 1));
        self.create();
        let retried = failures(&["retry", "--all", "--yes", "--output", "json"]).outcome();
        let report: Value = serde_json::from_str(&retried.stdout).unwrap();
        assert_eq!((retried.code, &report["stillFailing"]), (1, &json!(1)));
        let delete = client.delete_item().table_name(table);
        block_on(delete.key(&self.says.id, id).send()).unwrap();
        failures(&["discard", "--all", "--yes"]).succeeds();
        assert_eq!(self.failures(), 0);
    }

    fn makes_a_lost_read_model_again(&self) {
        let before = self.list(&[]);
        self.stage.cache().run::<()>(&["FLUSHALL"]);
        let outcome = self.run(&["list", "--output", "json"]).outcome();
        assert_eq!(outcome.error()["kind"], "ReadModelIncomplete", "{outcome}");
        self.stage.cqrs(["rebuild"]).succeeds();
        assert_eq!(self.list(&[]), before);
    }

    fn sees_and_repairs_what_is_missing(&self) {
        let created = self.create();
        self.stage
            .cache()
            .run::<()>(&["DEL", &self.key(self.id(&created))]);
        let verify = |words: &[&str]| {
            let outcome = self
                .stage
                .cqrs(["verify", "--output", "json"])
                .args(words)
                .outcome();
            let report: Value = serde_json::from_str(&outcome.stdout).unwrap();
            (outcome.code, report["counts"].clone())
        };
        let missing = json!({"missing": 1});
        assert_eq!(verify(&[]), (1, missing.clone()));
        assert_eq!(verify(&["--repair"]), (0, missing));
        assert_eq!(verify(&[]), (0, json!({})));
        assert_eq!(self.get(self.id(&created)), created);
    }
}
