//! What this stack is about: orders. This crate is all that a stack about something else changes.

use pattern::entity::{Entity, Move, NoCommand, Refusal};
use pattern::text::Text;
use pattern::whole::Whole;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the functions serve.
pub type Subject = Order;

/// An order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    /// Who orders.
    // The payload that the original sample documents spells it `cliendId`.
    #[schemars(example = &"123456789", extend("aliases" = ["cliendId"]))]
    pub client_id: Text<1, 128>,
    /// What is ordered.
    #[schemars(example = &"abc-def-ghi")]
    pub product_id: Text<1, 128>,
    /// How many of it.
    #[serde(default)]
    pub quantity: Whole<1, 1_000_000>,
    /// How far it has come.
    #[serde(default)]
    pub status: Status,
}

/// How far an order has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Ordered, and nothing done yet.
    #[default]
    Placed,
    /// On its way; final.
    Shipped,
    /// Called off; final.
    Cancelled,
}

impl Entity for Order {
    const NAME: &'static str = "order";
    const PLURAL: &'static str = "orders";
    const LISTS: &'static [&'static str] = &["clientId", "productId"];
    const KEY_SCOPE: Option<&'static str> = Some("clientId");
    const MOVES: &'static [Move<Status>] = &[
        Move {
            command: "ship",
            from: &[Status::Placed],
            to: Status::Shipped,
            help: "Send it",
        },
        Move {
            command: "cancel",
            from: &[Status::Placed],
            to: Status::Cancelled,
            help: "Call it off",
        },
    ];

    type Status = Status;
    type Command = NoCommand;

    fn decide(&self, command: NoCommand) -> Result<Self, Refusal> {
        match command {}
    }
}
