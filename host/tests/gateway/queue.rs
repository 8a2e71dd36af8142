//! SQS by the AWS SDK, and what is said to the protocol before.

use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::ProvideErrorMetadata;
use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry,
    MessageAttributeValue, MessageSystemAttributeName, MessageSystemAttributeNameForSends,
    MessageSystemAttributeValue, QueueAttributeName, SendMessageBatchRequestEntry,
};
use host::journal::Journal;
use host::queue::Queues;

use crate::support::{Host, queue};

/// A client, and the queue's URL as the client was told it.
async fn client(host: &Host) -> (Client, String) {
    let client = Client::new(&host.aws());
    let answer = client.get_queue_url().queue_name("failures").send().await;
    (client, answer.unwrap().queue_url.unwrap())
}

async fn bodies(client: &Client, url: &str) -> Vec<String> {
    let received = client
        .receive_message()
        .queue_url(url)
        .max_number_of_messages(10);
    let messages = received.send().await.unwrap().messages.unwrap_or_default();
    messages
        .into_iter()
        .map(|message| message.body.unwrap())
        .collect()
}

#[tokio::test]
async fn a_message_is_sent_received_and_deleted() {
    let host = Host::start().await;
    let (client, url) = client(&host).await;
    assert_eq!(url, format!("{}/000000000000/failures", host.endpoint()));
    let text = MessageAttributeValue::builder()
        .data_type("String")
        .string_value("a & b");
    let bytes = MessageAttributeValue::builder()
        .data_type("Binary")
        .binary_value(Blob::new([0, 255]));
    let sent = client
        .send_message()
        .queue_url(&url)
        .message_body("a <b> & \"c\"\n")
        .message_attributes("text", text.build().unwrap())
        .message_attributes("bytes", bytes.build().unwrap())
        .send()
        .await
        .unwrap();
    let received = client
        .receive_message()
        .queue_url(&url)
        .message_system_attribute_names(MessageSystemAttributeName::All)
        .message_attribute_names("All")
        .send()
        .await
        .unwrap();
    let message = &received.messages()[0];
    assert_eq!(message.message_id, sent.message_id);
    assert_eq!(message.body(), Some("a <b> & \"c\"\n"));
    assert_eq!(message.md5_of_body, sent.md5_of_message_body);
    assert_eq!(
        message.md5_of_message_attributes,
        sent.md5_of_message_attributes
    );
    let attributes = message.message_attributes().unwrap();
    assert_eq!(attributes["text"].string_value(), Some("a & b"));
    assert_eq!(
        attributes["bytes"].binary_value().unwrap().as_ref(),
        [0, 255]
    );
    let system = message.attributes().unwrap();
    assert_eq!(
        system[&MessageSystemAttributeName::ApproximateReceiveCount],
        "1"
    );
    assert_eq!(system.len(), 4);

    let delete = client.delete_message().queue_url(&url);
    delete
        .receipt_handle(message.receipt_handle().unwrap())
        .send()
        .await
        .unwrap();
    let counted = client
        .get_queue_attributes()
        .queue_url(&url)
        .attribute_names(QueueAttributeName::All)
        .send()
        .await
        .unwrap();
    let counted = counted.attributes().unwrap();
    assert_eq!(
        counted[&QueueAttributeName::ApproximateNumberOfMessages],
        "0"
    );
    assert_eq!(
        counted[&QueueAttributeName::ApproximateNumberOfMessagesNotVisible],
        "0"
    );
    assert_eq!(
        counted[&QueueAttributeName::QueueArn],
        "arn:aws:sqs:eu-west-1:000000000000:failures"
    );
    assert_eq!(counted[&QueueAttributeName::VisibilityTimeout], "300");
    assert_eq!(
        counted[&QueueAttributeName::MessageRetentionPeriod],
        "1209600"
    );
}

#[tokio::test]
async fn batches_are_done_entry_by_entry() {
    let host = Host::start().await;
    let (client, url) = client(&host).await;
    let entry = |id: &str, body: &str| {
        let entry = SendMessageBatchRequestEntry::builder()
            .id(id)
            .message_body(body);
        entry.build().unwrap()
    };
    let sent = client
        .send_message_batch()
        .queue_url(&url)
        .entries(entry("good", "1"))
        .entries(entry("bad", "\u{1}"))
        .entries(entry("also-good", "2"))
        .send()
        .await
        .unwrap();
    assert_eq!(sent.successful().len(), 2);
    assert_eq!(sent.failed()[0].id(), "bad");
    assert_eq!(sent.failed()[0].code(), "InvalidMessageContents");
    assert!(sent.failed()[0].sender_fault());

    let received = client
        .receive_message()
        .queue_url(&url)
        .max_number_of_messages(10);
    let messages = received.send().await.unwrap().messages.unwrap();
    let handles: Vec<_> = messages
        .iter()
        .map(|m| m.receipt_handle().unwrap())
        .collect();
    let visible = ChangeMessageVisibilityBatchRequestEntry::builder()
        .id("0")
        .receipt_handle(handles[0])
        .visibility_timeout(0);
    let change = client.change_message_visibility_batch().queue_url(&url);
    let changed = change
        .entries(visible.build().unwrap())
        .send()
        .await
        .unwrap();
    assert_eq!(changed.successful()[0].id(), "0");
    assert_eq!(bodies(&client, &url).await, ["1"]);

    let entry = |id: &str, handle: &str| {
        let entry = DeleteMessageBatchRequestEntry::builder()
            .id(id)
            .receipt_handle(handle);
        entry.build().unwrap()
    };
    let deleted = client
        .delete_message_batch()
        .queue_url(&url)
        .entries(entry("1", handles[1]))
        .entries(entry("none", "none"))
        .send()
        .await
        .unwrap();
    assert_eq!(deleted.successful()[0].id(), "1");
    assert_eq!(deleted.failed()[0].code(), "ReceiptHandleIsInvalid");
}

#[tokio::test]
async fn a_receiver_that_waits_gets_the_message_that_comes() {
    let host = Host::start().await;
    let (client, url) = client(&host).await;
    let waiting = client
        .receive_message()
        .queue_url(&url)
        .wait_time_seconds(20);
    let waiting = tokio::spawn(waiting.send());
    let journal_side = host.queues.clone();
    let send = client
        .send_message()
        .queue_url(&url)
        .message_body("late")
        .send();
    send.await.unwrap();
    journal_side.wake();
    let received = waiting.await.unwrap().unwrap();
    assert_eq!(received.messages()[0].body(), Some("late"));
}

#[tokio::test]
async fn a_receiver_that_waits_gets_the_message_whose_time_is_over() {
    let host = Host::start().await;
    let (client, url) = client(&host).await;
    client
        .send_message()
        .queue_url(&url)
        .message_body("again")
        .send()
        .await
        .unwrap();
    let hidden = client
        .receive_message()
        .queue_url(&url)
        .visibility_timeout(1);
    assert_eq!(hidden.send().await.unwrap().messages().len(), 1);
    let waiting = client
        .receive_message()
        .queue_url(&url)
        .wait_time_seconds(20);
    let received = waiting.send().await.unwrap();
    assert_eq!(received.messages()[0].body(), Some("again"));
}

#[tokio::test]
async fn a_message_that_is_added_in_a_transaction_wakes_a_receiver() {
    let journal = Journal::in_memory().unwrap();
    let queues = Queues::new(journal.clone(), "eu-west-1").unwrap();
    queues.apply(vec![queue("failures")]).unwrap();
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
    let host = Host::start().await;
    let (client, url) = client(&host).await;
    client
        .send_message()
        .queue_url(&url)
        .message_body("a")
        .send()
        .await
        .unwrap();
    client.purge_queue().queue_url(&url).send().await.unwrap();
    assert!(bodies(&client, &url).await.is_empty());
    let listed = client.list_queues().send().await.unwrap();
    assert_eq!(listed.queue_urls(), [url]);
    let others = client
        .list_queues()
        .queue_name_prefix("x")
        .send()
        .await
        .unwrap();
    assert!(others.queue_urls().is_empty());
}

#[tokio::test]
async fn errors_have_the_types_that_clients_know() {
    let host = Host::start().await;
    let (client, url) = client(&host).await;
    let absent = client.get_queue_url().queue_name("absent").send().await;
    let absent = absent.unwrap_err().into_service_error();
    assert!(absent.is_queue_does_not_exist(), "{absent:?}");
    assert_eq!(
        absent.message(),
        Some("The specified queue does not exist.")
    );

    let delete = client.delete_message().queue_url(&url).receipt_handle("x");
    let refused = delete.send().await.unwrap_err().into_service_error();
    assert!(refused.is_receipt_handle_is_invalid(), "{refused:?}");

    let many = client
        .receive_message()
        .queue_url(&url)
        .max_number_of_messages(11);
    let refused = many.send().await.unwrap_err().into_service_error();
    assert_eq!(refused.code(), Some("InvalidParameterValue"));

    let long = client.send_message().queue_url(&url);
    let long = long.message_body("x".repeat(1_048_577)).send().await;
    let refused = long.unwrap_err().into_service_error();
    assert_eq!(refused.code(), Some("InvalidParameterValue"));
    let most = client.send_message().queue_url(&url);
    most.message_body("x".repeat(1_048_576))
        .send()
        .await
        .unwrap();

    let twice = SendMessageBatchRequestEntry::builder()
        .id("a")
        .message_body("a");
    let twice = twice.build().unwrap();
    let batch = client.send_message_batch().queue_url(&url);
    let refused = batch.entries(twice.clone()).entries(twice).send().await;
    let refused = refused.unwrap_err().into_service_error();
    assert!(refused.is_batch_entry_ids_not_distinct(), "{refused:?}");
}

const FORM: &str = "Content-Type: application/x-www-form-urlencoded; charset=utf-8";

#[tokio::test]
async fn the_older_protocol_is_told_which_clients_speak_json() {
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
    let host = Host::start().await;
    let (client, url) = client(&host).await;
    let tags = client.list_queue_tags().queue_url(&url).send().await;
    let refused = tags.unwrap_err().into_service_error();
    assert_eq!(refused.code(), Some("NotImplemented"));
    let text = "sqs: ListQueueTags is not available with --local.";
    assert!(refused.message().unwrap().starts_with(text), "{refused:?}");
}

/// As recorded on AWS.
#[tokio::test]
async fn attributes_are_asked_for_by_name_by_prefix_and_all_at_once() {
    let host = Host::start().await;
    let (client, url) = client(&host).await;
    let text = |value: &str| {
        let attribute = MessageAttributeValue::builder().data_type("String");
        attribute.string_value(value).build().unwrap()
    };
    let sent = client
        .send_message()
        .queue_url(&url)
        .message_body("msg")
        .message_attributes("Help.Me", text("Me"))
        .message_attributes("Hello", text("There"))
        .message_attributes("General", text("Kenobi"))
        .send()
        .await
        .unwrap();
    let all = "4c360f3fdafd970e05fae2f149d997f5";
    assert_eq!(sent.md5_of_message_attributes(), Some(all));
    for (names, digest) in [
        (&[][..], None),
        (&["All"], Some(all)),
        (&["*"], Some(all)),
        (&[".*"], Some(all)),
        (&["Foo", "Help"], None),
        (
            &["Hello", "General"],
            Some("fca026605781cb4126a1e9044df24232"),
        ),
    ] {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let receive = client
            .receive_message()
            .queue_url(&url)
            .visibility_timeout(0)
            .set_message_attribute_names(Some(names.clone()));
        let received = receive.send().await.unwrap();
        let message = &received.messages()[0];
        assert_eq!(message.md5_of_message_attributes(), digest, "{names:?}");
    }
}

#[tokio::test]
async fn a_group_and_a_trace_header_come_back_with_the_message() {
    let host = Host::start().await;
    let (client, url) = client(&host).await;
    let header = "Root=1-3152b799-8954dae64eda91bc9a23a7e8;Parent=7fa8c0f79203be72;Sampled=1";
    let trace = MessageSystemAttributeValue::builder()
        .data_type("String")
        .string_value(header);
    let send = |group: &str| {
        let send = client
            .send_message()
            .queue_url(&url)
            .message_body("message");
        send.message_group_id(group)
    };
    let trace_name = MessageSystemAttributeNameForSends::AwsTraceHeader;
    let sent = send("test").message_system_attributes(trace_name, trace.build().unwrap());
    let sent = sent.send().await.unwrap();
    assert!(sent.md5_of_message_system_attributes().is_some());
    let received = client
        .receive_message()
        .queue_url(&url)
        .message_system_attribute_names(MessageSystemAttributeName::All)
        .send()
        .await
        .unwrap();
    let attributes = received.messages()[0].attributes().unwrap();
    assert_eq!(
        attributes[&MessageSystemAttributeName::MessageGroupId],
        "test"
    );
    assert_eq!(
        attributes[&MessageSystemAttributeName::AwsTraceHeader],
        header
    );
    assert_eq!(attributes.len(), 6);

    let long = "a".repeat(129);
    for group in ["", &long, "group 123"] {
        let refused = send(group).send().await.unwrap_err().into_service_error();
        assert_eq!(refused.code(), Some("InvalidParameterValue"));
        let message = format!(
            "Value {group} for parameter MessageGroupId is invalid. Reason: MessageGroupId can \
             only include alphanumeric and punctuation characters. 1 to 128 in length."
        );
        assert_eq!(refused.message(), Some(message.as_str()));
    }
}

#[tokio::test]
async fn a_batch_counts_the_attributes_of_its_messages() {
    let host = Host::start().await;
    let (client, url) = client(&host).await;
    // With the type, six bytes, and the name.
    let value = "x".repeat(524_288 - 8);
    let entry = |id: &str, body: usize| {
        let attribute = MessageAttributeValue::builder()
            .data_type("String")
            .string_value(&value);
        let entry = SendMessageBatchRequestEntry::builder()
            .id(id)
            .message_body("x".repeat(body))
            .message_attributes("n", attribute.build().unwrap());
        entry.build().unwrap()
    };
    let send = |first: usize| {
        let batch = client.send_message_batch().queue_url(&url);
        batch
            .entries(entry("a", first))
            .entries(entry("b", 1))
            .send()
    };
    assert_eq!(send(1).await.unwrap().successful().len(), 2);
    let refused = send(2).await.unwrap_err().into_service_error();
    assert!(refused.is_batch_request_too_long(), "{refused:?}");
}

#[tokio::test]
async fn a_queue_is_purged_once_a_minute() {
    let host = Host::start().await;
    let (client, url) = client(&host).await;
    client.purge_queue().queue_url(&url).send().await.unwrap();
    let again = client.purge_queue().queue_url(&url).send().await;
    let refused = again.unwrap_err().into_service_error();
    assert!(refused.is_purge_queue_in_progress(), "{refused:?}");
    assert_eq!(
        refused.message(),
        Some("Only one PurgeQueue operation on failures is allowed every 60 seconds.")
    );
}

#[tokio::test]
async fn a_queue_is_encrypted_as_it_is_on_aws_by_default() {
    let host = Host::start().await;
    let (client, url) = client(&host).await;
    let name = QueueAttributeName::SqsManagedSseEnabled;
    let asked = client.get_queue_attributes().queue_url(&url);
    let answer = asked.attribute_names(name.clone()).send().await.unwrap();
    assert_eq!(answer.attributes().unwrap()[&name], "true");
}

#[tokio::test]
async fn queues_are_listed_page_by_page() {
    let host = Host::start().await;
    let (client, _) = client(&host).await;
    let queues = (0..10).map(|number| queue(&format!("queue-{number}")));
    host.queues.apply(queues.collect()).unwrap();
    let all = client.list_queues().send().await.unwrap();
    assert_eq!((all.queue_urls().len(), all.next_token()), (10, None));
    let first = client.list_queues().max_results(2).send().await.unwrap();
    assert_eq!(first.queue_urls(), &all.queue_urls()[..2]);
    let rest = client.list_queues().max_results(10);
    let rest = rest.set_next_token(first.next_token).send().await.unwrap();
    assert_eq!(rest.queue_urls(), &all.queue_urls()[2..]);
    assert_eq!(rest.next_token(), None);
    for wrong in [
        client.list_queues().max_results(0),
        client.list_queues().next_token("?"),
    ] {
        let refused = wrong.send().await.unwrap_err().into_service_error();
        assert_eq!(refused.code(), Some("InvalidParameterValue"));
    }
}
