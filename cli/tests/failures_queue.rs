//! The commands about what could not be projected. This machine gives records up as AWS does; the
//! emulator does not, so that most scenarios leave the message that AWS would in the queue.

mod bucket;
mod dry_run;

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_dynamodbstreams::types::ShardIteratorType;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::{LocalStage, Outcome, Parts, Run, Stage, block_on, on_both, read_model};

on_both!(
    a_failure_is_listed_shown_and_retried_until_its_order_can_be_read,
    records_that_still_fail_are_named_with_their_reasons_and_their_failure_stays,
    without_the_cache_retrying_stops_and_keeps_every_failure,
    records_that_the_stream_no_longer_has_are_said_to_be_gone,
    foreign_messages_are_listed_and_discarded_and_never_retried,
    what_touches_several_failures_or_deletes_needs_a_yes,
    ids_that_are_none_and_ids_that_do_not_wait_have_exit_codes_of_their_own,
    an_interrupted_retry_leaves_what_it_took_in_the_queue,
    a_failure_that_is_gone_meanwhile_is_said_to_be_gone,
);

const POISON: &str = "0199d3c2-8d5f-7a10-b3a4-5c8f3f0c2b12";
const ANOTHER: &str = "0199d3c2-8d5f-7a10-b3a4-5c8f3f0c2b13";

impl Place {
    /// The sequence number before, which no record has.
    fn before(&self) -> String {
        let number: u128 = self.sequence.parse().unwrap();
        format!("{:0width$}", number - 1, width = self.sequence.len())
    }
}

/// A place in the stream.
#[derive(Clone, Debug)]
struct Place {
    shard: String,
    sequence: String,
}

impl<S: Stage> Parts<S> {
    fn failures(&self, arguments: &[&str]) -> Run {
        self.stage.cqrs(["failures"]).args(arguments)
    }

    fn listed(&self) -> Vec<Value> {
        let mut listed: Value = self.failures(&["list"]).json();
        serde_json::from_value(listed["failures"].take()).unwrap()
    }

    /// The ids of those that wait.
    fn ids(&self) -> Vec<String> {
        let listed = self.listed().into_iter();
        listed
            .map(|failure| failure["id"].as_str().unwrap().to_owned())
            .collect()
    }

    fn order(&self) -> String {
        self.stage.place_order()
    }

    /// Writes an item that no subscriber can read.
    fn poison(&self) {
        self.poison_named(POISON);
    }

    fn poison_named(&self, id: &str) {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let item: HashMap<_, _> = [
            ("orderId", id),
            ("clientId", "42"),
            ("productId", "abc"),
            ("quantity", "a few"),
        ]
        .map(|(name, value)| (name.to_owned(), text(value)))
        .into();
        let client = aws_sdk_dynamodb::Client::new(&self.stage.sdk());
        let put = client.put_item().table_name(self.output("TableName"));
        block_on(put.set_item(Some(item)).send()).unwrap();
    }

    /// Where the first record about an order is.
    fn place(&self, order: &str) -> Place {
        let client = aws_sdk_dynamodbstreams::Client::new(&self.stage.sdk());
        let arn = self.output("StreamArn");
        let found = async {
            let described = client
                .describe_stream()
                .stream_arn(arn)
                .send()
                .await
                .unwrap();
            for shard in described.stream_description.unwrap().shards.unwrap() {
                let shard = shard.shard_id.unwrap();
                let iterator = client
                    .get_shard_iterator()
                    .stream_arn(arn)
                    .shard_id(&shard)
                    .shard_iterator_type(ShardIteratorType::TrimHorizon);
                let iterator = iterator.send().await.unwrap().shard_iterator;
                let records = client.get_records().set_shard_iterator(iterator);
                for record in records.send().await.unwrap().records() {
                    let change = record.dynamodb().unwrap();
                    if change.keys().unwrap()["orderId"].as_s().unwrap() == order {
                        let sequence = change.sequence_number().unwrap().to_owned();
                        return Some(Place { shard, sequence });
                    }
                }
            }
            None
        };
        block_on(found).expect("no record about the order")
    }

    /// What AWS says about a record that it gave up.
    fn message(&self, place: &Place) -> Value {
        json!({
            "requestContext": {
                "requestId": "316aa6d0-8154-4ab1-9af7-85d5f4a6bc81",
                "functionArn": self.output("SubscriberFunctionArn"),
                "condition": "RetryAttemptsExhausted",
                "approximateInvokeCount": 11
            },
            "responseContext": {
                "statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"
            },
            "version": "1.0",
            "timestamp": "2026-11-14T00:13:49.717Z",
            "DDBStreamBatchInfo": {
                "shardId": place.shard,
                "startSequenceNumber": place.sequence,
                "endSequenceNumber": place.sequence,
                "approximateArrivalOfFirstRecord": "2026-11-14T00:13:19Z",
                "approximateArrivalOfLastRecord": "2026-11-14T00:13:19Z",
                "batchSize": 1,
                "streamArn": self.output("StreamArn")
            }
        })
    }

    /// Leaves messages in the failures queue.
    fn send<'a>(&self, messages: impl IntoIterator<Item = &'a Value>) {
        let client = aws_sdk_sqs::Client::new(&self.stage.sdk());
        let messages: Vec<_> = messages.into_iter().collect();
        for ten in messages.chunks(10) {
            let entries = ten.iter().enumerate().map(|(index, message)| {
                SendMessageBatchRequestEntry::builder()
                    .id(index.to_string())
                    .message_body(message.to_string())
                    .build()
                    .unwrap()
            });
            let sent = client
                .send_message_batch()
                .queue_url(self.output("FailuresQueueUrl"))
                .set_entries(Some(entries.collect()))
                .send();
            assert_eq!(block_on(sent).unwrap().failed.len(), 0);
        }
    }

    /// An order that is in the table and no longer in the read model, and the failure about it.
    fn lost_order(&self) -> String {
        let id = self.order();
        self.send([&self.message(&self.place(&id))]);
        self.lose(&id);
        id
    }

    fn lose(&self, order: &str) {
        let key = read_model::key(order);
        let deleted: u64 = self.stage.cache().run(&["DEL", &key]);
        assert_eq!(deleted, 1);
    }

    fn can_be_read(&self, order: &str) -> bool {
        let outcome = self.stage.cqrs(["order", "get", order]).outcome();
        assert!([0, 3].contains(&outcome.code), "{outcome}");
        outcome.code == 0
    }
}

/// Leaves out what is never the same.
fn steady(outcome: Outcome) -> Outcome {
    outcome
        .filter(r"(?m)(?<at>^|[ `])[0-9a-f]{12}\b", "${at}[FAILURE]")
        .filter(r"\b\d{17,40}\b", "[SEQUENCE]")
        .filter(r"\b\d+ s\b", "[AGE]")
        .filter(r"(?m) {2,}", "  ")
}

fn a_failure_is_listed_shown_and_retried_until_its_order_can_be_read<S: Stage>() {
    let parts = Parts::<S>::deployed();
    let order = parts.lost_order();
    assert!(!parts.can_be_read(&order));

    assert_snapshot!(steady(parts.failures(&["list"]).outcome()), @r"
    exit code 0
    --- stdout
    FAILURE  WHEN  CONDITION  ATTEMPTS  RECORDS  ERROR
    [FAILURE]  [TIME]  RetryAttemptsExhausted  11  1  Unhandled
    --- stderr
    1 failure waits

    next: cqrs failures show ID, then cqrs failures retry ID
    ");
    let listed = parts.listed();
    assert_eq!(listed.len(), 1);
    let failure = &listed[0];
    assert_eq!(failure["foreign"], false);
    assert_eq!(failure["requestContext"]["approximateInvokeCount"], 11);
    assert_eq!(failure["DDBStreamBatchInfo"]["batchSize"], 1);
    // Looking takes nothing away, and the id stays.
    let id = failure["id"].as_str().unwrap();
    assert_eq!(parts.ids(), [id]);

    assert_snapshot!(steady(parts.failures(&["show", id]).outcome()), @r"
    exit code 0
    --- stdout
    FAILURE  WHEN  CONDITION  ATTEMPTS  RECORDS  ERROR
    [FAILURE]  [TIME]  RetryAttemptsExhausted  11  1  Unhandled

    RECORD  EVENT  ID  VERSION  AGE
    [SEQUENCE]  INSERT  [ID]  1  [AGE]
    --- stderr

    next: cqrs failures retry [FAILURE]
    ");
    let shown: Value = parts.failures(&["show", id]).json();
    assert_eq!(shown["stream"], "whole");
    assert_eq!(shown["records"][0]["orderId"], order.as_str());
    assert!(!parts.can_be_read(&order), "showing changes nothing");

    assert_snapshot!(steady(parts.failures(&["retry", id]).outcome()), @r"
    exit code 0
    --- stdout
    1 failure retried and deleted
    --- stderr
    Retrying failures…
    [FAILURE]  retried and deleted
    ");
    assert!(parts.can_be_read(&order));
    assert_eq!(parts.ids(), [""; 0]);
}

fn records_that_still_fail_are_named_with_their_reasons_and_their_failure_stays<S: Stage>() {
    // This machine's stack itself is not to give it up meanwhile.
    let parts = Parts::with(S::empty(), &["MaximumRetryAttempts=1000"]);
    let order = parts.order();
    parts.poison();
    parts.poison_named(ANOTHER);
    // In one batch with one that succeeds.
    let (good, bad) = (parts.place(&order), parts.place(ANOTHER));
    let mut all = parts.message(&good);
    all["DDBStreamBatchInfo"]["endSequenceNumber"] = json!(bad.sequence);
    all["DDBStreamBatchInfo"]["batchSize"] = json!(3);
    parts.send([&all]);
    parts.lose(&order);

    let ids = parts.ids();
    assert_snapshot!(steady(parts.failures(&["retry", &ids[0]]).outcome()), @r"
    exit code 1
    --- stdout
    [FAILURE]  still failing
      INSERT of [ID] ([SEQUENCE]): quantity must be a whole number from 1 to 1000000, not a string
      INSERT of [ID] ([SEQUENCE]): quantity must be a whole number from 1 to 1000000, not a string
    1 failure still failing
    --- stderr
    Retrying failures…
    error: 1 failure still waits
    hint: correct what the reasons name and `cqrs failures retry` again; or `cqrs failures discard ID` once the item in the table is right
    ");
    assert!(parts.can_be_read(&order));
    assert_eq!(parts.ids(), ids);

    let json = ["retry", "--all", "--yes", "--output", "json"];
    let outcome = parts.failures(&json).outcome();
    assert_eq!(outcome.code, 1, "{outcome}");
    let report: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(
        (&report["stillFailing"], &report["retried"]),
        (&json!(1), &json!(0))
    );
    let failure = &report["failures"][0];
    assert_eq!(failure["failed"], 2);
    let records = failure["records"].as_array().unwrap();
    let ids_of: Vec<_> = records.iter().map(|record| &record["orderId"]).collect();
    assert_eq!(ids_of, [POISON, ANOTHER]);
    assert_eq!(records[1]["sequenceNumber"], bad.sequence.as_str());

    let discarded: Value = parts.failures(&["discard", &ids[0], "--yes"]).json();
    assert_eq!(discarded["discarded"], 1);
    assert_eq!(parts.ids(), [""; 0]);
}

fn without_the_cache_retrying_stops_and_keeps_every_failure<S: Stage>() {
    let parts = Parts::<S>::deployed();
    let orders = [parts.lost_order(), parts.lost_order()];
    let cache = parts.stage.cache();
    cache.pause();
    let outcome = parts
        .failures(&["retry", "--all", "--yes", "--output", "json"])
        .outcome();
    cache.resume();
    assert_eq!(outcome.code, 1, "{outcome}");
    assert_eq!(outcome.error()["kind"], "ReadModelUnavailable");
    let report: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(
        (&report["retried"], &report["notTried"]),
        (&json!(0), &json!(1))
    );

    assert_eq!(parts.ids().len(), 2);
    let report: Value = parts.failures(&["retry", "--all", "--yes"]).json();
    assert_eq!(
        (&report["retried"], &report["records"]),
        (&json!(2), &json!(2))
    );
    assert!(orders.iter().all(|order| parts.can_be_read(order)));
    assert_eq!(parts.ids(), [""; 0]);
}

fn records_that_the_stream_no_longer_has_are_said_to_be_gone<S: Stage>() {
    let parts = Parts::<S>::deployed();
    let order = parts.order();
    let place = parts.place(&order);
    let trimmed = Place {
        sequence: place.before(),
        ..place.clone()
    };
    let mut in_part = parts.message(&trimmed);
    in_part["DDBStreamBatchInfo"]["endSequenceNumber"] = json!(place.sequence);
    in_part["DDBStreamBatchInfo"]["batchSize"] = json!(2);
    parts.send([&parts.message(&trimmed)]);
    let gone = parts.ids().remove(0);
    assert_snapshot!(steady(parts.failures(&["show", &gone]).outcome()), @r"
    exit code 0
    --- stdout
    FAILURE  WHEN  CONDITION  ATTEMPTS  RECORDS  ERROR
    [FAILURE]  [TIME]  RetryAttemptsExhausted  11  1  Unhandled

    The stream no longer has the records.
    --- stderr

    `cqrs verify --repair` compares the read model with the table and repairs it; then `cqrs failures discard ID` deletes the failure
    ");

    parts.send([&in_part]);
    parts.lose(&order);
    let outcome = parts
        .failures(&["retry", "--all", "--yes", "--output", "json"])
        .outcome();
    assert_eq!(outcome.code, 1, "{outcome}");
    assert!(outcome.stderr.contains("cqrs verify --repair"), "{outcome}");
    let report: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(report["recordsGone"], 2, "{report}");
    // What was left is projected, and both failures stay.
    assert_eq!(report["records"], 1, "{report}");
    assert!(parts.can_be_read(&order));
    assert_eq!(parts.ids().len(), 2);
}

fn foreign_messages_are_listed_and_discarded_and_never_retried<S: Stage>() {
    let parts = Parts::<S>::deployed();
    let mut other = parts.message(&Place {
        shard: "shardId-1".to_owned(),
        sequence: "1".repeat(21),
    });
    other["DDBStreamBatchInfo"]["streamArn"] =
        json!("arn:aws:dynamodb:eu-west-1:000000000000:table/other/stream/x");
    parts.send([&json!({"hello": "world"}), &other]);
    let listed = parts.listed();
    assert!(
        listed.iter().all(|failure| failure["foreign"] == true),
        "{listed:?}"
    );
    let ids = parts.ids();

    let all: Value = parts.failures(&["retry", "--all", "--yes"]).json();
    assert_eq!((&all["foreign"], &all["retried"]), (&json!(2), &json!(0)));
    let named = parts.failures(&["retry", &ids[0]]).outcome();
    assert_eq!(named.code, 1, "{named}");
    assert!(named.stderr.contains("cqrs failures discard"), "{named}");

    let discarded: Value = parts.failures(&["discard", "--all", "--yes"]).json();
    assert_eq!(discarded["discarded"], 2);
    assert_eq!(parts.ids(), [""; 0]);
}

fn what_touches_several_failures_or_deletes_needs_a_yes<S: Stage>() {
    let parts = Parts::<S>::deployed();
    let order = parts.lost_order();
    let id = parts.ids().remove(0);
    for arguments in [
        &["retry", "--all"][..],
        &["discard", &id],
        &["discard", "--all"],
    ] {
        let outcome = parts.failures(arguments).outcome();
        assert_eq!(outcome.code, 2, "{outcome}");
        assert!(outcome.stderr.contains("--yes"), "{outcome}");
    }

    let mut terminal = parts.failures(&["discard", &id]).on_terminal();
    terminal.until("Discard 1 failure for good, unprojected? [y/N]");
    terminal.line("n");
    let (code, rest) = terminal.end();
    assert_eq!(code, 1, "{rest}");
    assert!(rest.contains("nothing was discarded"), "{rest}");

    let mut terminal = parts.failures(&["discard", "--all"]).on_terminal();
    terminal.until("[y/N]");
    terminal.control('c');
    assert_eq!(terminal.end().0, 130);
    assert_eq!(parts.ids(), std::slice::from_ref(&id));
    assert!(!parts.can_be_read(&order));

    let mut terminal = parts.failures(&["retry", "--all"]).on_terminal();
    terminal.until("Give the records of 1 failure to the subscriber again? [y/N]");
    terminal.line("y");
    terminal.until("1 failure retried and deleted");
    assert_eq!(terminal.end().0, 0);
    assert!(parts.can_be_read(&order));
    assert_eq!(parts.ids(), [""; 0]);
}

fn ids_that_are_none_and_ids_that_do_not_wait_have_exit_codes_of_their_own<S: Stage>() {
    let parts = Parts::<S>::deployed();
    // An empty queue is no failure.
    let yes = ["--all", "--yes"];
    for (command, arguments) in [("list", &[][..]), ("retry", &yes), ("discard", &yes)] {
        let outcome = parts.failures(&[command]).args(arguments).outcome();
        let shown = (outcome.code, outcome.stdout.as_str());
        assert_eq!(shown, (0, ""), "{outcome}");
        assert!(outcome.stderr.contains("No failures wait"), "{outcome}");
    }
    let listed: Value = parts.failures(&["list"]).json();
    let nothing = json!({"failures": [], "waiting": {"visible": 0, "hidden": 0}});
    assert_eq!(listed, nothing);

    parts.lost_order();
    let id = parts.ids().remove(0);
    for command in ["show", "retry", "discard"] {
        let yes = if command == "show" {
            &[][..]
        } else {
            &["--yes"]
        };
        let outcome = parts.failures(&[command, "0123"]).args(yes).outcome();
        assert_eq!(outcome.code, 2, "{outcome}");
        let outcome = parts
            .failures(&[command, "0123456789ab"])
            .args(yes)
            .outcome();
        assert_eq!(outcome.code, 3, "{outcome}");
        assert!(outcome.stderr.contains("cqrs failures list"), "{outcome}");
    }
    // Of several either all are done or, where one is unknown, none.
    let outcome = parts
        .failures(&["retry", &id, "0123456789ab", "--yes"])
        .outcome();
    assert_eq!(outcome.code, 3, "{outcome}");
    assert_eq!(parts.ids(), [id]);
}

fn an_interrupted_retry_leaves_what_it_took_in_the_queue<S: Stage>() {
    let parts = Parts::<S>::deployed();
    parts.lost_order();
    let ids = parts.ids();
    let cache = parts.stage.cache();
    // The subscriber waits for it longer than Ctrl-C takes to come.
    cache.pause();
    let mut running = parts.failures(&["retry", "--all", "--yes"]).start();
    running.until("Retrying failures").interrupt();
    let outcome = running.outcome();
    cache.resume();
    assert_eq!(outcome.code, 130, "{outcome}");
    assert!(outcome.stderr.contains("as before"), "{outcome}");
    assert_eq!(parts.ids(), ids);
}

fn a_failure_that_is_gone_meanwhile_is_said_to_be_gone<S: Stage>() {
    let parts = Parts::<S>::deployed();
    parts.lost_order();
    let id = parts.ids().remove(0);
    let mut terminal = parts.failures(&["discard", &id]).on_terminal();
    terminal.until("[y/N]");
    let client = aws_sdk_sqs::Client::new(&parts.stage.sdk());
    let purged = client
        .purge_queue()
        .queue_url(parts.output("FailuresQueueUrl"));
    block_on(purged.send()).unwrap();
    terminal.line("y");
    terminal.until("0 failures discarded, 1 gone already");
    assert_eq!(terminal.end().0, 0);
}

#[test]
fn what_the_stack_gave_up_while_the_cache_was_full_is_retried_when_it_is_not() {
    let parts = Parts::with(LocalStage::empty(), &["MaximumRetryAttempts=0"]);
    let cache = parts.stage.cache();
    // It refuses every write: a frozen one would still make them once it goes on.
    cache.run::<()>(&["CONFIG", "SET", "maxmemory", "1"]);
    let create = ["order", "create", "--client", "42", "--product", "abc"];
    let order = parts.stage.cqrs(create).succeeds().trim().to_owned();
    // The queue is asked until the message is there.
    let client = aws_sdk_sqs::Client::new(&parts.stage.sdk());
    let waited = client
        .receive_message()
        .queue_url(parts.output("FailuresQueueUrl"))
        .wait_time_seconds(20)
        .visibility_timeout(0)
        .send();
    assert_eq!(block_on(waited).unwrap().messages().len(), 1);
    let outcome = parts.failures(&["retry", "--all", "--yes"]).outcome();
    assert_eq!(outcome.code, 1, "{outcome}");
    cache.run::<()>(&["CONFIG", "SET", "maxmemory", "0"]);
    assert!(!parts.can_be_read(&order));

    let report: Value = parts.failures(&["retry", "--all", "--yes"]).json();
    assert_eq!(
        (&report["retried"], &report["records"]),
        (&json!(1), &json!(1))
    );
    assert!(parts.can_be_read(&order));
    assert_eq!(parts.ids(), [""; 0]);
}

#[test]
fn hundreds_of_failures_are_listed_by_age_and_retried_to_the_last() {
    let parts = Parts::<LocalStage>::deployed();
    let order = parts.order();
    let place = parts.place(&order);
    let messages: Vec<_> = (0..450)
        .map(|n| {
            let mut message = parts.message(&place);
            // The younger ones are sent first.
            let at = format!("2026-11-14T00:{:02}:{:02}Z", (449 - n) / 60, (449 - n) % 60);
            message["timestamp"] = json!(at);
            message["DDBStreamBatchInfo"]["approximateArrivalOfFirstRecord"] = json!(at);
            message
        })
        .collect();
    parts.send(&messages);
    let listed: Value = parts.failures(&["list", "--limit", "445"]).json();
    let times: Vec<_> = listed["failures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| f["at"].as_str().unwrap())
        .collect();
    assert_eq!(times.len(), 445);
    assert!(times.is_sorted());
    assert_eq!(listed["waiting"]["visible"], 450);

    let report: Value = parts.failures(&["retry", "--all", "--yes"]).json();
    assert_eq!(
        (&report["retried"], &report["records"]),
        (&json!(450), &json!(450))
    );
    assert_eq!(parts.ids(), [""; 0]);
}
