//! Buckets: folders of files, for what mappings leave of batches that they gave up.
//!
//! An object's key is its file's path below the folder of its bucket. Whoever has the stack's folder
//! reads and removes the files, also while no process serves the stack. S3's protocol is not spoken.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use uuid::Uuid;

use crate::clock;
use crate::definition::Bucket;

/// What begins so is not whole yet.
const UNFINISHED: &str = ".unfinished-";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The buckets of a stack. Clones share them.
#[derive(Clone, Debug)]
pub struct Buckets(Arc<Path>);

/// An object of a bucket.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Object {
    /// Its name.
    pub key: String,
    /// When it was put, in milliseconds since 1970.
    pub put_ms: i64,
}

impl Buckets {
    /// Those below this folder, which need not be there.
    #[must_use]
    pub fn below(folder: PathBuf) -> Self {
        Self(folder.into())
    }

    /// Makes the buckets these; one that is gone loses its objects, and the others lose those that
    /// are too old.
    ///
    /// # Errors
    /// The folder cannot be used.
    pub fn apply(&self, buckets: &[Bucket]) -> io::Result<()> {
        for bucket in entries(&self.0)? {
            let name = bucket.file_name();
            if buckets.iter().all(|kept| *kept.name != *name) {
                fs::remove_dir_all(bucket.path())?;
            }
        }
        for bucket in buckets {
            fs::create_dir_all(self.0.join(&bucket.name))?;
            if let Some(days) = bucket.expiration_days {
                self.expire(&bucket.name, DAY * days)?;
            }
        }
        Ok(())
    }

    fn expire(&self, bucket: &str, age: Duration) -> io::Result<()> {
        let kept_from = clock::since_1970().saturating_sub(age).as_millis();
        for object in self.list(bucket)? {
            if u128::try_from(object.put_ms).unwrap_or(0) < kept_from {
                self.remove(bucket, &object.key)?;
            }
        }
        Ok(())
    }

    /// Puts an object: the whole of it, or nothing.
    ///
    /// # Errors
    /// The folder cannot be written, for example because the disk is full.
    pub fn put(&self, bucket: &str, key: &str, body: &str) -> io::Result<()> {
        let path = self.path(bucket, key);
        let folder = path.parent().unwrap_or(&self.0);
        fs::create_dir_all(folder)?;
        let unfinished = folder.join(format!("{UNFINISHED}{}", Uuid::new_v4()));
        let written = fs::write(&unfinished, body).and_then(|()| fs::rename(&unfinished, &path));
        if written.is_err() {
            // What is left of it is no object, and goes with the bucket.
            let _ = fs::remove_file(&unfinished);
        }
        written
    }

    /// The objects of a bucket, by their keys; none where there is no such bucket.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn list(&self, bucket: &str) -> io::Result<Vec<Object>> {
        let mut found = Vec::new();
        walk(&self.0.join(bucket), "", &mut found)?;
        found.sort();
        Ok(found)
    }

    /// What is in an object; none where it is gone.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn get(&self, bucket: &str, key: &str) -> io::Result<Option<Vec<u8>>> {
        there(fs::read(self.path(bucket, key)))
    }

    /// Removes an object, and says whether it was there.
    ///
    /// # Errors
    /// The file cannot be removed.
    pub fn remove(&self, bucket: &str, key: &str) -> io::Result<bool> {
        Ok(there(fs::remove_file(self.path(bucket, key)))?.is_some())
    }

    fn path(&self, bucket: &str, key: &str) -> PathBuf {
        self.0.join(bucket).join(key)
    }
}

fn walk(folder: &Path, prefix: &str, found: &mut Vec<Object>) -> io::Result<()> {
    for entry in entries(folder)? {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let key = format!("{prefix}{name}");
        let Some(about) = there(entry.metadata())? else {
            continue;
        };
        if about.is_dir() {
            walk(&entry.path(), &format!("{key}/"), found)?;
        } else if !name.starts_with(UNFINISHED) {
            let since = about.modified()?.duration_since(UNIX_EPOCH);
            let since = since.unwrap_or_default().as_millis();
            let put_ms = i64::try_from(since).unwrap_or(i64::MAX);
            found.push(Object { key, put_ms });
        }
    }
    Ok(())
}

/// What a folder holds; nothing where it is not there.
fn entries(folder: &Path) -> io::Result<Vec<fs::DirEntry>> {
    match there(fs::read_dir(folder))? {
        Some(entries) => entries.collect(),
        None => Ok(Vec::new()),
    }
}

fn there<T>(asked: io::Result<T>) -> io::Result<Option<T>> {
    match asked {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        asked => asked.map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(name: &str, expiration_days: Option<u32>) -> Bucket {
        Bucket {
            logical_id: name.to_owned(),
            name: name.to_owned(),
            expiration_days,
        }
    }

    #[test]
    fn objects_are_put_whole_listed_by_key_and_removed_once() {
        let folder = tempfile::tempdir().unwrap();
        let buckets = Buckets::below(folder.path().join("buckets"));
        assert_eq!(buckets.list("a").unwrap(), []);
        for key in ["x/2", "x/1", "0"] {
            buckets.put("a", key, key).unwrap();
        }
        let keys = || -> Vec<String> {
            let listed = buckets.list("a").unwrap().into_iter();
            listed.map(|object| object.key).collect()
        };
        assert_eq!(keys(), ["0", "x/1", "x/2"]);
        assert_eq!(
            buckets.get("a", "x/1").unwrap().as_deref(),
            Some(&b"x/1"[..])
        );
        assert!(buckets.remove("a", "x/1").unwrap());
        assert!(!buckets.remove("a", "x/1").unwrap());
        assert_eq!(buckets.get("a", "x/1").unwrap(), None);
        fs::write(folder.path().join("buckets/a/.unfinished-1"), "half").unwrap();
        assert_eq!(keys(), ["0", "x/2"]);
    }

    #[test]
    fn a_bucket_that_is_gone_loses_its_objects_and_another_those_that_are_too_old() {
        let folder = tempfile::tempdir().unwrap();
        let buckets = Buckets::below(folder.path().to_owned());
        for name in ["gone", "kept"] {
            buckets.put(name, "old", "").unwrap();
            buckets.put(name, "new", "").unwrap();
        }
        let old = fs::File::options()
            .write(true)
            .open(folder.path().join("kept/old"));
        let then = clock::since_1970() - DAY * 8;
        old.unwrap().set_modified(UNIX_EPOCH + then).unwrap();
        buckets.apply(&[bucket("kept", None)]).unwrap();
        assert_eq!(buckets.list("gone").unwrap(), []);
        assert_eq!(buckets.list("kept").unwrap().len(), 2);
        buckets.apply(&[bucket("kept", Some(7))]).unwrap();
        let left = buckets.list("kept").unwrap();
        assert_eq!(left.len(), 1);
        assert_eq!(left[0].key, "new");
    }
}
