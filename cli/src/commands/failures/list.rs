//! `cqrs failures list`: the failures that wait, and how many there are.

use std::fmt;

use serde::Serialize;

use crate::app::interrupt::Interrupt;
use crate::commands::failures::{Desk, Meant, UNKNOWN};
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
struct Listed<'a> {
    failures: Vec<Listing<'a>>,
    waiting: Depth,
}

/// A failure as JSON: everything that its message says.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Listing<'a> {
    id: &'a Id,
    at: String,
    message_id: &'a str,
    foreign: bool,
    #[serde(flatten)]
    batch: Option<&'a Batch>,
    /// The text of a foreign message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) body: Option<&'a str>,
}

impl<'a> From<&'a Message> for Listing<'a> {
    fn from(message: &'a Message) -> Self {
        let (batch, body) = match &message.content {
            Content::Batch(batch) => (Some(&**batch), None),
            Content::Foreign(body) => (None, Some(body.as_str())),
        };
        Self {
            id: &message.id,
            at: message.at(),
            message_id: &message.message_id,
            foreign: batch.is_none(),
            batch,
            body,
        }
    }
}

/// Failures as a table.
pub(super) fn rows<'a>(failures: impl IntoIterator<Item = &'a Listing<'a>>) -> String {
    let rows = failures.into_iter().map(|failure| {
        let mut row = vec![failure.id.to_string(), failure.at.clone()];
        let Some(batch) = failure.batch else {
            row.push("foreign: not of this stack's stream".to_owned());
            return row;
        };
        let context = &batch.request_context;
        let attempts = context.approximate_invoke_count;
        row.extend([
            context.condition.clone().unwrap_or_default(),
            attempts.map_or_else(|| UNKNOWN.to_owned(), |count| count.to_string()),
            batch.info.batch_size.to_string(),
            batch.error().unwrap_or(UNKNOWN).to_owned(),
        ]);
        row
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

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&rows(&self.failures))
    }
}

impl Listed<'_> {
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
