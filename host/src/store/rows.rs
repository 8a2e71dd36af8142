//! Whole tables, read past the engine.
//!
//! A page of the engine's `Scan` parses each item and writes it again, under the lock that writes
//! need; the file has the items as DynamoDB JSON already.

use rusqlite::{Connection, params};

use super::StoreError;

/// A page ends here, so that large items don't make large pages.
const PAGE_BYTES: usize = 8 * 1024 * 1024;

/// See [`super::Store::scan`].
pub(super) fn page(
    connection: &Connection,
    table: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<(Vec<Box<str>>, Option<String>), StoreError> {
    // A key is never empty, so that this is before the first.
    let (pk, sk): (String, String) = match after {
        None => Default::default(),
        Some(place) => serde_json::from_str(place)
            .map_err(|_| StoreError::Unusable(format!("no place in a table: {place}")))?,
    };
    let mut statement = connection.prepare_cached(&format!(
        "SELECT pk, sk, item_json FROM \"{}\" WHERE (pk, sk) > (?1, ?2) ORDER BY pk, sk LIMIT ?3",
        table.replace('"', "\"\"")
    ))?;
    let mut rows = statement.query(params![pk, sk, limit])?;
    let (mut items, mut bytes, mut last) = (Vec::new(), 0, None);
    while let Some(row) = rows.next()? {
        let item: Box<str> = row.get(2)?;
        bytes += item.len();
        items.push(item);
        if items.len() == limit || bytes >= PAGE_BYTES {
            let place: (String, String) = (row.get(0)?, row.get(1)?);
            last = serde_json::to_string(&place).ok();
            break;
        }
    }
    Ok((items, last))
}
