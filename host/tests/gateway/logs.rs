//! CloudWatch Logs by the AWS SDK.

use std::collections::HashSet;

use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::error::ProvideErrorMetadata;
use aws_sdk_cloudwatchlogs::types::FilteredLogEvent;
use host::lambda::InvokeOptions;
use serde_json::{Value, json};

use crate::support::{Host, function};

const GROUP: &str = "/aws/lambda/f";

/// Has the function print these lines.
async fn print(host: &Host, lines: &[String]) {
    let payload = json!({"print": lines}).to_string();
    let options = InvokeOptions::default();
    let invoked = host.functions.invoke("f", payload.into(), options).await;
    assert!(!invoked.unwrap().failed);
}

fn numbered(numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.map(|number| format!("line {number}")).collect()
}

/// All pages of what matches; each but the last is to have the token of the next.
async fn pages(client: &Client, pattern: &str, limit: i32) -> Vec<Vec<FilteredLogEvent>> {
    let mut pages = Vec::new();
    let mut token = None;
    loop {
        let asked = client.filter_log_events().log_group_name(GROUP);
        let asked = asked.filter_pattern(pattern).limit(limit);
        let answer = asked.set_next_token(token).send().await.unwrap();
        pages.push(answer.events.unwrap());
        token = answer.next_token;
        if token.is_none() {
            return pages;
        }
    }
}

/// The messages, each of which ends in a line break, without it.
fn messages(events: &[FilteredLogEvent]) -> Vec<&str> {
    let messages = events.iter().map(|event| event.message().unwrap());
    messages
        .map(|message| message.strip_suffix('\n').unwrap())
        .collect()
}

/// The log stream that the function's process believes to write to.
async fn stream_name(host: &Host) -> String {
    let payload = json!({"describe": true}).to_string();
    let options = InvokeOptions::default();
    let invoked = host.functions.invoke("f", payload.into(), options).await;
    let described: Value = serde_json::from_slice(&invoked.unwrap().payload).unwrap();
    let name = &described["environment"]["AWS_LAMBDA_LOG_STREAM_NAME"];
    name.as_str().unwrap().to_owned()
}

fn ids(events: &[FilteredLogEvent]) -> Vec<&str> {
    events
        .iter()
        .map(|event| event.event_id().unwrap())
        .collect()
}

#[tokio::test]
async fn what_a_function_writes_is_at_once_in_its_log_group_and_keeps_its_ids() {
    let host = Host::start().await;
    let client = Client::new(&host.aws());
    assert!(pages(&client, "", 10).await.concat().is_empty());
    print(&host, &numbered(0..3)).await;
    let first = pages(&client, "", 10).await.concat();
    assert_eq!(messages(&first), numbered(0..3));
    let stream = stream_name(&host).await;
    assert!(
        first
            .iter()
            .all(|event| event.log_stream_name() == Some(&stream))
    );
    print(&host, &numbered(3..5)).await;
    let both = pages(&client, "", 10).await.concat();
    assert_eq!(messages(&both), numbered(0..5));
    assert_eq!(ids(&both)[..3], ids(&first));
    let unique: HashSet<_> = ids(&both).into_iter().collect();
    assert_eq!(unique.len(), 5);
}

#[tokio::test]
async fn pages_follow_one_another_without_a_gap_also_where_few_lines_match() {
    let host = Host::start().await;
    let client = Client::new(&host.aws());
    print(&host, &numbered(0..25)).await;
    let found = pages(&client, "", 10).await;
    let sizes: Vec<usize> = found.iter().map(Vec::len).collect();
    assert_eq!(sizes, [10, 10, 5]);
    assert_eq!(messages(&found.concat()), numbered(0..25));
    let found = pages(&client, "1 -\"line 1\"", 1).await.concat();
    assert_eq!(messages(&found), ["line 21"]);
    let long: Vec<String> = (0..8)
        .map(|at| format!("{at}{}", "x".repeat(200_000)))
        .collect();
    print(&host, &long).await;
    let found = pages(&client, "xxx", 10_000).await;
    assert_eq!((found[0].len(), found[1].len()), (5, 3));
    assert_eq!(messages(&found.concat()), long);
}

#[tokio::test]
async fn events_are_taken_from_the_first_to_the_last_millisecond() {
    let host = Host::start().await;
    let client = Client::new(&host.aws());
    for at in 0..3 {
        print(&host, &numbered(at..at + 1)).await;
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    let all = pages(&client, "", 10).await.concat();
    let middle = all[1].timestamp().unwrap();
    let between = async |from: i64, to: i64| {
        let asked = client.filter_log_events().log_group_name(GROUP);
        let answer = asked.start_time(from).end_time(to).send().await;
        let events = answer.unwrap().events.unwrap();
        messages(&events).join(",")
    };
    assert_eq!(between(middle, middle).await, "line 1");
    assert_eq!(between(0, middle - 1).await, "line 0");
    assert_eq!(between(middle + 1, i64::MAX).await, "line 2");
    assert_eq!(between(0, i64::MAX).await, "line 0,line 1,line 2");
}

/// `test_invocation_type_event_error` and `test_invocation_with_logs`
#[tokio::test]
async fn lambdas_own_lines_are_events_as_recorded() {
    let host = Host::start().await;
    let mut text = function();
    text.log_json = false;
    host.functions.apply(vec![text]).await;
    let client = Client::new(&host.aws());
    for _ in 0..2 {
        print(&host, &["{}".to_owned()]).await;
    }
    let events = pages(&client, "", 20).await.concat();
    let messages = events.iter().map(|event| event.message().unwrap());
    let messages: Vec<&str> = messages.collect();
    let id = messages[0].split(' ').nth(2).unwrap();
    assert_eq!(
        messages[0],
        format!("START RequestId: {id} Version: $LATEST\n")
    );
    assert_eq!(messages[1], "{}\n");
    assert_eq!(messages[2], format!("END RequestId: {id}\n"));
    let shape = |report: &str| -> String {
        let kept = report.chars().filter(|c| !c.is_ascii_digit() && *c != '.');
        kept.collect()
    };
    let begin = format!("REPORT RequestId: {id}\t");
    let first = messages[3].strip_prefix(&begin).unwrap();
    assert_eq!(
        shape(first),
        "Duration:  ms\tBilled Duration:  ms\tMemory Size:  MB\tMax Memory Used:  MB\t\
         Init Duration:  ms\t\n"
    );
    assert!(first.contains("Memory Size: 256 MB"), "{first}");
    assert!(!first.contains("Used: 0 MB"), "{first}");
    assert!(!messages[7].contains("Init Duration"), "{}", messages[7]);
    assert_eq!(messages.len(), 8);
}

#[tokio::test]
async fn lambdas_own_lines_are_json_where_the_log_is_and_its_level_lets_them_through() {
    let host = Host::start().await;
    let mut json = function();
    json.log_platform = true;
    host.functions.apply(vec![json]).await;
    let client = Client::new(&host.aws());
    print(&host, &numbered(0..1)).await;
    let events = pages(&client, "", 20).await.concat();
    let lines = messages(&events);
    assert_eq!(lines[1], "line 0");
    let line = |at: usize| serde_json::from_str::<Value>(lines[at]).unwrap();
    let (start, report) = (line(0), line(2));
    assert_eq!(start["type"], "platform.start");
    assert_eq!(start["record"]["version"], "$LATEST");
    assert_eq!(report["type"], "platform.report");
    assert_eq!(report["record"]["status"], "success");
    assert_eq!(report["record"]["requestId"], start["record"]["requestId"]);
    let metrics = &report["record"]["metrics"];
    assert_eq!(metrics["memorySizeMB"], 256);
    assert!(metrics["maxMemoryUsedMB"].as_u64().unwrap() > 0, "{report}");
    assert!(
        metrics["durationMs"].is_f64() && metrics["initDurationMs"].is_f64(),
        "{report}"
    );
}

#[tokio::test]
async fn a_group_is_also_named_by_its_arn_and_a_stream_by_the_functions_variable() {
    let host = Host::start().await;
    let client = Client::new(&host.aws());
    print(&host, &numbered(0..1)).await;
    let arn = "arn:aws:logs:eu-west-1:000000000000:log-group:/aws/lambda/f:*";
    let named = stream_name(&host).await;
    for (stream, count) in [(&*named, 1), ("f", 0)] {
        let asked = client.filter_log_events().log_group_identifier(arn);
        let answer = asked.log_stream_names(stream).send().await.unwrap();
        assert_eq!(answer.events().len(), count, "{stream}");
    }
}

#[tokio::test]
async fn what_cannot_be_answered_is_refused_with_awss_own_errors() {
    let host = Host::start().await;
    let client = Client::new(&host.aws());
    let asked = || client.filter_log_events();
    let group = || asked().log_group_name(GROUP);
    for (asked, code) in [
        (
            asked().log_group_name("/other"),
            "ResourceNotFoundException",
        ),
        (asked(), "InvalidParameterException"),
        (
            group().log_group_identifier(GROUP),
            "InvalidParameterException",
        ),
        (
            group().filter_pattern("{ $.n = 1 }"),
            "InvalidParameterException",
        ),
        (group().filter_pattern("a-b"), "InvalidParameterException"),
        (group().next_token("what?"), "InvalidParameterException"),
        (group().limit(0), "InvalidParameterException"),
        (group().limit(10_001), "InvalidParameterException"),
        (group().start_from_head(false), "InvalidParameterException"),
    ] {
        let error = asked.send().await.unwrap_err().into_service_error();
        assert_eq!(error.code(), Some(code), "{error:?}");
    }
    let error = client.describe_log_groups().send().await.unwrap_err();
    assert_eq!(error.into_service_error().code(), Some("NotImplemented"));
}
