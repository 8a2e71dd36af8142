//! The end of serving.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{Host, logged};

/// Long enough for a slow machine, and far shorter than what is waited for otherwise.
const SOON: Duration = Duration::from_secs(10);

#[tokio::test]
async fn the_stop_closes_connections_without_a_request() {
    let host = Host::start().await;
    let mut stream = host.connect().await;
    let request = "GET /_cqrs/health HTTP/1.1\r\nHost: localhost\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut some = [0; 12];
    stream.read_exact(&mut some).await.unwrap();
    assert_eq!(&some, b"HTTP/1.1 200");
    host.stop.send_replace(true);
    let mut rest = Vec::new();
    let closed = tokio::time::timeout(SOON, stream.read_to_end(&mut rest)).await;
    closed.unwrap().unwrap();
    host.serving.await.unwrap();
}

#[tokio::test]
async fn the_stop_answers_receivers_that_wait() {
    let host = Host::start().await;
    let client = aws_sdk_sqs::Client::new(&host.aws());
    let url = format!("{}/000000000000/failures", host.endpoint());
    let waiting = client
        .receive_message()
        .queue_url(url)
        .wait_time_seconds(20);
    let waiting = tokio::spawn(waiting.send());
    // A second request on another connection says that the first one was taken before the stop
    // only by chance; either way its answer is empty or refused, and never late.
    client.list_queues().send().await.unwrap();
    host.stop.send_replace(true);
    let answered = tokio::time::timeout(SOON, waiting).await.unwrap().unwrap();
    if let Ok(received) = answered {
        assert!(received.messages().is_empty());
    }
    tokio::time::timeout(SOON, host.serving)
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn the_stop_lets_a_request_in_flight_finish() {
    let host = Host::start().await;
    let payload = r#"{"print":["began"],"sleepMs":500}"#;
    let head = "POST /2015-03-31/functions/f/invocations HTTP/1.1\r\nHost: localhost\r\n";
    let request = format!("{head}Content-Length: {}\r\n\r\n{payload}", payload.len());
    let mut logs = host.functions.logs();
    let mut stream = host.connect().await;
    stream.write_all(request.as_bytes()).await.unwrap();
    logged(&mut logs, "began").await;
    host.stop.send_replace(true);
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    host.serving.await.unwrap();
}
