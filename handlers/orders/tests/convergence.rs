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

use std::collections::{BTreeMap, BTreeSet};

use orders::ids::{ClientId, OrderId, ProductId};
use orders::order::{Order, Quantity, Status};
use orders::projection::{Change, Removed, Replacement, Sequence, State};
use orders::query::Query;
use orders::read_model::{Answer, CacheSettings, ReadModel};
use orders::timestamp::Timestamp;
use redis::Connection;
use test_support::valkey::Valkey;

const HISTORIES: u64 = 10_000;
const THREADS: u64 = 4;

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
    id: OrderId,
    now: Option<Order>,
    last: Option<Order>,
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
            id: OrderId::new(format!("order {number}")).unwrap(),
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
                State::Removed(Removed {
                    order_id: self.id.clone(),
                    version: last.version,
                })
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
            (None, Some(last)) => State::Removed(Removed {
                order_id: self.id.clone(),
                version: last.version,
            }),
            (None, None) => return None,
        };
        Some(Change {
            state,
            sequence: None,
        })
    }
}

fn created(id: &OrderId, dice: &mut Dice, clock: u64) -> Order {
    let time = Timestamp::parse(&format!("2026-11-23T03:00:00.{:03}Z", clock % 1000)).unwrap();
    Order {
        order_id: id.clone(),
        client_id: ClientId::new(["ann", "bob"][dice.roll(2)]).unwrap(),
        product_id: ProductId::new(["tea", "ink"][dice.roll(2)]).unwrap(),
        quantity: Quantity::new(1 + dice.roll(9) as u64).unwrap(),
        status: Status::Placed,
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

fn changed(mut order: Order, dice: &mut Dice) -> Order {
    match dice.roll(4) {
        0 => order.client_id = ClientId::new("cleo").unwrap(),
        1 => order.product_id = ProductId::new("oil").unwrap(),
        _ => order.status = Status::ALL[dice.roll(3)],
    }
    order.version += 1;
    order
}

/// Plays a history and answers the write model that it ends with.
async fn play(seed: u64, model: &ReadModel) -> BTreeMap<String, Order> {
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
        model.project(&first).await.unwrap();
        model.replace(&repair).await.unwrap();
        model.project(&second).await.unwrap();
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
    model.project(&rest).await.unwrap();
    lives
        .into_iter()
        .filter_map(|life| Some((life.id.to_string(), life.now?)))
        .collect()
}

/// What a repair would replace that inspects the read model now, and reads the write model then.
async fn inspect(model: &ReadModel, lives: &[Life]) -> Vec<Replacement> {
    let ids = lives.iter().map(|life| life.id.clone()).collect();
    let inspected = match model.answer(&Query::Inspect(ids)).await.unwrap() {
        Answer::Inspected { inspected } => inspected,
        other => panic!("{other:?}"),
    };
    let both = lives.iter().zip(inspected);
    let replaced = both.filter_map(|(life, held)| {
        Some(Replacement {
            order: life.now.clone()?,
            mark: held?.mark,
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
type Shown = (BTreeMap<String, Order>, BTreeMap<String, BTreeSet<String>>);

fn shown(connection: &mut Connection) -> Shown {
    let keys: Vec<String> = redis::cmd("KEYS").arg("*").query(connection).unwrap();
    if keys.is_empty() {
        return Shown::default();
    }
    let mut pipeline = redis::pipe();
    for key in &keys {
        if key.starts_with("orders:v1:order:") {
            pipeline.cmd("HMGET").arg(key).arg("d");
        } else {
            pipeline.cmd("ZRANGE").arg(key).arg(0).arg(-1);
        }
    }
    let values: Vec<Vec<Option<String>>> = pipeline.query(connection).unwrap();
    let mut shown = Shown::default();
    for (key, values) in keys.into_iter().zip(values) {
        match key.strip_prefix("orders:v1:order:") {
            Some(id) => {
                let document = values.into_iter().next().flatten();
                let order = document.map(|text| serde_json::from_str(&text).unwrap());
                shown.0.extend(order.map(|order| (id.to_owned(), order)));
            }
            None => {
                shown.1.insert(key, values.into_iter().flatten().collect());
            }
        }
    }
    shown
}

fn expected(orders: BTreeMap<String, Order>) -> Shown {
    let mut lists = BTreeMap::<String, BTreeSet<String>>::new();
    for order in orders.values() {
        for list in [
            "all".to_owned(),
            format!("client:{}", order.client_id),
            format!("product:{}", order.product_id),
            format!("status:{}", order.status),
        ] {
            let member = format!("{} {}", order.created_at, order.order_id);
            lists
                .entry(format!("orders:v1:{list}"))
                .or_default()
                .insert(member);
        }
    }
    (orders, lists)
}

fn read_model(server: &Valkey) -> ReadModel {
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
