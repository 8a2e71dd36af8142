//! What an invocation came to, for its invoker and for the log.

use bytes::Bytes;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::time::Instant;

use super::Running;
use crate::definition::Function;
use crate::lambda::environment::Environment;
use crate::lambda::failure::Failure;
use crate::lambda::{FunctionError, Invoked, VERSION};

/// Answers the invoker, who may have gone.
pub(super) fn finish(environment: &Environment, running: Running, answer: Result<Bytes, Failure>) {
    let Running {
        request_id, reply, ..
    } = running;
    environment.pool.counts.finished(&answer);
    let log_tail = environment.output().and_then(|output| {
        output.read();
        if let Err(failure) = &answer
            && !matches!(failure, Failure::Reported(_))
        {
            output.add(&failure_line(
                &environment.function,
                Some(&request_id),
                failure,
            ));
        }
        if !environment.function.log_json {
            output.add_to_tail(&end_lines(
                &environment.function,
                &request_id,
                running.began,
            ));
        }
        output.take_tail()
    });
    let error = answer.is_err().then_some(FunctionError::Unhandled);
    let payload = answer.unwrap_or_else(|failure| failure.document(&request_id));
    let _ = reply.send(Ok(Invoked {
        request_id: String::from(&*request_id),
        payload,
        error,
        log_tail: log_tail.map(Bytes::from),
        executed_version: VERSION,
    }));
}

fn end_lines(function: &Function, request_id: &str, began: Instant) -> String {
    let took = began.elapsed();
    let ms = took.as_secs_f64() * 1_000.0;
    format!(
        "END RequestId: {request_id}\nREPORT RequestId: {request_id}\tDuration: {ms:.2} ms\t\
         Billed Duration: {} ms\tMemory Size: {} MB",
        took.as_millis() + 1,
        function.memory_mb,
    )
}

/// What the platform itself writes to the log about a failure.
pub(super) fn failure_line(
    function: &Function,
    request_id: Option<&str>,
    failure: &Failure,
) -> String {
    if !function.log_json {
        let request_id = request_id.unwrap_or("-");
        return format!("RequestId: {request_id} Error: {}", failure.message());
    }
    let now = OffsetDateTime::now_utc()
        .format(&Rfc3339)
        .unwrap_or_default();
    let (kind, request) = match request_id {
        Some(request_id) => ("platform.report", json!(request_id)),
        None => ("platform.initReport", Value::Null),
    };
    json!({
        "time": now,
        "type": kind,
        "record": {
            "requestId": request,
            "status": failure.status(),
            "errorType": failure.error_type(),
            "errorMessage": failure.message(),
        },
    })
    .to_string()
}
