//! The conformance suite against PostgreSQL, and what only a database can do.

#![cfg(unix)]

pub(crate) mod cluster;

use std::collections::{BTreeMap, BTreeSet};
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

#[tokio::test]
async fn the_queries_that_run_all_the_time_never_scan() {
    let Some(cluster) = cluster() else { return };
    let address = cluster.database().await;
    let store = opened(&address).await;
    let now = Timestamp::from_second(1_800_000_000).unwrap();
    store.ready_for("test", now).await.unwrap();
    let client = client(&address.url).await;
    // Of empty tables every scan is cheap: only what has no index is scanned all the same.
    client.batch_execute("SET enable_seqscan = off").await.unwrap();
    let plan = async |query: &str| -> String {
        let steps = client.query(&format!("EXPLAIN {query}"), &[]).await.unwrap();
        steps.iter().map(|step| step.get::<_, String>(0)).collect::<Vec<_>>().join("\n")
    };
    for query in [
        "SELECT lane_id FROM lanes WHERE class = 1 AND due_at <= 5 ORDER BY due_at LIMIT 16",
        "SELECT store_id FROM lanes WHERE lane_id = 1",
        "SELECT number FROM outbox WHERE store_id = 'x' AND lane_id = 1 AND state < 10
         ORDER BY number LIMIT 5",
        "SELECT number FROM outbox WHERE store_id = 'x' AND inbox_row = 1",
        "SELECT number FROM outbox WHERE (lane_id, number) > (1, 1) AND state = 11
         ORDER BY lane_id, number LIMIT 5",
        "SELECT variant FROM natural_keys WHERE store_id = 'x' AND natural_key = ANY('{a,b}')",
        "SELECT inbox_row FROM replays WHERE store_id = 'x' AND replay_of = 1",
        "SELECT inbox_row FROM inbox WHERE event_id = '00000000-0000-0000-0000-000000000000'",
        "SELECT store_id FROM devices WHERE device = 'x'",
        "SELECT device FROM devices WHERE store_id = 'x' AND public_key = 'x'",
        "SELECT cursor FROM downlink WHERE store_id = 'x' AND device = 'x' AND cursor > 5",
    ] {
        let plan = plan(query).await;
        assert!(!plan.contains("Seq Scan"), "{query}\n{plan}");
    }
    // All of one receipt is a range of the index, whatever the database sorts texts by.
    let range = plan(
        "SELECT inbox_row FROM natural_keys WHERE store_id = 'x' AND natural_key >= 'x/'
           AND natural_key < 'x0' AND variant = 0 ORDER BY natural_key LIMIT 5",
    );
    let range = range.await;
    let condition = range.lines().find(|line| line.contains("Index Cond")).unwrap_or_default();
    assert!(condition.contains("(natural_key >= 'x/'"), "{range}");
    let collation = "SELECT c.collname::text FROM pg_attribute a
                       JOIN pg_collation c ON c.oid = a.attcollation
                     WHERE a.attrelid = 'natural_keys'::regclass AND a.attname = 'natural_key'";
    let collation: String = client.query_one(collation, &[]).await.unwrap().get(0);
    assert_eq!(collation, "C");
    // A row's number alone finds its partition.
    let row = Day::of(now).row(1);
    for table in ["inbox", "pages"] {
        let number = if table == "inbox" { "inbox_row" } else { "page_row" };
        let query = format!("SELECT 1 FROM {table} WHERE store_id = 'x' AND {number} = {row}");
        let plan = plan(&query).await;
        assert_eq!(plan.matches(&format!("{table}_2027_01_15")).count(), 2, "{plan}");
        assert!(!plan.contains("2027_01_16"), "{plan}");
    }
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
    assert_eq!(applied.get::<_, i64>(0), 3);
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
    let expanded = "INSERT INTO migrations (version, usable_from) VALUES (4, 1)";
    client.batch_execute(expanded).await.unwrap();
    drop(PostgresStore::open(&address, WhenEmpty::Refuse).await.unwrap());
    let contracted = "INSERT INTO migrations (version, usable_from) VALUES (5, 4)";
    client.batch_execute(contracted).await.unwrap();
    let refused = PostgresStore::open(&address, WhenEmpty::Make).await.unwrap_err();
    assert!(matches!(refused, StoreError::Newer { found: 5, known: 3 }), "{refused:?}");
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

#[tokio::test]
async fn a_store_goes_on_after_all_its_connections_were_cut() {
    let Some(cluster) = cluster() else { return };
    let address = cluster.database().await;
    let (one, other) = (opened(&address).await, opened(&address).await);
    one.devices().await.unwrap();
    let client = client(&address.url).await;
    let cut = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    client.query(cut, &[]).await.unwrap();
    // The first call may still meet a connection whose end has not been heard of.
    let again = async { while one.devices().await.is_err() {} };
    tokio::time::timeout(DEADLINE, again).await.expect("the store connects anew");
    // Hints come back by themselves.
    let work = other.wakes().work();
    let heard = async {
        while !work.has_changed().unwrap() {
            one.hints.say(super::transaction::Hint { devices: BTreeSet::new(), work: true });
            one.devices().await.unwrap();
        }
    };
    tokio::time::timeout(DEADLINE, heard).await.expect("a hint arrives again");
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
