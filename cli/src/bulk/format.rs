//! How the rows of a file are written.

use std::path::Path;

use clap::ValueEnum;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Comma-separated values; the first line names the columns.
    Csv,
    /// JSON lines: in each line an object, as the publisher takes it.
    Jsonl,
}

impl Format {
    /// As the file's name says, else its first character.
    pub(super) fn detect(path: Option<&Path>, begin: &[u8]) -> Self {
        let extension = path.and_then(Path::extension).and_then(|e| e.to_str());
        match extension.map(str::to_ascii_lowercase).as_deref() {
            Some("csv" | "tsv") => return Self::Csv,
            Some("jsonl" | "ndjson") => return Self::Jsonl,
            _ => {}
        }
        match begin.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'{' | b'[') => Self::Jsonl,
            _ => Self::Csv,
        }
    }

    /// The extension of a file that is written in it.
    pub(super) fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_decides_and_without_one_the_first_character() {
        let detect = |name: &str, begin: &str| {
            let path = (!name.is_empty()).then(|| Path::new(name));
            Format::detect(path, begin.as_bytes())
        };
        assert_eq!(detect("orders.csv", "{"), Format::Csv);
        assert_eq!(detect("orders.JSONL", "clientId"), Format::Jsonl);
        assert_eq!(detect("orders.txt", "\n {"), Format::Jsonl);
        assert_eq!(detect("orders.txt", "clientId"), Format::Csv);
        assert_eq!(detect("", "{"), Format::Jsonl);
        assert_eq!(detect("", ""), Format::Csv);
    }
}
