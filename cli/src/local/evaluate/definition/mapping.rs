//! `AWS::Lambda::EventSourceMapping`: from a table's stream to a function.
//!
//! Defaults and ranges: AWS Lambda API Reference, `CreateEventSourceMapping`.

use std::ops::RangeInclusive;

use host::definition::{ACCOUNT, Definition, Destination, Mapping, StartingPosition};

use crate::local::evaluate::Context;
use crate::local::evaluate::fault::{Result, choices};
use crate::local::evaluate::property::Properties;
use crate::local::evaluate::resource::{Resource, table_arn};

const REPORT_ITEM_FAILURES: &str = "ReportBatchItemFailures";

pub(super) fn read(
    resource: &Resource,
    given: &Properties<'_>,
    definition: &Definition,
    context: &Context,
) -> Result<Mapping> {
    refuse_unsupported(given)?;
    let starting_position = given.choice("StartingPosition", &["TRIM_HORIZON", "LATEST"])?;
    let starting_position = match given.required("StartingPosition", starting_position)? {
        "LATEST" => StartingPosition::Latest,
        _ => StartingPosition::TrimHorizon,
    };
    let retries = given.number::<i64>("MaximumRetryAttempts", -1..=10_000)?;
    Ok(Mapping {
        logical_id: resource.id.clone(),
        id: resource.uuid(context),
        table: table(given, definition)?,
        function: function(given, definition)?,
        enabled: given.flag("Enabled")?.unwrap_or(true),
        starting_position,
        batch_size: given.number("BatchSize", 1..=10_000)?.unwrap_or(100),
        window_seconds: given
            .number("MaximumBatchingWindowInSeconds", 0..=300)?
            .unwrap_or(0),
        parallelization_factor: given.number("ParallelizationFactor", 1..=10)?.unwrap_or(1),
        bisect_on_error: given.flag("BisectBatchOnFunctionError")?.unwrap_or(false),
        maximum_retry_attempts: retries.and_then(|retries| u32::try_from(retries).ok()),
        maximum_record_age_seconds: record_age(given)?,
        report_item_failures: reports_item_failures(given)?,
        on_failure: on_failure(given, definition)?,
    })
}

/// To ignore these would deliver what the template says not to deliver.
fn refuse_unsupported(given: &Properties<'_>) -> Result<()> {
    if given.get("FilterCriteria").is_some() {
        return Err(given.fault("FilterCriteria", "is not supported with `--local`"));
    }
    if given
        .number::<u32>("TumblingWindowInSeconds", 0..=900)?
        .is_some_and(|window| window > 0)
    {
        return Err(given.fault("TumblingWindowInSeconds", "is not supported with `--local`"));
    }
    Ok(())
}

/// The name of the table whose stream it is.
fn table(given: &Properties<'_>, definition: &Definition) -> Result<String> {
    let arn = given.required_text("EventSourceArn")?;
    let region = &definition.region;
    let of_stream = |name: &str| {
        let stream = arn.strip_prefix(table_arn(region, name).as_str());
        stream.is_some_and(|stream| stream.starts_with("/stream/"))
    };
    let table = definition
        .tables
        .iter()
        .find(|table| of_stream(&table.name));
    let table = table.filter(|table| table.properties.contains_key("StreamSpecification"));
    table.map(|table| table.name.clone()).ok_or_else(|| {
        let what = format!("is `{arn}`, which is no stream of a table of this stack");
        given.fault("EventSourceArn", &what)
    })
}

/// The name of the function, which may be given by name, ARN or partial ARN.
fn function(given: &Properties<'_>, definition: &Definition) -> Result<String> {
    let wanted = given.required_text("FunctionName")?;
    let bare = wanted.strip_suffix(":$LATEST").unwrap_or(wanted);
    let functions = &definition.functions;
    let found = functions.iter().find(|function| {
        let name = &function.name;
        bare == name
            || bare == function.arn(&definition.region)
            || bare == format!("{ACCOUNT}:function:{name}")
            || bare == format!("function:{name}")
    });
    found.map(|function| function.name.clone()).ok_or_else(|| {
        let known = choices(functions.iter().map(|function| function.name.as_str()));
        let what = format!("is `{wanted}`, which is no function of this stack; those are: {known}");
        given.fault("FunctionName", &what)
    })
}

/// -1 is without a bound; what lies below a minute is not taken.
fn record_age(given: &Properties<'_>) -> Result<Option<u32>> {
    const NAME: &str = "MaximumRecordAgeInSeconds";
    const RANGE: RangeInclusive<i64> = 60..=604_800;
    match given.text(NAME)?.map(str::trim) {
        None | Some("-1") => Ok(None),
        Some(_) => given.number(NAME, RANGE),
    }
}

fn reports_item_failures(given: &Properties<'_>) -> Result<bool> {
    let types = given.texts("FunctionResponseTypes")?;
    match types.iter().find(|kind| **kind != REPORT_ITEM_FAILURES) {
        None => Ok(!types.is_empty()),
        Some(other) => {
            let what = format!("has `{other}`, and can have: `{REPORT_ITEM_FAILURES}`");
            Err(given.fault("FunctionResponseTypes", &what))
        }
    }
}

/// The queue or the bucket for batches that were given up.
fn on_failure(given: &Properties<'_>, definition: &Definition) -> Result<Option<Destination>> {
    let Some(destinations) = given.section("DestinationConfig")? else {
        return Ok(None);
    };
    if destinations.get("OnSuccess").is_some() {
        return Err(destinations.fault("OnSuccess", "is not for streams"));
    }
    let Some(on_failure) = destinations.section("OnFailure")? else {
        return Ok(None);
    };
    let arn = on_failure.required_text("Destination")?;
    let queues = definition.queues.iter();
    let queues = queues.map(|queue| Destination::Queue(queue.name.clone()));
    let buckets = definition.buckets.iter();
    let buckets = buckets.map(|bucket| Destination::Bucket(bucket.name.clone()));
    let known = queues.chain(buckets);
    match known
        .into_iter()
        .find(|one| one.arn(&definition.region) == arn)
    {
        Some(destination) => Ok(Some(destination)),
        None => {
            let what = format!("is `{arn}`, which is no queue and no bucket of this stack");
            Err(on_failure.fault("Destination", &what))
        }
    }
}
