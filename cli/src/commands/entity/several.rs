//! What the commands for several ids have in common: ids are taken in as they come, some are
//! under way side by side, and their results are reported in the order of the ids.
//!
//! What fails for one id alone is reported with it, and the others go on. What would fail for all of
//! them, and Ctrl-C, end the taking in; what is under way is brought to its end.

use std::collections::VecDeque;
use std::future::Future;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesOrdered;
use pattern::id::Id;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout_at};

use crate::app::interrupt::{GRACE, Interrupt};
use crate::commands::entity::client::Client;
use crate::commands::entity::ids::{Given, Several};
use crate::commands::entity::items::Item;
use crate::commands::entity::tally::{Tally, Words};
use crate::error::Failure;

/// How often it is said how far it is, where no terminal shows it.
const REPORT_EVERY: Duration = Duration::from_secs(5);

/// How a command goes about several ids.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// Ids of one piece of work, at most.
    pub(super) piece: usize,
    /// Pieces side by side.
    pub(super) at_once: usize,
    pub(super) words: Words,
    /// Whether there is nothing to go on for when nobody reads the answers.
    pub(super) only_reads: bool,
}

/// Does `work` for all ids; it gives an item for each id of its piece.
pub(super) async fn run<W: Future<Output = Vec<Item>>>(
    mut ids: Several,
    plan: Plan,
    interrupt: &Interrupt,
    client: &Client<'_>,
    work: impl Fn(Vec<Id>) -> W,
) -> Result<(), Failure> {
    // What is under way is brought to its end, and reported.
    let _hold = interrupt.hold();
    let mut tally = Tally::new(plan.words, client);
    let mut under_way = FuturesOrdered::new();
    let mut pieces: VecDeque<Vec<Id>> = VecDeque::new();
    let mut tick = interval_at(Instant::now() + REPORT_EVERY, REPORT_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut open = true;
    while open || !under_way.is_empty() {
        tokio::select! {
            biased;
            () = interrupt.asked() => break,
            _ = tick.tick() => tally.report(),
            Some(items) = under_way.next(), if !under_way.is_empty() => {
                pieces.pop_front();
                tally.add(items);
                if plan.only_reads && !tally.is_read() {
                    return Ok(());
                }
            }
            taken = ids.next(plan.piece), if open && under_way.len() < plan.at_once => match taken {
                Ok(given) if given.is_empty() => open = false,
                Ok(given) => {
                    let (good, bad) = sorted(given);
                    pieces.push_back(good.clone());
                    let done = work(good);
                    under_way.push_back(async { together(done.await, bad) });
                }
                Err(failure) => tally.stop(failure),
            },
        }
        open &= !tally.is_stopped();
    }
    let patience = Instant::now() + GRACE;
    while let Ok(Some(items)) = timeout_at(patience, under_way.next()).await {
        pieces.pop_front();
        tally.add(items);
    }
    tally.add(pieces.into_iter().flatten().map(Item::unanswered).collect());
    let more = ids.may_have_more();
    tally.add(ids.rest().map(Item::not_tried).collect());
    tally.end(interrupt.is_set(), more)
}

/// The ids, and what is none with its place among them.
fn sorted(given: Vec<Given>) -> (Vec<Id>, Vec<(usize, Item)>) {
    let (mut good, mut bad) = (Vec::with_capacity(given.len()), Vec::new());
    for (at, given) in given.into_iter().enumerate() {
        match given {
            Given::Id(id) => good.push(id),
            Given::Malformed { text, error } => bad.push((at, Item::failed(text, error))),
        }
    }
    (good, bad)
}

fn together(mut items: Vec<Item>, bad: Vec<(usize, Item)>) -> Vec<Item> {
    for (at, item) in bad {
        items.insert(at.min(items.len()), item);
    }
    items
}
