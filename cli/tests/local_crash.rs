//! What an acknowledgement is worth: the stack's process is killed again and again under load, and
//! every order that it acknowledged is there afterwards, once, in both models.
//!
//! When each kill comes and what the clients send is drawn from a seed, which is printed when a test
//! fails. `CQRS_TEST_SEED` repeats the draws; what the machine does in between differs every time.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use test_support::valkey::Valkey;
use test_support::wire::Connection;
use test_support::{eventually, tree};

use self::client::{Client, Written};
use self::random::Random;
use crate::support::{LocalStage, Stage};

mod client;
mod random;

const CLIENTS: u64 = 8;
/// A load that is cut off before it begins is one of the moments that matter.
const LONGEST_LOAD: Duration = Duration::from_millis(400);
/// For what must come about soon; reached only when it does not.
const PATIENCE: Duration = Duration::from_secs(30);

/// The cache dies with the process, and the read model is made again each time.
#[test]
fn every_acknowledged_order_is_there_once_though_the_process_was_killed_50_times() {
    let stage = LocalStage::deployed();
    Trial::new(stage).kill(50);
}

/// The read model stays, and only the stream can bring what is missing.
#[test]
fn the_stream_goes_on_where_it_was_when_the_cache_outlives_the_process() {
    let cache = Valkey::start();
    let stage = LocalStage::empty();
    let deploy = stage.deploy().args(["--cache-url", &cache.url()]);
    deploy.arg("--quiet").succeeds();
    Trial::new(stage).kill(10);
}

struct Trial {
    stage: LocalStage,
    random: Random,
    clients: Vec<Client>,
}

impl Trial {
    fn new(stage: LocalStage) -> Self {
        let mut random = Random::from_environment();
        Self {
            stage,
            clients: (0..CLIENTS)
                .map(|number| Client::new(number, random.branch()))
                .collect(),
            random,
        }
    }

    fn kill(mut self, times: u32) {
        for _ in 0..times {
            self.load_until_killed();
            self.start_again();
            self.recent_orders_are_visible();
        }
        let table = self.table();
        self.table_holds_what_was_acknowledged(&table);
        self.read_model_becomes(&table);
        self.keys_still_name_their_orders();
    }

    fn port(&self) -> u16 {
        let port = self.stage.host("cqrs")["port"].as_u64().unwrap();
        u16::try_from(port).unwrap()
    }

    fn connection(&self) -> Connection {
        Connection::open(self.port()).unwrap()
    }

    /// Kills the process while all clients send, and sees its children end.
    fn load_until_killed(&mut self) {
        let pid = self.stage.host("cqrs")["pid"].as_u64().unwrap();
        let process = tree::seen(u32::try_from(pid).unwrap()).unwrap();
        let children = tree::below(process.pid);
        for name in ["publisher", "subscriber", "query"] {
            assert!(
                children.iter().any(|child| child.name == name),
                "no {name} among {children:?}"
            );
        }
        let port = self.port();
        let load = self.random.up_to(LONGEST_LOAD);
        thread::scope(|scope| {
            for client in &mut self.clients {
                scope.spawn(|| client.send_until_it_breaks(port));
            }
            thread::sleep(load);
            process.kill();
        });
        // A process that is being killed goes on holding its lock for a moment.
        let lock = File::open(self.stage.state("cqrs").join("lock")).unwrap();
        lock.lock().unwrap();
        let mut left = Vec::new();
        let ended = eventually(PATIENCE, || {
            left = tree::within(&self.stage.state("cqrs"));
            left.extend(children.iter().filter(|child| child.is_running()).cloned());
            left.is_empty()
        });
        assert!(ended, "outlived the process that started them: {left:?}");
    }

    /// Any command starts the stack again; this one also waits for an order.
    fn start_again(&self) {
        let newest = self.clients.iter().rev().find_map(Client::newest);
        match newest {
            Some(order) => {
                let id = order.id.as_str();
                let got: Value = self.stage.cqrs(["order", "get", id, "--wait"]).json();
                assert_eq!(got["orderId"], id);
            }
            None => {
                self.stage.cqrs(["order", "list"]).succeeds();
            }
        }
    }

    /// The orders of the load before, as far as they are one query.
    fn recent_orders_are_visible(&mut self) {
        let recent: Vec<Written> = self
            .clients
            .iter_mut()
            .flat_map(Client::take_recent)
            .collect();
        let mut connection = self.connection();
        for chunk in recent.chunks(500) {
            let ids: Vec<_> = chunk.iter().map(|order| order.id.as_str()).collect();
            let payload = json!({ "orderIds": ids }).to_string();
            let mut missing = Vec::new();
            let visible = eventually(PATIENCE, || {
                let answer = connection.invoke("cqrs-query", &payload).unwrap();
                let answer = answer.json().unwrap();
                let found = answer["orders"].as_array().unwrap();
                missing = chunk
                    .iter()
                    .zip(found)
                    .filter(|(order, found)| found["version"].as_u64() < Some(order.version))
                    .map(|(order, _)| order)
                    .collect();
                missing.is_empty()
            });
            assert!(visible, "acknowledged and not visible: {missing:?}");
        }
    }

    /// All items of the table, by their products: each create names a product of its own.
    fn table(&self) -> HashMap<String, Value> {
        let mut connection = self.connection();
        let outputs: Value = self.stage.cqrs(["outputs"]).json();
        let mut items = HashMap::new();
        let mut request = json!({ "TableName": outputs["TableName"] });
        loop {
            let answer = connection.dynamodb("Scan", &request.to_string()).unwrap();
            let mut page = answer.json().unwrap();
            for item in page["Items"].as_array().unwrap() {
                let product = item["productId"]["S"].as_str().unwrap();
                let twin = items.insert(product.to_owned(), item.clone());
                assert_eq!(twin, None, "written twice");
            }
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"].take();
            if request["ExclusiveStartKey"].is_null() {
                return items;
            }
        }
    }

    fn table_holds_what_was_acknowledged(&self, table: &HashMap<String, Value>) {
        let mut tried = 0;
        for client in &self.clients {
            for (product, order) in client.acknowledged() {
                let item = table
                    .get(&product)
                    .unwrap_or_else(|| panic!("acknowledged and lost: {order:?}"));
                assert_eq!(item["orderId"]["S"], order.id.as_str());
                let version = version(item);
                let shipped_unheard = order.in_doubt && version == order.version + 1;
                assert!(
                    version == order.version || shipped_unheard,
                    "{order:?} is {item}"
                );
            }
            tried += client.tried();
        }
        assert!(table.len() <= tried, "orders that nobody sent");
    }

    /// Every order of the table, no other, and none twice.
    fn read_model_becomes(&self, table: &HashMap<String, Value>) {
        let expected: BTreeMap<_, _> = table
            .values()
            .map(|item| {
                let id = item["orderId"]["S"].as_str().unwrap();
                (id.to_owned(), version(item))
            })
            .collect();
        let mut connection = self.connection();
        let mut listed = BTreeMap::new();
        let whole = eventually(PATIENCE, || {
            listed = list(&mut connection);
            listed == expected
        });
        assert!(
            whole,
            "only in the table: {:?}; only in the read model: {:?}",
            but_not(&expected, &listed),
            but_not(&listed, &expected)
        );
    }

    fn keys_still_name_their_orders(&mut self) {
        let mut connection = self.connection();
        for client in &mut self.clients {
            client.repeat_some(&mut connection);
        }
    }
}

/// All pages of the read model's list of all orders: ids and versions.
fn list(connection: &mut Connection) -> BTreeMap<String, u64> {
    let mut listed = BTreeMap::new();
    let mut request = json!({"list": {"limit": 500}});
    loop {
        let answer = connection.invoke("cqrs-query", &request.to_string());
        let mut page = answer.unwrap().json().unwrap();
        for order in page["orders"].as_array().unwrap() {
            let id = order["orderId"].as_str().unwrap().to_owned();
            let version = order["version"].as_u64().unwrap();
            assert_eq!(listed.insert(id, version), None, "{order} is listed twice");
        }
        request["list"]["cursor"] = page["cursor"].take();
        if request["list"]["cursor"].is_null() {
            return listed;
        }
    }
}

fn version(item: &Value) -> u64 {
    item["version"]["N"].as_str().unwrap().parse().unwrap()
}

fn but_not<'a>(
    these: &'a BTreeMap<String, u64>,
    those: &BTreeMap<String, u64>,
) -> Vec<(&'a String, &'a u64)> {
    these
        .iter()
        .filter(|(id, version)| those.get(*id) != Some(version))
        .collect()
}
