//! Brings the schema up to date: numbered, frozen migrations under an advisory lock.
//!
//! Several replicas run while one of them is already the next version. So a migration first only
//! **expands**: it adds what the new version needs and leaves what the old one uses. What nobody
//! uses any more is taken away by a migration of a later release: it **contracts**, and says from
//! which schema on a program can live with it. A migration is never changed once released; all
//! that are missing happen in one transaction or none does.

use deadpool_postgres::Client;

use super::codec::Fault;
use crate::store::StoreError;

/// One step of the schema.
struct Migration {
    /// The oldest schema whose programs can still use the store after this step.
    usable_from: i32,
    statements: &'static str,
}

/// The steps in order; the index + 1 is the schema that each leads to.
const MIGRATIONS: [Migration; 3] = [
    Migration { usable_from: 1, statements: include_str!("../migrations/postgres/0001.sql") },
    Migration { usable_from: 1, statements: include_str!("../migrations/postgres/0002.sql") },
    Migration { usable_from: 1, statements: include_str!("../migrations/postgres/0003.sql") },
];

/// Whoever changes the schema holds this lock.
const SCHEMA_LOCK: i64 = 0x534b_0000;

/// The oldest PostgreSQL that the statements were written for.
const VERSION_MIN: i32 = 130_000;

/// What is done with a database that has no schema yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenEmpty {
    /// It gets one.
    Make,
    /// It is refused: a command that only looks makes no store.
    Refuse,
}

/// Refuses a server that forgets what it acknowledged, or is too old.
pub(super) async fn check_server(client: &Client) -> Result<(), Fault> {
    let query = "SELECT current_setting('fsync'), current_setting('synchronous_commit'),
                   current_setting('server_version_num')::integer,
                   current_setting('server_encoding')";
    let row = client.query_one(query, &[]).await?;
    let (fsync, commit): (&str, &str) = (row.try_get(0)?, row.try_get(1)?);
    let (version, encoding): (i32, &str) = (row.try_get(2)?, row.try_get(3)?);
    let refused = |state: String| {
        Err(StoreError::State { what: "the database", id: "PostgreSQL".to_owned(), state }.into())
    };
    if fsync != "on" || commit == "off" {
        return refused(format!(
            "set to acknowledge before it is on disk (fsync = {fsync}, \
             synchronous_commit = {commit}); switch both on"
        ));
    }
    if version < VERSION_MIN {
        return refused(format!("of version {}; it has to be 13 or later", version / 10_000));
    }
    if encoding != "UTF8" {
        return refused(format!("encoded as {encoding}; make one with ENCODING 'UTF8'"));
    }
    Ok(())
}

/// Makes what is missing.
pub(super) async fn migrate(client: &mut Client, when_empty: WhenEmpty) -> Result<(), Fault> {
    let transaction = client.transaction().await?;
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&SCHEMA_LOCK]).await?;
    let there = "SELECT to_regclass('migrations') IS NOT NULL";
    let is_there: bool = transaction.query_one(there, &[]).await?.try_get(0)?;
    if !is_there {
        if when_empty == WhenEmpty::Refuse {
            return Err(StoreError::State {
                what: "the database",
                id: "PostgreSQL".to_owned(),
                state: "empty; start the relay with `storekeep-relay all`".to_owned(),
            }
            .into());
        }
        transaction
            .batch_execute(
                "CREATE TABLE migrations (
                     version     integer PRIMARY KEY,
                     usable_from integer NOT NULL,
                     applied_at  timestamptz NOT NULL DEFAULT now()
                 )",
            )
            .await?;
    }
    let query = "SELECT coalesce(max(version), 0), coalesce(max(usable_from), 0) FROM migrations";
    let row = transaction.query_one(query, &[]).await?;
    let (found, usable_from): (i32, i32) = (row.try_get(0)?, row.try_get(1)?);
    let known = i32::try_from(MIGRATIONS.len()).expect("fewer than 2^31 migrations");
    if usable_from > known {
        let unsigned = |number| u32::try_from(number).unwrap_or(u32::MAX);
        return Err(StoreError::Newer { found: unsigned(found), known: unsigned(known) }.into());
    }
    for (version, migration) in (1..).zip(MIGRATIONS) {
        if version > found {
            transaction.batch_execute(migration.statements).await?;
            let note = "INSERT INTO migrations (version, usable_from) VALUES ($1, $2)";
            transaction.execute(note, &[&version, &migration.usable_from]).await?;
        }
    }
    Ok(transaction.commit().await?)
}
