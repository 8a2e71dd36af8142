//! What this stack is about: {plural}. This crate is all that there is to edit.
//!
//! After each change, make the description anew, from which `cqrs` has its words:
//! `cargo run -p domain --example describe > handlers/domain/domain.json`

use pattern::entity::{Entity, Move, NoCommand, Refusal};
use pattern::text::Text;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the functions serve.
pub type Subject = {Entity};

/// One {entity}: the first line is its help.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct {Entity} {
    // A field is one line: its rule is its type, its help the comment above it. It is then an option of
    // `cqrs {entity} create`, a column of CSV files and tables, an attribute of the item, and a member
    // of every answer. `Text<1, 128>`: 1 to 128 printable characters; `pattern::whole::Whole<1, 10>`: a
    // number. Give each further field a default, `#[serde(default)]`, so that what was written before it
    // can be read.
    /// What it is called.
    #[schemars(example = &"the first")]
    pub title: Text<1, 128>,
    /// How far it is.
    #[serde(default)]
    pub status: Status,
}

// A status is a variant; the default one is that of what was just created.
/// How far it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Nothing is done yet.
    #[default]
    Open,
    /// All is done.
    Done,
}

impl Entity for {Entity} {
    const NAME: &'static str = "{entity}";
    const PLURAL: &'static str = "{plural}";
    // A list is the name of a field: `cqrs {entity} list --title …`. By `status` there always is one.
    const LISTS: &'static [&'static str] = &["title"];
    // A command that moves the status is a row: `cqrs {entity} finish`.
    const MOVES: &'static [Move<Status>] = &[Move {
        command: "finish",
        from: &[Status::Open],
        to: Status::Done,
        help: "Say that it is done",
    }];

    type Status = Status;
    // A command with a rule over the state is a variant of an enum in the place of `NoCommand`, and a
    // branch of `decide`.
    type Command = NoCommand;

    fn decide(&self, command: NoCommand) -> Result<Self, Refusal> {
        match command {}
    }
}
