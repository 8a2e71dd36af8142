//! The whole mapping over stand-ins, in paused time.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{advance, sleep};

use super::super::positions::Positions;
use super::super::{Mappings, Parts, Status};
use super::support::{Reply, Stand, mapping, messages, reports, run_all, throws};
use crate::bucket::Buckets;
use crate::definition::{Destination, Mapping, Queue, StartingPosition};
use crate::faults::Faults;
use crate::journal::Journal;
use crate::live::Live;
use crate::queue::Queues;

/// A host's mappings, and what they stand on.
struct Host {
    stand: Stand,
    journal: Journal,
    folder: TempDir,
    mappings: Mappings,
}

impl Host {
    fn new(function: impl Fn(&[i64]) -> Reply + Send + Sync + 'static) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self::over(Stand::new(function), Journal::in_memory().unwrap(), folder)
    }

    fn over(stand: Stand, journal: Journal, folder: TempDir) -> Self {
        let queues = Queues::new(journal.clone(), "eu-west-1").unwrap();
        let queue = Queue {
            logical_id: "FailuresQueue".into(),
            name: "failures".into(),
            visibility_timeout_seconds: 300,
            message_retention_seconds: 86_400,
            delay_seconds: 0,
            receive_wait_seconds: 0,
        };
        queues.apply(vec![queue]).unwrap();
        let mappings = Mappings::over(Parts {
            region: "eu-west-1".into(),
            positions: Positions::new(journal.clone()).unwrap(),
            services: Arc::new(stand.clone()),
            queues,
            buckets: Buckets::below(buckets(&folder)),
            live: Live::default(),
            faults: Faults::default(),
        });
        Self {
            stand,
            journal,
            folder,
            mappings,
        }
    }

    async fn apply(&self, mapping: Mapping) {
        self.mappings.apply(vec![mapping]).await.unwrap();
        run_all().await;
    }

    fn status(&self) -> Status {
        self.mappings.status().remove(0)
    }

    /// Ends this host at once, as `kill -9` does, and begins another.
    async fn again(self) -> Self {
        let Self {
            stand,
            journal,
            folder,
            mappings,
        } = self;
        for worker in mappings.0.workers.lock().values() {
            worker.task.abort();
        }
        drop(mappings);
        run_all().await;
        Self::over(stand, journal, folder)
    }
}

fn buckets(folder: &TempDir) -> PathBuf {
    folder.path().join("buckets")
}

#[tokio::test(start_paused = true)]
async fn what_is_written_is_delivered_without_time_passing() {
    let host = Host::new(|_| Reply::ok());
    host.apply(mapping()).await;
    assert_eq!(host.status().last_processing_result, "No records processed");
    let began = tokio::time::Instant::now();
    host.stand.append([1]);
    host.stand.delivered(1).await;
    host.stand.append([2, 3]);
    host.stand.delivered(2).await;
    assert_eq!(host.stand.deliveries(), [vec![1], vec![2, 3]]);
    assert_eq!(began.elapsed(), Duration::ZERO);
    let status = host.status();
    assert_eq!((status.behind, status.lag_ms), (0, 0));
    assert_eq!(status.last_processing_result, "OK");
    assert_eq!(status.checkpoint, "100000000000000000003");
}

#[tokio::test(start_paused = true)]
async fn after_a_batch_of_several_the_next_one_gathers_for_two_milliseconds() {
    let host = Host::new(|_| Reply::ok());
    host.apply(mapping()).await;
    host.stand.append([1, 2]);
    host.stand.delivered(1).await;
    let began = tokio::time::Instant::now();
    host.stand.append([3]);
    sleep(Duration::from_millis(1)).await;
    host.stand.append([4]);
    host.stand.delivered(2).await;
    assert_eq!(host.stand.deliveries(), [[1, 2], [3, 4]]);
    assert_eq!(began.elapsed(), Duration::from_millis(2));
}

#[tokio::test(start_paused = true)]
async fn an_idle_mapping_reads_no_more_than_every_five_seconds() {
    let host = Host::new(|_| Reply::ok());
    host.apply(mapping()).await;
    let before = host.stand.reads();
    sleep(Duration::from_secs(60)).await;
    assert!(
        host.stand.reads() - before <= 12,
        "{}",
        host.stand.reads() - before
    );
}

#[tokio::test(start_paused = true)]
async fn a_batch_given_up_is_sent_to_its_queue_and_passed_over() {
    let host = Host::new(throws(&[2]));
    host.apply(Mapping {
        batch_size: 1,
        ..mapping()
    })
    .await;
    host.stand.append([1, 2, 3]);
    host.stand.delivered(5).await;
    assert_eq!(host.stand.deliveries(), [[1], [2], [2], [2], [3]]);
    let messages = messages(&host.journal);
    assert_eq!(messages.len(), 1);
    assert_eq!(
        messages[0]["DDBStreamBatchInfo"],
        json!({
            "shardId": "shardId-00000000000000000000-00000001",
            "startSequenceNumber": "100000000000000000002",
            "endSequenceNumber": "100000000000000000002",
            "approximateArrivalOfFirstRecord": "2026-09-21T14:13:20Z",
            "approximateArrivalOfLastRecord": "2026-09-21T14:13:20Z",
            "batchSize": 1,
            "streamArn": "arn:aws:dynamodb:eu-west-1:000000000000:table/orders/stream/1"
        })
    );
    assert_eq!(
        messages[0]["requestContext"],
        json!({
            "requestId": "request 4",
            "functionArn": "arn:aws:lambda:eu-west-1:000000000000:function:subscriber",
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 3
        })
    );
    let status = host.status();
    assert_eq!((status.given_up, status.behind), (1, 0));
    assert_eq!(status.last_processing_result, "OK");
}

#[tokio::test(start_paused = true)]
async fn without_a_queue_a_batch_given_up_is_counted_and_passed_over() {
    let host = Host::new(throws(&[1]));
    host.apply(Mapping {
        on_failure: None,
        ..mapping()
    })
    .await;
    host.stand.append([1]);
    host.stand.delivered(3).await;
    assert_eq!(messages(&host.journal).len(), 0);
    let status = host.status();
    assert_eq!((status.given_up, status.behind), (1, 0));
    assert_eq!(
        status.last_processing_result,
        "PROBLEM: Function call failed"
    );
}

#[tokio::test(start_paused = true)]
async fn a_bucket_gets_what_was_given_up_with_the_records_under_the_name_that_lambda_gives() {
    let host = Host::new(throws(&[1]));
    let (folder, kept) = (buckets(&host.folder), Buckets::below(buckets(&host.folder)));
    fs::write(&folder, "no folder").unwrap();
    host.apply(Mapping {
        on_failure: Some(Destination::Bucket("kept".into())),
        ..mapping()
    })
    .await;
    host.stand.append([1]);
    host.stand.delivered(3).await;
    // What cannot be kept is not passed over.
    assert_eq!(host.status().given_up, 0);
    fs::remove_file(&folder).unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    run_all().await;
    assert_eq!((host.status().given_up, host.status().behind), (1, 0));
    assert_eq!(messages(&host.journal).len(), 0);
    let [object] = &kept.list("kept").unwrap()[..] else {
        panic!("not one object in {}", folder.display());
    };
    let key = &object.key;
    let start = "aws/lambda/11111111-2222-3333-4444-555555555555/\
                 shardId-00000000000000000000-00000001/2026/09/21/2026-09-21T";
    assert!(key.starts_with(start), "{key}");
    let body = kept.get("kept", key).unwrap().unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["DDBStreamBatchInfo"]["batchSize"], 1);
    assert_eq!(
        body["payload"]["Records"][0]["dynamodb"]["SequenceNumber"],
        "100000000000000000001"
    );
}

#[tokio::test(start_paused = true)]
async fn a_function_that_panics_or_is_missing_is_tried_again() {
    let count = AtomicUsize::new(0);
    let host = Host::new(move |_| match count.fetch_add(1, Ordering::Relaxed) {
        0 => Reply::Panics,
        1 => Reply::IsThrottled,
        _ => Reply::ok(),
    });
    host.apply(Mapping {
        maximum_retry_attempts: Some(0),
        ..mapping()
    })
    .await;
    host.stand.append([1]);
    host.stand.delivered(3).await;
    assert_eq!(host.status().checkpoint, "100000000000000000001");
}

#[tokio::test(start_paused = true)]
async fn a_backlog_is_read_in_pieces_and_delivered_whole() {
    let host = Host::new(|_| Reply::ok());
    host.stand.append(1..=25_000);
    let began = tokio::time::Instant::now();
    host.apply(mapping()).await;
    host.stand.delivered(250).await;
    assert_eq!(began.elapsed(), Duration::ZERO);
    let delivered: Vec<i64> = host.stand.deliveries().concat();
    assert!(delivered.iter().copied().eq(1..=25_000));
    assert_eq!(host.status().behind, 0);
}

#[tokio::test(start_paused = true)]
async fn a_restart_goes_on_after_what_is_done() {
    let host = Host::new(|_| Reply::ok());
    host.apply(Mapping {
        batch_size: 2,
        ..mapping()
    })
    .await;
    host.stand.append([1, 2, 3]);
    host.stand.delivered(2).await;
    host.stand.now_does(|_| Reply::Hangs);
    host.stand.append([4]);
    host.stand.delivered(3).await;
    let host = host.again().await;
    host.stand.now_does(|_| Reply::ok());
    host.apply(mapping()).await;
    host.stand.append([5]);
    host.stand.delivered(5).await;
    assert_eq!(host.stand.deliveries()[2..], [[4], [4], [5]]);
}

#[tokio::test(start_paused = true)]
async fn wherever_the_host_ends_nothing_is_lost_and_a_message_is_sent_once() {
    for reached in 1..=9 {
        let host = Host::new(reports(&[4]));
        let mapping = Mapping {
            batch_size: 3,
            ..mapping()
        };
        host.stand.append(1..=8);
        host.apply(mapping.clone()).await;
        while host.stand.deliveries().len() < reached && host.status().behind > 0 {
            advance(Duration::from_millis(10)).await;
            run_all().await;
        }
        let host = host.again().await;
        host.apply(mapping).await;
        while host.status().behind > 0 {
            advance(Duration::from_millis(100)).await;
            run_all().await;
        }
        let messages = messages(&host.journal);
        assert_eq!(messages.len(), 1, "ended at delivery {reached}");
        let info = &messages[0]["DDBStreamBatchInfo"];
        assert_eq!(info["startSequenceNumber"], "100000000000000000004");
        let delivered = host.stand.deliveries().concat();
        assert!((1..=8).all(|number| delivered.contains(&number)));
    }
}

#[tokio::test(start_paused = true)]
async fn latest_begins_with_what_is_written_after_the_first_apply() {
    let host = Host::new(|_| Reply::ok());
    host.stand.append([1, 2]);
    let latest = Mapping {
        starting_position: StartingPosition::Latest,
        enabled: false,
        ..mapping()
    };
    host.apply(latest.clone()).await;
    host.stand.append([3]);
    assert_eq!((host.status().enabled, host.status().behind), (false, 1));
    let host = host.again().await;
    host.apply(Mapping {
        enabled: true,
        ..latest
    })
    .await;
    host.stand.delivered(1).await;
    assert_eq!(host.stand.deliveries(), [[3]]);
}

#[tokio::test(start_paused = true)]
async fn new_settings_wait_for_the_batch_in_flight_and_go_on_after_it() {
    let host = Host::new(|_| Reply::Waits);
    host.apply(Mapping {
        batch_size: 2,
        ..mapping()
    })
    .await;
    host.stand.append(1..=5);
    host.stand.delivered(1).await;
    host.apply(Mapping {
        batch_size: 100,
        ..mapping()
    })
    .await;
    sleep(Duration::from_secs(30)).await;
    assert_eq!(host.stand.deliveries(), [[1, 2]]);
    host.stand.let_go();
    host.stand.delivered(2).await;
    assert_eq!(host.stand.deliveries(), [vec![1, 2], vec![3, 4, 5]]);
}

#[tokio::test(start_paused = true)]
async fn what_is_done_within_a_second_of_the_end_is_not_delivered_again() {
    let host = Host::new(|_| Reply::Waits);
    host.apply(mapping()).await;
    host.stand.append([1]);
    host.stand.delivered(1).await;
    let letting_go = async {
        sleep(Duration::from_millis(900)).await;
        host.stand.let_go();
    };
    tokio::join!(host.mappings.stop(), letting_go);
    let host = host.again().await;
    host.apply(mapping()).await;
    host.stand.append([2]);
    host.stand.delivered(2).await;
    assert_eq!(host.stand.deliveries(), [[1], [2]]);
}

#[tokio::test(start_paused = true)]
async fn a_disabled_mapping_keeps_its_place_and_a_removed_one_loses_it() {
    let host = Host::new(|_| Reply::ok());
    host.apply(mapping()).await;
    host.stand.append([1]);
    host.stand.delivered(1).await;
    host.apply(Mapping {
        enabled: false,
        ..mapping()
    })
    .await;
    host.stand.append([2]);
    sleep(Duration::from_secs(30)).await;
    assert_eq!(host.stand.deliveries(), [[1]]);
    let status = host.status();
    assert_eq!((status.enabled, status.behind), (false, 1));
    assert!(status.lag_ms >= 30_000);
    host.apply(mapping()).await;
    host.stand.delivered(2).await;
    assert_eq!(host.stand.deliveries(), [[1], [2]]);
    host.mappings.apply(vec![]).await.unwrap();
    assert!(host.mappings.status().is_empty());
    host.stand.append([3]);
    sleep(Duration::from_secs(30)).await;
    assert_eq!(host.stand.deliveries().len(), 2);
    host.apply(mapping()).await;
    host.stand.delivered(3).await;
    assert_eq!(host.stand.deliveries()[2], [1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn another_table_of_the_same_name_is_read_from_its_beginning() {
    let host = Host::new(|_| Reply::ok());
    host.apply(mapping()).await;
    host.stand.append([7, 8]);
    host.stand.delivered(1).await;
    host.stand.recreate();
    host.stand.append([1, 2]);
    host.stand.delivered(2).await;
    assert_eq!(host.stand.deliveries(), [[7, 8], [1, 2]]);
    let host = host.again().await;
    host.stand.recreate();
    host.stand.append([3]);
    host.apply(mapping()).await;
    host.stand.delivered(3).await;
    assert_eq!(host.stand.deliveries()[2], [3]);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_cannot_be_read_is_tried_every_second_and_said() {
    let host = Host::new(|_| Reply::ok());
    host.apply(mapping()).await;
    host.stand.break_reading(true);
    host.stand.append([1]);
    run_all().await;
    let before = host.stand.reads();
    sleep(Duration::from_secs(10)).await;
    let reads = host.stand.reads() - before;
    assert!((9..=11).contains(&reads), "{reads}");
    assert_eq!(
        host.status().last_processing_result,
        "PROBLEM: disk I/O error"
    );
    host.stand.break_reading(false);
    host.stand.delivered(1).await;
    assert_eq!(host.status().last_processing_result, "OK");
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_cannot_be_written_delays_the_giving_up_and_loses_nothing() {
    let host = Host::new(throws(&[1]));
    let breaks = |statement: &'static str| {
        let journal = host.journal.clone();
        journal
            .transact(|transaction| {
                transaction.execute_batch(statement)?;
                Ok::<_, crate::journal::JournalError>(())
            })
            .unwrap();
    };
    host.apply(Mapping {
        batch_size: 1,
        ..mapping()
    })
    .await;
    breaks("ALTER TABLE mapping_positions RENAME TO away");
    host.stand.append([1, 2]);
    host.stand.delivered(3).await;
    sleep(Duration::from_secs(5)).await;
    assert_eq!(host.stand.deliveries().len(), 3);
    assert!(
        host.status()
            .last_processing_result
            .starts_with("PROBLEM: the journal cannot be used")
    );
    assert_eq!(messages(&host.journal).len(), 0);
    breaks("ALTER TABLE away RENAME TO mapping_positions");
    host.stand.delivered(4).await;
    assert_eq!(host.stand.deliveries(), [[1], [1], [1], [2]]);
    assert_eq!(messages(&host.journal).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_end_waits_a_second_for_a_function_that_hangs() {
    let host = Host::new(|_| Reply::Hangs);
    host.apply(mapping()).await;
    host.stand.append([1]);
    host.stand.delivered(1).await;
    let began = tokio::time::Instant::now();
    host.mappings.stop().await;
    assert_eq!(began.elapsed(), Duration::from_secs(1));
    let host = host.again().await;
    host.stand.now_does(|_| Reply::ok());
    host.apply(mapping()).await;
    host.stand.delivered(2).await;
    host.mappings.stop().await;
    assert_eq!(host.stand.deliveries(), [[1], [1]]);
}

#[tokio::test(start_paused = true)]
async fn records_that_come_while_the_function_works_go_together_in_the_next_batch() {
    let host = Host::new(|_| Reply::Waits);
    host.apply(mapping()).await;
    host.stand.append([1]);
    host.stand.delivered(1).await;
    let before = host.stand.reads();
    for number in 2..=50 {
        host.stand.append([number]);
        run_all().await;
    }
    // Nothing could be done with them yet, so they were not read one by one.
    assert_eq!(host.stand.reads(), before);
    host.stand.let_go();
    host.stand.delivered(2).await;
    let rest: Vec<i64> = (2..=50).collect();
    assert_eq!(host.stand.deliveries(), [vec![1], rest]);
}
