//! What was asked for on the command line, and the settings that follow from it.

use super::model::Setting;

/// Writes of up to 1 KB that one partition takes in a second (DynamoDB guide, "Best practices for
/// designing and using partition keys effectively"). A partition's changes are one shard.
const PARTITION: f64 = 1_000.0;
/// Before the burst or the outage, in seconds.
const BEFORE: f64 = 30.0;
/// More records than this do not fit in a few seconds and a few hundred megabytes.
const MOST_RECORDS: f64 = 20_000_000.0;

pub(crate) const USAGE: &str = "\
usage: burst [OPTION VALUE]… [--json]

What happens, after half a minute at the base rate:
  --rate N          writes a second, before and after [default: 500]
  --burst-rate N    writes a second in the burst [default: 4000]
  --burst SECONDS   length of the burst; 0 for none [default: 60]
  --outage SECONDS  the cache does not answer for so long [default: 0]
  --after SECONDS   for so long after it there are more writes [default: 600]

The stack, a simulation for each combination:
  --shards LIST     shards of the stream [default: one for each 1000 writes a second at the peak]
  --factors LIST    ParallelizationFactor [default: 1,2,5,10]
  --batches LIST    BatchSize [default: 100,1000]

What things cost:
  --propagation MS  from a write until the stream has it [default: 90]
  --per-batch MS    of a call of the subscriber, whatever its batch [default: 10]
  --per-record US   of a record in the subscriber [default: 160]
  --cache US        of a record in the cache, which serves one at a time [default: 23]
  --cold-start MS   of the first call of each lane [default: 100]

  --seed N          another course of chance [default: 1]
  --json            for programs
";

#[derive(Debug)]
pub(crate) enum Asked {
    Run(Options),
    Help,
}

#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) rate: f64,
    pub(crate) burst_rate: f64,
    pub(crate) burst: f64,
    pub(crate) outage: f64,
    pub(crate) after: f64,
    shards: Vec<usize>,
    factors: Vec<usize>,
    batches: Vec<usize>,
    propagation_ms: f64,
    per_batch_ms: f64,
    per_record_us: f64,
    cache_us: f64,
    cold_start_ms: f64,
    pub(crate) seed: u64,
    pub(crate) json: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            rate: 500.0,
            burst_rate: 4_000.0,
            burst: 60.0,
            outage: 0.0,
            after: 600.0,
            shards: Vec::new(),
            factors: vec![1, 2, 5, 10],
            batches: vec![100, 1_000],
            propagation_ms: 90.0,
            per_batch_ms: 10.0,
            per_record_us: 160.0,
            cache_us: 23.0,
            cold_start_ms: 100.0,
            seed: 1,
            json: false,
        }
    }
}

pub(crate) fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Asked, String> {
    let mut options = Options::default();
    let mut arguments = arguments.into_iter();
    while let Some(name) = arguments.next() {
        match name.as_str() {
            "-h" | "--help" => return Ok(Asked::Help),
            "--json" => {
                options.json = true;
                continue;
            }
            _ => {}
        }
        let value = arguments
            .next()
            .ok_or_else(|| format!("`{name}` is unknown, or its value is missing"))?;
        let number = || number(&name, &value);
        match name.as_str() {
            "--rate" => options.rate = number()?,
            "--burst-rate" => options.burst_rate = number()?,
            "--burst" => options.burst = number()?,
            "--outage" => options.outage = number()?,
            "--after" => options.after = number()?,
            "--shards" => options.shards = list(&name, &value, 10_000)?,
            "--factors" => options.factors = list(&name, &value, 10)?,
            "--batches" => options.batches = list(&name, &value, 10_000)?,
            "--propagation" => options.propagation_ms = number()?,
            "--per-batch" => options.per_batch_ms = number()?,
            "--per-record" => options.per_record_us = number()?,
            "--cache" => options.cache_us = number()?,
            "--cold-start" => options.cold_start_ms = number()?,
            "--seed" => options.seed = value.parse().map_err(|_| wrong(&name, &value))?,
            _ => return Err(format!("`{name}` is unknown")),
        }
    }
    options.check()?;
    Ok(Asked::Run(options))
}

impl Options {
    /// One setting for each combination of shards, factor and batch.
    pub(crate) fn settings(&self) -> impl Iterator<Item = Setting> + '_ {
        let shards = if self.shards.is_empty() {
            vec![self.least_shards()]
        } else {
            self.shards.clone()
        };
        let of_shards = move |shards| {
            let of_batch = move |batch| {
                let of_factor = move |factor| self.setting(shards, factor, batch);
                self.factors.iter().copied().map(of_factor)
            };
            self.batches.iter().copied().flat_map(of_batch)
        };
        shards.into_iter().flat_map(of_shards)
    }

    fn setting(&self, shards: usize, factor: usize, batch: usize) -> Setting {
        Setting {
            rate: self.rate,
            burst_rate: self.burst_rate,
            begins: BEFORE,
            burst: self.burst,
            outage: self.outage,
            ends: BEFORE + self.burst.max(self.outage) + self.after,
            shards,
            factor,
            batch,
            propagation: self.propagation_ms / 1e3,
            per_batch: self.per_batch_ms / 1e3,
            per_record: self.per_record_us / 1e6,
            cache_per_record: self.cache_us / 1e6,
            cold_start: self.cold_start_ms / 1e3,
        }
    }

    fn peak(&self) -> f64 {
        if self.burst > 0.0 {
            self.rate.max(self.burst_rate)
        } else {
            self.rate
        }
    }

    fn least_shards(&self) -> usize {
        // Checked to be no more than `MOST_RECORDS`.
        (self.peak() / PARTITION).ceil() as usize
    }

    fn check(&self) -> Result<(), String> {
        if self.rate <= 0.0 || self.peak() <= 0.0 || (self.burst > 0.0 && self.burst_rate <= 0.0) {
            return Err("rates must be greater than 0".to_owned());
        }
        let records = self.rate * (BEFORE + self.after + self.outage) + self.peak() * self.burst;
        if records > MOST_RECORDS {
            return Err(format!("{records:.0} records are too many to simulate"));
        }
        match self
            .shards
            .iter()
            .find(|shards| **shards < self.least_shards())
        {
            Some(shards) => Err(format!(
                "{} writes a second need {} partitions at least, so as many shards: {shards} would throttle",
                self.peak(),
                self.least_shards()
            )),
            None => Ok(()),
        }
    }
}

fn number(name: &str, value: &str) -> Result<f64, String> {
    let number: f64 = value.parse().map_err(|_| wrong(name, value))?;
    if number.is_finite() && number >= 0.0 {
        Ok(number)
    } else {
        Err(wrong(name, value))
    }
}

fn list(name: &str, value: &str, most: usize) -> Result<Vec<usize>, String> {
    let one = |part: &str| part.parse().ok().filter(|n| (1..=most).contains(n));
    let numbers = value.split(',').map(one).collect::<Option<Vec<_>>>();
    numbers.ok_or_else(|| format!("{}: numbers from 1 to {most}", wrong(name, value)))
}

fn wrong(name: &str, value: &str) -> String {
    format!("`{value}` is no value for `{name}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(arguments: &str) -> Result<Options, String> {
        match parse(arguments.split_whitespace().map(str::to_owned))? {
            Asked::Run(options) => Ok(options),
            Asked::Help => Err("help".to_owned()),
        }
    }

    #[test]
    fn each_combination_is_a_setting_and_the_peak_asks_for_shards() {
        let options = run("--burst-rate 2500 --factors 1,10 --batches 100,200,300");
        let settings: Vec<_> = options.iter().flat_map(Options::settings).collect();
        assert_eq!(settings.len(), 6);
        assert!(settings.iter().all(|setting| setting.shards == 3));
    }

    #[test]
    fn what_cannot_be_simulated_is_refused() {
        for wrong in [
            "--rate 0",
            "--rate fast",
            "--rate -1",
            "--rate",
            "--factors 0",
            "--factors 11",
            "--shards 3",
            "--burst-rate 1e9",
            "--speed 3",
        ] {
            assert!(run(wrong).is_err(), "{wrong}");
        }
    }
}
