//! What a run says to the functions: all that it knows of the orders stands here.

use serde::Deserialize;
use serde_json::{Value, json};

use super::MARK;

/// How many products are ordered.
const PRODUCTS: usize = 16;

/// The commands that a mix can have.
pub(crate) const COMMANDS: [&str; 2] = ["ship", "cancel"];

/// The orders of one run.
#[derive(Debug)]
pub(super) struct Subject {
    client: String,
}

/// The publisher's answer to a create.
#[derive(Deserialize)]
pub(super) struct Created {
    #[serde(rename = "orderId")]
    pub(super) id: String,
}

impl Subject {
    pub(super) fn of(run: &str) -> Self {
        Self {
            client: format!("{MARK}{run}"),
        }
    }

    /// With a key: the SDK repeats a call whose answer was lost, which would be a second order.
    pub(super) fn create(&self) -> Value {
        json!({
            "clientId": self.client,
            "productId": format!("bench-{}", fastrand::usize(..PRODUCTS)),
            "idempotencyKey": uuid::Uuid::now_v7().to_string(),
        })
    }

    pub(super) fn change(&self, command: &str, id: &str) -> Value {
        json!({ "command": command, "orderId": id })
    }

    pub(super) fn get(&self, id: &str) -> Value {
        json!({ "orderId": id })
    }

    pub(super) fn list(&self) -> Value {
        json!({ "list": { "clientId": self.client } })
    }
}
