//! The index that a scan in segments needs, and the engine does not make.
//!
//! The engine takes a segment in the order of the keys' hashes, page by page. Without an index on
//! those it reads and sorts the whole table for each page: 35 ms in a table of 100,000 orders. The
//! index costs each write 20 µs more (both 2026-11-24), so a table gets it with its first scan in
//! segments. It is dropped with the table.

use rusqlite::{Connection, OptionalExtension};
use serde::Deserialize;
use serde::de::IgnoredAny;

/// The table that the request scans in segments, if it does.
pub(super) fn table(operation: &str, body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Scan {
        table_name: String,
        total_segments: Option<IgnoredAny>,
    }
    if operation != "Scan" {
        return None;
    }
    let scan: Scan = serde_json::from_slice(body).ok()?;
    scan.total_segments.map(|_| scan.table_name)
}

/// Makes the index, unless it is there or the table is not.
pub(super) fn index(connection: &Connection, table: &str) -> rusqlite::Result<()> {
    let known = "SELECT table_name FROM _tables WHERE table_name = ?1";
    let name: Option<String> = connection
        .prepare_cached(known)?
        .query_row([table], |row| row.get(0))
        .optional()?;
    let Some(name) = name else {
        return Ok(());
    };
    connection.execute_batch(&format!(
        "CREATE INDEX IF NOT EXISTS \"host_segments:{name}\" ON \"{name}\" (hash_prefix, pk, sk)"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_scan_in_segments_names_a_table() {
        let body = br#"{"TableName":"orders","TotalSegments":4,"Segment":0}"#;
        assert_eq!(table("Scan", body).as_deref(), Some("orders"));
        assert_eq!(table("Query", body), None);
        assert_eq!(table("Scan", br#"{"TableName":"orders"}"#), None);
        assert_eq!(table("Scan", b"orders"), None);
    }
}
