//! What this stack is about: accounts. Money goes onto them and off again, and none is made or lost.

use pattern::entity::{Entity, Refusal};
use pattern::text::Text;
use pattern::whole::Whole;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the functions serve.
pub type Subject = Account;

/// An account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    /// Whose it is.
    #[schemars(example = &"ann", example = &"bob")]
    pub owner: Text<1, 128>,
    /// What its money is.
    #[serde(default)]
    pub currency: Currency,
    /// How far below zero it may fall, in cents.
    #[serde(default)]
    pub overdraft: Whole<0, 1_000_000>,
    /// What is on it, in cents.
    #[serde(default)]
    #[schemars(extend("readOnly" = true))]
    pub balance: Whole<-1_000_000, 1_000_000_000_000>,
    /// Whether it is in use.
    #[serde(default)]
    pub status: Status,
}

/// What the money of an account is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Currency {
    /// Euros.
    #[default]
    Eur,
    /// Dollars.
    Usd,
    /// Pounds.
    Gbp,
}

/// Whether an account is in use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It is.
    #[default]
    Open,
    /// It has ended; final.
    Closed,
}

/// An amount, in cents.
pub type Cents = Whole<1, 1_000_000_000>;

/// What changes an account.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub enum Command {
    /// Put money on it.
    Deposit {
        /// How much, in cents.
        #[schemars(example = 500)]
        cents: Cents,
    },
    /// Take money from it.
    Withdraw {
        /// How much, in cents.
        #[schemars(example = 500)]
        cents: Cents,
    },
    /// End it, when nothing is on it.
    Close,
}

impl Entity for Account {
    const NAME: &'static str = "account";
    const PLURAL: &'static str = "accounts";
    const LISTS: &'static [&'static str] = &["owner"];

    type Status = Status;
    type Command = Command;

    fn decide(&self, command: Command) -> Result<Self, Refusal> {
        if self.status == Status::Closed {
            return Err("the account is closed".into());
        }
        let balance = match command {
            Command::Deposit { cents } => self.balance.get() + cents.get(),
            Command::Withdraw { cents } => self.balance.get() - cents.get(),
            Command::Close if self.balance.get() != 0 => {
                return Err("the balance is not zero".into());
            }
            Command::Close => {
                return Ok(Self {
                    status: Status::Closed,
                    ..self.clone()
                });
            }
        };
        if balance < -self.overdraft.get() {
            return Err("it would fall below its limit".into());
        }
        Ok(Self {
            balance: Whole::new(balance).map_err(|rule| format!("the balance {rule}"))?,
            ..self.clone()
        })
    }
}
