//! What an invocation came to, for its invoker and for the log: START, END and REPORT as Lambda
//! writes them, or their JSON (Lambda guide, "Telemetry API event schema").

use bytes::Bytes;
use serde_json::{Value, json};

use super::Running;
use crate::clock;
use crate::definition::Function;
use crate::lambda::environment::Environment;
use crate::lambda::failure::Failure;
use crate::lambda::{Invoked, VERSION};

/// Answers the invoker, who may have gone.
pub(super) fn finish(environment: &Environment, running: Running, answer: Result<Bytes, Failure>) {
    environment.pool.counts.finished(&answer);
    let live = &environment.pool.services.live;
    let took = running.began.elapsed();
    live.called(&environment.function.name, took, answer.is_err());
    let log_tail = environment.output().and_then(|output| {
        output.read();
        for line in end_lines(environment, &running, answer.as_ref().err()) {
            output.add(&line);
        }
        output.take_tail()
    });
    let Running {
        request_id,
        reply,
        place,
        ..
    } = running;
    let failed = answer.is_err();
    let payload = answer.unwrap_or_else(|failure| failure.document(&request_id));
    // Whoever has the answer may invoke again.
    drop(place);
    let _ = reply.send(Ok(Invoked {
        request_id: String::from(&*request_id),
        payload,
        failed,
        log_tail: log_tail.map(Bytes::from),
    }));
}

/// What the platform writes before an invocation.
pub(super) fn start_line(function: &Function, request_id: &str) -> Option<String> {
    if !function.log_json {
        return Some(format!("START RequestId: {request_id} Version: {VERSION}"));
    }
    let record = json!({"requestId": request_id, "version": VERSION});
    function
        .log_platform
        .then(|| platform_line("platform.start", &record))
}

/// What it writes after one.
fn end_lines(
    environment: &Environment,
    running: &Running,
    failure: Option<&Failure>,
) -> Vec<String> {
    let (function, request_id) = (&environment.function, &*running.request_id);
    let took = running.began.elapsed();
    let ms = took.as_secs_f64() * 1_000.0;
    let billed = took.as_millis() + 1;
    let (memory, used) = (function.memory_mb, environment.memory_used_mb());
    let init_ms = environment
        .take_init()
        .map(|init| init.as_secs_f64() * 1_000.0);
    // What the function reported itself is its own to log.
    let platforms = failure.filter(|failure| !matches!(failure, Failure::Reported(_)));
    if !function.log_json {
        let failures = platforms.map(|failure| failure_line(function, Some(request_id), failure));
        let init = init_ms.map_or_else(String::new, |ms| format!("Init Duration: {ms:.2} ms\t"));
        let report = format!(
            "REPORT RequestId: {request_id}\tDuration: {ms:.2} ms\tBilled Duration: {billed} ms\t\
             Memory Size: {memory} MB\tMax Memory Used: {used} MB\t{init}"
        );
        let end = format!("END RequestId: {request_id}");
        return failures.into_iter().chain([end, report]).collect();
    }
    if platforms.is_none() && !function.log_platform {
        return Vec::new();
    }
    let mut metrics = json!({
        "durationMs": thousandths(ms),
        "billedDurationMs": billed,
        "memorySizeMB": memory,
        "maxMemoryUsedMB": used,
    });
    if let Some(init) = init_ms {
        metrics["initDurationMs"] = thousandths(init);
    }
    let mut record = json!({
        "requestId": request_id,
        "metrics": metrics,
        "status": failure.map_or("success", Failure::status),
    });
    if let Some(failure) = failure {
        record["errorType"] = failure.error_type().into();
    }
    if let Some(failure) = platforms {
        record["errorMessage"] = failure.message().into();
    }
    vec![platform_line("platform.report", &record)]
}

/// As many digits as Lambda has.
fn thousandths(ms: f64) -> Value {
    ((ms * 1_000.0).round() / 1_000.0).into()
}

fn platform_line(kind: &str, record: &Value) -> String {
    let now = clock::in_milliseconds(clock::now_ms());
    json!({"time": now, "type": kind, "record": record}).to_string()
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
    let record = json!({
        "requestId": request_id,
        "status": failure.status(),
        "errorType": failure.error_type(),
        "errorMessage": failure.message(),
    });
    platform_line("platform.initReport", &record)
}
