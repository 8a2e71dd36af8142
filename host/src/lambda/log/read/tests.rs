use std::fs;

use super::*;

/// A log whose older file has these lines and whose newer one has those, which begin at times.
fn log(older_lines: &str, newer_lines: &str) -> (tempfile::TempDir, LogReader) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f.log");
    for (path, text) in [(older(&path), older_lines), (path.clone(), newer_lines)] {
        if !text.is_empty() {
            fs::write(path, text).unwrap();
        }
    }
    let reader = LogReader::open(&path).unwrap();
    (folder, reader)
}

fn rest(reader: &mut LogReader) -> Vec<(i64, String)> {
    let mut lines = Vec::new();
    while let Some(line) = reader.next().unwrap() {
        lines.push((line.at_ms, line.text));
    }
    lines
}

fn times(reader: &mut LogReader) -> Vec<i64> {
    rest(reader).into_iter().map(|(at_ms, _)| at_ms).collect()
}

#[test]
fn a_function_that_never_logged_has_no_lines() {
    let (_folder, mut reader) = log("", "");
    reader.seek_time(0).unwrap();
    assert_eq!((times(&mut reader), reader.place()), (vec![], None));
}

#[test]
fn every_time_is_found_wherever_it_lies_and_however_long_the_lines_are() {
    // Times 10, 20, 20, 30, …: each even one twice.
    let mut text = String::new();
    let mut all = Vec::new();
    for at in 1..=60_usize {
        for _ in 0..=usize::from(at.is_multiple_of(2)) {
            let length = at * 7_919 % 3_000;
            text.push_str(&format!("{} - s {}\n", at * 10, "x".repeat(length)));
            all.push(at as i64 * 10);
        }
    }
    let half = text[..text.len() / 2].rfind('\n').unwrap() + 1;
    let (_folder, mut reader) = log(&text[..half], &text[half..]);
    for from in 0..=610 {
        reader.seek_time(from).unwrap();
        let expected: Vec<i64> = all.iter().copied().filter(|at| *at >= from).collect();
        assert_eq!(times(&mut reader), expected, "from {from}");
    }
}

#[test]
fn a_line_that_is_not_complete_waits_until_it_is() {
    let (folder, mut reader) = log("", "1 - s one\n2 r-1 s tw");
    reader.seek_time(0).unwrap();
    assert_eq!(rest(&mut reader), [(1, "one".to_owned())]);
    let place = reader.place().unwrap();
    let path = folder.path().join("f.log");
    fs::write(&path, "1 - s one\n2 r-1 s two three\n").unwrap();
    let mut reader = LogReader::open(&path).unwrap();
    reader.seek(place).unwrap();
    assert_eq!(rest(&mut reader), [(2, "two three".to_owned())]);
}

#[test]
fn a_place_stays_good_when_the_file_turns_over() {
    let (folder, mut reader) = log("1 - s gone soon\n", "2 - s two\n3 - s three\n");
    reader.seek_time(2).unwrap();
    let line = reader.next().unwrap().unwrap();
    assert_eq!(line.text, "two");
    let next = reader.place().unwrap();
    let path = folder.path().join("f.log");
    fs::rename(&path, older(&path)).unwrap();
    fs::write(&path, "4 - s four\n").unwrap();

    let mut reader = LogReader::open(&path).unwrap();
    reader.seek(next).unwrap();
    assert_eq!(times(&mut reader), [3, 4]);
    reader.seek(line.place).unwrap();
    assert_eq!(reader.next().unwrap().unwrap(), line);

    let gone = Place { file: 0, offset: 7 };
    reader.seek(gone).unwrap();
    assert_eq!(times(&mut reader), [2, 3, 4]);
}

#[test]
fn what_is_no_line_of_a_log_is_passed_over() {
    let (_folder, mut reader) = log("", "torn\n\n7 - s \n8 only\n9 - s nine \u{1b}[31m\n");
    for from in [0, 7] {
        reader.seek_time(from).unwrap();
        let lines = [(7, String::new()), (9, "nine \u{1b}[31m".to_owned())];
        assert_eq!(rest(&mut reader), lines);
    }
    reader.seek_time(8).unwrap();
    assert_eq!(times(&mut reader), [9]);
}
