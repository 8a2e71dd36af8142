//! The file of rows that failed, which can be sent as it is: each row has its key and its reason.
//!
//! It appears whole and under its name when the sending ends. Until then its rows are in a file
//! beside it that has no name, and so is gone however the process ends: that there can be one is
//! tried before anything is sent, since nobody could be informed otherwise which rows failed.

use std::fs::{self, File};
use std::io::{self, BufWriter, Seek, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::{NamedTempFile, tempfile_in};

use super::csv::join;
use super::csv_rows::{self, CsvRows, REASON};
use super::format::Format;
use super::json_rows;
use crate::domain::{Domain, Draft, Plain};
use crate::error::{Explain, Kind};
use crate::text::Lines;

/// What stands between a file's name and its extension.
const MARK: &str = ".failed";
/// The longest a reason may be, in characters.
const LONGEST_REASON: usize = 500;

/// See the module's documentation. Rows may be for few eyes, whoever may read other files: it is
/// its owner's alone.
#[derive(Debug)]
pub(crate) struct FailedFile {
    path: PathBuf,
    format: Format,
    domain: Domain,
    writer: BufWriter<File>,
    /// Whether any row failed.
    some: bool,
}

/// What became of the file's name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Finished {
    /// No row failed.
    Empty,
    /// No row failed, and the file of an earlier run is gone.
    Cleared(PathBuf),
    /// The rows are in this file.
    Written(PathBuf),
}

/// Why the rows that fail cannot be kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FailedFileError {
    #[error("cannot write the rows that fail to {}", path.display())]
    Unwritable { path: PathBuf, source: io::Error },

    /// A file of this name is not one of these, and is not touched.
    #[error("the rows that fail would replace {}", .0.display())]
    Foreign(PathBuf),
}

impl Explain for FailedFileError {
    fn kind(&self) -> Kind {
        match self {
            Self::Unwritable { .. } => Kind::Failed,
            Self::Foreign(_) => Kind::Usage,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Unwritable { .. } => "`--from - < FILE` writes them to the folder you are in",
            Self::Foreign(_) => "move that file away, or send the rows from a file of another name",
        };
        Some(hint.to_owned())
    }
}

impl FailedFile {
    /// For the rows of an input; tries whether the file can be written.
    pub(crate) fn create(
        input: Option<&Path>,
        format: Format,
        domain: &Domain,
    ) -> Result<Self, FailedFileError> {
        let path = path_for(input, format);
        let unwritable = |source| FailedFileError::Unwritable {
            path: path.clone(),
            source,
        };
        if !may_replace(&path, format, domain).map_err(unwritable)? {
            return Err(FailedFileError::Foreign(path));
        }
        let rows = tempfile_in(folder(&path)).map_err(unwritable)?;
        Ok(Self {
            path,
            format,
            domain: domain.clone(),
            writer: BufWriter::new(rows),
            some: false,
        })
    }

    pub(crate) fn add(&mut self, row: &Draft, reason: &str) -> Result<(), FailedFileError> {
        // One line, as each row is.
        let words: Vec<_> = reason.split_whitespace().collect();
        let reason: String = words.join(" ").chars().take(LONGEST_REASON).collect();
        self.write(row, reason)
            .map_err(|source| self.unwritable(source))
    }

    fn write(&mut self, row: &Draft, reason: String) -> io::Result<()> {
        let names = || csv_rows::names(&self.domain).chain([REASON]);
        let writer = &mut self.writer;
        if !std::mem::replace(&mut self.some, true) && self.format == Format::Csv {
            writeln!(writer, "{}", join(names()))?;
        }
        let mut row = serde_json::to_value(row)?;
        row[REASON] = reason.into();
        match self.format {
            Format::Csv => {
                let values = names().map(|name| row.get(name).unwrap_or(&Value::Null));
                let written = |value: &Value| match value {
                    // As JSON, which is read as it is, whatever the elements hold.
                    Value::Array(elements) if elements.is_empty() => String::new(),
                    Value::Array(_) => value.to_string(),
                    value => Plain(value).to_string(),
                };
                let values: Vec<_> = values.map(written).collect();
                writeln!(writer, "{}", join(values.iter().map(String::as_str)))
            }
            Format::Jsonl => {
                serde_json::to_writer(&mut *writer, &row)?;
                writer.write_all(b"\n")
            }
        }
    }

    /// Gives the file its name. Where no row failed and all were sent, the file of an earlier run
    /// has nothing left to tell.
    pub(crate) fn finish(mut self, all_sent: bool) -> Result<Finished, FailedFileError> {
        let finished = self.try_finish(all_sent);
        finished.map_err(|source| self.unwritable(source))
    }

    fn try_finish(&mut self, all_sent: bool) -> io::Result<Finished> {
        if self.some {
            self.writer.rewind()?;
            let mut whole = NamedTempFile::new_in(folder(&self.path))?;
            io::copy(self.writer.get_mut(), &mut whole)?;
            whole.persist(&self.path)?;
            return Ok(Finished::Written(self.path.clone()));
        }
        if !all_sent {
            return Ok(Finished::Empty);
        }
        match fs::remove_file(&self.path) {
            Ok(()) => Ok(Finished::Cleared(self.path.clone())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Finished::Empty),
            Err(error) => Err(error),
        }
    }

    fn unwritable(&self, source: io::Error) -> FailedFileError {
        FailedFileError::Unwritable {
            path: self.path.clone(),
            source,
        }
    }
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Beside the input, `orders.failed.csv` for `orders.csv`; never the input itself, so that one that
/// is such a file already is followed by `orders.failed-2.csv`.
fn path_for(input: Option<&Path>, format: Format) -> PathBuf {
    let input = input.unwrap_or(Path::new("stdin"));
    let stem = input.file_stem().unwrap_or_default().to_string_lossy();
    let stem = match stem.rsplit_once(MARK) {
        Some((name, "")) => format!("{name}{MARK}-2"),
        Some((name, number)) => match number.strip_prefix('-').map(str::parse::<u64>) {
            Some(Ok(number)) => format!("{name}{MARK}-{}", number.saturating_add(1)),
            _ => format!("{stem}{MARK}"),
        },
        None => format!("{stem}{MARK}"),
    };
    let extension = input.extension().map(|e| e.to_string_lossy());
    let extension = extension.as_deref().unwrap_or(format.extension());
    input.with_file_name(format!("{stem}.{extension}"))
}

/// Whether nothing is there, or a file of rows that failed in an earlier run.
fn may_replace(path: &Path, format: Format, domain: &Domain) -> io::Result<bool> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error),
    };
    let mut lines = Lines::new(file);
    let first = lines.next()?.and_then(|line| line.bytes);
    let first = first.unwrap_or_default();
    Ok(match format {
        Format::Csv => CsvRows::below(first, domain).is_ok_and(|rows| rows.have_reasons()),
        Format::Jsonl => json_rows::has_reason(first),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{Input, check, feed};
    use super::*;

    fn order(product: &str) -> Draft {
        let payload = json!({
            "clientId": " a, \"b\"", "productId": product, "quantity": 3, "idempotencyKey": "k",
        });
        Domain::bundled().draft_of(payload).unwrap()
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
        let mut names: Vec<_> = entries
            .map(|entry| entry.file_name().into_string().unwrap())
            .collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn it_lies_beside_the_input_and_never_is_the_input() {
        for (input, path) in [
            ("a/orders.csv", "a/orders.failed.csv"),
            ("orders.2026.ndjson", "orders.2026.failed.ndjson"),
            ("orders", "orders.failed.csv"),
            ("orders.failed.csv", "orders.failed-2.csv"),
            ("orders.failed-2.csv", "orders.failed-3.csv"),
            ("orders.failed-x.csv", "orders.failed-x.failed.csv"),
        ] {
            let path_for = path_for(Some(Path::new(input)), Format::Csv);
            assert_eq!(path_for, Path::new(path));
        }
        assert_eq!(
            path_for(None, Format::Jsonl),
            Path::new("stdin.failed.jsonl")
        );
    }

    #[tokio::test]
    async fn its_rows_are_read_again_as_they_were_sent() {
        let folder = tempfile::tempdir().unwrap();
        for (format, name) in [(Format::Csv, "o.csv"), (Format::Jsonl, "o.jsonl")] {
            let input = folder.path().join(name);
            let mut failed = FailedFile::create(Some(&input), format, &Domain::bundled()).unwrap();
            failed.add(&order("p"), "it\nhas \"two\", lines").unwrap();
            failed.add(&order("q"), "no").unwrap();
            let Finished::Written(path) = failed.finish(true).unwrap() else {
                panic!("no file");
            };
            let text = fs::read_to_string(&path).unwrap();
            assert!(text.contains("it has"), "{text}");
            let input = Input::open(&path).unwrap();
            let checked = check(&input, None, &Domain::bundled(), |_| ()).unwrap();
            let mut rows = feed(input, checked, &Domain::bundled(), 4);
            assert_eq!(rows.recv().await.unwrap().unwrap().draft, order("p"));
            assert_eq!(rows.recv().await.unwrap().unwrap().draft, order("q"));
        }
    }

    #[test]
    fn one_of_an_earlier_run_is_replaced_or_goes_and_any_other_file_stays() {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("o.csv");
        let create = || FailedFile::create(Some(&input), Format::Csv, &Domain::bundled());
        let mut failed = create().unwrap();
        failed.add(&order("p"), "no").unwrap();
        failed.finish(true).unwrap();
        assert_eq!(names(folder.path()), ["o.failed.csv"]);

        // Not all was sent: what failed earlier may fail still.
        assert_eq!(create().unwrap().finish(false).unwrap(), Finished::Empty);
        assert_eq!(names(folder.path()), ["o.failed.csv"]);
        let cleared = create().unwrap().finish(true).unwrap();
        assert!(matches!(cleared, Finished::Cleared(_)));
        assert!(names(folder.path()).is_empty());

        fs::write(folder.path().join("o.failed.csv"), "my own notes\n").unwrap();
        assert!(matches!(create(), Err(FailedFileError::Foreign(_))));
        assert_eq!(names(folder.path()), ["o.failed.csv"]);
    }

    #[test]
    fn until_it_is_finished_nothing_lies_in_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("o.csv");
        let mut failed = FailedFile::create(Some(&input), Format::Csv, &Domain::bundled()).unwrap();
        failed.add(&order("p"), "no").unwrap();
        assert!(names(folder.path()).is_empty());
        failed.finish(true).unwrap();
        assert_eq!(names(folder.path()), ["o.failed.csv"]);
        let mode = fs::metadata(folder.path().join("o.failed.csv"))
            .unwrap()
            .permissions();
        assert_eq!(
            std::os::unix::fs::PermissionsExt::mode(&mode) & 0o777,
            0o600
        );
    }

    #[test]
    fn a_folder_that_takes_no_file_is_said_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("none").join("o.csv");
        let error = FailedFile::create(Some(&input), Format::Csv, &Domain::bundled()).unwrap_err();
        assert!(matches!(error, FailedFileError::Unwritable { .. }));
    }
}
