//! Lambda's API: what clients read of event source mappings. Scripts wait for a `State`.

use http::Method;
use http::request::Parts;
use serde_json::{Value, json};

use super::Gateway;
use super::function_name::FunctionName;
use super::respond::{self, Answer, JSON, Shape};
use super::route::unavailable;
use crate::definition::{ACCOUNT, StartingPosition, function_arn};
use crate::mapping::Described;

/// The paths of mappings begin with this.
pub(super) const PREFIX: &str = "/2015-03-31/event-source-mappings";

/// Answers a request below [`PREFIX`].
pub(super) async fn answer(gateway: &Gateway, head: &Parts) -> Answer {
    let path = head.uri.path();
    let id = path
        .strip_prefix(PREFIX)
        .unwrap_or_default()
        .trim_matches('/');
    if head.method != Method::GET || id.contains('/') {
        let operation = [head.method.as_str(), " ", path].concat();
        return unavailable(Shape::Rest, Some("lambda"), &operation);
    }
    let mappings = gateway.services.mappings.clone();
    // It reads the streams; it is cancelled only with the whole runtime.
    let described = tokio::task::spawn_blocking(move || mappings.describe()).await;
    let described = described.unwrap_or_default();
    let region = &gateway.services.region;
    if id.is_empty() {
        let is_wanted = wanted(head, region);
        let all = described.iter().filter(|mapping| is_wanted(mapping));
        let all = all.map(|mapping| configuration(mapping, region)).collect();
        let page = respond::page(head, "EventSourceMappings", all, 100);
        return respond::success(JSON, page.to_string());
    }
    let mut described = described.iter();
    match described.find(|described| described.mapping.id == id) {
        Some(mapping) => respond::success(JSON, configuration(mapping, region).to_string()),
        None => {
            let message = "The resource you requested does not exist.";
            respond::error(Shape::Rest, 404, "ResourceNotFoundException", message)
        }
    }
}

/// Which mappings are asked for: none where nothing has the name that was given.
fn wanted(head: &Parts, region: &str) -> impl Fn(&Described) -> bool {
    let source = respond::query(head, "EventSourceArn");
    let function = respond::query(head, "FunctionName").map(|name| {
        let name = FunctionName::parse(&name, None, region).ok();
        name.filter(FunctionName::can_be_here).map(|name| name.name)
    });
    move |described| {
        let name = Some(&described.mapping.function);
        source
            .as_ref()
            .is_none_or(|arn| *arn == described.stream_arn)
            && function
                .as_ref()
                .is_none_or(|wanted| wanted.as_ref() == name)
    }
}

fn configuration(described: &Described, region: &str) -> Value {
    let Described {
        mapping,
        status,
        stream_arn,
        changed_ms,
    } = described;
    let or_unbound = |bound: Option<u32>| bound.map_or(-1, i64::from);
    let destination = mapping.on_failure.as_ref().map_or_else(
        || json!({}),
        |destination| json!({"Destination": destination.arn(region)}),
    );
    let reports: &[&str] = if mapping.report_item_failures {
        &["ReportBatchItemFailures"]
    } else {
        &[]
    };
    json!({
        "UUID": mapping.id,
        "EventSourceMappingArn":
            format!("arn:aws:lambda:{region}:{ACCOUNT}:event-source-mapping:{}", mapping.id),
        "EventSourceArn": stream_arn,
        "FunctionArn": function_arn(region, &mapping.function),
        "State": if mapping.enabled { "Enabled" } else { "Disabled" },
        "StateTransitionReason": "User action",
        "LastModified": changed_ms.div_euclid(1_000),
        "LastProcessingResult": status.last_processing_result,
        "StartingPosition": match mapping.starting_position {
            StartingPosition::TrimHorizon => "TRIM_HORIZON",
            StartingPosition::Latest => "LATEST",
        },
        "BatchSize": mapping.batch_size,
        "MaximumBatchingWindowInSeconds": mapping.window_seconds,
        "TumblingWindowInSeconds": 0,
        "ParallelizationFactor": mapping.parallelization_factor,
        "BisectBatchOnFunctionError": mapping.bisect_on_error,
        "MaximumRetryAttempts": or_unbound(mapping.maximum_retry_attempts),
        "MaximumRecordAgeInSeconds": or_unbound(mapping.maximum_record_age_seconds),
        "FunctionResponseTypes": reports,
        "DestinationConfig": {"OnFailure": destination},
    })
}
