//! The model: orders arrive at random, go to shards and lanes by their key, and wait there for
//! their turn in the subscriber and in the cache.
//!
//! - Writes are a Poisson process with a base rate, and another rate during the burst. Keys spread
//!   evenly: an order's id is random.
//! - A record can be read from the stream [`Setting::propagation`] after its write. A lane without
//!   records finds it at its shard's next poll; a lane that has records goes on at once.
//! - A batch takes [`Setting::per_batch`] plus [`Setting::per_record`] for each of its records in the
//!   function, then [`Setting::cache_per_record`] for each in the cache, which serves the batches of
//!   all lanes one after the other: it runs its scripts on one thread. The first batch of a lane
//!   also pays a cold start.
//! - During an outage of the cache no batch is done; those under way begin again when it ends. A
//!   retry's back-off is not in the model.
//! - The table never throttles: its partitions' limit is for [`super::options`] to keep.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::lane::{Lane, POLL, Seconds};

/// One simulation's parameters.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Setting {
    /// Writes a second outside the burst.
    pub(crate) rate: f64,
    /// Writes a second during the burst.
    pub(crate) burst_rate: f64,
    /// When the burst, or the outage, begins.
    pub(crate) begins: Seconds,
    pub(crate) burst: Seconds,
    pub(crate) outage: Seconds,
    /// When the last write comes.
    pub(crate) ends: Seconds,
    pub(crate) shards: usize,
    /// The mapping's `ParallelizationFactor`.
    pub(crate) factor: usize,
    /// The mapping's `BatchSize`.
    pub(crate) batch: usize,
    pub(crate) propagation: Seconds,
    pub(crate) per_batch: Seconds,
    pub(crate) per_record: Seconds,
    pub(crate) cache_per_record: Seconds,
    pub(crate) cold_start: Seconds,
}

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Projected {
    pub(crate) written: Seconds,
    pub(crate) lag: Seconds,
}

#[derive(Debug)]
enum What {
    Begins,
    ReachesCache(Vec<Seconds>),
    Done(Vec<Seconds>),
}

#[derive(Debug)]
struct Event {
    at: Seconds,
    lane: usize,
    what: What,
}

impl Ord for Event {
    /// The earliest is the greatest, as the heap wants it.
    fn cmp(&self, other: &Self) -> Ordering {
        let by_time = other.at.total_cmp(&self.at);
        by_time.then_with(|| other.lane.cmp(&self.lane))
    }
}

impl PartialOrd for Event {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Event {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Event {}

/// Runs until every record is projected. The same seed gives the same result.
pub(crate) fn run(setting: &Setting, seed: u64) -> Vec<Projected> {
    let mut random = fastrand::Rng::with_seed(seed);
    let phases: Vec<_> = (0..setting.shards).map(|_| random.f64() * POLL).collect();
    let mut simulation = Simulation {
        setting,
        lanes: (0..setting.shards * setting.factor)
            .map(|lane| Lane::new(phases[lane / setting.factor]))
            .collect(),
        events: BinaryHeap::new(),
        cache_free: 0.0,
        projected: Vec::new(),
    };
    let mut written = 0.0;
    loop {
        written = next_write(setting, written, &mut random);
        if written > setting.ends {
            break;
        }
        let lane = random.usize(..simulation.lanes.len());
        let readable = written + setting.propagation;
        simulation.until(readable);
        if let Some(at) = simulation.lanes[lane].arrives(written, readable) {
            simulation.add(at, lane, What::Begins);
        }
    }
    simulation.until(Seconds::INFINITY);
    simulation.projected
}

/// Times between the events of a Poisson process are exponential. Where the rate changes on the
/// way, the process starts anew there: it has no memory.
fn next_write(setting: &Setting, from: Seconds, random: &mut fastrand::Rng) -> Seconds {
    let mut from = from;
    let bounds = [setting.begins, setting.begins + setting.burst];
    loop {
        let bursting = setting.burst > 0.0 && from >= bounds[0] && from < bounds[1];
        let rate = if bursting {
            setting.burst_rate
        } else {
            setting.rate
        };
        let next = from - (1.0 - random.f64()).ln() / rate;
        match bounds
            .into_iter()
            .find(|bound| from < *bound && next > *bound)
        {
            Some(bound) if setting.burst > 0.0 => from = bound,
            _ => return next,
        }
    }
}

struct Simulation<'a> {
    setting: &'a Setting,
    lanes: Vec<Lane>,
    events: BinaryHeap<Event>,
    /// When the cache is done with all that reached it so far.
    cache_free: Seconds,
    projected: Vec<Projected>,
}

impl Simulation<'_> {
    fn add(&mut self, at: Seconds, lane: usize, what: What) {
        self.events.push(Event { at, lane, what });
    }

    /// Lets everything happen that happens before `until`.
    fn until(&mut self, until: Seconds) {
        while self.events.peek().is_some_and(|event| event.at < until) {
            if let Some(event) = self.events.pop() {
                self.happens(event);
            }
        }
    }

    fn happens(&mut self, Event { at, lane, what }: Event) {
        let setting = self.setting;
        match what {
            What::Begins => {
                let (batch, cold) = self.lanes[lane].take(setting.batch);
                let records = batch.len() as f64;
                let cold = if cold { setting.cold_start } else { 0.0 };
                let took = cold + setting.per_batch + records * setting.per_record;
                self.add(at + took, lane, What::ReachesCache(batch));
            }
            What::ReachesCache(batch) => {
                let work = batch.len() as f64 * setting.cache_per_record;
                self.cache_free = self.served_from(at.max(self.cache_free)) + work;
                self.add(self.cache_free, lane, What::Done(batch));
            }
            What::Done(batch) => {
                let lags = batch.into_iter().map(|written| Projected {
                    written,
                    lag: at - written,
                });
                self.projected.extend(lags);
                if self.lanes[lane].done() {
                    self.add(at, lane, What::Begins);
                }
            }
        }
    }

    /// When the cache serves what reaches it at `at`.
    fn served_from(&self, at: Seconds) -> Seconds {
        let back = self.setting.begins + self.setting.outage;
        if at >= self.setting.begins && at < back {
            back
        } else {
            at
        }
    }
}

#[cfg(test)]
mod tests;
