//! A domain with arithmetic: accounts.

use pattern::entity::{Entity, Refusal};
use pattern::text::Text;
use pattern::whole::Whole;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Account {
    /// Whose it is.
    #[schemars(example = &"ann", example = &"bob")]
    pub(crate) owner: Text<1, 128>,
    /// How far below zero it may fall, in cents.
    #[serde(default)]
    pub(crate) overdraft: Whole<0, 1_000_000>,
    /// What is on it, in cents.
    #[serde(default)]
    #[schemars(extend("readOnly" = true))]
    pub(crate) balance: i64,
    #[serde(default)]
    pub(crate) status: Status,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Status {
    #[default]
    Open,
    Closed,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub(crate) enum Command {
    /// Put money on it.
    Deposit {
        /// How much, in cents.
        cents: u32,
    },
    /// Take money from it.
    Withdraw {
        /// How much, in cents.
        cents: u32,
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
            Command::Deposit { cents } => self.balance + i64::from(cents),
            Command::Withdraw { cents } => self.balance - i64::from(cents),
            Command::Close if self.balance != 0 => return Err("there is money on it".into()),
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
            balance,
            ..self.clone()
        })
    }
}
