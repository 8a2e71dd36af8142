//! How far a rebuild has come, kept so that the next one can go on.

use std::path::PathBuf;
use std::time::Duration;
use std::{fs, io};

use pattern::payload::Token;
use serde::{Deserialize, Serialize};

use crate::app::clock;
use crate::app::places::{Places, tidy};
use crate::settings::{Settings, Target};

/// An older checkpoint says too little of what the read model lost since.
const MAX_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// The state of every segment. A key is kept only after all items up to it were acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Checkpoint {
    /// Names the table, and no later one of its name.
    pub(super) table: String,
    /// What the read model was begun with: it is lost with what was projected since.
    pub(super) token: Token,
    pub(super) segments: Vec<SegmentState>,
    pub(super) malformed: u64,
    pub(super) projected: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SegmentState {
    /// The key after which it goes on.
    pub(super) after: Option<String>,
    pub(super) done: bool,
}

impl Checkpoint {
    pub(super) fn new(table: String, segments: u16) -> Self {
        Self {
            table,
            token: Token::fresh(),
            segments: vec![SegmentState::default(); segments.into()],
            malformed: 0,
            projected: 0,
        }
    }

    /// Forgets how far it came, under the same token.
    pub(super) fn restart(&mut self) {
        self.segments.fill(SegmentState::default());
        self.malformed = 0;
        self.projected = 0;
    }

    /// Whether a rebuild of this table in as many segments can go on from here.
    pub(super) fn fits(&self, table: &str, segments: u16) -> bool {
        self.table == table && self.segments.len() == usize::from(segments)
    }
}

/// Where a checkpoint is kept; nowhere, without a place.
#[derive(Clone, Debug)]
pub(super) struct Store(Option<PathBuf>);

impl Store {
    pub(super) fn of(settings: &Settings) -> Self {
        let places = settings.places();
        Self::new(places.as_ref(), settings.target, settings.stack.as_str())
    }

    fn new(places: Option<&Places>, target: Target, stack: &str) -> Self {
        let target = match target {
            Target::Aws => "aws",
            Target::Local => "local",
        };
        let name = format!("{target}-{stack}.json");
        let folder = places.and_then(|places| places.rebuild().ok());
        Self(folder.map(|folder| folder.join(name)))
    }

    /// The last checkpoint, unless there is none that is young and readable.
    pub(super) fn load(&self) -> Option<Checkpoint> {
        let path = self.0.as_deref()?;
        let written = fs::metadata(path).and_then(|data| data.modified()).ok()?;
        let age = clock::system().duration_since(written).unwrap_or_default();
        if age > MAX_AGE {
            return None;
        }
        serde_json::from_slice(&fs::read(path).ok()?).ok()
    }

    pub(super) fn save(&self, checkpoint: &Checkpoint) -> io::Result<()> {
        let Some(path) = self.0.as_deref() else {
            return Ok(());
        };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let unfinished = path.with_extension("unfinished");
        fs::write(&unfinished, serde_json::to_vec(checkpoint)?)?;
        fs::rename(&unfinished, path)
    }

    /// Removes it, and what a process that was killed had begun to write.
    pub(super) fn remove(&self) -> io::Result<()> {
        let Some(path) = self.0.as_deref() else {
            return Ok(());
        };
        for path in [path, &path.with_extension("unfinished")] {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        if let Some(folder) = path.parent() {
            tidy(folder);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_saved_is_what_the_next_rebuild_finds_until_it_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places::Project(folder.path().to_owned());
        let store = Store::new(Some(&places), Target::Aws, "cqrs");
        assert_eq!(store.load(), None);
        let mut checkpoint = Checkpoint::new("arn 1".to_owned(), 2);
        checkpoint.segments[1].after = Some("o".to_owned());
        store.save(&checkpoint).unwrap();
        assert_eq!(store.load(), Some(checkpoint));
        let folder = folder.path().join(".cqrs/rebuild");
        fs::write(folder.join("aws-cqrs.unfinished"), "{").unwrap();
        store.remove().unwrap();
        store.remove().unwrap();
        assert_eq!(store.load(), None);
        assert_eq!(fs::read_dir(folder).unwrap().count(), 0);
    }

    #[test]
    fn a_checkpoint_of_another_table_or_division_does_not_fit() {
        let checkpoint = Checkpoint::new("arn 1".to_owned(), 2);
        assert!(checkpoint.fits("arn 1", 2));
        assert!(!checkpoint.fits("arn 2", 2));
        assert!(!checkpoint.fits("arn 1", 3));
    }
}
