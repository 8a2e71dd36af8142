//! No money is made or lost: 10,000 random histories of deposits and withdrawals, in both models.
//!
//! Clients race for the same accounts, some of them with the same command. Requests and answers get
//! lost, writes arrive twice, whoever carries a command out is killed on the way, and each client sends
//! its command again until it has an answer. What was written then comes to a real read model by its
//! stream: out of order, in parts, again and again.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "../../../handlers/pattern/tests/support/histories.rs"]
mod histories;

use std::collections::{BTreeMap, BTreeSet};

use accounts::{Account, Status};
use histories::{Answered, Dice, Memory, play, times_applied};
use pattern::document::Document;
use pattern::id::Id;
use pattern::projection::Record;
use pattern::query::Queries;
use pattern::read_model::{CacheSettings, ReadModel};
use pattern::write_model::WriteModel;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_dynamo::Item;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};
use test_support::valkey::Valkey;
use tokio::runtime::Runtime;

const HISTORIES: u32 = 10_000;
const THREADS: u32 = 2;

/// Both models, which all histories of a thread share: each has accounts of its own.
struct Given {
    write: WriteModel<Account, Memory>,
    read: ReadModel<Account>,
    queries: Queries,
    runtime: Runtime,
    _server: Valkey,
}

impl Given {
    fn empty() -> Self {
        let server = Valkey::start();
        server.run::<()>(&["SET", "accounts:v2:complete", "1"]);
        let url = server.url();
        let settings = CacheSettings::from_env(&|name| (name == "CACHE_URL").then(|| url.clone()));
        let read = ReadModel::new(settings.unwrap()).unwrap();
        Self {
            write: WriteModel::new(Memory::new::<Account>(0)).unwrap(),
            queries: Queries::of(read.description()),
            read,
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap(),
            _server: server,
        }
    }

    /// Projects these of the records of a stream.
    fn project(&self, records: &[Box<RawValue>], which: &[usize]) {
        let records = which.iter().map(|at| Record::read(&records[*at])).collect();
        let projected = self.runtime.block_on(self.read.project_records(records));
        let projected = projected.unwrap().projected;
        assert!(projected.failed.is_empty(), "{projected:?}");
    }

    /// The documents that a query answers.
    fn ask(&self, query: &Value) -> Vec<Value> {
        let query = self.queries.parse(&query.to_string()).unwrap();
        let answer = self.runtime.block_on(self.read.answer(&query)).unwrap();
        let mut answer = serde_json::to_value(answer).unwrap();
        serde_json::from_value(answer["accounts"].take()).unwrap()
    }
}

/// The accounts of a history: those that clients make, and one that another program has put.
struct Accounts {
    owner: String,
    keys: Vec<String>,
    foreign: String,
}

impl Accounts {
    fn new(seed: u64, dice: &Dice) -> Self {
        let of = |what: &str| format!("{what} {seed}");
        let keys = (0..dice.roll(3)).map(|number| of(&format!("key {number}")));
        Self {
            owner: of("ann"),
            keys: keys.collect(),
            foreign: of("foreign"),
        }
    }

    fn ids(&self) -> Vec<String> {
        let made = self.keys.iter().map(|key| {
            let key = key.parse().unwrap();
            Id::for_key("", &key).to_string()
        });
        made.chain([self.foreign.clone()]).collect()
    }

    /// What several clients send.
    fn clients(&self, dice: &Dice) -> Vec<Vec<String>> {
        let ids = self.ids();
        let mut all: Vec<String> = Vec::new();
        let create = |key: &String| {
            let create = json!({"owner": self.owner, "overdraft": 50, "idempotencyKey": key});
            create.to_string()
        };
        let client = |_| {
            let creates = self.keys.iter().filter(|_| dice.roll(2) == 0).map(create);
            let mut sends: Vec<String> = creates.collect();
            for _ in 0..1 + dice.roll(4) {
                if !all.is_empty() && dice.roll(4) == 0 {
                    // What another has sent, or it itself.
                    sends.push(all[dice.roll(all.len())].clone());
                    continue;
                }
                let mut command = match dice.roll(7) {
                    0..=3 => json!({"command": "deposit", "cents": 1 + dice.roll(90)}),
                    4 | 5 => json!({"command": "withdraw", "cents": 1 + dice.roll(90)}),
                    _ => json!({"command": "close"}),
                };
                command["accountId"] = ids[dice.roll(ids.len())].clone().into();
                command["idempotencyKey"] = format!("k{}", all.len()).into();
                if dice.roll(5) == 0 {
                    command["expectedVersion"] = (1 + dice.roll(4)).into();
                }
                all.push(command.to_string());
                sends.push(command.to_string());
            }
            sends
        };
        (0..1 + dice.roll(4)).map(client).collect()
    }
}

/// What the accepted commands come to, of one account.
#[derive(Debug, Default, PartialEq)]
struct Sum {
    cents: i64,
    changes: u64,
    closed: bool,
}

/// Adds up the accepted commands, each once however often it was sent.
fn sums(answered: &[Answered<Account>], table: &Memory) -> BTreeMap<String, Sum> {
    let mut sums = BTreeMap::<String, Sum>::new();
    let mut accepted = BTreeMap::<String, (Value, bool)>::new();
    for one in answered {
        let payload: Value = serde_json::from_str(&one.payload).unwrap();
        if payload.get("command").is_some() {
            let key = payload["idempotencyKey"].as_str().unwrap().to_owned();
            accepted.entry(key).or_insert((payload, false)).1 |= one.answer.is_ok();
        }
    }
    let times = times_applied(table);
    for (key, (payload, accepted)) in accepted {
        let times = times.get(&key).copied().unwrap_or_default();
        assert_eq!(times, usize::from(accepted), "{payload}");
        if !accepted {
            continue;
        }
        let sum = sums.entry(payload["accountId"].as_str().unwrap().to_owned());
        let sum = sum.or_default();
        let cents = payload["cents"].as_i64().unwrap_or_default();
        sum.changes += 1;
        match payload["command"].as_str() {
            Some("deposit") => sum.cents += cents,
            Some("withdraw") => sum.cents -= cents,
            _ => sum.closed = true,
        }
    }
    sums
}

fn document(item: &Item) -> Document<Account> {
    pattern::item::document(item).unwrap()
}

/// The stream of what was written.
fn stream(written: &[Item]) -> Vec<Box<RawValue>> {
    let records = written.iter().enumerate().map(|(at, item)| {
        let number = 99_999_999_999_999_999_990_u128 + at as u128;
        let record = json!({
            "eventName": "MODIFY",
            "dynamodb": {"NewImage": item, "SequenceNumber": number.to_string()},
        });
        to_raw_value(&record).unwrap()
    });
    records.collect()
}

fn shuffled(mut all: Vec<usize>, dice: &Dice) -> Vec<usize> {
    for at in (1..all.len()).rev() {
        all.swap(at, dice.roll(at + 1));
    }
    all
}

fn play_history(given: &Given, seed: u64) {
    let dice = Dice::new(seed);
    let table = given.write.table();
    table.begin(seed ^ 1);
    let accounts = Accounts::new(seed, &dice);
    // Without version, times and keys.
    let foreign: Item = serde_json::from_value(json!({
        "accountId": {"S": accounts.foreign}, "owner": {"S": accounts.owner},
        "overdraft": {"N": "50"},
    }))
    .unwrap();
    table.put(&accounts.foreign, foreign);
    let answered = play(&given.write, accounts.clients(&dice), &dice);

    // The write model holds the sum, and never held what the rules forbid.
    let mut sums = sums(&answered, table);
    let items = table.items.borrow();
    let written = table.written.borrow();
    for item in items.values() {
        let end = document(item);
        let sum = sums.remove(end.id.as_str()).unwrap_or_default();
        assert_eq!(end.entity.balance.get(), sum.cents, "{answered:?}");
        assert_eq!(end.entity.status == Status::Closed, sum.closed);
        assert_eq!(end.version, 1 + sum.changes);
    }
    assert!(sums.is_empty(), "{sums:?}");
    for was in written.iter().map(document) {
        let balance = was.entity.balance.get();
        assert!(balance >= -50 && (was.entity.status == Status::Open || balance == 0));
    }

    // The read model shows nothing that was not, and in the end the same.
    let documents = |items: &mut dyn Iterator<Item = &Item>| -> BTreeSet<String> {
        let documents = items.map(|item| serde_json::to_value(document(item)).unwrap());
        documents.map(|document| document.to_string()).collect()
    };
    let records = stream(&written);
    for _ in 0..dice.roll(3) {
        let some = (0..records.len()).filter(|_| dice.roll(2) == 0).collect();
        given.project(&records, &shuffled(some, &dice));
    }
    let was = documents(&mut written.iter());
    let ids = json!({"accountIds": accounts.ids()});
    for shown in given.ask(&ids).into_iter().filter(|shown| !shown.is_null()) {
        assert!(was.contains(&shown.to_string()), "{shown}");
    }
    let twice = (0..records.len()).chain((0..records.len()).filter(|_| dice.roll(4) == 0));
    given.project(&records, &shuffled(twice.collect(), &dice));
    let shown = given.ask(&json!({"list": {"owner": accounts.owner, "limit": 500}}));
    let shown: BTreeSet<String> = shown.iter().map(Value::to_string).collect();
    assert_eq!(shown, documents(&mut items.values()));
}

#[test]
fn the_balance_is_the_sum_of_the_accepted_commands_in_both_models() {
    let play = || {
        let given = Given::empty();
        let config = ProptestConfig {
            cases: HISTORIES / THREADS,
            failure_persistence: None,
            ..ProptestConfig::default()
        };
        let played = TestRunner::new(config).run(&any::<u64>(), |seed| {
            play_history(&given, seed);
            Ok(())
        });
        played.unwrap();
    };
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(play);
        }
    });
}
