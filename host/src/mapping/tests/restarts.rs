//! Whatever the function does and wherever the host ends, nothing is lost and nothing skipped.

use std::collections::{BTreeMap, BTreeSet};

use tokio::time::Instant;

use super::super::lane::Now;
use super::super::shard::{Shard, Step};
use super::support::{Reply, START_MS, later, mapping, numbers, record};
use crate::definition::Mapping;
use crate::lambda::Invoked;
use crate::store::{Record, Sequence};

/// A small generator, so that a failing run can be repeated by its number.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// The world around a shard: what outlives a restart, and what is checked at every step.
struct World {
    mapping: Mapping,
    stream: Vec<Record>,
    poison: BTreeSet<i64>,
    /// In the journal.
    kept: Sequence,
    reported: BTreeSet<i64>,
    /// In the read model.
    applied: BTreeMap<Box<str>, Vec<i64>>,
    steps: usize,
}

impl World {
    fn random(dice: &mut Dice) -> Self {
        let mapping = Mapping {
            batch_size: 1 + usize::try_from(dice.below(6)).unwrap(),
            window_seconds: u32::try_from(dice.below(2)).unwrap(),
            parallelization_factor: 1 + usize::try_from(dice.below(3)).unwrap(),
            bisect_on_error: dice.below(2) == 0,
            report_item_failures: true,
            maximum_retry_attempts: Some(u32::try_from(dice.below(3)).unwrap()),
            ..mapping()
        };
        let mut number = 0;
        let records = 1 + dice.below(20);
        let stream: Vec<Record> = (0..records)
            .map(|_| {
                // Numbers may have gaps.
                number += 1 + i64::try_from(dice.below(3)).unwrap();
                record(number, &format!("key {}", dice.below(4)))
            })
            .collect();
        let poison = stream.iter().filter(|_| dice.below(8) == 0);
        Self {
            poison: poison.map(|record| record.sequence.0).collect(),
            mapping,
            stream,
            kept: Sequence(0),
            reported: BTreeSet::new(),
            applied: BTreeMap::new(),
            steps: 0,
        }
    }

    /// The function projects what it can and answers in one of the ways a function may.
    fn function(&mut self, batch: &[i64], dice: &mut Dice) -> Reply {
        if dice.below(10) == 0 {
            return [Reply::IsThrottled, Reply::Throws, Reply::Says("?".into())]
                [usize::try_from(dice.below(3)).unwrap()]
            .clone();
        }
        let failed: Vec<i64> = batch
            .iter()
            .copied()
            .filter(|number| self.poison.contains(number))
            .collect();
        for number in batch.iter().filter(|number| !self.poison.contains(number)) {
            let record = self
                .stream
                .iter()
                .find(|record| record.sequence.0 == *number)
                .unwrap();
            self.applied
                .entry(record.key.clone())
                .or_default()
                .push(*number);
        }
        match dice.below(2) {
            0 if !failed.is_empty() => Reply::Throws,
            _ => Reply::failed(&failed),
        }
    }

    /// Nothing at or under the kept position is open.
    fn check(&self) {
        for record in self
            .stream
            .iter()
            .take_while(|record| record.sequence <= self.kept)
        {
            let number = record.sequence.0;
            let applied = self
                .applied
                .get(&record.key)
                .is_some_and(|numbers| numbers.contains(&number));
            assert!(
                applied || self.reported.contains(&number),
                "{number} was skipped"
            );
        }
    }

    /// One life of the host, ended after `life` steps; true where all was done before.
    fn live(&mut self, dice: &mut Dice, mut life: usize) -> bool {
        let mut shard = Shard::new(&self.mapping, self.kept);
        let mut now = Now {
            instant: Instant::now(),
            unix_ms: START_MS,
        };
        let mut flights: Vec<(usize, Option<Invoked>)> = vec![];
        let mut cut = || {
            life = life.saturating_sub(1);
            life == 0
        };
        loop {
            self.steps += 1;
            let unread: Vec<Record> = self
                .stream
                .iter()
                .filter(|record| record.sequence > shard.read_to())
                .take(usize::try_from(dice.below(8)).unwrap())
                .cloned()
                .collect();
            let all_read = self
                .stream
                .last()
                .is_none_or(|last| last.sequence == shard.read_to());
            shard.take(unread, now);
            match shard.next(now) {
                Step::Deliver(lane, batch) => {
                    let batch = numbers(&batch.event());
                    // Ends before the function is reached.
                    if cut() {
                        return false;
                    }
                    let reply = self.function(&batch, dice);
                    flights.push((lane, reply.outcome("request".into())));
                    // Ends with the function's work done and its answer lost.
                    if cut() {
                        return false;
                    }
                }
                Step::GiveUp(lane, batch, _) => {
                    let given_up = numbers(&batch.event());
                    if cut() {
                        return false;
                    }
                    self.reported.extend(given_up);
                    self.kept = shard.done_without(lane);
                    self.check();
                    if cut() {
                        return false;
                    }
                    shard.passed_over(lane, now);
                    assert_eq!(shard.done(), self.kept);
                }
                Step::Wait(until) => {
                    if !flights.is_empty() {
                        let back = usize::try_from(dice.below(flights.len() as u64)).unwrap();
                        let (lane, invoked) = flights.swap_remove(back);
                        shard.came_back(lane, invoked, now);
                        if cut() {
                            return false;
                        }
                        // The position is not written each time.
                        if dice.below(3) > 0 {
                            self.kept = shard.done();
                            self.check();
                        }
                    } else if let Some(until) = until {
                        now = later(now, until - now.instant);
                    } else if all_read {
                        self.kept = shard.done();
                        self.check();
                        return true;
                    }
                }
            }
        }
    }

    /// All was applied or reported, and each key's records were first applied in order. A record that
    /// was given up may still be applied late, when another lane held the position back.
    fn finish(&self) {
        assert_eq!(
            Some(self.kept),
            self.stream.last().map(|record| record.sequence)
        );
        self.check();
        for numbers in self.applied.values() {
            let mut newest = 0;
            let mut seen = BTreeSet::new();
            let held = numbers
                .iter()
                .filter(|number| !self.reported.contains(number));
            for number in held.filter(|number| seen.insert(**number)) {
                assert!(*number > newest, "{number} came after {newest}");
                newest = *number;
            }
        }
    }
}

#[test]
fn nothing_is_lost_or_skipped_wherever_the_host_ends() {
    for script in 0..400 {
        let whole = {
            let mut dice = Dice(script);
            let mut world = World::random(&mut dice);
            assert!(world.live(&mut dice, usize::MAX));
            world.finish();
            world.steps
        };
        for cut in 1..=whole.min(60) {
            let mut dice = Dice(script);
            let mut world = World::random(&mut dice);
            world.live(&mut dice, cut);
            assert!(
                world.live(&mut dice, usize::MAX),
                "script {script}, cut {cut}"
            );
            world.finish();
        }
    }
}

#[test]
fn nothing_is_lost_or_skipped_however_often_the_host_ends() {
    for script in 1_000..3_000 {
        let mut dice = Dice(script);
        let mut world = World::random(&mut dice);
        for _ in 0..20 {
            let life = 1 + usize::try_from(dice.below(15)).unwrap();
            world.live(&mut dice, life);
        }
        assert!(world.live(&mut dice, usize::MAX), "script {script}");
        world.finish();
    }
}
