use super::*;

fn event(message: &str) -> Event {
    Event {
        handler: Handler::Subscriber,
        at_ms: 1_795_482_000_123,
        id: "1".to_owned(),
        message: message.to_owned(),
    }
}

/// The line without its time and its function.
fn said(message: &str) -> String {
    let line = text(&event(message), Style::plain(), true).unwrap();
    let said = line.strip_prefix("2026-11-24T01:00:00.123Z subscriber ");
    said.unwrap_or_else(|| panic!("{line}")).to_owned()
}

#[test]
fn a_record_shows_its_order_and_its_error_first_and_its_request_last() {
    let line = r#"{"timestamp":"t","level":"ERROR","message":"failed","requestId":"r-1","n":1,"error":"no luck","orderId":"o-1","list":[1,"a"]}"#;
    let expected = r#"ERROR failed orderId=o-1 error="no luck" n=1 list=[1,"a"] requestId=r-1"#;
    assert_eq!(said(line), expected);
    assert_eq!(said(r#"{"a":"","b":null}"#), r#"      a="" b=null"#);
    assert_eq!(said(r#"{"level":"INFO","message":"done"}"#), "INFO  done");
}

#[test]
fn colour_marks_the_function_the_error_and_what_matters_less() {
    let line = r#"{"level":"ERROR","message":"failed","error":"x","requestId":"r"}"#;
    let shown = text(&event(line), Style::new(true), false).unwrap();
    let expected = "\u{1b}[2m2026-11-24T01:00:00.123Z\u{1b}[0m \u{1b}[33msubscriber\u{1b}[0m \
        \u{1b}[31mERROR\u{1b}[0m failed \u{1b}[31merror=x\u{1b}[0m \u{1b}[2mrequestId=r\u{1b}[0m";
    assert_eq!(shown, expected);
}

#[test]
fn lambdas_lines_are_short_and_stand_out_where_something_failed() {
    let report = r#"{"type":"platform.report","record":{"requestId":"r","status":"success","metrics":{"durationMs":1.5,"memorySizeMB":512}}}"#;
    let expected = "      report durationMs=1.5 memorySizeMB=512 requestId=r";
    assert_eq!(said(report), expected);
    let failed = r#"{"type":"platform.report","record":{"requestId":"r","status":"timeout","errorType":"Sandbox.Timedout"}}"#;
    let expected = "ERROR report status=timeout errorType=Sandbox.Timedout requestId=r";
    assert_eq!(said(failed), expected);
}

#[test]
fn metrics_are_shown_only_where_they_are_asked_for() {
    let metrics = r#"{"_aws":{"Timestamp":1},"Orders":3}"#;
    assert_eq!(text(&event(metrics), Style::plain(), false), None);
    assert_eq!(said(metrics), "      metrics Orders=3");
}

#[test]
fn nothing_that_was_logged_acts_on_the_terminal_or_passes_for_another_line() {
    let attacks = [
        "\u{1b}[2Jgone",
        "one\n2026-11-24T01:00:00.123Z query two",
        "back\rover",
        "\u{9b}31m",
        "\u{202e}txt.exe",
        "a\u{2028}b\u{7f}",
        r#"{"message":"\u001b[31mred\nnew","\u001b[1m":"\u001b[0m","o":{"\u009b":1}}"#,
        r#"{"level":"\u001b[31m","message":"m"}"#,
        r#"{"type":"platform.\u001b[31m","record":{"status":"\u001b[1m"}}"#,
    ];
    for attack in attacks {
        let line = said(attack);
        let acts = |c: char| c.is_control() || ('\u{2028}'..='\u{202e}').contains(&c);
        assert!(!line.contains(acts), "{line:?}");
    }
    assert_eq!(said("a\tb\nc\u{1b}"), "      a\tb\\nc\\u{1b}");
}

#[test]
fn json_has_the_message_as_it_came_and_the_request_where_it_is_known() {
    let line = json(&event("{\"requestId\":\"r\",\"n\":\"\\u001b\"}")).unwrap();
    let expected = r#"{"timestamp":"2026-11-24T01:00:00.123Z","function":"subscriber","requestId":"r","message":"{\"requestId\":\"r\",\"n\":\"\\u001b\"}"}"#;
    assert_eq!(line, expected);
    let line = json(&event("two\nlines\u{1b}")).unwrap();
    let expected = r#"{"timestamp":"2026-11-24T01:00:00.123Z","function":"subscriber","message":"two\nlines\u001b"}"#;
    assert_eq!(line, expected);
}
