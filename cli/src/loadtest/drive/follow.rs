//! Some of the creates, followed from their acknowledgement until the query function shows them.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use host::pause::Pause;
use serde::de::IgnoredAny;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

use super::Load;

/// One in so many creates is followed to the read model,
const FOLLOW_EVERY: u64 = 10;
/// so many at once: looking for them takes part in what is measured,
const MOST_FOLLOWED: usize = 8;
/// and each for so long.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks at one that is followed.
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// One that is followed, since its acknowledgement.
pub(super) struct Followed {
    id: String,
    acknowledged: Instant,
}

impl Load {
    /// Hands one in so many to who follows them.
    pub(super) fn consider(
        &self,
        id: String,
        acknowledged: Instant,
        follow: &UnboundedSender<Followed>,
    ) {
        let number = self.created.replace(self.created.get() + 1);
        if number.is_multiple_of(FOLLOW_EVERY) {
            if self.following.get() < MOST_FOLLOWED {
                self.following.set(self.following.get() + 1);
                // Who follows is there for as long as anybody creates.
                let _ = follow.send(Followed { id, acknowledged });
            } else {
                self.record.borrow_mut().visible.left_out += 1;
            }
        }
    }

    pub(super) async fn follow_all(&self, mut followed: UnboundedReceiver<Followed>) {
        let mut under_way = FuturesUnordered::new();
        loop {
            tokio::select! {
                next = followed.recv() => match next {
                    Some(next) => under_way.push(self.follow(next)),
                    None => break,
                },
                Some(()) = under_way.next() => {}
            }
        }
        while under_way.next().await.is_some() {}
    }

    /// Asks for it until it is there.
    async fn follow(&self, one: Followed) {
        let question = self.plan.subject.get(&one.id);
        let mut pause = Pause::between(SHORTEST_PAUSE, LONGEST_PAUSE).growing(1.5);
        let mut since = one.acknowledged;
        loop {
            let look = Instant::now();
            // A failed look is one that saw nothing: the mix's own reads count errors.
            let found: Result<Option<IgnoredAny>, _> = self.query(&question).await;
            let answered = Instant::now();
            let lag = answered - one.acknowledged;
            if matches!(found, Ok(Some(_))) {
                let mut record = self.record.borrow_mut();
                record.visible.lag.add(lag);
                record.visible.within.add(answered - since);
                break;
            }
            if lag > PATIENCE {
                self.record.borrow_mut().visible.unseen += 1;
                break;
            }
            if self.stopped.get() {
                break;
            }
            since = look;
            pause.pass().await;
        }
        self.following.set(self.following.get().saturating_sub(1));
    }
}
