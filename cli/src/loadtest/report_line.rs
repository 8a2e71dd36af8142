//! Lambda's report line in the end of an invocation's log, which the template asks for as JSON. The
//! stack on this machine writes none, nor does Lambda with `PlatformLogLevel=WARN`.

use serde::Deserialize;

/// Lambda's report on one invocation.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    #[serde(rename = "billedDurationMs")]
    pub(super) billed_ms: f64,
    /// How long the environment took to start, where it was started for this invocation.
    #[serde(rename = "initDurationMs")]
    pub(super) init_ms: Option<f64>,
}

/// The report in the end of a log, if it is there.
pub(super) fn report(log: &str) -> Option<Report> {
    #[derive(Deserialize)]
    struct Line {
        #[serde(rename = "type")]
        kind: String,
        record: Record,
    }
    #[derive(Deserialize)]
    struct Record {
        metrics: Report,
    }
    log.lines().rev().find_map(|line| {
        let line: Line = serde_json::from_str(line).ok()?;
        (line.kind == "platform.report").then_some(line.record.metrics)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_is_found_in_the_end_of_a_log_where_there_is_one() {
        let log = r#"{"time":"2026-11-24T01:00:00.000Z","type":"platform.start","record":{"requestId":"1"}}
{"level":"INFO","message":"done","tookMs":3.1}
{"time":"2026-11-24T01:00:00.020Z","type":"platform.report","record":{"requestId":"1","metrics":{"durationMs":7.31,"billedDurationMs":27,"memorySizeMB":512,"maxMemoryUsedMB":21,"initDurationMs":18.6},"status":"success"}}"#;
        let cold = Report {
            billed_ms: 27.0,
            init_ms: Some(18.6),
        };
        assert_eq!(report(log), Some(cold));
        let failed = r#"{"type":"platform.report","record":{"requestId":"1","status":"timeout"}}"#;
        for log in ["", "REPORT", r#"{"level":"INFO"}"#, failed] {
            assert_eq!(report(log), None, "{log}");
        }
    }
}
