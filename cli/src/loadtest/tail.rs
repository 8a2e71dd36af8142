//! What the end of an invocation's log tells of it: Lambda's own report line, in either of its log
//! formats. The stack on this machine writes none, nor does Lambda with `PlatformLogLevel=WARN`.

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
    log.lines()
        .rev()
        .find_map(|line| json(line).or_else(|| text(line)))
}

fn json(line: &str) -> Option<Report> {
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
    let line: Line = serde_json::from_str(line).ok()?;
    (line.kind == "platform.report").then_some(line.record.metrics)
}

fn text(line: &str) -> Option<Report> {
    let fields = line.strip_prefix("REPORT ")?;
    let number = |name: &str| {
        let value = fields.split('\t').find_map(|f| f.strip_prefix(name))?;
        value.trim().strip_suffix(" ms")?.parse().ok()
    };
    Some(Report {
        billed_ms: number("Billed Duration: ")?,
        init_ms: number("Init Duration: "),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_is_found_in_both_of_lambdas_formats() {
        let json = r#"{"time":"2026-11-24T01:00:00.000Z","type":"platform.start","record":{"requestId":"1"}}
{"level":"INFO","message":"done","tookMs":3.1}
{"time":"2026-11-24T01:00:00.020Z","type":"platform.report","record":{"requestId":"1","metrics":{"durationMs":7.31,"billedDurationMs":27,"memorySizeMB":512,"maxMemoryUsedMB":21,"initDurationMs":18.6},"status":"success"}}"#;
        let cold = Report {
            billed_ms: 27.0,
            init_ms: Some(18.6),
        };
        assert_eq!(report(json), Some(cold));
        let text = "END RequestId: 1\nREPORT RequestId: 1\tDuration: 1.20 ms\tBilled Duration: 2 ms\tMemory Size: 512 MB\tMax Memory Used: 20 MB\t\n";
        let warm = Report {
            billed_ms: 2.0,
            init_ms: None,
        };
        assert_eq!(report(text), Some(warm));
        let cold = text.replace("20 MB\t", "20 MB\tInit Duration: 18.60 ms\t");
        assert_eq!(report(&cold).unwrap().init_ms, Some(18.6));
    }

    #[test]
    fn a_log_without_a_report_tells_nothing() {
        let failed = r#"{"type":"platform.report","record":{"requestId":"1","status":"timeout"}}"#;
        for log in ["", "REPORT", r#"{"level":"INFO"}"#, failed] {
            assert_eq!(report(log), None, "{log}");
        }
    }
}
