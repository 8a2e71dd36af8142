use serde_json::json;

use super::*;

/// Names and values as text, `a=1 b="x"`.
fn joined(fields: &Fields) -> String {
    let pairs = fields.iter().map(|(name, value)| format!("{name}={value}"));
    pairs.collect::<Vec<_>>().join(" ")
}

fn platform_of(message: &str) -> (String, String, bool) {
    match Line::read(message) {
        Line::Platform {
            what,
            fields,
            failed,
        } => (what, joined(&fields), failed),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_handlers_line_has_a_level_a_message_and_fields_in_their_order() {
    let line = r#"{"timestamp":"2026-11-24T03:00:00Z","level":"INFO","message":"done","requestId":"r-1","orderId":"o","version":1,"b":[1],"a":{}}"#;
    let read = Line::read(line);
    assert_eq!(read.request_id(), Some("r-1"));
    let Line::Record {
        level,
        message,
        fields,
    } = read
    else {
        panic!("{read:?}");
    };
    assert_eq!(
        (level.as_deref(), message.as_deref()),
        (Some("INFO"), Some("done"))
    );
    let expected = r#"requestId="r-1" orderId="o" version=1 b=[1] a={}"#;
    assert_eq!(joined(&fields), expected);
}

#[test]
fn lambdas_own_lines_are_known_and_say_what_failed() {
    let report = r#"{"time":"2026-11-24T03:00:00Z","type":"platform.report","record":{"requestId":"r-1","metrics":{"durationMs":12.3,"billedDurationMs":13,"memorySizeMB":512,"maxMemoryUsedMB":21,"initDurationMs":18.2},"status":"success"}}"#;
    let fields = r#"durationMs=12.3 initDurationMs=18.2 maxMemoryUsedMB=21 memorySizeMB=512 requestId="r-1""#;
    let expected = ("report".to_owned(), fields.to_owned(), false);
    assert_eq!(platform_of(report), expected);
    assert_eq!(Line::read(report).request_id(), Some("r-1"));

    let failed = r#"{"time":"t","type":"platform.report","record":{"requestId":null,"status":"timeout","errorType":"Sandbox.Timedout","errorMessage":"Task timed out"}}"#;
    let (_, fields, failed) = platform_of(failed);
    let expected = r#"status="timeout" errorType="Sandbox.Timedout" errorMessage="Task timed out""#;
    assert_eq!((fields.as_str(), failed), (expected, true));
}

#[test]
fn metrics_without_a_word_are_known() {
    let metrics = r#"{"_aws":{"CloudWatchMetrics":[]},"Orders":3,"requestId":"r"}"#;
    let read = Line::read(metrics);
    assert_eq!(read.request_id(), Some("r"));
    let expected = vec![
        ("Orders".to_owned(), json!(3)),
        ("requestId".to_owned(), json!("r")),
    ];
    assert_eq!(read, Line::Metrics(expected));
    let worded = r#"{"_aws":{},"message":"done"}"#;
    assert!(matches!(Line::read(worded), Line::Record { message: Some(m), .. } if m == "done"));
}

#[test]
fn everything_else_stays_as_it_is() {
    for text in [
        "",
        "plain words",
        "[1,2]",
        "{\"cut off",
        "{} and more",
        "END RequestId: r-1",
        "3",
    ] {
        assert_eq!(Line::read(text), Line::Text(text));
        assert_eq!(Line::read(text).request_id(), None);
    }
    assert_eq!(Line::read("words\r\n"), Line::Text("words"));
    assert!(matches!(
        Line::read(r#"{"type":"platform.start"}"#),
        Line::Record { .. }
    ));
}

#[test]
fn a_record_with_metrics_in_it_is_shown_without_what_only_they_need() {
    let line = r#"{"level":"INFO","message":"projected","applied":2,"recordLagMs":{"Values":[1],"Counts":[2]},"FunctionName":"cqrs-subscriber","_aws":{"CloudWatchMetrics":[]}}"#;
    let Line::Record { fields, .. } = Line::read(line) else {
        panic!("{line}");
    };
    let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["applied"]);
}
