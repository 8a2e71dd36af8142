//! The file: whose it is, and what is none.

use std::fs;

use host::store::{Store, StoreError};

use super::support::{Home, REGION};

fn refused(path: &std::path::Path) -> StoreError {
    Store::open(path, REGION).unwrap_err()
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tables.db");
    fs::write(&path, "this is a letter, not a database").unwrap();
    let error = refused(&path);
    assert!(matches!(error, StoreError::Foreign { .. }), "{error:?}");
    assert!(
        error.to_string().contains("it is no SQLite file"),
        "{error}"
    );
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        "this is a letter, not a database"
    );
}

#[test]
fn another_programs_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tables.db");
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE letters (text)").unwrap();
    let error = refused(&path).to_string();
    assert!(
        error.contains("another program keeps its table letters in it"),
        "{error}"
    );
}

#[tokio::test]
async fn a_database_of_another_version_is_refused() {
    let Home { store, folder } = Home::with_orders().await;
    drop(store);
    let path = folder.path().join("tables.db");
    let sqlite = rusqlite::Connection::open(&path).unwrap();
    let version = "UPDATE _config SET value = ?1 WHERE key = 'schema_version'";
    assert_eq!(sqlite.execute(version, ["99"]).unwrap(), 1);
    let error = refused(&path).to_string();
    assert!(error.contains("newer version"), "{error}");

    sqlite.execute(version, ["11"]).unwrap();
    let rename = "ALTER TABLE _stream_records RENAME COLUMN old_image TO before";
    sqlite.execute_batch(rename).unwrap();
    let error = refused(&path).to_string();
    assert!(
        error.contains("_stream_records has no column old_image"),
        "{error}"
    );
}

#[tokio::test]
async fn a_file_has_one_store_at_a_time() {
    let home = Home::with_orders().await;
    let path = home.folder.path().join("tables.db");
    let error = refused(&path);
    assert!(matches!(error, StoreError::InUse(_)), "{error:?}");
    drop(home.store);
    Store::open(&path, REGION).unwrap();
}

#[tokio::test]
async fn a_file_that_another_program_writes_to_is_in_use() {
    let Home { store, folder } = Home::with_orders().await;
    drop(store);
    let path = folder.path().join("tables.db");
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = refused(&path);
    assert!(matches!(error, StoreError::InUse(_)), "{error:?}");
}

#[tokio::test]
async fn a_table_that_was_half_made_when_the_process_ended_is_made_anew() {
    let home = Home::with_orders().await;
    home.put("a", 1).await;
    let Home { store, folder } = home;
    drop(store);
    let path = folder.path().join("tables.db");
    let sqlite = rusqlite::Connection::open(&path).unwrap();
    sqlite.execute_batch("DROP TABLE orders").unwrap();
    drop(sqlite);

    let store = Store::open(&path, REGION).unwrap();
    let home = Home { store, folder };
    home.store.apply(&super::support::orders()).await.unwrap();
    home.put("b", 1).await;
    assert_eq!(home.records().len(), 1);
}
