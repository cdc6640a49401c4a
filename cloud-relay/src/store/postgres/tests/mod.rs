//! The conformance suite against PostgreSQL, and what only a database can do.

#![cfg(unix)]

pub(crate) mod cluster;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use protocol::id::DeviceId;

use self::cluster::{client, cluster, opened};
use super::days::Day;
use super::{Address, PostgresStore, WhenEmpty};
use crate::store::conformance;
use crate::store::{SharedStore, Store, StoreError};

/// Stands in for a hang; nothing waits this long.
const DEADLINE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_does_what_every_store_has_to_do() {
    let Some(cluster) = cluster() else { return };
    let databases: Arc<Mutex<BTreeMap<&'static str, Address>>> = Arc::default();
    let make = move |name: &'static str| -> futures_util::future::BoxFuture<'static, SharedStore> {
        let databases = Arc::clone(&databases);
        Box::pin(async move {
            let known = databases.lock().unwrap().get(name).cloned();
            let address = match known {
                Some(address) => address,
                None => cluster.database().await,
            };
            databases.lock().unwrap().insert(name, address.clone());
            let store: SharedStore = Arc::new(opened(&address).await);
            store
        })
    };
    conformance::run(&make).await;
}

#[tokio::test]
async fn every_unique_key_begins_with_the_store() {
    let Some(cluster) = cluster() else { return };
    let address = cluster.database().await;
    drop(opened(&address).await);
    // Of no store: a copy on every node.
    let reference = ["migrations", "tokens", "targets"].as_slice();
    let query = "SELECT t.relname::text, i.relname::text, a.attname::text
                 FROM pg_index x
                   JOIN pg_class t ON t.oid = x.indrelid
                   JOIN pg_class i ON i.oid = x.indexrelid
                   JOIN pg_namespace n ON n.oid = t.relnamespace
                   JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = x.indkey[0]
                 WHERE n.nspname = 'public' AND x.indisunique AND t.relname <> ALL($1)";
    let rows = client(&address.url).await.query(query, &[&reference]).await.unwrap();
    assert!(rows.len() > 15, "{} unique keys", rows.len());
    for row in rows {
        let (table, index, first): (String, String, String) = (row.get(0), row.get(1), row.get(2));
        assert_eq!(first, "store_id", "the first column of {index} on {table}");
    }
}

#[tokio::test]
async fn natural_keys_are_never_partitioned_and_events_are_by_day() {
    let Some(cluster) = cluster() else { return };
    let address = cluster.database().await;
    let store = opened(&address).await;
    let now = Timestamp::from_second(1_800_000_000).unwrap();
    store.ready_for("test", now).await.unwrap();
    let client = client(&address.url).await;
    let kinds = "SELECT relname::text FROM pg_class WHERE relkind = 'p' ORDER BY relname";
    let tables: Vec<String> =
        client.query(kinds, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    assert_eq!(tables, ["inbox", "pages"]);
    let partitions = async |table: &'static str| -> Vec<String> {
        let query = "SELECT inhrelid::regclass::text FROM pg_inherits
                     WHERE inhparent = $1::text::regclass ORDER BY 1";
        let rows = client.query(query, &[&table]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    };
    let days = ["inbox_2027_01_15", "inbox_2027_01_16", "inbox_2027_01_17", "inbox_2027_01_18"];
    assert_eq!(partitions("inbox").await, days, "the day itself and some ahead");
    // Another replica that knows nothing finds them there; a later day comes on demand.
    let other = opened(&address).await;
    other.ready_for("test", now).await.unwrap();
    other.ready_for("test", now + SignedDuration::from_hours(240)).await.unwrap();
    assert_eq!(partitions("pages").await.len(), 8);
}

#[test]
fn a_rows_number_begins_with_its_day() {
    let day = Day::of(Timestamp::from_second(1_800_000_000).unwrap());
    let next = Day(day.0 + 1);
    assert!(day.begin() <= day.row(0) && day.row((1 << 40) - 1) < day.end());
    assert_eq!((day.end(), day.row(1 << 40)), (next.begin(), day.row(0)));
}

#[tokio::test]
async fn replicas_that_start_at_once_make_one_schema() {
    let Some(cluster) = cluster() else { return };
    let address = cluster.database().await;
    let (one, other) = tokio::join!(opened(&address), opened(&address));
    drop((one, other));
    let client = client(&address.url).await;
    let applied = client.query_one("SELECT count(*) FROM migrations", &[]).await.unwrap();
    assert_eq!(applied.get::<_, i64>(0), 1);
}

#[tokio::test]
async fn a_schema_is_used_as_long_as_it_says_that_this_program_may() {
    let Some(cluster) = cluster() else { return };
    let address = cluster.database().await;
    let refused = PostgresStore::open(&address, WhenEmpty::Refuse).await.unwrap_err();
    assert!(matches!(refused, StoreError::State { .. }), "it is empty: {refused:?}");
    drop(opened(&address).await);
    let client = client(&address.url).await;
    // The next version has expanded the schema: this one goes on.
    let expanded = "INSERT INTO migrations (version, usable_from) VALUES (2, 1)";
    client.batch_execute(expanded).await.unwrap();
    drop(PostgresStore::open(&address, WhenEmpty::Refuse).await.unwrap());
    let contracted = "INSERT INTO migrations (version, usable_from) VALUES (3, 2)";
    client.batch_execute(contracted).await.unwrap();
    let refused = PostgresStore::open(&address, WhenEmpty::Make).await.unwrap_err();
    assert!(matches!(refused, StoreError::Newer { found: 3, known: 1 }), "{refused:?}");
}

#[tokio::test]
async fn a_database_that_forgets_what_it_acknowledged_is_refused() {
    let Some(cluster) = cluster() else { return };
    let address = cluster.database().await;
    let client = client(&address.url).await;
    let forgetful = "DO $$ BEGIN EXECUTE format(
        'ALTER DATABASE %I SET synchronous_commit = off', current_database()); END $$";
    client.batch_execute(forgetful).await.unwrap();
    let refused = PostgresStore::open(&address, WhenEmpty::Make).await.unwrap_err();
    assert!(refused.to_string().contains("synchronous_commit"), "{refused}");
}

#[tokio::test]
async fn a_hint_reaches_the_other_replica() {
    let Some(cluster) = cluster() else { return };
    let address = cluster.database().await;
    let (one, other) = (opened(&address).await, opened(&address).await);
    let device = DeviceId::new("d").unwrap();
    let (mut work, mut news) = (other.wakes().work(), other.wakes().device(&device));
    let client = client(&address.url).await;
    // Both listen before anything is said.
    let listening = "SELECT count(*) FROM pg_stat_activity
                     WHERE datname = current_database() AND query LIKE 'LISTEN%'";
    let both = async {
        while client.query_one(listening, &[]).await.unwrap().get::<_, i64>(0) < 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, both).await.expect("both replicas listen");
    one.hints.say(super::transaction::Hint { devices: [device].into(), work: true });
    let heard = async {
        work.changed().await.unwrap();
        news.changed().await.unwrap();
    };
    tokio::time::timeout(DEADLINE, heard).await.expect("the hint arrives");
}

#[test]
fn an_address_with_a_password_is_refused_without_showing_it() {
    let error = super::parse("postgresql://relay:s3cret@db/storekeep").unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(shown.contains("password") && !shown.contains("s3cret"), "{shown}");
    assert!(super::parse("mysql://db").is_err());
    assert!(super::parse("postgresql://relay@db:5432/storekeep?sslmode=require").is_ok());
}

/// An authority's certificate, and one for `localhost` with its key that it signed (PEM).
fn certificates() -> (String, String, String) {
    let authority_key = rcgen::KeyPair::generate().unwrap();
    let mut authority = rcgen::CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let pem = authority.self_signed(&authority_key).unwrap().pem();
    let issuer = rcgen::Issuer::new(authority, authority_key);
    let key = rcgen::KeyPair::generate().unwrap();
    let server = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
    let certificate = server.signed_by(&key, &issuer).unwrap().pem();
    (pem, certificate, key.serialize_pem())
}

#[tokio::test]
async fn an_encrypted_connection_is_made_only_to_the_server_that_the_certificate_names() {
    let (authority, certificate, key) = certificates();
    let Some((_server, port)) = cluster::with_tls(&certificate, &key) else { return };
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, pem: &str| {
        let file = folder.path().join(name);
        crate::files::write_private(&file, pem.as_bytes()).unwrap();
        Some(file)
    };
    let (own, foreign) = (write("own.pem", &authority), write("foreign.pem", &certificates().0));
    let url = |host: &str| format!("postgresql://storekeep@{host}:{port}/postgres?sslmode=require");
    let named = |host, authorities| Address { url: url(host), password: None, authorities };
    let store = opened(&named("localhost", own.clone())).await;
    store.devices().await.unwrap();
    let plain = client(&url("localhost").replace("require", "disable")).await;
    let query = "SELECT bool_and(s.ssl) FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid)
                 WHERE a.application_name = 'storekeep-relay'";
    let is_encrypted: bool = plain.query_one(query, &[]).await.unwrap().get(0);
    assert!(is_encrypted, "every connection of the store");
    for address in [named("localhost", foreign), named("localhost", None), named("127.0.0.1", own)]
    {
        let refused = PostgresStore::open(&address, WhenEmpty::Make).await.unwrap_err();
        let mut causes =
            std::iter::successors(Some::<&dyn std::error::Error>(&refused), |error| error.source());
        assert!(causes.any(|cause| cause.to_string().contains("certificate")), "{refused:?}");
    }
}
