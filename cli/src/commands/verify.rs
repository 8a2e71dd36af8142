//! `cqrs verify`: compares the read model with the table, and with `--repair` mends it.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use futures_util::{StreamExt, TryStreamExt, stream};
use orders::ids::OrderId;
use orders::order::Order;
use serde::Serialize;

use crate::cli::VerifyArgs;
use crate::commands::connected::Connected;
use crate::error::{Failure, Kind};
use crate::models::Models;
use crate::models::compare::{self, Difference, difference};
use crate::models::table::{OrdersTable, Page, Segment};
use crate::printer::Printer;
use crate::settings::Settings;

const PAGE: i32 = 500;
const SEGMENTS: i32 = 4;
/// Differences that are named in JSON, and in text; all are counted.
const NAMED: usize = 1000;
const SHOWN: usize = 20;
/// Orders of one draw of a sample, about.
const DRAW: u64 = 25;
/// DynamoDB divides a table no further.
const MAX_SEGMENTS: u64 = 1_000_000;

pub(crate) async fn run(
    args: VerifyArgs,
    settings: &Settings,
    printer: &Printer,
) -> Result<(), Failure> {
    let connected = Connected::to(settings, printer).await?;
    let table = OrdersTable::new(connected.aws.dynamodb(), connected.output("TableName")?);
    let models = Models {
        functions: connected.functions(false),
        table,
    };
    let step = printer.step("Comparing the read model with the table");
    let mut report = Report::default();
    if let Some(wanted) = args.sample {
        sample(&models, wanted, args.repair, &mut report).await?;
    } else {
        written(&models, args.repair, &mut report).await?;
        orphans(&models, args.repair, &mut report).await?;
    }
    drop(step);
    printer.data(&report)?;
    if report.remaining == 0 && report.malformed == 0 {
        return Ok(());
    }
    let hint = match (args.repair, report.remaining) {
        (_, 0) => "correct or delete the items that are no orders",
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
        let Page {
            orders,
            malformed,
            last,
        } = models.table.scan(part, after.as_deref(), PAGE).await?;
        report.malformed += malformed.len() as u64;
        report.add(compared(models, &orders, repair).await?);
        match last {
            Some(last) => after = Some(last),
            None => return Ok(report),
        }
    }
}

/// Compares orders of the table with what the read model shows of them.
async fn compared(models: &Models, orders: &[Order], repair: bool) -> Result<Report, Failure> {
    let held = models.inspected(&ids(orders)).await?;
    let differ = orders
        .iter()
        .filter_map(|order| difference(&order.order_id, Some(order), held.get(&order.order_id)));
    let suspects = differ.map(|d| d.order_id).collect();
    let mut report = judged(models, suspects, repair).await?;
    report.orders = orders.len() as u64;
    Ok(report)
}

/// Looks for orders in the read model that the table does not have.
async fn orphans(models: &Models, repair: bool, report: &mut Report) -> Result<(), Failure> {
    let mut cursor = None;
    loop {
        let page = models.list(cursor).await?;
        cursor = page.cursor;
        let held = models
            .table
            .held(page.orders.iter().map(|o| &o.order_id))
            .await?;
        let gone = page.orders.into_iter().map(|order| order.order_id);
        let gone = gone.filter(|id| !held.has(id)).collect();
        report.add(judged(models, gone, repair).await?);
        if cursor.is_none() {
            return Ok(());
        }
    }
}

/// Compares about as many orders as are wanted, from random ones of very many segments.
async fn sample(
    models: &Models,
    wanted: u64,
    repair: bool,
    report: &mut Report,
) -> Result<(), Failure> {
    let items = models.table.describe().await?.items;
    let of = (items / DRAW).clamp(1, MAX_SEGMENTS);
    let mut seen: HashSet<OrderId> = HashSet::new();
    let mut barren = 0;
    while (seen.len() as u64) < wanted && barren < 100 {
        let drawn = uuid::Uuid::new_v4().as_u128() % u128::from(of);
        let part = Segment {
            number: i32::try_from(drawn).unwrap_or(0),
            of: i32::try_from(of).unwrap_or(1),
        };
        let page = models.table.scan(part, None, PAGE).await?;
        let mut orders = page.orders;
        orders.retain(|order| !seen.contains(&order.order_id));
        let left = wanted.saturating_sub(seen.len() as u64);
        orders.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        barren = if orders.is_empty() { barren + 1 } else { 0 };
        seen.extend(ids(&orders));
        report.add(compared(models, &orders, repair).await?);
    }
    Ok(())
}

/// Looks again at what seems to differ, and mends what does where that is asked for.
async fn judged(models: &Models, suspects: Vec<OrderId>, repair: bool) -> Result<Report, Failure> {
    let differences = models.settled(suspects).await?;
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

fn ids(orders: &[Order]) -> Vec<OrderId> {
    orders.iter().map(|order| order.order_id.clone()).collect()
}

/// What was found.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    /// Orders of the table that were compared.
    orders: u64,
    /// How many differ, by kind.
    counts: BTreeMap<String, u64>,
    /// Items of the table that are no orders.
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
        self.orders += part.orders;
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

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = |v: Option<u64>| v.map_or_else(|| "-".to_owned(), |v| v.to_string());
        writeln!(
            f,
            "{} orders compared, {} differ",
            self.orders,
            self.remaining + self.repaired
        )?;
        for (kind, count) in &self.counts {
            writeln!(f, "{kind:<12} {count}")?;
        }
        if self.malformed > 0 {
            writeln!(f, "malformed    {}", self.malformed)?;
        }
        if self.repaired > 0 {
            writeln!(f, "repaired     {}", self.repaired)?;
        }
        for Difference {
            order_id,
            kind,
            written,
            shown,
        } in self.differences.iter().take(SHOWN)
        {
            let kind: &compare::Kind = kind;
            let (written, shown) = (version(*written), version(*shown));
            writeln!(
                f,
                "{kind:<12} {order_id}  table {written}, read model {shown}"
            )?;
        }
        Ok(())
    }
}
