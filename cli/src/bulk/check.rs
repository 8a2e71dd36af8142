//! The two readings of a file: all of it before anything is sent, and then row by row.

use tokio::sync::mpsc;

use super::Row;
use super::error::{BadRow, InputError, Unfit};
use super::format::Format;
use super::input::Input;
use super::keys::ContentHash;
use super::rows::{NoRows, Rows};
use crate::domain::Domain;

/// How many bad rows are named; the rest is counted.
const NAMED: usize = 20;
/// After so many rows it is looked whether the file is as it was.
const LOOK_EVERY: u64 = 1_000;

/// What a file is whose rows all keep the rules.
#[derive(Clone, Debug)]
pub(crate) struct Checked {
    pub(crate) rows: u64,
    pub(crate) format: Format,
    hash: ContentHash,
}

/// Looks at every row. `seen` hears how many bytes were read. Blocks.
pub(crate) fn check(
    input: &Input,
    asked: Option<Format>,
    domain: &Domain,
    seen: impl FnMut(u64),
) -> Result<Checked, InputError> {
    let format = |begin: &[u8]| asked.unwrap_or_else(|| Format::detect(input.path(), begin));
    let opened = Rows::open(input.pass(seen)?, domain, format);
    let (mut rows, format) = opened.map_err(|error| no_rows(input, error))?;
    let (mut count, mut bad, mut first) = (0, 0, Vec::new());
    while let Some(row) = rows.next().map_err(|error| input.unreadable(error))? {
        count += 1;
        if let Err(error) = row.draft {
            bad += 1;
            if first.len() < NAMED {
                let line = row.line;
                first.push(BadRow { line, error });
            }
        }
    }
    if count == 0 && format == Format::Jsonl {
        return Err(no_rows(input, Unfit::Empty.into()));
    }
    if bad > 0 {
        return Err(InputError::BadRows {
            name: input.name().to_owned(),
            bad,
            rows: count,
            first,
        });
    }
    let hash = rows.into_inner().hash();
    Ok(Checked {
        rows: count,
        format,
        hash,
    })
}

fn no_rows(input: &Input, error: NoRows) -> InputError {
    match error {
        NoRows::Io(error) => input.unreadable(error),
        NoRows::Unfit(source) => InputError::Unfit {
            name: input.name().to_owned(),
            source,
        },
    }
}

/// Reads a checked file again, on a thread of its own that ends with the receiver. Each row has a
/// key: its own, or one that belongs to it in this file.
pub(crate) fn feed(
    input: Input,
    checked: Checked,
    domain: &Domain,
    ahead: usize,
) -> mpsc::Receiver<Result<Row, InputError>> {
    let (rows, receiver) = mpsc::channel(ahead);
    let domain = domain.clone();
    tokio::task::spawn_blocking(move || {
        if let Err(error) = read_again(&input, &checked, &domain, &rows) {
            // Nobody waits for it any more where this fails.
            let _ = rows.blocking_send(Err(error));
        }
    });
    receiver
}

/// Whatever is not as it was at the first reading has changed since.
fn read_again(
    input: &Input,
    checked: &Checked,
    domain: &Domain,
    to: &mpsc::Sender<Result<Row, InputError>>,
) -> Result<(), InputError> {
    let opened = Rows::open(input.pass(|_| ())?, domain, |_| checked.format);
    let (mut rows, _) = opened.map_err(|_| input.changed())?;
    let mut number = 0;
    while let Some(row) = rows.next().map_err(|error| input.unreadable(error))? {
        if number % LOOK_EVERY == 0 && !input.is_unchanged() {
            return Err(input.changed());
        }
        number += 1;
        let mut draft = row.draft.map_err(|_| input.changed())?;
        if draft.key.is_none() {
            let key = checked.hash.key(number).map_err(|_| input.changed())?;
            draft.key = Some(key);
        }
        let line = row.line;
        if to.blocking_send(Ok(Row { line, draft })).is_err() {
            return Ok(());
        }
    }
    if number == checked.rows && rows.into_inner().hash() == checked.hash {
        Ok(())
    } else {
        Err(input.changed())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::text::NotText;

    fn written(folder: &Path, name: &str, text: &str) -> PathBuf {
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        path
    }

    fn checked(path: &Path) -> Result<Checked, InputError> {
        let input = Input::open(path).unwrap();
        check(&input, None, &Domain::bundled(), |_| ())
    }

    /// The line and the key of each row.
    async fn keys(path: &Path) -> Vec<(u64, String)> {
        let input = Input::open(path).unwrap();
        let checked = check(&input, None, &Domain::bundled(), |_| ()).unwrap();
        let mut rows = feed(input, checked, &Domain::bundled(), 1);
        let mut keys = Vec::new();
        while let Some(row) = rows.recv().await {
            let row = row.unwrap();
            let key = row.draft.key.unwrap();
            keys.push((row.line, key.as_str().to_owned()));
        }
        keys
    }

    #[tokio::test]
    async fn a_row_keeps_its_own_key_and_else_has_that_of_its_place_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let text = "clientId,productId,idempotencyKey\n\n42,abc,\n42,abc,mine\n42,abc,\n";
        let path = written(folder.path(), "a.csv", text);
        let first = keys(&path).await;
        assert_eq!(first[1], (4, "mine".to_owned()));
        assert!(first[0].1.ends_with("-row-1") && first[2].1.ends_with("-row-3"));
        assert_eq!(first, keys(&path).await);
        let other = written(folder.path(), "b.csv", &format!("{text}42,abc,\n"));
        assert_ne!(first[0], keys(&other).await[0]);
    }

    #[tokio::test]
    async fn a_file_that_changes_between_the_readings_is_not_sent_to_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let text = "clientId,productId\n42,abc\n42,abc\n";
        let path = written(folder.path(), "a.csv", text);
        let input = Input::open(&path).unwrap();
        let mut checked = check(&input, None, &Domain::bundled(), |_| ()).unwrap();
        // As if the contents alone were different.
        checked.hash = ContentHash::of(Default::default());
        let mut rows = feed(input, checked, &Domain::bundled(), 4);
        assert!(rows.recv().await.unwrap().is_ok());
        assert!(rows.recv().await.unwrap().is_ok());
        let last = rows.recv().await.unwrap();
        assert!(matches!(last, Err(InputError::Changed { .. })), "{last:?}");

        let input = Input::open(&path).unwrap();
        let checked = check(&input, None, &Domain::bundled(), |_| ()).unwrap();
        fs::write(&path, "clientId,productId\n").unwrap();
        fs::write(&path, format!("{text}43,abc\n")).unwrap();
        let first = feed(input, checked, &Domain::bundled(), 4)
            .recv()
            .await
            .unwrap();
        assert!(
            matches!(first, Err(InputError::Changed { .. })),
            "{first:?}"
        );
    }

    #[test]
    fn all_bad_rows_are_counted_and_the_first_named() {
        let folder = tempfile::tempdir().unwrap();
        let text = format!("clientId,productId\n42,abc\n{}", "42,\n".repeat(30));
        let path = written(folder.path(), "a.csv", &text);
        let error = checked(&path).unwrap_err();
        let InputError::BadRows {
            bad, rows, first, ..
        } = error
        else {
            panic!("{error}");
        };
        assert_eq!((bad, rows, first.len()), (30, 31, NAMED));
        assert_eq!(first[0].to_string(), "line 3: productId must not be empty");
    }

    #[test]
    fn the_format_that_is_asked_for_is_taken_with_any_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = written(
            folder.path(),
            "a.csv",
            r#"{"clientId":"c","productId":"p"}"#,
        );
        let input = Input::open(&path).unwrap();
        let checked = check(&input, Some(Format::Jsonl), &Domain::bundled(), |_| ()).unwrap();
        assert_eq!((checked.rows, checked.format), (1, Format::Jsonl));
        assert!(self::checked(&path).is_err());
    }

    #[test]
    fn a_file_without_rows_is_one_only_where_it_names_its_columns() {
        let folder = tempfile::tempdir().unwrap();
        let rows = |name: &str, text: &str| {
            let path = written(folder.path(), name, text);
            checked(&path).map(|checked| checked.rows)
        };
        assert_eq!(rows("a.csv", "clientId,productId\n").unwrap(), 0);
        for (name, text) in [("a.csv", "\n\n"), ("a.jsonl", "\n"), ("a", "")] {
            assert!(matches!(
                rows(name, text),
                Err(InputError::Unfit {
                    source: Unfit::Empty,
                    ..
                })
            ));
        }
        assert!(matches!(
            rows("a", "[{}]"),
            Err(InputError::Unfit {
                source: Unfit::Array,
                ..
            })
        ));
        let utf16 = written(folder.path(), "u", "");
        fs::write(&utf16, b"\xff\xfec\0").unwrap();
        assert!(matches!(
            checked(&utf16),
            Err(InputError::Unfit {
                source: Unfit::NotText(NotText::Utf16),
                ..
            })
        ));
    }
}
