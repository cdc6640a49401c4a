//! The conformance suite against SQLite, and what only a file can do.

use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;

use super::{Disk, SqliteStore};
use crate::store::{SharedStore, StoreError, conformance};

fn opened(path: &Path) -> SharedStore {
    Arc::new(SqliteStore::open(path).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_does_what_every_store_has_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().to_owned();
    let make = move |name: &'static str| -> futures_util::future::BoxFuture<'static, SharedStore> {
        let path = root.join(format!("{name}.db"));
        Box::pin(async move { opened(&path) })
    };
    conformance::run(&make).await;
}

#[tokio::test]
async fn in_line_it_does_the_same_without_threads() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().to_owned();
    let make = move |name: &'static str| -> futures_util::future::BoxFuture<'static, SharedStore> {
        let path = root.join(format!("{name}.db"));
        let disk: Disk = Arc::new(|| Box::pin(std::future::ready(())));
        let store: SharedStore = Arc::new(SqliteStore::open_in_line(&path, &disk).unwrap());
        Box::pin(std::future::ready(store))
    };
    conformance::run(&make).await;
}

#[tokio::test]
async fn a_file_of_a_later_version_or_of_another_program_is_refused_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("relay.db");
    drop(SqliteStore::open(&path).unwrap());
    let connection = Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    let refused = SqliteStore::open(&path).unwrap_err();
    assert!(matches!(refused, StoreError::Newer { found: 99, .. }), "{refused:?}");
    connection.pragma_update(None, "user_version", 1).unwrap();
    connection.pragma_update(None, "application_id", 1).unwrap();
    let refused = SqliteStore::open(&path).unwrap_err();
    assert!(matches!(refused, StoreError::State { .. }), "{refused:?}");
}

#[test]
fn the_queries_that_run_all_the_time_never_scan() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("relay.db");
    drop(SqliteStore::open(&path).unwrap());
    let connection = Connection::open(&path).unwrap();
    for query in [
        "SELECT lane_id FROM lanes WHERE class = 1 AND due_at <= 5 ORDER BY due_at LIMIT 1",
        "SELECT number FROM outbox WHERE lane_id = 1 AND state < 10 ORDER BY number LIMIT 5",
        "SELECT number FROM outbox WHERE inbox_row = 1",
        "SELECT variant FROM natural_keys WHERE natural_key = 'x' ORDER BY variant",
        "SELECT inbox_row FROM natural_keys
         WHERE natural_key >= 'x/' AND natural_key < 'x0' AND variant = 0
         ORDER BY natural_key LIMIT 5",
        "SELECT inbox_row FROM inbox WHERE event_id = x'00'",
        "SELECT inbox_row FROM inbox WHERE replay_of = 1",
        "SELECT device FROM devices WHERE public_key = x'00' AND store = 'x'",
        "SELECT cursor FROM downlink WHERE device_row = 1 AND cursor > 5 ORDER BY cursor LIMIT 5",
    ] {
        let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {query}")).unwrap();
        let steps = plan.query_map([], |row| row.get::<_, String>(3)).unwrap();
        for step in steps {
            let step = step.unwrap();
            assert!(step.starts_with("SEARCH"), "{query}: {step}");
        }
    }
}
