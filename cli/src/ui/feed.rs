//! Looks at the stack, and tells every page the same at once.
//!
//! On this machine the host is asked ten times a second what it counted, whatever the load; on AWS the
//! parts are asked once a minute, and only while a page is open, since each look costs something.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use host::faults::{Active, Fault};
use host::live::{Seen, Way};
use pattern::timestamp::Timestamp;
use serde::Serialize;
use tokio::sync::{Notify, broadcast};
use tokio::time::{Instant, sleep, timeout};

use super::frame::{Between, Names, Point, Tick};
use super::history::{History, Kind, Mark};
use super::parts::{Facts, StackIs};
use super::reach::Reach;
use crate::app::clock;
use crate::local::client::Client;
use crate::local::protocol::Live;
use crate::settings::{Settings, Target};

/// Between two looks at what goes on, with and without a page that shows it.
const TICK: Duration = Duration::from_millis(100);
const UNSEEN: Duration = Duration::from_secs(1);
/// A rate is that of the last second; the times that calls take are those of the last few.
const SECOND: Duration = Duration::from_millis(950);
const LONGER: Duration = Duration::from_secs(5);
/// Between two looks at the parts.
const LOCAL_FACTS: Duration = Duration::from_secs(2);
const AWS_FACTS: Duration = Duration::from_secs(60);
/// Between two looks for a stack that does not run.
const ABSENT: Duration = Duration::from_millis(500);
/// From this age on what waits is reported; what is asked every other second is not exact.
const STALLED_MS: f64 = 1_000.0;
/// Single changes in one tick.
const WAYS: usize = 24;
/// Single changes that a page begins with.
const LATEST: usize = 100;
/// What a page may be behind before it has to begin anew.
const BEHIND: usize = 64;

pub(super) struct Feed {
    tell: broadcast::Sender<Arc<str>>,
    now: Mutex<Now>,
    names: Names,
    target: Target,
    /// Somebody wants to know at once how the parts are.
    ask: Notify,
}

/// What a page needs to begin with.
#[derive(Clone, Default, Serialize)]
pub(super) struct Now {
    tick: Option<Tick>,
    facts: Facts,
    faults: Vec<Active>,
    /// Whether the read model is whole; none where that is not known.
    whole: Option<bool>,
    history: History,
    /// The latest of the single changes.
    ways: VecDeque<Way>,
}

impl Now {
    fn remember(&mut self, ways: &[Way]) {
        self.ways.extend(ways.iter().cloned());
        let over = self.ways.len().saturating_sub(LATEST);
        self.ways.drain(..over);
    }
}

impl Feed {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            tell: broadcast::Sender::new(BEHIND),
            now: Mutex::default(),
            names: Names::of(&settings.stack),
            target: settings.target,
            ask: Notify::new(),
        }
    }

    /// Looks and tells until this is dropped.
    pub(super) async fn run(&self, reach: &Reach, settings: &Settings) {
        match self.target {
            Target::Local => {
                tokio::join!(self.ticks(reach), self.facts(reach, settings));
            }
            Target::Aws => self.facts(reach, settings).await,
        }
    }

    /// What is known now, as JSON.
    pub(super) fn now(&self) -> String {
        self.ask.notify_one();
        serde_json::to_string(&*self.lock()).unwrap_or_default()
    }

    /// What comes from now on: events as a page reads them.
    pub(super) fn listen(&self) -> broadcast::Receiver<Arc<str>> {
        let listening = self.tell.subscribe();
        self.ask.notify_one();
        listening
    }

    /// A command of this tool was run.
    pub(super) fn ran(&self, label: &str) {
        self.mark(Kind::Command, label);
        self.ask.notify_one();
    }

    /// Tells how the parts are, for ever.
    async fn facts(&self, reach: &Reach, settings: &Settings) {
        let mut source = reach.source();
        loop {
            let facts = Facts::of(source.look().await, settings, now_ms());
            self.tell("facts", &facts);
            if self.target == Target::Aws {
                let points: VecDeque<Point> =
                    facts.minutes.iter().copied().map(Point::from).collect();
                self.tell("points", &points);
                self.lock().history.points = points;
            }
            self.lock().facts = facts;
            let pause = match self.target {
                Target::Local => LOCAL_FACTS,
                Target::Aws => AWS_FACTS,
            };
            match self.target {
                // A look is asked for by whoever begins to look.
                Target::Local => {
                    let _ = timeout(pause, self.ask.notified()).await;
                }
                Target::Aws => {
                    sleep(pause).await;
                    while self.tell.receiver_count() == 0 {
                        self.ask.notified().await;
                    }
                }
            }
        }
    }

    /// Tells what goes on, for ever.
    async fn ticks(&self, reach: &Reach) {
        loop {
            match reach.process().await {
                Some(client) => self.follow(&client).await,
                None => {
                    let was = std::mem::take(&mut self.lock().tick);
                    if was.is_some() {
                        self.ask.notify_one();
                    }
                }
            }
            sleep(ABSENT).await;
            if reach.may_be_deployed() && self.lock().facts.stack == StackIs::None {
                self.ask.notify_one();
            }
        }
    }

    /// Tells what goes on in one process, until it is gone.
    async fn follow(&self, client: &Client) {
        let mut looks = Looks::default();
        let mut known = Known::default();
        let mut newest = 0;
        loop {
            let began = Instant::now();
            let Ok(mut live) = client.live(newest).await else {
                return;
            };
            let ways = std::mem::take(&mut live.seen.ways);
            newest = ways.last().map_or(newest, |way| way.number);
            self.changed(&mut known, &live);
            looks.add(began, live.seen);
            self.looked(&looks, ways, &mut known);
            looks.forget_before(began);
            let pause = match self.tell.receiver_count() {
                0 => UNSEEN,
                _ => TICK,
            };
            sleep(pause.saturating_sub(began.elapsed())).await;
        }
    }

    /// Tells what went on since the last look, and once a second a point of the time line.
    fn looked(&self, looks: &Looks, ways: Vec<Way>, known: &mut Known) {
        let since = |span| looks.since(span, &self.names);
        let last = since(Duration::from_micros(1));
        let Some(((last, second), longer)) = last.zip(since(SECOND)).zip(since(LONGER)) else {
            return;
        };
        let tick = Tick {
            at: now_ms(),
            flow: last.flow(),
            parts: second.paces(&longer),
            ways: ways.into_iter().take(WAYS).collect(),
        };
        self.tell("tick", &tick);
        self.lock().remember(&tick.ways);
        let at = tick.at / 1_000;
        if known.pointed_at != Some(at) {
            known.pointed_at = Some(at);
            let mut point = second.point(at);
            // What waits is behind too, though it has not come yet.
            let waits = self.lock().facts.waits_ms().filter(|ms| *ms > STALLED_MS);
            let lags = [point.lag_max_ms, waits].into_iter().flatten();
            point.lag_max_ms = lags.reduce(f64::max);
            self.tell("point", &point);
            self.lock().history.add(point);
        }
        self.lock().tick = Some(Tick {
            ways: Vec::new(),
            ..tick
        });
    }

    /// Marks what was done to the stack since the last look.
    fn changed(&self, known: &mut Known, live: &Live) {
        if let Some(before) = &known.changed_at
            && *before != live.changed_at
        {
            self.mark(Kind::Deploy, "deployed");
            self.ask.notify_one();
        }
        known.changed_at = Some(live.changed_at);
        let is_new = |active: &&Active| !known.faults.iter().any(|old| is_same(old, active));
        for active in live.faults.iter().filter(is_new) {
            self.mark(Kind::Fault, name(&active.fault));
        }
        let is_over = |active: &&Active| !live.faults.iter().any(|new| is_same(new, active));
        for active in known.faults.iter().filter(is_over) {
            self.mark(Kind::Over, &format!("{} is over", name(&active.fault)));
        }
        if known.faults != live.faults {
            self.tell("faults", &live.faults);
            self.lock().faults.clone_from(&live.faults);
        }
        known.faults.clone_from(&live.faults);
        if live.cache_starts > known.cache_starts.unwrap_or(live.cache_starts) {
            self.mark(Kind::Fault, "the cache lost its contents");
        }
        known.cache_starts = Some(live.cache_starts);
        if let (Some(before), Some(whole)) = (known.whole, live.whole)
            && before != whole
        {
            self.mark(
                Kind::Rebuild,
                match whole {
                    true => "the read model is whole again",
                    false => "the read model is made again",
                },
            );
            self.ask.notify_one();
        }
        if live.whole.is_some() && known.whole != live.whole {
            self.tell("whole", &live.whole);
            self.lock().whole = live.whole;
            known.whole = live.whole;
        }
    }

    fn mark(&self, kind: Kind, label: &str) {
        let mark = Mark {
            at: now_ms() / 1_000,
            kind,
            label: label.to_owned(),
        };
        self.tell("mark", &mark);
        self.lock().history.mark(mark);
    }

    fn tell(&self, event: &str, data: &impl Serialize) {
        if self.tell.receiver_count() == 0 {
            return;
        }
        let data = serde_json::to_string(data).unwrap_or_default();
        let text = format!("event: {event}\ndata: {data}\n\n");
        // Whoever has just gone away hears nothing.
        let _ = self.tell.send(text.into());
    }

    fn lock(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What was counted in the last few seconds, look by look.
#[derive(Default)]
struct Looks(VecDeque<(Instant, Seen)>);

impl Looks {
    fn add(&mut self, at: Instant, seen: Seen) {
        self.0.push_back((at, seen));
    }

    /// What lies between the last look and one that is so much older, or else the oldest.
    fn since(&self, span: Duration, names: &Names) -> Option<Between> {
        let (at, now) = self.0.back().filter(|_| self.0.len() > 1)?;
        let is_old_enough = |(then, _): &&(Instant, Seen)| *at - *then >= span;
        let old = self.0.iter().rev().find(is_old_enough);
        let (then, before) = old.or(self.0.front())?;
        Some(Between::of(before, now, (*at - *then).as_secs_f64(), names))
    }

    /// Forgets what is of no use for the looks after this one.
    fn forget_before(&mut self, now: Instant) {
        let is_over = |(at, _): &(Instant, Seen)| now - *at > LONGER + TICK;
        while self.0.front().is_some_and(is_over) {
            self.0.pop_front();
        }
    }
}

/// What was so at the last look.
#[derive(Default)]
struct Known {
    /// The second of the last point of the time line.
    pointed_at: Option<u64>,
    changed_at: Option<Option<Timestamp>>,
    faults: Vec<Active>,
    cache_starts: Option<u64>,
    whole: Option<bool>,
}

/// Whether it is one fault, whatever of it is over.
fn is_same(one: &Active, other: &Active) -> bool {
    one.since_ms == other.since_ms && one.fault == other.fault
}

fn name(fault: &Fault) -> &'static str {
    match fault {
        Fault::Poison { .. } => "poison",
        Fault::Throttle { .. } => "throttling",
        Fault::Kill { .. } => "killing",
        Fault::StopCache { .. } => "the cache stands still",
        Fault::SlowCache { .. } => "the cache is slow",
        Fault::LoseCache => "the cache loses its contents",
        Fault::Duplicate { .. } => "duplicates",
        Fault::Late { .. } => "late records",
    }
}

fn now_ms() -> u64 {
    let now = clock::system().duration_since(UNIX_EPOCH);
    u64::try_from(now.unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
}
