//! A client that knows for each of its orders what was acknowledged and what is in doubt.

use std::io;

use serde_json::{Value, json};
use test_support::wire::Connection;

use super::random::Random;

/// An order that was acknowledged.
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub(super) id: String,
    /// As it was acknowledged last.
    pub(super) version: u64,
    /// It was to be shipped, and no answer came.
    pub(super) in_doubt: bool,
}

/// Only this client writes its orders.
pub(super) struct Client {
    number: u64,
    random: Random,
    /// One for each create that was sent, until one is answered without an order.
    orders: Vec<Option<Written>>,
    /// Acknowledged since they were last asked for.
    recent: Vec<usize>,
}

impl Client {
    pub(super) fn new(number: u64, random: Random) -> Self {
        Self {
            number,
            random,
            orders: Vec::new(),
            recent: Vec::new(),
        }
    }

    /// Sends one command after the other, until the connection breaks. An answer other than an
    /// order is a failure.
    pub(super) fn send_until_it_breaks(&mut self, port: u16) {
        // It may be gone before this begins.
        let Ok(mut connection) = Connection::open(port) else {
            return;
        };
        while self.send(&mut connection).is_ok() {}
    }

    fn send(&mut self, connection: &mut Connection) -> io::Result<()> {
        let choice = self.random.below(10);
        let known = match self.orders.len() {
            0 => None,
            count => Some(self.random.below(count)),
        };
        match known {
            Some(at) if choice == 0 => self.create(connection, at),
            Some(at) if choice < 3 && self.orders[at].is_some() => self.ship(connection, at),
            _ => {
                // What was not answered is sent again before anything new.
                let doubtful = self.orders.iter().rposition(Option::is_none);
                self.create(connection, doubtful.unwrap_or(self.orders.len()))
            }
        }
    }

    fn create(&mut self, connection: &mut Connection, at: usize) -> io::Result<()> {
        if at == self.orders.len() {
            self.orders.push(None);
        }
        let payload = json!({
            "clientId": format!("client-{}", self.number),
            "productId": self.product(at),
            "idempotencyKey": format!("key-{at}"),
        });
        let order = command(connection, &payload)?;
        let id = order["orderId"].as_str().unwrap();
        let version = order["version"].as_u64().unwrap();
        match &mut self.orders[at] {
            Some(written) => {
                assert_eq!(written.id, id, "one key, two orders");
                written.learn(version);
            }
            unknown => {
                // Nothing but this client's ships changes it, and it never learned of it.
                assert_eq!(version, 1, "{order}");
                *unknown = Some(Written {
                    id: id.to_owned(),
                    version,
                    in_doubt: false,
                });
            }
        }
        self.recent.push(at);
        Ok(())
    }

    fn ship(&mut self, connection: &mut Connection, at: usize) -> io::Result<()> {
        let Some(written) = &mut self.orders[at] else {
            return Ok(());
        };
        let shipped = written.version == 2;
        written.in_doubt = !shipped;
        let payload = json!({"command": "ship", "orderId": written.id});
        let order = command(connection, &payload)?;
        // Also when it was shipped before: then nothing changes.
        assert_eq!(order["version"], 2, "{order}");
        written.learn(2);
        self.recent.push(at);
        Ok(())
    }

    /// Sends creates of before again; each must give its order.
    pub(super) fn repeat_some(&mut self, connection: &mut Connection) {
        for _ in 0..50.min(self.orders.len()) {
            let at = self.random.below(self.orders.len());
            self.create(connection, at).unwrap();
        }
    }

    /// The order that was acknowledged last.
    pub(super) fn newest(&self) -> Option<&Written> {
        self.recent.last().and_then(|&at| self.orders[at].as_ref())
    }

    pub(super) fn take_recent(&mut self) -> Vec<Written> {
        let mut recent = std::mem::take(&mut self.recent);
        recent.sort_unstable();
        recent.dedup();
        recent
            .into_iter()
            .filter_map(|at| self.orders[at].clone())
            .collect()
    }

    /// Each acknowledged order with its product.
    pub(super) fn acknowledged(&self) -> impl Iterator<Item = (String, &Written)> {
        let orders = self.orders.iter().enumerate();
        orders.filter_map(|(at, order)| Some((self.product(at), order.as_ref()?)))
    }

    /// How many creates were sent, repeats aside.
    pub(super) fn tried(&self) -> usize {
        self.orders.len()
    }

    /// No other create names this product, so that an order written twice would show.
    fn product(&self, at: usize) -> String {
        format!("product-{}-{at}", self.number)
    }
}

impl Written {
    /// What it is by a later answer, which ends the doubt: the process that left it so
    /// is gone and can write no more.
    fn learn(&mut self, version: u64) {
        let as_known = version == self.version || (self.in_doubt && version == 2);
        assert!(as_known, "{self:?} was answered at version {version}");
        self.version = version;
        self.in_doubt = false;
    }
}

/// Sends a command to the publisher; gives the order that it answers.
fn command(connection: &mut Connection, payload: &Value) -> io::Result<Value> {
    let answer = connection.invoke("cqrs-publisher", &payload.to_string())?;
    let order = answer.json();
    Ok(order.unwrap_or_else(|said| panic!("{payload}: {said}")))
}
