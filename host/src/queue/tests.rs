#![allow(clippy::unwrap_used)]

use super::message::{self, Change, Counts, Handle};
use super::operation::digest;
use super::*;

const HOUR_MS: i64 = 3_600_000;

fn queue() -> Queue {
    Queue {
        logical_id: "FailuresQueue".to_owned(),
        name: "failures".to_owned(),
        visibility_timeout_seconds: 300,
        message_retention_seconds: 86_400,
        delay_seconds: 0,
        receive_wait_seconds: 0,
    }
}

/// Runs `work` in a journal that has the queue, at times of its own.
fn with_queue<T>(work: impl FnOnce(&Transaction<'_>, &Queue) -> rusqlite::Result<T>) -> T {
    let journal = Journal::in_memory().unwrap();
    let queue = queue();
    journal
        .transact(|transaction| {
            message::prepare(transaction)?;
            message::keep_queues(transaction, &[&queue.name], 0)?;
            Ok::<_, JournalError>(work(transaction, &queue)?)
        })
        .unwrap()
}

fn send(transaction: &Transaction<'_>, body: &str, at_ms: i64) {
    message::add(transaction, "failures", body, 0, at_ms).unwrap();
}

/// Receives one message for `hidden_ms`, if there is one.
fn receive(transaction: &Transaction<'_>, hidden_ms: i64, at_ms: i64) -> Option<message::Message> {
    let messages = message::receive(transaction, &queue(), 1, hidden_ms, at_ms);
    messages.unwrap().pop()
}

#[test]
fn a_received_message_is_hidden_until_its_time_is_over() {
    with_queue(|transaction, _| {
        send(transaction, "a", 0);
        let first = receive(transaction, 1000, 10).unwrap();
        assert_eq!((first.receives, first.first_received_ms), (1, 10));
        assert!(receive(transaction, 1000, 1009).is_none());
        assert_eq!(
            message::next_visible_ms(transaction, "failures", 1009)?,
            Some(1010)
        );
        let again = receive(transaction, 1000, 1010).unwrap();
        assert_eq!((again.receives, again.first_received_ms), (2, 10));
        assert_ne!(again.handle, first.handle);
        Ok(())
    });
}

#[test]
fn messages_are_received_in_the_order_in_which_they_were_sent() {
    with_queue(|transaction, queue| {
        for body in ["a", "b", "c"] {
            send(transaction, body, 0);
        }
        let received = message::receive(transaction, queue, 10, 1000, 1)?;
        let bodies: Vec<_> = received
            .iter()
            .map(|message| message.body.as_str())
            .collect();
        assert_eq!(bodies, ["a", "b", "c"]);
        Ok(())
    });
}

#[test]
fn a_handle_deletes_its_message_also_after_the_visibility_timeout() {
    with_queue(|transaction, queue| {
        send(transaction, "a", 0);
        let message = receive(transaction, 1000, 0).unwrap();
        message::delete(transaction, &message.handle)?;
        assert_eq!(message::count(transaction, queue, 5000)?.visible, 0);
        Ok(())
    });
}

#[test]
fn a_handle_of_an_earlier_receive_deletes_nothing() {
    with_queue(|transaction, queue| {
        send(transaction, "a", 0);
        let first = receive(transaction, 1000, 0).unwrap();
        receive(transaction, 1000, 1000).unwrap();
        message::delete(transaction, &first.handle)?;
        assert_eq!(message::count(transaction, queue, 5000)?.visible, 1);
        Ok(())
    });
}

#[test]
fn a_message_older_than_the_retention_is_gone_even_in_flight() {
    with_queue(|transaction, queue| {
        send(transaction, "a", 0);
        send(transaction, "b", HOUR_MS);
        receive(transaction, 12 * HOUR_MS, 23 * HOUR_MS).unwrap();
        let kept = message::count(transaction, queue, 24 * HOUR_MS + 1)?;
        let expected = Counts {
            visible: 1,
            in_flight: 0,
            delayed: 0,
        };
        assert_eq!(kept, expected);
        Ok(())
    });
}

#[test]
fn visibility_is_counted_from_its_change_and_ends_twelve_hours_after_the_receive() {
    with_queue(|transaction, _| {
        send(transaction, "a", 0);
        let handle = receive(transaction, 1000, 0).unwrap().handle;
        let change = |hidden_ms, now_ms| {
            message::change_visibility(transaction, &handle, hidden_ms, now_ms).unwrap()
        };
        assert_eq!(change(12 * HOUR_MS, 1), Change::TooLong);
        assert_eq!(change(12 * HOUR_MS - 1, 1), Change::Made);
        assert_eq!(change(0, 2), Change::Made);
        assert_eq!(receive(transaction, 1000, 2).unwrap().receives, 2);
        Ok(())
    });
}

#[test]
fn a_late_change_of_visibility_hides_nothing() {
    with_queue(|transaction, _| {
        send(transaction, "a", 0);
        let first = receive(transaction, 1000, 0).unwrap().handle;
        let late = message::change_visibility(transaction, &first, 9000, 1000)?;
        assert_eq!(late, Change::Late);
        let second = receive(transaction, 1000, 1000).unwrap().handle;
        let others = message::change_visibility(transaction, &first, 9000, 1001)?;
        assert_eq!(others, Change::Late);
        message::delete(transaction, &second)?;
        let gone = message::change_visibility(transaction, &second, 9000, 1002)?;
        assert_eq!(gone, Change::Gone);
        Ok(())
    });
}

#[test]
fn a_delayed_message_is_counted_apart() {
    with_queue(|transaction, queue| {
        message::add(transaction, &queue.name, "a", 2, 0)?;
        let counts = |now_ms| {
            let counts = message::count(transaction, queue, now_ms).unwrap();
            (counts.visible, counts.in_flight, counts.delayed)
        };
        assert_eq!(counts(1999), (0, 0, 1));
        assert_eq!(counts(2000), (1, 0, 0));
        receive(transaction, 1000, 2000).unwrap();
        assert_eq!(counts(2001), (0, 1, 0));
        Ok(())
    });
}

#[test]
fn a_handle_is_read_as_it_was_written_and_only_for_its_queue() {
    with_queue(|transaction, _| {
        send(transaction, "a", 0);
        let handle = receive(transaction, 1000, 0).unwrap().handle;
        let text = handle.to_string();
        assert_eq!(Handle::parse(&text, "failures"), Some(handle));
        assert_eq!(Handle::parse(&text, "other"), None);
        for text in ["", "handle", "ZmFpbHVyZXM=", "ZmFpbHVyZXMgeCB5"] {
            assert_eq!(Handle::parse(text, "failures"), None, "{text}");
        }
        Ok(())
    });
}

#[test]
fn queues_that_stay_keep_their_messages_and_others_lose_them() {
    with_queue(|transaction, queue| {
        send(transaction, "a", 0);
        message::keep_queues(transaction, &["failures", "other"], 1)?;
        assert_eq!(message::count(transaction, queue, 2)?.visible, 1);
        assert_eq!(message::created_ms(transaction, "failures")?, 0);
        message::keep_queues(transaction, &["other"], 3)?;
        message::keep_queues(transaction, &["failures"], 4)?;
        assert_eq!(message::count(transaction, queue, 5)?.visible, 0);
        assert_eq!(message::created_ms(transaction, "failures")?, 4);
        Ok(())
    });
}

#[test]
fn a_message_for_a_queue_that_is_not_there_is_dropped() {
    with_queue(|transaction, _| {
        message::add(transaction, "other", "a", 0, 0)?;
        message::keep_queues(transaction, &["other"], 0)?;
        let mut other = queue();
        other.name = "other".to_owned();
        assert_eq!(message::count(transaction, &other, 1)?.visible, 0);
        Ok(())
    });
}

#[test]
fn a_digest_is_that_which_clients_compute() {
    assert_eq!(digest("hello"), "5d41402abc4b2a76b9719d911017c592");
}
