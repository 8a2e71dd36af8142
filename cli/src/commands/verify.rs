//! `cqrs verify`: compares the read model with the table, and with `--repair` mends it.

pub(crate) mod options;

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use futures_util::{StreamExt, TryStreamExt, stream};
use pattern::id::Id;
use pattern::payload::State;
use serde::Serialize;
use serde_dynamo::Item;

use crate::commands::connected::Connected;
use crate::commands::verify::options::VerifyArgs;
use crate::domain::Count;
use crate::error::{Failure, Kind};
use crate::models::Models;
use crate::models::compare::{self, Difference, of_item};
use crate::models::table::{Page, Segment};
use crate::printer::Printer;
use crate::settings::Settings;

const PAGE: i32 = 500;
const SEGMENTS: i32 = 4;
/// Differences that are named in JSON, and in text; all are counted.
const NAMED: usize = 1000;
const SHOWN: usize = 20;
/// Items of one draw of a sample, about.
const DRAW: u64 = 25;
/// DynamoDB divides a table no further.
const MAX_SEGMENTS: u64 = 1_000_000;

pub(crate) async fn run(
    args: VerifyArgs,
    settings: &Settings,
    printer: &Printer,
) -> Result<(), Failure> {
    let connected = Connected::to(settings, printer).await?;
    let models = connected.models(&settings.domain)?;
    let step = printer.step("Comparing the read model with the table");
    let mut report = Report::default();
    if let Some(wanted) = args.sample {
        sample(&models, wanted, args.repair, &mut report).await?;
    } else {
        written(&models, args.repair, &mut report).await?;
        orphans(&models, args.repair, &mut report).await?;
    }
    drop(step);
    let shown = Shown {
        compared: settings.domain.count(report.compared),
        report,
    };
    printer.data(&shown)?;
    let Report {
        remaining,
        malformed,
        ..
    } = shown.report;
    if remaining == 0 && malformed == 0 {
        return Ok(());
    }
    let hint = match (args.repair, remaining) {
        (_, 0) => &format!(
            "correct or delete the items that are no {}",
            settings.domain.plural
        ),
        (false, _) => "`cqrs verify --repair` projects again what differs",
        (true, _) => "`cqrs verify` shows what is left",
    };
    Err(Failure::new(Kind::Failed, "the read model differs from the table").hint(hint))
}

/// Compares what the table has.
async fn written(models: &Models, repair: bool, report: &mut Report) -> Result<(), Failure> {
    let segments = (0..SEGMENTS).map(|number| segment(models, number, repair));
    let mut parts = stream::iter(segments).buffer_unordered(SEGMENTS as usize);
    while let Some(part) = parts.try_next().await? {
        report.add(part);
    }
    Ok(())
}

async fn segment(models: &Models, number: i32, repair: bool) -> Result<Report, Failure> {
    let mut report = Report::default();
    let mut after = None;
    loop {
        let part = Segment {
            number,
            of: SEGMENTS,
        };
        let Page { items, last } = models.table.scan(part, after.as_deref(), PAGE).await?;
        report.add(compared(models, &items, repair).await?);
        match last {
            Some(last) => after = Some(last),
            None => return Ok(report),
        }
    }
}

/// Compares items of the table with what the read model shows of them.
async fn compared(models: &Models, items: &[Item], repair: bool) -> Result<Report, Failure> {
    let compared = models.compare_items(items).await?;
    let malformed = compared.iter().filter(|c| c.state == State::Unreadable);
    let malformed = malformed.count() as u64;
    let differ = items.iter().zip(&compared);
    let suspects = differ.filter_map(|(item, compared)| {
        of_item(compared)?;
        models.table.id(item)
    });
    let mut report = judged(models, suspects.collect(), repair).await?;
    report.malformed = malformed;
    report.compared = (items.len() as u64).saturating_sub(malformed);
    Ok(report)
}

/// Looks for what is in the read model and the table does not have.
async fn orphans(models: &Models, repair: bool, report: &mut Report) -> Result<(), Failure> {
    let mut cursor = None;
    loop {
        let page = models.list(cursor).await?;
        cursor = page.cursor;
        let ids: Vec<Id> = page.documents.into_iter().map(|shown| shown.id).collect();
        let held = models.table.held(&ids).await?;
        let gone = ids.into_iter().filter(|id| !held.contains_key(id));
        let gone = gone.collect();
        report.add(judged(models, gone, repair).await?);
        if cursor.is_none() {
            return Ok(());
        }
    }
}

/// Compares about as many as are wanted, from random ones of very many segments.
async fn sample(
    models: &Models,
    wanted: u64,
    repair: bool,
    report: &mut Report,
) -> Result<(), Failure> {
    let items = models.table.describe().await?.items;
    let of = (items / DRAW).clamp(1, MAX_SEGMENTS);
    let mut seen: HashSet<String> = HashSet::new();
    let mut barren = 0;
    while (seen.len() as u64) < wanted && barren < 100 {
        let drawn = uuid::Uuid::new_v4().as_u128() % u128::from(of);
        let part = Segment {
            number: i32::try_from(drawn).unwrap_or(0),
            of: i32::try_from(of).unwrap_or(1),
        };
        let page = models.table.scan(part, None, PAGE).await?;
        let mut items = page.items;
        items.retain(|item| {
            models
                .table
                .id_text(item)
                .is_some_and(|id| !seen.contains(&id))
        });
        let left = wanted.saturating_sub(seen.len() as u64);
        items.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        barren = if items.is_empty() { barren + 1 } else { 0 };
        seen.extend(items.iter().filter_map(|item| models.table.id_text(item)));
        report.add(compared(models, &items, repair).await?);
    }
    Ok(())
}

/// Looks again at what seems to differ, and mends what does where that is asked for.
async fn judged(models: &Models, suspects: Vec<Id>, repair: bool) -> Result<Report, Failure> {
    let differences = models.lasting(suspects).await?;
    let mut report = Report::default();
    for found in &differences {
        *report.counts.entry(found.kind.to_string()).or_default() += 1;
    }
    let left = if repair && !differences.is_empty() {
        models.repair(&differences).await?.len()
    } else {
        differences.len()
    };
    report.remaining = left as u64;
    report.repaired = differences.len().saturating_sub(left) as u64;
    report.differences = differences;
    Ok(report)
}

/// What was found, in the domain's words.
#[derive(Serialize)]
struct Shown {
    /// How many of the table were compared.
    #[serde(flatten)]
    compared: Count,
    #[serde(flatten)]
    report: Report,
}

/// What was found.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    #[serde(skip)]
    compared: u64,
    /// How many differ, by kind.
    counts: BTreeMap<String, u64>,
    /// Items of the table that are no entities.
    malformed: u64,
    repaired: u64,
    /// How many differ in the end.
    remaining: u64,
    /// The first of what differed.
    differences: Vec<Difference>,
    /// Whether there were more.
    truncated: bool,
}

impl Report {
    fn add(&mut self, part: Self) {
        self.compared += part.compared;
        self.malformed += part.malformed;
        self.repaired += part.repaired;
        self.remaining += part.remaining;
        for (kind, count) in part.counts {
            *self.counts.entry(kind).or_default() += count;
        }
        let room = NAMED.saturating_sub(self.differences.len());
        self.truncated |= part.truncated || part.differences.len() > room;
        self.differences
            .extend(part.differences.into_iter().take(room));
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { compared, report } = self;
        let version = |v: Option<u64>| v.map_or_else(|| "-".to_owned(), |v| v.to_string());
        let differ = report.remaining + report.repaired;
        writeln!(f, "{compared} compared, {differ} differ")?;
        for (kind, count) in &report.counts {
            writeln!(f, "{kind:<12} {count}")?;
        }
        if report.malformed > 0 {
            writeln!(f, "malformed    {}", report.malformed)?;
        }
        if report.repaired > 0 {
            writeln!(f, "repaired     {}", report.repaired)?;
        }
        for Difference {
            id,
            kind,
            written,
            shown,
        } in report.differences.iter().take(SHOWN)
        {
            let kind: &compare::Kind = kind;
            let (written, shown) = (version(*written), version(*shown));
            let id = &id.value;
            writeln!(f, "{kind:<12} {id}  table {written}, read model {shown}")?;
        }
        Ok(())
    }
}
