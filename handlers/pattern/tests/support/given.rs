//! A read model on a real server, and changes to project into it.

use pattern::payload::Projected;
use pattern::projection::{Event, Sequence};
use pattern::query::Queries;
use pattern::read_model::{CacheSettings, ReadModel};
use serde_json::{Value, json};
use test_support::valkey::Valkey;

use crate::order::Order;
use crate::stored::{complete, item};

pub(crate) type Change = pattern::projection::Change<Order>;

pub(crate) struct Given {
    pub(crate) server: Valkey,
    pub(crate) model: ReadModel<Order>,
    pub(crate) runtime: tokio::runtime::Runtime,
}

pub(crate) const APPLIED: Projected = Projected {
    applied: 1,
    stale: 0,
    failed: Vec::new(),
};
pub(crate) const STALE: Projected = Projected {
    applied: 0,
    stale: 1,
    failed: Vec::new(),
};

impl Given {
    pub(crate) fn an_empty_read_model() -> Self {
        let server = Valkey::start();
        complete(&server);
        let url = server.url();
        let settings = CacheSettings::from_env(&|name| (name == "CACHE_URL").then(|| url.clone()));
        Self {
            server,
            model: ReadModel::new(settings.unwrap()).unwrap(),
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap(),
        }
    }

    pub(crate) fn project(&self, change: Change) -> Projected {
        self.runtime
            .block_on(self.model.project(vec![Ok(change)]))
            .unwrap()
    }

    pub(crate) fn ask(&self, query: &Value) -> Value {
        serde_json::from_str(&self.text(query)).unwrap()
    }

    /// The answer as it stands.
    pub(crate) fn text(&self, query: &Value) -> String {
        let queries = Queries::of(self.model.description());
        let query = queries.parse(&query.to_string()).unwrap();
        let answer = self.runtime.block_on(self.model.answer(&query)).unwrap();
        serde_json::to_string(&answer).unwrap()
    }

    pub(crate) fn replace(&self, order: &Value, mark: &str) -> Projected {
        let payload = json!({"project": {"replaced": [{"item": item(order), "mark": mark}]}});
        let Event::Replace(replacements) = Event::parse(&payload.to_string()).unwrap() else {
            panic!("no replacement")
        };
        let replaced = self.model.replace(replacements);
        self.runtime.block_on(replaced).unwrap()
    }

    /// How what is held agrees with `order`.
    pub(crate) fn compared(&self, order: &Value) -> Value {
        self.ask(&json!({"compare": [{"item": item(order)}]}))["compared"][0].take()
    }

    pub(crate) fn state(&self, order: &Value) -> String {
        self.compared(order)["state"].as_str().unwrap().to_owned()
    }

    /// The name of the state that is held.
    pub(crate) fn mark(&self) -> String {
        self.ask(&json!({"compare": [{"orderId": "o"}]}))["compared"][0]["mark"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// The orders of a list.
    pub(crate) fn list(&self, filter: &Value) -> Vec<Value> {
        let mut page = self.ask(&json!({"list": filter}));
        serde_json::from_value(page["orders"].take()).unwrap()
    }

    pub(crate) fn held(&self) -> Value {
        self.ask(&json!({"orderId": "o"}))
    }

    /// The stream's number of the change that made what is held.
    pub(crate) fn number(&self) -> String {
        self.mark().split(' ').nth(1).unwrap().to_owned()
    }

    /// Puts `document`, which has no id, where that of the order is.
    pub(crate) fn put(&self, mark: &str, document: &str) {
        let held = [
            b"\x80\0\0\0\0\0",
            mark.as_bytes(),
            b"\n",
            document.as_bytes(),
        ]
        .concat();
        let mut command = redis::cmd("SET");
        command.arg("orders:v2:=o").arg(held);
        command.exec(&mut self.server.connection()).unwrap();
    }
}

pub(crate) fn order(id: &str, version: u64, status: &str, created_at: &str) -> Value {
    json!({
        "orderId": id, "clientId": "c", "productId": "p", "quantity": 1, "status": status,
        "version": version, "createdAt": created_at, "updatedAt": created_at,
    })
}

pub(crate) fn at(version: u64, status: &str) -> Value {
    order("o", version, status, "2026-11-23T03:00:00.000Z")
}

pub(crate) fn by_hand(payload: &Value) -> Change {
    match Event::parse(&json!({"project": payload}).to_string()).unwrap() {
        Event::Project(mut changes) => changes.pop().unwrap().unwrap(),
        _ => panic!("not by hand"),
    }
}

pub(crate) fn present(order: &Value) -> Change {
    by_hand(&json!({"items": [item(order)]}))
}

pub(crate) fn removed(version: u64) -> Change {
    by_hand(&json!({"removed": [{"orderId": "o", "version": version}]}))
}

pub(crate) fn numbered(change: Change, sequence: &str) -> Change {
    Change {
        sequence: Sequence::new(sequence),
        ..change
    }
}
