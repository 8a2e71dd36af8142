//! Random histories of commands, on a table in memory that a network of the worst kind lies before.
//!
//! Every client sends its commands in turn, each again until it has a definite answer. A request or
//! an answer may get lost, a write may arrive twice, whoever carries a command out may be killed at any
//! step, and the steps of all clients are mixed in any order: each call of the table waits before it
//! arrives and before its answer does.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use pattern::applied::{Applied, REMEMBERED};
use pattern::description::STATUS;
use pattern::document::Document;
use pattern::entity::Entity;
use pattern::error::CommandError;
use pattern::id::Id;
use pattern::item::attribute::{APPLIED_KEYS, UPDATED_AT, VERSION};
use pattern::write_model::{MoveStatus, Outcome, Replace, Table, WriteModel};
use serde_dynamo::{AttributeValue, Item, from_attribute_value, to_attribute_value};

/// SplitMix64: small, and the same everywhere.
#[derive(Debug)]
pub(crate) struct Dice(Cell<u64>);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Cell::new(seed))
    }

    pub(crate) fn roll(&self, sides: usize) -> usize {
        self.0.set(self.0.get().wrapping_add(0x9E37_79B9_7F4A_7C15));
        let mut z = self.0.get();
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) % sides as u64).unwrap()
    }
}

/// A table in memory, and every state that its items had.
#[derive(Debug)]
pub(crate) struct Memory {
    id: String,
    dice: Dice,
    pub(crate) items: RefCell<BTreeMap<String, Item>>,
    pub(crate) written: RefCell<Vec<Item>>,
}

impl Memory {
    pub(crate) fn new<E: Entity>(seed: u64) -> Self {
        Self {
            id: pattern::document::id_name(E::NAME),
            dice: Dice::new(seed),
            items: RefCell::default(),
            written: RefCell::default(),
        }
    }

    /// Begins another history, on an empty table.
    pub(crate) fn begin(&self, seed: u64) {
        self.dice.0.set(seed);
        self.items.borrow_mut().clear();
        self.written.borrow_mut().clear();
    }

    /// Puts an item as another program does.
    pub(crate) fn put(&self, id: &str, item: Item) {
        self.write(id, item);
    }

    /// Does `work` as a network would have it done.
    async fn call<T>(
        &self,
        mut work: impl FnMut() -> Result<T, CommandError>,
    ) -> Result<T, CommandError> {
        self.wait().await;
        if self.dice.roll(12) == 0 {
            return Err(lost("the request"));
        }
        let mut done = work();
        if self.dice.roll(8) == 0 {
            // The SDK had no answer, and sent it again.
            self.wait().await;
            done = work();
        }
        self.wait().await;
        if self.dice.roll(12) == 0 {
            return Err(lost("the answer"));
        }
        done
    }

    async fn wait(&self) {
        for _ in 0..self.dice.roll(3) {
            let mut waited = false;
            poll_fn(|_| {
                let ready = std::mem::replace(&mut waited, true);
                if ready {
                    Poll::Ready(())
                } else {
                    Poll::Pending
                }
            })
            .await;
        }
    }

    fn write(&self, id: &str, item: Item) {
        self.written.borrow_mut().push(item.clone());
        self.items.borrow_mut().insert(id.to_owned(), item);
    }

    fn found(&self, id: &str) -> Option<Item> {
        self.items.borrow().get(id).cloned()
    }
}

fn lost(what: &str) -> CommandError {
    let reason = format!("{what} got lost");
    CommandError::WriteModelUnavailable {
        source: reason.clone().into(),
        reason,
    }
}

fn version(item: &Item) -> u64 {
    let version = item.get(VERSION).cloned();
    version.map_or(1, |version| from_attribute_value(version).unwrap())
}

fn text(value: &AttributeValue) -> String {
    from_attribute_value(value.clone()).unwrap()
}

fn keys(item: &Item) -> Option<Applied> {
    let keys = item.get(APPLIED_KEYS)?.clone();
    Some(from_attribute_value(keys).unwrap())
}

impl Table for Memory {
    async fn get(&self, id: &Id) -> Result<Option<Item>, CommandError> {
        self.call(|| Ok(self.found(id))).await
    }

    async fn create(&self, item: Item) -> Result<Option<Item>, CommandError> {
        let id = text(&item[&self.id]);
        self.call(|| match self.found(&id) {
            Some(existing) => Ok(Some(existing)),
            None => {
                self.write(&id, item.clone());
                Ok(None)
            }
        })
        .await
    }

    async fn move_status(&self, write: MoveStatus<'_>) -> Result<Outcome<Item>, CommandError> {
        self.call(|| {
            let Some(mut item) = self.found(write.id) else {
                return Ok(Outcome::Refused(None));
            };
            let status = match item.get(STATUS) {
                Some(status) => write.from.contains(&text(status)),
                None => write.from_default(),
            };
            let expected = write.expected_version.unwrap_or_else(|| version(&item));
            let room = write.key.as_ref().is_none_or(|(key, _)| {
                keys(&item).is_some_and(|keys| keys.get(key).is_none() && keys.len() <= REMEMBERED)
            });
            if !status || expected != version(&item) || !room {
                return Ok(Outcome::Refused(Some(item)));
            }
            let next = version(&item) + 1;
            item.insert(STATUS.to_owned(), AttributeValue::S(write.to.clone()));
            item.insert(VERSION.to_owned(), AttributeValue::N(next.to_string()));
            let now = AttributeValue::S(write.now.to_string());
            item.insert(UPDATED_AT.to_owned(), now);
            if let (Some((key, used)), Some(AttributeValue::M(keys))) =
                (&write.key, item.get_mut(APPLIED_KEYS))
            {
                keys.insert((*key).to_owned(), to_attribute_value(used).unwrap());
            }
            self.write(write.id, item.clone());
            Ok(Outcome::Written(item))
        })
        .await
    }

    async fn replace(&self, write: Replace<'_>) -> Result<Outcome<()>, CommandError> {
        self.call(|| {
            let found = self.found(write.id);
            let Some(mut item) = found.clone().filter(|item| version(item) == write.version) else {
                return Ok(Outcome::Refused(found));
            };
            item.extend(write.set.iter().cloned());
            item.retain(|name, _| !write.remove.contains(name));
            self.write(write.id, item);
            Ok(Outcome::Written(()))
        })
        .await
    }
}

/// What became of a command: it was sent until it had this answer.
#[derive(Debug)]
pub(crate) struct Answered<E> {
    pub(crate) payload: String,
    pub(crate) answer: Result<Document<E>, CommandError>,
}

/// Carries `work` out step by step; at any step whoever does it may be killed.
async fn mortal<T>(work: impl Future<Output = T>, dice: &Dice) -> Option<T> {
    let mut work = pin!(work);
    poll_fn(|context| match dice.roll(50) {
        0 => Poll::Ready(None),
        _ => work.as_mut().poll(context).map(Some),
    })
    .await
}

/// Plays what each client sends, mixed in any order.
pub(crate) fn play<E: Entity>(
    model: &WriteModel<E, Memory>,
    clients: Vec<Vec<String>>,
    dice: &Dice,
) -> Vec<Answered<E>> {
    let answers = RefCell::new(Vec::new());
    let mut running: Vec<Pin<Box<dyn Future<Output = ()> + '_>>> = Vec::new();
    for payloads in clients {
        let answers = &answers;
        running.push(Box::pin(async move {
            for payload in payloads {
                let answer = loop {
                    let command = model.commands().parse(&payload).unwrap();
                    match mortal(model.execute(command), dice).await {
                        None | Some(Err(CommandError::WriteModelUnavailable { .. })) => {}
                        Some(answer) => break answer,
                    }
                };
                answers.borrow_mut().push(Answered { payload, answer });
            }
        }));
    }
    while !running.is_empty() {
        let next = dice.roll(running.len());
        let mut context = Context::from_waker(Waker::noop());
        if running[next].as_mut().poll(&mut context).is_ready() {
            drop(running.swap_remove(next));
        }
    }
    drop(running);
    answers.into_inner()
}

/// How often each key came to be remembered by an item that had not known it.
pub(crate) fn times_applied(model: &Memory) -> BTreeMap<String, usize> {
    let mut times = BTreeMap::new();
    let mut known: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for item in model.written.borrow().iter() {
        let keys = match item.get(APPLIED_KEYS) {
            Some(AttributeValue::M(keys)) => keys.keys().cloned().collect(),
            _ => BTreeSet::new(),
        };
        let before = known.entry(text(&item[&model.id])).or_default();
        for key in keys.difference(before) {
            *times.entry(key.clone()).or_default() += 1;
        }
        *before = keys;
    }
    times
}
