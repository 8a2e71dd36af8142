//! How far each mapping is, in the journal.

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension, Transaction, params};

use super::services::Source;
use crate::definition::{Mapping, StartingPosition};
use crate::journal::{Journal, JournalError};
use crate::store::{Sequence, StoreError};

/// See the module's documentation. Clones share the journal.
#[derive(Clone, Debug)]
pub(super) struct Positions(Journal);

/// A position cannot be found.
#[derive(Debug, thiserror::Error)]
pub(super) enum BeginError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("the stream cannot be read: {0}")]
    Store(#[from] StoreError),
}

impl Positions {
    /// Makes the journal's table where it is missing.
    pub(super) fn new(journal: Journal) -> Result<Self, JournalError> {
        journal.transact(|transaction| {
            transaction.execute_batch(
                "CREATE TABLE IF NOT EXISTS mapping_positions (
                    mapping TEXT PRIMARY KEY,
                    stream_arn TEXT NOT NULL,
                    sequence INTEGER NOT NULL
                ) WITHOUT ROWID",
            )?;
            Ok::<_, JournalError>(())
        })?;
        Ok(Self(journal))
    }

    /// Where the mapping goes on in this stream. One that has no position in it, for example since
    /// the table was made anew, gets the one that its settings say, for good.
    pub(super) fn begin(
        &self,
        mapping: &Mapping,
        source: &dyn Source,
        arn: &str,
    ) -> Result<Sequence, BeginError> {
        let kept = self.0.transact(|transaction| {
            let mut select = transaction.prepare_cached(
                "SELECT sequence FROM mapping_positions WHERE mapping = ? AND stream_arn = ?",
            )?;
            Ok::<Option<i64>, JournalError>(
                select
                    .query_row(params![mapping.id, arn], |row| row.get(0))
                    .optional()?,
            )
        })?;
        if let Some(sequence) = kept {
            return Ok(Sequence(sequence));
        }
        let first = match mapping.starting_position {
            StartingPosition::TrimHorizon => Sequence::default(),
            StartingPosition::Latest => source.newest()?,
        };
        self.0.transact(|transaction| {
            transaction.execute(
                "INSERT OR REPLACE INTO mapping_positions (mapping, stream_arn, sequence) VALUES (?, ?, ?)",
                params![mapping.id, arn, first.0],
            )?;
            Ok::<_, JournalError>(())
        })?;
        Ok(first)
    }

    /// Notes that the mapping is done with everything up to `sequence`, along with what `also`
    /// does. A position that is gone, or is another stream's by now, is left alone.
    pub(super) fn keep(
        &self,
        mapping: &str,
        arn: &str,
        sequence: Sequence,
        also: impl FnOnce(&Transaction<'_>) -> Result<(), JournalError>,
    ) -> Result<(), JournalError> {
        self.0.transact(|transaction| {
            also(transaction)?;
            transaction
                .prepare_cached(
                    "UPDATE mapping_positions SET sequence = ?3 WHERE mapping = ?1 AND stream_arn = ?2",
                )?
                .execute(params![mapping, arn, sequence.0])?;
            Ok(())
        })
    }

    /// Forgets every mapping but these.
    pub(super) fn forget_others(&self, mappings: &BTreeSet<&str>) -> Result<(), JournalError> {
        self.0.transact(|transaction| {
            let known: Vec<String> = transaction
                .prepare("SELECT mapping FROM mapping_positions")?
                .query_map([], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            for gone in known
                .iter()
                .filter(|known| !mappings.contains(known.as_str()))
            {
                transaction.execute("DELETE FROM mapping_positions WHERE mapping = ?", [gone])?;
            }
            Ok(())
        })
    }
}
