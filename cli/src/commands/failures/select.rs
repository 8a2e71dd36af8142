//! Finds failures: some of those that wait, or those that were named.

use std::collections::HashSet;

use crate::app::interrupt::Interrupt;
use crate::error::{Failure, Kind};
use crate::failures::destination::{Destination, DestinationError};
use crate::failures::message::{Id, Message};
use crate::failures::scan::Scan;

/// Up to `at_most` failures that the scan has not had yet, the oldest first.
pub(super) async fn some(
    scan: &mut Scan<'_>,
    at_most: usize,
    interrupt: &Interrupt,
) -> Result<Vec<Message>, Failure> {
    let mut found: Vec<Message> = Vec::new();
    while found.len() < at_most {
        let next = scan.next(at_most - found.len());
        let next = received(interrupt, next).await?;
        if next.is_empty() {
            break;
        }
        found.extend(next);
    }
    found.sort_by(Message::by_age);
    Ok(found)
}

/// The failures with these ids, the oldest first; each must be there.
pub(super) async fn named(
    scan: &mut Scan<'_>,
    ids: &[Id],
    interrupt: &Interrupt,
) -> Result<Vec<Message>, Failure> {
    let mut missing: HashSet<&Id> = ids.iter().collect();
    let mut found = Vec::new();
    while !missing.is_empty() {
        let next = received(interrupt, scan.next(usize::MAX)).await?;
        if next.is_empty() {
            let first = ids.iter().find(|id| missing.contains(id));
            return Err(unknown(first, scan.destination()));
        }
        for message in next {
            if ids.contains(&message.id) {
                missing.remove(&message.id);
                found.push(message);
            }
        }
    }
    found.sort_by(Message::by_age);
    Ok(found)
}

async fn received(
    interrupt: &Interrupt,
    next: impl Future<Output = Result<Vec<Message>, DestinationError>>,
) -> Result<Vec<Message>, Failure> {
    let interrupted = || Failure::interrupted("interrupted; the failures wait as before");
    if interrupt.is_set() {
        return Err(interrupted());
    }
    match interrupt.soon_after(next).await {
        Some(messages) if !interrupt.is_set() => Ok(messages?),
        _ => Err(interrupted()),
    }
}

fn unknown(id: Option<&Id>, destination: &Destination) -> Failure {
    let id = id.map(ToString::to_string).unwrap_or_default();
    Failure::new(
        Kind::NotFound,
        format!("no failure `{id}` waits in the {}", destination.noun()),
    )
    .hint(match destination {
        Destination::Queue(_) => {
            "`cqrs failures list` shows those that wait; one that another command is working on \
             comes back within 5 minutes"
        }
        Destination::Bucket(_) => "`cqrs failures list` shows those that wait",
    })
}
