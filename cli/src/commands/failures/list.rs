//! `cqrs failures list`: the failures that wait, and how many there are.

use std::fmt;

use serde::Serialize;

use crate::app::interrupt::Interrupt;
use crate::commands::failures::{Desk, Meant};
use crate::commands::table::table;
use crate::error::Failure;
use crate::failures::message::{Batch, Content, Id, Message};
use crate::failures::queue::Depth;
use crate::printer::Printer;
use crate::settings::Settings;

pub(super) async fn run(
    limit: u32,
    settings: &Settings,
    interrupt: &Interrupt,
    printer: &Printer,
) -> Result<(), Failure> {
    let desk = Desk::open(settings, printer).await?;
    let waiting = desk.destination.depth().await?;
    let oldest = Meant::Oldest(limit as usize);
    let found = desk.look(oldest, limit.into(), interrupt, printer).await?;
    let listed = Listed {
        failures: found.iter().map(Listing::from).collect(),
        waiting,
    };
    if printer.is_json() {
        return printer.json(&listed);
    }
    if !listed.failures.is_empty() {
        printer.data(&listed)?;
    }
    printer.note(listed.summary());
    if !listed.failures.is_empty() {
        printer.next("cqrs failures show ID, then cqrs failures retry ID");
    }
    Ok(())
}

#[derive(Serialize)]
struct Listed {
    failures: Vec<Listing>,
    waiting: Depth,
}

/// A failure as JSON: everything that its message says.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Listing {
    id: Id,
    at: String,
    message_id: String,
    foreign: bool,
    #[serde(flatten)]
    batch: Option<Batch>,
    /// The text of a foreign message.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
}

impl From<&Message> for Listing {
    fn from(message: &Message) -> Self {
        let (batch, body) = match &message.content {
            Content::Batch(batch) => (Some((**batch).clone()), None),
            Content::Foreign(body) => (None, Some(body.clone())),
        };
        Self {
            id: message.id.clone(),
            at: message.at(),
            message_id: message.message_id.clone(),
            foreign: batch.is_none(),
            batch,
            body,
        }
    }
}

impl Listing {
    /// The text of a foreign message.
    pub(super) fn body(&self) -> Option<&str> {
        self.body.as_deref()
    }
}

/// Failures as a table.
pub(super) fn rows<'a>(failures: impl IntoIterator<Item = &'a Listing>) -> String {
    let rows = failures.into_iter().map(|failure| {
        let Some(batch) = &failure.batch else {
            let foreign = "foreign: not of this stack's stream";
            return [
                failure.id.to_string(),
                failure.at.clone(),
                foreign.to_owned(),
            ]
            .into();
        };
        let context = &batch.request_context;
        let attempts = context.approximate_invoke_count;
        vec![
            failure.id.to_string(),
            failure.at.clone(),
            context.condition.clone().unwrap_or_default(),
            attempts.map_or_else(|| "-".to_owned(), |count| count.to_string()),
            batch.info.batch_size.to_string(),
            batch.error().unwrap_or("-").to_owned(),
        ]
    });
    let header = [
        "FAILURE",
        "WHEN",
        "CONDITION",
        "ATTEMPTS",
        "RECORDS",
        "ERROR",
    ];
    table(&header, rows)
}

impl fmt::Display for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&rows(&self.failures))
    }
}

impl Listed {
    fn summary(&self) -> String {
        let shown = self.failures.len() as u64;
        // SQS's count lags behind; what was just seen is there.
        let visible = self.waiting.visible.max(shown);
        let mut text = match visible {
            0 => "No failures wait".to_owned(),
            1 => "1 failure waits".to_owned(),
            many => format!("{many} failures wait"),
        };
        if visible > shown {
            text.push_str(&format!(", {shown} of them shown: `--limit N` shows N"));
        }
        if self.waiting.hidden > 0 {
            let hidden = self.waiting.hidden;
            text.push_str(&format!("; {hidden} more in the hands of other commands"));
        }
        text
    }
}
