//! The port by plain HTTP: whom it lets in, and what it answers to the rest.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{Host, TOKEN};

fn get(path: &str, headers: &[&str]) -> String {
    let headers: String = headers.iter().flat_map(|header| [header, "\r\n"]).collect();
    format!("GET {path} HTTP/1.1\r\nConnection: close\r\n{headers}\r\n")
}

#[tokio::test]
async fn health_needs_no_token() {
    let host = Host::start().await;
    let answer = host.send(&get("/_cqrs/health", &["Host: localhost"])).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    let body = concat!(
        r#"{"status":"ok","version":""#,
        env!("CARGO_PKG_VERSION"),
        "\"}"
    );
    assert!(answer.ends_with(body), "{answer}");
}

#[tokio::test]
async fn the_tools_requests_need_the_token() {
    let host = Host::start().await;
    let right = format!("Authorization: Bearer {TOKEN}");
    let answer = host.post("/_cqrs/describe", &[&right], "what").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(
        body,
        serde_json::json!({"path": "describe", "body": "what"})
    );
    let longer = format!("{right}0");
    for wrong in [
        "X: y",
        "Authorization: Bearer ",
        "Authorization: Bearer b0a7c0df",
        &longer,
    ] {
        let answer = host.post("/_cqrs/describe", &[wrong], "what").await;
        assert!(answer.starts_with("HTTP/1.1 403"), "{wrong}: {answer}");
    }
}

#[tokio::test]
async fn web_pages_are_refused() {
    let host = Host::start().await;
    for headers in [
        &["Host: evil.example"][..],
        &["Host: localhost", "Origin: https://evil.example"],
        &["Host: localhost", "Sec-Fetch-Site: cross-site"],
        &[],
    ] {
        let answer = host.send(&get("/_cqrs/health", headers)).await;
        assert!(answer.starts_with("HTTP/1.1 403"), "{headers:?}: {answer}");
        assert!(answer.contains(r#"{"message":""#), "{answer}");
    }
    let old = host.send("GET /_cqrs/health HTTP/1.0\r\n\r\n").await;
    assert!(old.starts_with("HTTP/1.0 403"), "{old}");
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let host = Host::start().await;
    let long = format!("X: {}", "x".repeat(100_000));
    let mut stream = host.connect().await;
    // The server may answer and close before all is written.
    let _ = stream
        .write_all(get("/", &["Host: localhost", &long]).as_bytes())
        .await;
    let mut answer = vec![0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, b"HTTP/1.1 431");
}

#[tokio::test]
async fn other_services_are_named_in_the_error() {
    let host = Host::start().await;
    let signed = |service: &str| {
        format!(
            "Authorization: AWS4-HMAC-SHA256 \
             Credential=AKID/20260101/eu-west-1/{service}/aws4_request, SignedHeaders=host, \
             Signature=0"
        )
    };
    let form = "Content-Type: application/x-www-form-urlencoded";
    let query = "Action=ListStacks&Version=2010-05-15";
    let answer = host
        .post("/", &[form, &signed("cloudformation")], query)
        .await;
    assert!(answer.starts_with("HTTP/1.1 501"), "{answer}");
    let text = "<Code>NotImplemented</Code><Message>cloudformation: ListStacks is not available";
    assert!(answer.contains(text), "{answer}");

    let target = "X-Amz-Target: Logs_20140328.DescribeLogGroups";
    let answer = host.post("/", &[target, &signed("logs")], "{}").await;
    assert!(answer.starts_with("HTTP/1.1 501"), "{answer}");
    assert!(
        answer.contains("logs: Logs_20140328.DescribeLogGroups is not"),
        "{answer}"
    );

    let answer = host
        .send(&get("/bucket", &["Host: localhost", &signed("s3")]))
        .await;
    assert!(answer.starts_with("HTTP/1.1 501"), "{answer}");
    assert!(
        answer.contains("s3: GET /bucket is not available"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_client_that_asks_first_gets_a_continue() {
    let host = Host::start().await;
    let mut stream = host.connect().await;
    let head = "POST /2015-03-31/functions/f/invocations HTTP/1.1\r\nHost: localhost\r\n\
                Connection: close\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answered = vec![0; 21];
    stream.read_exact(&mut answered).await.unwrap();
    assert_eq!(answered, b"HTTP/1.1 100 Continue");
    stream.write_all(b"{}").await.unwrap();
    let mut rest = String::new();
    stream.read_to_string(&mut rest).await.unwrap();
    assert!(rest.contains("HTTP/1.1 200 OK"), "{rest}");
}

#[tokio::test]
async fn a_body_in_chunks_is_read_whole_and_bounded() {
    let host = Host::start().await;
    let head = "POST /2015-03-31/functions/f/invocations HTTP/1.1\r\nHost: localhost\r\n\
                Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
    let whole = format!("{head}4\r\n{{\"a\"\r\n3\r\n:1}}\r\n0\r\n\r\n");
    let answer = host.send(&whole).await;
    assert!(answer.ends_with(r#"{"a":1}"#), "{answer}");

    let chunk = format!("100000\r\n{}\r\n", "x".repeat(0x10_0000));
    let large = format!("{head}{}0\r\n\r\n", chunk.repeat(7));
    let answer = host.send(&large).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{}", &answer[..100]);
    assert!(answer.contains("RequestTooLargeException"), "{answer}");
}

#[tokio::test]
async fn a_document_that_is_nested_without_end_is_refused_and_harms_nothing() {
    let host = Host::start().await;
    let lists = |count: usize| format!("{}{}", "[".repeat(count), "]".repeat(count));
    let invocations = "/2015-03-31/functions/f/invocations";
    // A payload is the function's to read.
    let payload = lists(100_000);
    let answer = host.post(invocations, &[], &payload).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with(&payload));
    for (path, header) in [
        ("/", "X-Amz-Target: DynamoDB_20120810.PutItem"),
        ("/", "X-Amz-Target: AmazonSQS.SendMessage"),
        ("/", "X-Amz-Target: Logs_20140328.FilterLogEvents"),
    ] {
        let answer = host.post(path, &[header], &lists(100_000)).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{header}: {answer}");
    }
}
