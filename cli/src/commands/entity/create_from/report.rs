//! What came of the rows of a file.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::commands::{counted, summed};
use crate::domain::Domain;
use crate::error::{Failure, Kind};

/// How many failed rows are named; all are counted, and in the file.
const NAMED: usize = 20;

/// What a dry run prints.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Examined {
    pub(super) dry_run: bool,
    pub(super) rows: u64,
    #[serde(skip)]
    pub(super) domain: Domain,
}

impl fmt::Display for Examined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.domain.counted(self.rows);
        write!(
            f,
            "{rows} would be created, less those that are there already"
        )
    }
}

/// What came of the rows.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    pub(super) rows: u64,
    pub(super) created: u64,
    pub(super) already_there: u64,
    failed: u64,
    /// Not sent, or without an answer.
    pub(super) left: u64,
    /// The first of those that failed.
    failures: Vec<FailedRow>,
    pub(super) failed_file: Option<String>,
    seconds: f64,
    #[serde(skip)]
    pub(super) domain: Domain,
}

#[derive(Debug, Serialize)]
struct FailedRow {
    line: u64,
    reason: String,
}

impl Report {
    pub(super) fn new(rows: u64, domain: &Domain) -> Self {
        Self {
            rows,
            created: 0,
            already_there: 0,
            failed: 0,
            left: 0,
            failures: Vec::new(),
            failed_file: None,
            seconds: 0.0,
            domain: domain.clone(),
        }
    }

    pub(super) fn fail(&mut self, line: u64, reason: &str) {
        self.failed += 1;
        if self.failures.len() < NAMED {
            let reason = reason.to_owned();
            self.failures.push(FailedRow { line, reason });
        }
    }

    /// Nothing more comes.
    pub(super) fn close(&mut self, took: Duration) {
        self.left = self.left();
        self.failures.sort_by_key(|row| row.line);
        self.seconds = took.as_secs_f64();
    }

    pub(super) fn ended(&self) -> u64 {
        self.created + self.already_there + self.failed
    }

    pub(super) fn left(&self) -> u64 {
        self.rows.saturating_sub(self.ended())
    }

    /// `2 orders created, 1 failed`
    pub(super) fn summary(&self) -> String {
        let created = format!("{} created", self.domain.counted(self.created));
        let rest = [
            (self.already_there, "already there"),
            (self.failed, "failed"),
            (self.left, "left"),
        ];
        summed(created, rest)
    }

    /// The command's failure, where rows failed.
    pub(super) fn verdict(&self) -> Result<(), Failure> {
        if self.failed == 0 {
            return Ok(());
        }
        let message = format!("{} failed", counted(self.failed, "row"));
        let failure = Failure::new(Kind::Failed, message);
        Err(match &self.failed_file {
            Some(path) => failure.hint(format!(
                "{path} has them with their keys and reasons: correct it and \
                 `cqrs {} create --from {path}`",
                self.domain.entity
            )),
            None => failure,
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for FailedRow { line, reason } in &self.failures {
            writeln!(f, "line {line}: {reason}")?;
        }
        match self.failed.saturating_sub(self.failures.len() as u64) {
            0 => {}
            more => writeln!(f, "and {}", counted(more, "more row"))?,
        }
        write!(f, "{}, in {:.1} s", self.summary(), self.seconds)
    }
}
