//! Opens the store's file: pragmas, the file's own mark, migrations.
//!
//! A file of another program or of a later version is refused and left as it is. Does not keep
//! connections.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::codec::Fault;
use crate::store::StoreError;

/// Marks the file as the relay's store: "SKRL".
const APPLICATION_ID: i64 = 0x534b_524c;

/// The schemas in order; the index + 1 is the version that each leads to. Frozen once released.
const MIGRATIONS: [&str; 3] = [
    include_str!("../migrations/0001.sql"),
    include_str!("../migrations/0002.sql"),
    include_str!("../migrations/0003.sql"),
];

/// How long a connection waits for another process's transaction (the command line's, or a
/// second relay's): far beyond a commit, so that only a process that hangs is given up on.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Statements that a connection keeps prepared: more than the store has.
const STATEMENTS_MAX: usize = 180;

/// The schema that this program writes.
pub(super) fn schema_known() -> u32 {
    u32::try_from(MIGRATIONS.len()).expect("fewer than 2^32 migrations")
}

/// Opens the connection that writes, and brings the schema up to date.
pub(super) fn open_writer(path: &Path) -> Result<Connection, StoreError> {
    let connection = open(path, OpenFlags::default()).map_err(during)?;
    connection
        .execute_batch(
            // The log is checkpointed every 16 MiB, so that a commit seldom pays for it, and the
            // file is cut back after a burst.
            "PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;
             PRAGMA foreign_keys = OFF;
             PRAGMA wal_autocheckpoint = 4096;
             PRAGMA journal_size_limit = 67108864;
             PRAGMA cache_size = -32768;",
        )
        .map_err(during)?;
    migrate(&connection).map_err(|fault| fault.during("bring the store's schema up to date"))?;
    Ok(connection)
}

/// Opens a connection that only reads.
pub(super) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let connection = open(path, OpenFlags::default())?;
    connection.execute_batch("PRAGMA query_only = ON; PRAGMA cache_size = -8192;")?;
    Ok(connection)
}

/// Opens a file that no other process has open, to carry it elsewhere: nothing is written to it,
/// and as long as the connection lasts nobody else can open it.
///
/// # Errors
/// A relay or a command has it open, or it is not of this program's schema.
pub(in crate::store) fn open_alone(path: &Path) -> Result<Connection, StoreError> {
    let refused = |state: String| StoreError::State {
        what: "the file",
        id: path.display().to_string(),
        state,
    };
    let connection =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(during)?;
    let held = connection
        .execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; PRAGMA query_only = ON;");
    if let Err(error) = held {
        return match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => {
                Err(refused("open in another process; stop the relay that uses it".to_owned()))
            }
            _ => Err(during(error)),
        };
    }
    let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    if number("application_id").map_err(during)? != APPLICATION_ID {
        return Err(refused("not a relay's store".to_owned()));
    }
    let found = number("user_version").map_err(during)?;
    if found != i64::from(schema_known()) {
        let known = schema_known();
        return Err(refused(format!(
            "of schema {found}; start the relay that knows schema {known}"
        )));
    }
    Ok(connection)
}

fn during(source: rusqlite::Error) -> StoreError {
    Fault::Sql(source).during("open the store's file")
}

fn open(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    Ok(connection)
}

/// Two processes may start at once: the version is read under the write lock.
fn migrate(connection: &Connection) -> Result<(), Fault> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let outcome = migrate_locked(connection);
    let end = if outcome.is_ok() { "COMMIT" } else { "ROLLBACK" };
    connection.execute_batch(end)?;
    outcome
}

fn migrate_locked(connection: &Connection) -> Result<(), Fault> {
    let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let found = u32::try_from(number("user_version")?).unwrap_or(u32::MAX);
    let application = number("application_id")?;
    if found > 0 && application != APPLICATION_ID {
        return Err(StoreError::State {
            what: "the file",
            id: connection.path().unwrap_or_default().to_owned(),
            state: "the file of another program".to_owned(),
        }
        .into());
    }
    if found > schema_known() {
        return Err(StoreError::Newer { found, known: schema_known() }.into());
    }
    for (version, migration) in (1_u32..).zip(MIGRATIONS) {
        if version > found {
            connection.execute_batch(migration)?;
        }
    }
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    connection.pragma_update(None, "user_version", schema_known())?;
    Ok(())
}
