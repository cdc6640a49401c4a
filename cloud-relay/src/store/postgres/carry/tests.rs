//! A store that was carried over goes on where it stood, and a failure leaves nothing behind.

#![cfg(unix)]

use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;

use super::*;
use crate::store::conformance::{Standing, at, goes_on, used};
use crate::store::postgres::tests::cluster::{client, cluster, opened};
use crate::store::sqlite::SqliteStore;
use crate::store::{SharedStore, Store, StoreError};

/// A file with a bit of everything, which nobody has open.
async fn file_in(folder: &Path) -> (std::path::PathBuf, Standing) {
    let file = folder.join("relay.db");
    let store: SharedStore = Arc::new(SqliteStore::open(&file).unwrap());
    let standing = used(&store).await;
    drop(store);
    (file, standing)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_was_carried_over_goes_on_where_it_stood() {
    let Some(cluster) = cluster() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (file, standing) = file_in(folder.path()).await;
    let store = opened(&cluster.database().await).await;
    let carried = store.carry_over(&file, at(300)).await.unwrap();
    assert_eq!((carried.rows("devices"), carried.heads), (2, 2), "{carried:?}");
    assert!(carried.rows("inbox") >= 5 && carried.rows("holding") > 0, "{carried:?}");
    let store: SharedStore = Arc::new(store);
    goes_on(&store, standing).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_a_relay_uses_is_not_carried_over() {
    let Some(cluster) = cluster() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (file, _) = file_in(folder.path()).await;
    let running = SqliteStore::open(&file).unwrap();
    running.devices().await.unwrap();
    let store = opened(&cluster.database().await).await;
    let refused = store.carry_over(&file, at(300)).await.unwrap_err();
    assert!(refused.to_string().contains("stop the relay"), "{refused}");
    drop(running);
    store.carry_over(&file, at(300)).await.unwrap();
    let refused = store.carry_over(&file, at(300)).await.unwrap_err();
    assert!(refused.to_string().contains("not empty"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_that_fails_leaves_the_database_empty_and_can_be_given_again() {
    let Some(cluster) = cluster() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (file, standing) = file_in(folder.path()).await;
    let address = cluster.database().await;
    let store = opened(&address).await;
    let spoil = |statement: &str| {
        let connection = Connection::open(&file).unwrap();
        connection.execute_batch(statement).unwrap();
    };
    // The last table cannot be read; then a head is not its last entry; then all is well again.
    spoil(
        "CREATE TABLE kept AS SELECT * FROM holding;
           UPDATE holding SET plan = CAST(x'c328' AS TEXT);",
    );
    let refused = store.carry_over(&file, at(300)).await.unwrap_err();
    assert!(matches!(refused, StoreError::Database { .. }), "{refused:?}");
    spoil(
        "UPDATE holding SET plan = (SELECT plan FROM kept
             WHERE kept.holding_row = holding.holding_row);
           DROP TABLE kept;
           CREATE TABLE kept AS SELECT epoch_row, head_hash FROM epochs;
           UPDATE epochs SET head_hash = zeroblob(32);",
    );
    let refused = store.carry_over(&file, at(300)).await.unwrap_err();
    assert!(refused.to_string().contains("not its last entry"), "{refused}");
    let client = client(&address.url).await;
    for table in TABLES {
        let query = format!("SELECT count(*) FROM {}", table.name);
        let rows: i64 = client.query_one(&query, &[]).await.unwrap().get(0);
        assert_eq!(rows, 0, "{}", table.name);
    }
    spoil(
        "UPDATE epochs SET head_hash = (SELECT head_hash FROM kept
             WHERE kept.epoch_row = epochs.epoch_row);
           DROP TABLE kept;",
    );
    store.carry_over(&file, at(300)).await.unwrap();
    let store: SharedStore = Arc::new(store);
    goes_on(&store, standing).await;
}
