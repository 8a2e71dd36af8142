//! What `cqrs status` says, as one document: every part with its health, its facts and, where it
//! is not well, the advice. The shape is part of the tool's interface (docs/operations.md).

use pattern::timestamp::Timestamp;
use serde::Serialize;

use super::Place;
use crate::error::{Failure, Kind};
use crate::observe::Seen;
use crate::observe::judge::Health;
use crate::observe::judged::{Judged, Parts};
use crate::settings::Target;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    pub(super) stack: String,
    pub(super) target: Target,
    pub(super) region: String,
    pub(super) at: Timestamp,
    /// That of the worst part.
    pub(super) health: Health,
    pub(super) parts: Parts,
    pub(super) dashboard_url: Option<String>,
    /// Whether its process does not run; on this machine only.
    #[serde(skip)]
    pub(super) is_stopped: bool,
    /// Whether the read model lacks orders because the cache lost them.
    #[serde(skip)]
    lost_contents: bool,
}

impl Report {
    pub(super) fn new(mut seen: Seen, place: &Place) -> Self {
        let is_stopped = seen.is_stopped();
        let lost_contents = matches!(&seen.read_model, Ok(model) if !model.is_complete);
        let (at, dashboard_url) = (seen.at, seen.dashboard.take());
        let parts = seen.judged(&place.stack, place.target);
        let health = parts.iter().map(|part| part.health).max();
        Self {
            stack: place.stack.to_string(),
            target: place.target,
            region: place.region.clone(),
            at,
            health: health.unwrap_or(Health::Ok),
            parts,
            dashboard_url,
            is_stopped,
            lost_contents,
        }
    }

    /// The parts by their weight: queries answer wrongly or not at all where the read model lost its
    /// contents, whatever else there is.
    pub(super) fn weightiest_first(&self) -> Vec<&Judged> {
        let mut parts: Vec<&Judged> = self.parts.iter().collect();
        parts.sort_by_key(|part| !self.lost_contents || part.key != "readModel");
        parts
    }

    /// Where something is broken, what the command ends with.
    pub(super) fn failure(&self) -> Option<Failure> {
        let mut broken = self.weightiest_first();
        broken.retain(|part| part.health == Health::Failed);
        let names: Vec<&str> = broken.iter().map(|part| part.name).collect();
        let first = broken.first()?;
        let message = format!("stack `{}` is not well: {}", self.stack, names.join(", "));
        let failure = Failure::new(Kind::Failed, message);
        let next = first
            .advice
            .as_ref()
            .and_then(|advice| advice.next.as_deref());
        Some(match next {
            Some(next) => failure.hint(next),
            None => failure,
        })
    }
}
