//! What this stack is about: tickets. What is to be done, by whom and until when, and how far it is.

use pattern::date::Date;
use pattern::entity::{Entity, Move, Refusal};
use pattern::list::List;
use pattern::text::{Lines, Text};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the functions serve.
pub type Subject = Ticket;

/// A ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Ticket {
    /// What is to be done, in one line.
    #[schemars(example = &"The lift is stuck", example = &"A chair for room 7")]
    pub title: Text<1, 200>,
    /// All that there is to say of it, in as many lines as it takes.
    #[serde(default)]
    #[schemars(example = &"Between the second floor and the third.\nNobody is in it.")]
    pub body: Option<Lines<1, 2_000>>,
    /// How much it matters.
    #[serde(default)]
    #[schemars(example = Priority::High, example = Priority::Low)]
    pub priority: Priority,
    /// What it belongs to.
    #[serde(default)]
    #[schemars(extend("examples" = [["house", "safety"], ["house"]]))]
    pub tags: List<Text<1, 32>, 0, 10>,
    /// The day by which it is to be done.
    #[serde(default)]
    #[schemars(example = &"2027-01-31")]
    pub due: Option<Date>,
    /// Who does it.
    #[serde(default)]
    #[schemars(extend("readOnly" = true))]
    pub assignee: Option<Text<1, 128>>,
    /// How far it is.
    #[serde(default)]
    pub status: Status,
}

/// How much a ticket matters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    /// When there is nothing else to do.
    Low,
    /// In its turn.
    #[default]
    Normal,
    /// Before all others.
    High,
}

/// How far a ticket is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Nobody does it yet.
    #[default]
    Open,
    /// Somebody does it.
    Assigned,
    /// It is done.
    Resolved,
}

/// What changes a ticket, where that is more than its status.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub enum Command {
    /// Give it to somebody.
    Assign {
        /// To whom.
        #[schemars(example = &"ann")]
        to: Text<1, 128>,
    },
    /// Take it up again, since it was not done.
    Reopen,
}

impl Entity for Ticket {
    const NAME: &'static str = "ticket";
    const PLURAL: &'static str = "tickets";
    const LISTS: &'static [&'static str] = &["assignee", "priority"];
    const MOVES: &'static [Move<Status>] = &[Move {
        command: "resolve",
        from: &[Status::Open, Status::Assigned],
        to: Status::Resolved,
        help: "Say that it is done",
    }];

    type Status = Status;
    type Command = Command;

    fn decide(&self, command: Command) -> Result<Self, Refusal> {
        let resolved = self.status == Status::Resolved;
        match command {
            Command::Assign { .. } if resolved => Err("it is resolved: reopen it first".into()),
            Command::Assign { to } => Ok(Self {
                assignee: Some(to),
                status: Status::Assigned,
                ..self.clone()
            }),
            Command::Reopen if !resolved => Err("it is not resolved".into()),
            // Whoever did it goes on with it.
            Command::Reopen => Ok(Self {
                status: match self.assignee {
                    Some(_) => Status::Assigned,
                    None => Status::Open,
                },
                ..self.clone()
            }),
        }
    }
}
