//! The idempotency keys of rows that have none of their own.
//!
//! Made of the whole file's hash and the row's number, so that the same file sent again makes the
//! same orders, and another file other ones. Changing how they are made would let a file that was
//! sent half place its orders twice.

use pattern::error::Invalid;
use pattern::id::IdempotencyKey;
use sha2::{Digest, Sha256};

/// As many digits of the hash as tell two files apart.
const DIGITS: usize = 32;

/// The hash of all bytes of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ContentHash(String);

impl ContentHash {
    pub(super) fn of(hash: Sha256) -> Self {
        Self(format!("{:x}", hash.finalize()))
    }

    /// The key of the row with this number, counted from 1 without blank lines.
    pub(super) fn key(&self, row: u64) -> Result<IdempotencyKey, Invalid> {
        let hash = self.0.get(..DIGITS).unwrap_or(&self.0);
        IdempotencyKey::new(format!("file-{hash}-row-{row}")).map_err(|rule| Invalid {
            field: "idempotencyKey".to_owned(),
            rule: rule.to_string(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_a_file_always_has_the_same_key() {
        let key = |text: &str, row| {
            let hash = ContentHash::of(Sha256::new_with_prefix(text));
            hash.key(row).unwrap().as_str().to_owned()
        };
        // Written out: a change of it would place the orders of a file twice.
        assert_eq!(key("a", 1), "file-ca978112ca1bbdcafac231b39a23dc4d-row-1");
        assert_ne!(key("a", 1), key("a", 2));
        assert_ne!(key("a", 1), key("b", 1));
    }
}
