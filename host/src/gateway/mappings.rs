//! Lambda's API: what clients read of event source mappings. Scripts wait for a `State`.

use http::Method;
use http::request::Parts;
use serde_json::{Value, json};

use super::function_name::FunctionName;
use super::respond::{self, Answer, JSON, Shape};
use super::route::unavailable;
use super::{Control, Gateway};
use crate::definition::{ACCOUNT, StartingPosition, function_arn};
use crate::mapping::Described;

/// The paths of mappings begin with this.
pub(super) const PREFIX: &str = "/2015-03-31/event-source-mappings";

/// Answers a request below [`PREFIX`].
pub(super) async fn answer<C: Control>(gateway: &Gateway<C>, head: &Parts) -> Answer {
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
    let found = if id.is_empty() {
        let wanted = Wanted::of(head, region);
        let all = described.iter().filter(|mapping| wanted.takes(mapping));
        let all = all.map(|mapping| configuration(mapping, region)).collect();
        respond::page(head, "EventSourceMappings", all, 100)
    } else {
        match described
            .iter()
            .find(|described| described.mapping.id == id)
        {
            Some(mapping) => configuration(mapping, region),
            None => {
                let message = "The resource you requested does not exist.";
                return respond::error(Shape::Rest, 404, "ResourceNotFoundException", message);
            }
        }
    };
    respond::success(JSON, found.to_string())
}

/// Which mappings are asked for.
struct Wanted {
    source: Option<String>,
    /// None where nothing has the name that was given.
    function: Option<Option<String>>,
}

impl Wanted {
    fn of(head: &Parts, region: &str) -> Self {
        let function = respond::query(head, "FunctionName").map(|name| {
            let name = FunctionName::parse(&name, None, region).ok();
            name.filter(FunctionName::can_be_here).map(|name| name.name)
        });
        Self {
            source: respond::query(head, "EventSourceArn"),
            function,
        }
    }

    fn takes(&self, described: &Described) -> bool {
        let function = self.function.as_ref();
        self.source
            .as_ref()
            .is_none_or(|arn| *arn == described.stream_arn)
            && function.is_none_or(|name| name.as_ref() == Some(&described.mapping.function))
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
