//! Whatever the stream, replays, removals, rebuilds and repairs do to the read model, it ends up as the
//! write model: 10,000 random histories against a real server, documents and lists both.
//!
//! A history is made from its number alone, so a failure names all that is needed to repeat it.
//! What it may do is what AWS may do: records of one order arrive in their order from some
//! checkpoint on, any number of times, and records of different orders in any order.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "../../domain/src/lib.rs"]
#[allow(dead_code, unreachable_pub, reason = "it is a crate's source")]
mod order;

use std::collections::{BTreeMap, BTreeSet};

use order::{Order, Status};
use pattern::document::Document;
use pattern::id::Id;
use pattern::projection::{Sequence, State};
use pattern::query::{Query, ToCompare};
use pattern::read_model::{Answer, CacheSettings, ReadModel};
use pattern::timestamp::Timestamp;
use pattern::whole::Whole;
use redis::Connection;
use serde_json::{Value, json};
use test_support::valkey::Valkey;

type Held = Document<Order>;
type Change = pattern::projection::Change<Order>;
type Replacement = pattern::projection::Replacement<Order>;

const HISTORIES: u64 = 10_000;
const THREADS: u64 = 4;
const STATUSES: [Status; 3] = [Status::Placed, Status::Shipped, Status::Cancelled];

/// SplitMix64: small, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) % sides as u64).unwrap()
    }

    fn chance(&mut self, one_in: usize) -> bool {
        self.roll(one_in) == 0
    }
}

/// The write model of one order: what it is, and the stream of what it was.
struct Life {
    id: Id,
    now: Option<Held>,
    last: Option<Held>,
    stream: Vec<Change>,
    delivered: usize,
    /// How often it was created.
    lives: usize,
}

/// What a rebuild read of an order, and in which of its lives.
struct Read {
    life: usize,
    lives: usize,
    change: Change,
}

impl Life {
    fn new(number: usize) -> Self {
        Self {
            id: match number {
                // A UUID, and a text of as many bytes as one has beside its sign.
                0 => "0199b0a0-0000-7000-8000-000000000001".parse().unwrap(),
                1 => "fifteen bytes !".parse().unwrap(),
                _ => format!("order {number}").parse().unwrap(),
            },
            now: None,
            last: None,
            stream: Vec::new(),
            delivered: 0,
            lives: 0,
        }
    }

    /// Changes the order in some way that a writer, ours or another, may.
    fn write(&mut self, dice: &mut Dice, clock: &mut u64) {
        *clock += 1;
        let next = match self.now.take() {
            None => {
                self.lives += 1;
                Some(created(&self.id, dice, *clock))
            }
            Some(_) if dice.chance(5) => None,
            Some(order) => Some(changed(order, dice)),
        };
        let state = match &next {
            Some(order) => State::Present(order.clone()),
            None => {
                let last = self.last.as_ref().unwrap();
                State::Removed {
                    id: self.id.clone(),
                    version: last.version,
                }
            }
        };
        // Across a power of ten, so that comparing as texts would go wrong.
        let number = 99_999_999_999_999_999_990_u128 + u128::from(*clock);
        self.stream.push(Change {
            state,
            sequence: Sequence::new(&number.to_string()),
        });
        self.last = next.clone().or(self.last.take());
        self.now = next;
    }

    /// The next records of the stream, at times from an earlier checkpoint on.
    fn deliver(&mut self, dice: &mut Dice) -> Vec<Change> {
        let from = if dice.chance(3) {
            dice.roll(self.delivered + 1)
        } else {
            self.delivered
        };
        let to = from + dice.roll(self.stream.len() - from + 1);
        self.delivered = to;
        self.stream[from..to].to_vec()
    }

    /// What a rebuild that reads the write model now would project.
    fn rebuild(&self) -> Option<Change> {
        let state = match (&self.now, &self.last) {
            (Some(order), _) => State::Present(order.clone()),
            (None, Some(last)) => State::Removed {
                id: self.id.clone(),
                version: last.version,
            },
            (None, None) => return None,
        };
        Some(Change {
            state,
            sequence: None,
        })
    }
}

fn created(id: &Id, dice: &mut Dice, clock: u64) -> Held {
    let time = Timestamp::parse(&format!("2026-11-23T03:00:00.{:03}Z", clock % 1000)).unwrap();
    Document {
        id: id.clone(),
        entity: Order {
            client_id: ["ann", "b\"ob"][dice.roll(2)].parse().unwrap(),
            product_id: ["tea", "ink"][dice.roll(2)].parse().unwrap(),
            quantity: Whole::new(1 + dice.roll(9) as i64).unwrap(),
            status: Status::Placed,
        },
        version: 1,
        // At times none, as in items that others wrote.
        created_at: if dice.chance(4) {
            Timestamp::EPOCH
        } else {
            time
        },
        updated_at: time,
    }
}

fn changed(mut order: Held, dice: &mut Dice) -> Held {
    match dice.roll(4) {
        0 => order.entity.client_id = "cleo".parse().unwrap(),
        1 => order.entity.product_id = "oil".parse().unwrap(),
        _ => order.entity.status = STATUSES[dice.roll(3)],
    }
    order.version += 1;
    order
}

/// Plays a history and answers the write model that it ends with.
async fn play(seed: u64, model: &ReadModel<Order>) -> BTreeMap<String, Value> {
    let mut dice = Dice(seed);
    let mut clock = 0;
    let mut lives: Vec<_> = (0..=dice.roll(3)).map(Life::new).collect();
    let mut late = Vec::new();
    for _ in 0..3 + dice.roll(10) {
        let repair = if dice.chance(3) {
            inspect(model, &lives).await
        } else {
            Vec::new()
        };
        for life in &mut lives {
            for _ in 0..dice.roll(3) {
                life.write(&mut dice, &mut clock);
            }
        }
        let read = if dice.chance(4) {
            read(&lives)
        } else {
            Vec::new()
        };
        // A rebuild writes at once or a round late, ahead of the stream or behind it.
        let (now, later) = if dice.chance(2) {
            (read, Vec::new())
        } else {
            (Vec::new(), read)
        };
        let mut pass = still_alive(&lives, std::mem::replace(&mut late, later));
        pass.extend(now.into_iter().map(|read| read.change));
        let batch = shuffle(&mut lives, &mut dice);
        let (first, second) = if dice.chance(2) {
            (pass, batch)
        } else {
            (batch, pass)
        };
        project(model, first).await;
        let repair = repair.into_iter().map(Ok).collect();
        let repaired = model.replace(repair).await.unwrap();
        assert!(repaired.failed.is_empty(), "{repaired:?}");
        project(model, second).await;
    }
    // In the end the stream delivers everything, at times with a last replay.
    let mut rest = Vec::new();
    for life in &mut lives {
        let from = if dice.chance(2) {
            dice.roll(life.delivered + 1)
        } else {
            life.delivered
        };
        rest.extend_from_slice(&life.stream[from..]);
    }
    rest.extend(still_alive(&lives, late));
    project(model, rest).await;
    lives
        .into_iter()
        .filter_map(|life| {
            Some((
                life.id.to_string(),
                serde_json::to_value(life.now?).unwrap(),
            ))
        })
        .collect()
}

async fn project(model: &ReadModel<Order>, changes: Vec<Change>) {
    let changes = changes.into_iter().map(Ok).collect();
    let projected = model.project(changes).await.unwrap();
    assert!(projected.failed.is_empty(), "{projected:?}");
}

/// What a repair would replace that inspects the read model now, and reads the write model then.
async fn inspect(model: &ReadModel<Order>, lives: &[Life]) -> Vec<Replacement> {
    let ids = lives
        .iter()
        .map(|life| ToCompare::Id(life.id.clone()))
        .collect();
    let inspected = match model.answer(&Query::Compare(ids)).await.unwrap() {
        Answer::Compared(compared) => compared,
        other => panic!("{other:?}"),
    };
    let both = lives.iter().zip(inspected);
    let replaced = both.filter_map(|(life, held)| {
        Some(Replacement {
            document: life.now.clone()?,
            mark: Some(held.mark).filter(|mark| !mark.is_empty())?,
        })
    });
    replaced.collect()
}

/// What a rebuild reads of the write model now.
fn read(lives: &[Life]) -> Vec<Read> {
    let of = |(at, life): (usize, &Life)| {
        Some(Read {
            life: at,
            lives: life.lives,
            change: life.rebuild()?,
        })
    };
    lives.iter().enumerate().filter_map(of).collect()
}

/// What was read late, without the orders that were created anew since: a rebuild that is late by
/// a whole life is beyond what the rules can order.
fn still_alive(lives: &[Life], read: Vec<Read>) -> Vec<Change> {
    let same_life = |read: &Read| lives[read.life].lives == read.lives;
    let read = read.into_iter().filter(same_life);
    read.map(|read| read.change).collect()
}

/// One batch of what the orders' streams deliver, mixed but for the order within each.
fn shuffle(lives: &mut [Life], dice: &mut Dice) -> Vec<Change> {
    let mut queues: Vec<_> = lives
        .iter_mut()
        .map(|life| life.deliver(dice).into_iter())
        .collect();
    let mut batch = Vec::new();
    while queues.iter().any(|queue| queue.len() > 0) {
        let queue = dice.roll(queues.len());
        batch.extend(queues[queue].next());
    }
    batch
}

/// All that the read model shows: the documents, and the members of each list.
type Shown = (BTreeMap<String, Value>, BTreeMap<String, BTreeSet<String>>);

/// The id of an entity's key: a text, or the digits of a UUID.
fn id(key: &str) -> Option<String> {
    let key = key.strip_prefix("orders:v2:")?;
    match key.strip_prefix('=') {
        Some(text) => Some(text.to_owned()),
        None => Some(uuid::Uuid::try_parse(key).ok()?.to_string()),
    }
}

fn shown(connection: &mut Connection) -> Shown {
    let keys: Vec<String> = redis::cmd("KEYS").arg("*").query(connection).unwrap();
    let mut shown = Shown::default();
    for key in keys {
        if let Some(id) = id(&key) {
            let held: Vec<u8> = redis::cmd("GET").arg(&key).query(connection).unwrap();
            let stop = 6 + held[6..].iter().position(|byte| *byte == b'\n').unwrap();
            if stop + 1 < held.len() {
                let mut document: Value = serde_json::from_slice(&held[stop + 1..]).unwrap();
                document["orderId"] = json!(id);
                shown.0.insert(id, document);
            }
        } else {
            let mut command = redis::cmd("ZRANGE");
            let members: Vec<Vec<u8>> = command.arg(&key).arg(0).arg(-1).query(connection).unwrap();
            shown
                .1
                .insert(key, members.iter().map(|member| place(member)).collect());
        }
    }
    shown
}

/// What a member says: its milliseconds, and the id.
fn place(member: &[u8]) -> String {
    let millis = member[..6]
        .iter()
        .fold(0, |sum, byte| sum * 256 + i64::from(*byte))
        - (1 << 47);
    let id = match member.len() {
        22 => uuid::Uuid::from_slice(&member[6..]).unwrap().to_string(),
        _ => String::from_utf8(member[7..].to_vec())
            .unwrap()
            .trim_end_matches('\0')
            .to_owned(),
    };
    format!("{millis} {id}")
}

fn expected(orders: BTreeMap<String, Value>) -> Shown {
    let mut lists = BTreeMap::<String, BTreeSet<String>>::new();
    for (id, order) in &orders {
        let created_at = Timestamp::parse(order["createdAt"].as_str().unwrap()).unwrap();
        for field in ["clientId", "productId", "status"] {
            let list = format!("orders:v2:{field}:{}", order[field].as_str().unwrap());
            let member = format!("{} {id}", created_at.as_millis());
            lists.entry(list).or_default().insert(member);
        }
    }
    (orders, lists)
}

fn read_model(server: &Valkey) -> ReadModel<Order> {
    let url = server.url();
    let settings = CacheSettings::from_env(&|name| (name == "CACHE_URL").then(|| url.clone()));
    ReadModel::new(settings.unwrap()).unwrap()
}

fn converge(histories: impl Iterator<Item = u64>) {
    let server = Valkey::start();
    let model = read_model(&server);
    let mut connection = server.connection();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    for seed in histories {
        redis::cmd("FLUSHALL").exec(&mut connection).unwrap();
        let orders = runtime.block_on(play(seed, &model));
        assert_eq!(shown(&mut connection), expected(orders), "history {seed}");
    }
}

#[test]
fn ten_thousand_random_histories_all_converge_to_the_write_model() {
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || converge((thread..HISTORIES).step_by(THREADS as usize)));
        }
    });
}
