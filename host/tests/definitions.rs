//! What the tests' stacks are made of. A test says only what is its own.

use host::definition::{Destination, Function, Mapping, Queue, StartingPosition, Table};
use serde_json::{Value, json};

/// The function `f`, which does as its events say.
pub(crate) fn function() -> Function {
    Function {
        logical_id: "F".to_owned(),
        name: "f".to_owned(),
        program: env!("CARGO_BIN_EXE_scripted-handler").into(),
        handler: "bootstrap".to_owned(),
        environment: [].into(),
        timeout_seconds: 30,
        memory_mb: 256,
        reserved_concurrency: None,
        log_level: Some("INFO".to_owned()),
        log_json: true,
        log_platform: false,
        log_group: "/aws/lambda/f".to_owned(),
    }
}

/// The queue `failures`.
pub(crate) fn queue() -> Queue {
    Queue {
        logical_id: "FailuresQueue".to_owned(),
        name: "failures".to_owned(),
        visibility_timeout_seconds: 300,
        message_retention_seconds: 1_209_600,
        delay_seconds: 0,
        receive_wait_seconds: 0,
    }
}

/// From the stream of `orders` to `f`.
pub(crate) fn mapping() -> Mapping {
    Mapping {
        logical_id: "Changes".to_owned(),
        id: "501d8a9a-a457-56d2-828c-ccb45ac0c8e7".to_owned(),
        table: "orders".to_owned(),
        function: "f".to_owned(),
        enabled: true,
        starting_position: StartingPosition::TrimHorizon,
        batch_size: 100,
        window_seconds: 0,
        parallelization_factor: 1,
        bisect_on_error: true,
        maximum_retry_attempts: Some(2),
        maximum_record_age_seconds: None,
        report_item_failures: true,
        on_failure: Some(Destination::Queue("failures".to_owned())),
    }
}

/// The table `orders`.
pub(crate) fn orders() -> Table {
    table(json!({
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "orderId", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "orderId", "KeyType": "HASH"}],
        "StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"},
    }))
}

/// A table of that name with these properties.
pub(crate) fn table(properties: Value) -> Table {
    let Value::Object(properties) = properties else {
        panic!("no properties: {properties}");
    };
    Table {
        logical_id: "WriteModel".to_owned(),
        name: "orders".to_owned(),
        properties,
        time_to_live: None,
    }
}
