use super::*;

const AWS: Pace = Pace {
    pause: Duration::ZERO,
    overlap_ms: 30,
    horizon_ms: 300,
};
const LOCAL: Pace = Pace {
    pause: Duration::ZERO,
    overlap_ms: 0,
    horizon_ms: 60,
};

/// One round over what a group has; gives the ids that are given.
fn round(cursor: &mut Cursor, group: &[(i64, &str)], begun_ms: i64, pace: Pace) -> Vec<String> {
    let from = cursor.from_ms;
    let mut found: Vec<_> = group.iter().filter(|(at_ms, _)| *at_ms >= from).collect();
    found.sort();
    let mut given = Vec::new();
    for (at_ms, id) in found {
        let event = Event {
            handler: Handler::Query,
            at_ms: *at_ms,
            id: (*id).to_owned(),
            message: String::new(),
        };
        if cursor.is_new(&event) {
            given.push(event.id);
        }
    }
    cursor.done(begun_ms, pace);
    given
}

#[test]
fn each_event_is_given_once_also_at_equal_times() {
    let mut cursor = Cursor::new(1_000);
    let mut group = vec![(999, "before"), (1_000, "a"), (1_010, "b"), (1_010, "c")];
    assert_eq!(round(&mut cursor, &group, 1_020, LOCAL), ["a", "b", "c"]);
    group.push((1_010, "d"));
    assert_eq!(round(&mut cursor, &group, 1_021, LOCAL), ["d"]);
    assert!(round(&mut cursor, &group, 1_022, LOCAL).is_empty());
    assert_eq!(cursor.from_ms, 1_010);
    assert_eq!(cursor.given.len(), 3);
}

#[test]
fn an_event_that_comes_late_is_given_unless_it_is_later_than_the_overlap() {
    let mut cursor = Cursor::new(0);
    let mut group = vec![(1_000, "new")];
    assert_eq!(round(&mut cursor, &group, 1_000, AWS), ["new"]);
    group.extend([(970, "late"), (969, "too late")]);
    assert_eq!(round(&mut cursor, &group, 1_001, AWS), ["late"]);
}

#[test]
fn where_nothing_comes_the_beginning_follows_and_memory_is_let_go() {
    let mut cursor = Cursor::new(0);
    assert_eq!(round(&mut cursor, &[(10, "a")], 20, AWS), ["a"]);
    assert!(round(&mut cursor, &[], 5_000, AWS).is_empty());
    assert_eq!((cursor.from_ms, cursor.given.len()), (4_700, 0));
}

#[test]
fn the_beginning_never_goes_back_before_what_was_asked_for() {
    let mut cursor = Cursor::new(4_990);
    assert!(round(&mut cursor, &[(4_989, "before")], 5_000, AWS).is_empty());
    assert_eq!(cursor.from_ms, 4_990);
    assert_eq!(round(&mut cursor, &[(4_991, "a")], 5_000, AWS), ["a"]);
    assert_eq!(cursor.from_ms, 4_990);
}
