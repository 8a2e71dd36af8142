//! SQS by the AWS SDK, and what is said to the protocol before.

use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::ProvideErrorMetadata;
use aws_sdk_sqs::operation::receive_message::builders::ReceiveMessageFluentBuilder;
use aws_sdk_sqs::operation::send_message::SendMessageOutput;
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry,
    MessageAttributeValue, MessageSystemAttributeName, QueueAttributeName,
    SendMessageBatchRequestEntry,
};
use host::journal::Journal;
use host::queue::Queues;

use crate::definitions::queue;
use crate::support::Host;

/// A client, and the queue's URL as the service answered it.
struct Queue {
    host: Host,
    client: Client,
    url: String,
}

impl Queue {
    async fn start() -> Self {
        let host = Host::start().await;
        let client = Client::new(&host.aws());
        let answer = client.get_queue_url().queue_name("failures").send().await;
        let url = answer.unwrap().queue_url.unwrap();
        Self { host, client, url }
    }

    async fn send(&self, body: &str) -> SendMessageOutput {
        let send = self.client.send_message().queue_url(&self.url);
        send.message_body(body).send().await.unwrap()
    }

    fn receive(&self) -> ReceiveMessageFluentBuilder {
        self.client.receive_message().queue_url(&self.url)
    }

    async fn bodies(&self) -> Vec<String> {
        let received = self.receive().max_number_of_messages(10).send().await;
        let messages = received.unwrap().messages.unwrap_or_default().into_iter();
        messages.map(|message| message.body.unwrap()).collect()
    }
}

#[tokio::test]
async fn a_message_is_sent_received_and_deleted() {
    let queue = Queue::start().await;
    let (client, url) = (&queue.client, &queue.url);
    let expected = format!("{}/000000000000/failures", queue.host.endpoint());
    assert_eq!(*url, expected);
    let sent = queue.send("a <b> & \"c\"\n").await;
    let receive = queue
        .receive()
        .message_system_attribute_names(MessageSystemAttributeName::All);
    let received = receive.message_attribute_names("All").send().await.unwrap();
    let message = &received.messages()[0];
    assert_eq!(message.message_id, sent.message_id);
    assert_eq!(message.body(), Some("a <b> & \"c\"\n"));
    assert_eq!(message.md5_of_body, sent.md5_of_message_body);
    let system = message.attributes().unwrap();
    let received = MessageSystemAttributeName::ApproximateReceiveCount;
    assert_eq!(system[&received], "1");
    assert_eq!(system.len(), 4);

    let delete = client.delete_message().queue_url(url);
    let delete = delete.receipt_handle(message.receipt_handle().unwrap());
    delete.send().await.unwrap();
    let asked = client.get_queue_attributes().queue_url(url);
    let asked = asked.attribute_names(QueueAttributeName::All).send().await;
    let asked = asked.unwrap();
    let attributes = asked.attributes().unwrap();
    for (name, value) in [
        (QueueAttributeName::ApproximateNumberOfMessages, "0"),
        (
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
            "0",
        ),
        (
            QueueAttributeName::QueueArn,
            "arn:aws:sqs:eu-west-1:000000000000:failures",
        ),
        (QueueAttributeName::VisibilityTimeout, "300"),
        (QueueAttributeName::MessageRetentionPeriod, "1209600"),
        // As it is on AWS by default.
        (QueueAttributeName::SqsManagedSseEnabled, "true"),
    ] {
        assert_eq!(attributes[&name], value, "{name:?}");
        let one = client.get_queue_attributes().queue_url(url);
        let one = one.attribute_names(name.clone()).send().await.unwrap();
        assert_eq!(one.attributes().unwrap().len(), 1, "{name:?}");
    }
}

#[tokio::test]
async fn batches_are_done_entry_by_entry() {
    let queue = Queue::start().await;
    let (client, url) = (&queue.client, &queue.url);
    let entry = |id: &str, body: &str| {
        let entry = SendMessageBatchRequestEntry::builder();
        entry.id(id).message_body(body).build().unwrap()
    };
    let send = client.send_message_batch().queue_url(url);
    let send = send
        .entries(entry("good", "1"))
        .entries(entry("bad", "\u{1}"));
    let sent = send.entries(entry("also-good", "2")).send().await.unwrap();
    assert_eq!(sent.successful().len(), 2);
    assert_eq!(sent.failed()[0].id(), "bad");
    assert_eq!(sent.failed()[0].code(), "InvalidMessageContents");
    assert!(sent.failed()[0].sender_fault());

    let received = queue.receive().max_number_of_messages(10).send().await;
    let received = received.unwrap();
    let handles = received.messages().iter();
    let handles: Vec<_> = handles.map(|m| m.receipt_handle().unwrap()).collect();
    let visible = ChangeMessageVisibilityBatchRequestEntry::builder()
        .id("0")
        .receipt_handle(handles[0])
        .visibility_timeout(0);
    let change = client.change_message_visibility_batch().queue_url(url);
    let change = change.entries(visible.build().unwrap());
    assert_eq!(change.send().await.unwrap().successful()[0].id(), "0");
    assert_eq!(queue.bodies().await, ["1"]);

    let entry = |id: &str, handle: &str| {
        let entry = DeleteMessageBatchRequestEntry::builder();
        entry.id(id).receipt_handle(handle).build().unwrap()
    };
    let delete = client.delete_message_batch().queue_url(url);
    let delete = delete.entries(entry("1", handles[1]));
    let deleted = delete.entries(entry("none", "none")).send().await.unwrap();
    assert_eq!(deleted.successful()[0].id(), "1");
    assert_eq!(deleted.failed()[0].code(), "ReceiptHandleIsInvalid");
}

#[tokio::test]
async fn a_receiver_that_waits_gets_the_message_that_comes() {
    let queue = Queue::start().await;
    let waiting = tokio::spawn(queue.receive().wait_time_seconds(20).send());
    queue.send("late").await;
    let received = waiting.await.unwrap().unwrap();
    assert_eq!(received.messages()[0].body(), Some("late"));
}

#[tokio::test]
async fn a_receiver_that_waits_gets_the_message_whose_time_is_over() {
    let queue = Queue::start().await;
    queue.send("again").await;
    let hidden = queue.receive().visibility_timeout(1).send().await.unwrap();
    assert_eq!(hidden.messages().len(), 1);
    let received = queue.receive().wait_time_seconds(20).send().await.unwrap();
    assert_eq!(received.messages()[0].body(), Some("again"));
}

#[tokio::test]
async fn a_message_that_is_added_in_a_transaction_wakes_a_receiver() {
    let journal = Journal::in_memory().unwrap();
    let queues = Queues::new(journal.clone(), "eu-west-1").unwrap();
    queues.apply(vec![queue()]).unwrap();
    let body = r#"{"QueueUrl":"/000000000000/failures","WaitTimeSeconds":20}"#;
    let receiver = queues.clone();
    let waiting = tokio::spawn(async move {
        receiver
            .call("http://localhost", "ReceiveMessage", body.into())
            .await
    });
    let sent = journal.transact(|transaction| queues.send_in(transaction, "failures", "{}"));
    sent.unwrap();
    queues.wake();
    let answer = tokio::time::timeout(Duration::from_secs(10), waiting).await;
    let answer: serde_json::Value = serde_json::from_slice(&answer.unwrap().unwrap().body).unwrap();
    assert_eq!(answer["Messages"][0]["Body"], "{}");
}

#[tokio::test]
async fn a_queue_is_purged_and_listed() {
    let queue = Queue::start().await;
    let (client, url) = (&queue.client, &queue.url);
    queue.send("a").await;
    client.purge_queue().queue_url(url).send().await.unwrap();
    assert!(queue.bodies().await.is_empty());
    let listed = client.list_queues().send().await.unwrap();
    assert_eq!(listed.queue_urls(), std::slice::from_ref(url));
    let others = client.list_queues().queue_name_prefix("x").send().await;
    assert!(others.unwrap().queue_urls().is_empty());
}

#[tokio::test]
async fn errors_have_the_types_that_clients_know() {
    let queue = Queue::start().await;
    let (client, url) = (&queue.client, &queue.url);
    let absent = client.get_queue_url().queue_name("absent").send().await;
    let absent = absent.unwrap_err().into_service_error();
    assert!(absent.is_queue_does_not_exist(), "{absent:?}");
    let text = "The specified queue does not exist.";
    assert_eq!(absent.message(), Some(text));

    let delete = client.delete_message().queue_url(url).receipt_handle("x");
    let refused = delete.send().await.unwrap_err().into_service_error();
    assert!(refused.is_receipt_handle_is_invalid(), "{refused:?}");

    let many = queue.receive().max_number_of_messages(11).send().await;
    let refused = many.unwrap_err().into_service_error();
    assert_eq!(refused.code(), Some("InvalidParameterValue"));

    let long = client.send_message().queue_url(url);
    let long = long.message_body("x".repeat(1_048_577)).send().await;
    let refused = long.unwrap_err().into_service_error();
    assert_eq!(refused.code(), Some("InvalidParameterValue"));
    queue.send(&"x".repeat(1_048_576)).await;

    let twice = SendMessageBatchRequestEntry::builder();
    let twice = twice.id("a").message_body("a").build().unwrap();
    let batch = client.send_message_batch().queue_url(url);
    let refused = batch.entries(twice.clone()).entries(twice).send().await;
    let refused = refused.unwrap_err().into_service_error();
    assert!(refused.is_batch_entry_ids_not_distinct(), "{refused:?}");
}

const FORM: &str = "Content-Type: application/x-www-form-urlencoded; charset=utf-8";

#[tokio::test]
async fn the_older_protocol_is_answered_with_the_clients_that_speak_json() {
    let host = Host::start().await;
    let form = "Action=SendMessage&Version=2012-11-05&MessageBody=a%3Cb%3E+%26";
    for path in ["/", "/000000000000/failures"] {
        let refused = host.post(path, &[FORM], form).await;
        assert!(refused.starts_with("HTTP/1.1 501"), "{refused}");
        for part in [
            "<ErrorResponse><Error><Type>Receiver</Type><Code>NotImplemented</Code>",
            "sqs: SendMessage came in SQS's older query protocol",
            "boto3 1.34.95",
        ] {
            assert!(refused.contains(part), "{part}: {refused}");
        }
    }
}

#[tokio::test]
async fn what_is_not_there_says_so() {
    let queue = Queue::start().await;
    let (client, url) = (&queue.client, &queue.url);
    let tags = client.list_queue_tags().queue_url(url).send().await;
    let refused = tags.unwrap_err().into_service_error();
    assert_eq!(refused.code(), Some("NotImplemented"));
    let text = "sqs: ListQueueTags is not available with --local.";
    assert!(refused.message().unwrap().starts_with(text), "{refused:?}");

    let attribute = MessageAttributeValue::builder().data_type("String");
    let attribute = attribute.string_value("a").build().unwrap();
    let send = client.send_message().queue_url(url).message_body("a");
    let send = send.message_attributes("name", attribute);
    let refused = send.send().await.unwrap_err().into_service_error();
    let text = "sqs: MessageAttributes is not available with --local.";
    assert_eq!(refused.message(), Some(text));
}
