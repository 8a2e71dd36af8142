//! Asynchronous invocations: taken at once, run in the background, and tried again as Lambda does.
//!
//! A function's error is tried again twice, after one and after two minutes. Where there was no room
//! for the function to run, the event waits longer and longer, for six hours at most. (Lambda guide,
//! "How Lambda handles errors and retries with asynchronous invocation") Events are in memory: the
//! end of this process loses those that wait.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, sleep};

use super::stopped;
use crate::pause::Pause;

/// How much memory events may hold that are not done.
const ROOM_BYTES: usize = 64 * 1024 * 1024;
/// What an event holds beside its payload.
const OVERHEAD_BYTES: usize = 1024;
/// The pauses before the second and the third attempt at a function that failed.
const PAUSES: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(120)];
/// The first and the longest pause of an event that finds no room.
const THROTTLED_FROM: Duration = Duration::from_secs(1);
const THROTTLED_TO: Duration = Duration::from_secs(300);
/// How long an event is tried.
const MAXIMUM_AGE: Duration = Duration::from_secs(6 * 60 * 60);

/// What came of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attempt {
    /// The function did it.
    Done,
    /// The function failed.
    Failed,
    /// There was no room for it to run.
    Throttled,
    /// There is no use in another attempt.
    Hopeless,
}

/// The events that are not done.
#[derive(Debug)]
pub(super) struct Events {
    room: Arc<Semaphore>,
    stop: watch::Receiver<bool>,
}

impl Events {
    /// None yet. When `stop` becomes true, those that wait are forgotten.
    pub(super) fn new(stop: watch::Receiver<bool>) -> Self {
        Self {
            room: Arc::new(Semaphore::new(ROOM_BYTES)),
            stop,
        }
    }

    /// Takes an event with a payload of `bytes`; false where there is no room for it.
    pub(super) fn take<A, F>(&self, bytes: usize, attempt: A) -> bool
    where
        A: Fn() -> F + Send + 'static,
        F: Future<Output = Attempt> + Send,
    {
        let bytes = u32::try_from(bytes + OVERHEAD_BYTES).unwrap_or(u32::MAX);
        let Ok(room) = Arc::clone(&self.room).try_acquire_many_owned(bytes) else {
            return false;
        };
        let mut stop = self.stop.clone();
        tokio::spawn(async move {
            deliver(attempt, &mut stop).await;
            drop(room);
        });
        true
    }
}

/// Tries until the event is done or given up. What runs is not cut short by the stop.
async fn deliver<F>(attempt: impl Fn() -> F, stop: &mut watch::Receiver<bool>)
where
    F: Future<Output = Attempt>,
{
    let taken = Instant::now();
    let mut pauses = PAUSES.into_iter();
    let mut throttled = Pause::between(THROTTLED_FROM, THROTTLED_TO);
    loop {
        let pause = match attempt().await {
            Attempt::Done | Attempt::Hopeless => return,
            Attempt::Failed => match pauses.next() {
                Some(pause) => pause,
                None => return,
            },
            Attempt::Throttled => throttled.take(),
        };
        if taken.elapsed() + pause > MAXIMUM_AGE {
            return;
        }
        tokio::select! {
            () = sleep(pause) => {}
            () = stopped(stop) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// The seconds after which attempts were made that each came to what `outcome` says.
    async fn attempts(outcome: impl Fn(usize) -> Attempt) -> Vec<u64> {
        let (_sender, mut stop) = watch::channel(false);
        let start = Instant::now();
        let times = Mutex::new(Vec::new());
        let attempt = || {
            let mut times = times.lock().unwrap();
            times.push(start.elapsed().as_secs());
            std::future::ready(outcome(times.len()))
        };
        deliver(attempt, &mut stop).await;
        times.into_inner().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn an_event_that_is_done_is_not_tried_again() {
        assert_eq!(attempts(|_| Attempt::Done).await, [0]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_function_that_fails_is_tried_three_times_in_all() {
        assert_eq!(attempts(|_| Attempt::Failed).await, [0, 60, 180]);
    }

    #[tokio::test(start_paused = true)]
    async fn an_event_without_room_waits_longer_and_longer_and_is_given_up_after_six_hours() {
        let times = attempts(|_| Attempt::Throttled).await;
        assert_eq!(times[..5], [0, 1, 3, 7, 15]);
        let pauses: Vec<u64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert_eq!(pauses.iter().max(), Some(&300));
        let last = *times.last().unwrap();
        assert!((21_300..=21_600).contains(&last), "{last}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_for_room_uses_up_no_attempt() {
        let outcome = |attempt| match attempt {
            1 => Attempt::Throttled,
            _ => Attempt::Failed,
        };
        assert_eq!(attempts(outcome).await, [0, 1, 61, 181]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_stop_forgets_events_that_wait() {
        let (sender, mut stop) = watch::channel(false);
        let start = Instant::now();
        sender.send_replace(true);
        deliver(|| std::future::ready(Attempt::Failed), &mut stop).await;
        assert_eq!(start.elapsed(), Duration::ZERO);
    }

    #[tokio::test]
    async fn events_beyond_the_room_are_not_taken() {
        let (_sender, stop) = watch::channel(false);
        let events = Events::new(stop);
        let never = || std::future::pending();
        let mut taken = 0;
        while events.take(1_048_576, never) {
            taken += 1;
        }
        assert_eq!(taken, 63);
    }
}
