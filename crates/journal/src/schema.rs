//! The tables: created in a new file, brought up to date in an older one, refused in a newer one
//! that this program cannot read.
//!
//! Migrations are numbered and frozen. What the tables mean stands in the crate's documentation.

use protocol::chain::Epoch;
use rusqlite::{Connection, OptionalExtension};

use crate::epoch;
use crate::open::{OpenError, Source};

/// Marks the file as a journal: "SKJN".
const APPLICATION_ID: i64 = 0x534b_4a4e;

/// The schemas in order; the index + 1 is the version that each leads to. Frozen once released.
const MIGRATIONS: [&str; 2] =
    [include_str!("migrations/0001.sql"), include_str!("migrations/0002.sql")];

/// The first schema whose files have a head copy beside them.
pub(crate) const WITH_HEAD_COPY: u32 = 2;

/// The schema that this program writes, and the reader that it is.
pub(crate) fn known() -> u32 {
    u32::try_from(MIGRATIONS.len()).expect("fewer than 2^32 migrations")
}

/// Creates the tables in a new file, or brings an older one up to date; all or nothing. Returns
/// the schema that was found, 0 for a new file.
pub(crate) fn prepare(
    source: &Source,
    connection: &Connection,
    new_epoch: Epoch,
) -> Result<u32, OpenError> {
    let failed = |error| source.refused("prepare the tables of journal", error);
    let found = check(source, connection)?;
    if found >= known() {
        return Ok(found);
    }
    connection.execute_batch("BEGIN IMMEDIATE").map_err(failed)?;
    migrate(connection, found, new_epoch)
        .and_then(|()| connection.execute_batch("COMMIT"))
        .map_err(failed)?;
    Ok(found)
}

/// Reads what the file says about itself; 0 if it is new. The first read also proves the key.
pub(crate) fn check(source: &Source, connection: &Connection) -> Result<u32, OpenError> {
    let failed = |error| source.refused("read what journal says about itself in", error);
    let found = number(connection, "user_version").map_err(failed)?;
    if found == 0 {
        return Ok(0);
    }
    if number(connection, "application_id").map_err(failed)? != APPLICATION_ID {
        let what = "it is the file of another program".to_owned();
        return Err(OpenError::Damaged { file: source.file.clone(), what });
    }
    let min_reader = connection
        .query_row("SELECT min_reader FROM format", [], |row| row.get::<_, u32>(0))
        .optional()
        .map_err(failed)?;
    match min_reader {
        None => {
            let what = "it does not say who can read it".to_owned();
            Err(OpenError::Damaged { file: source.file.clone(), what })
        }
        Some(needed) if needed > known() => {
            Err(OpenError::Newer { file: source.file.clone(), found: needed, known: known() })
        }
        Some(_) => Ok(u32::try_from(found).unwrap_or(u32::MAX)),
    }
}

/// Creates the tables of a journal that begins no epoch yet.
pub(crate) fn create(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    bring_up(connection, 0)?;
    connection.execute_batch("COMMIT")
}

fn migrate(connection: &Connection, found: u32, new_epoch: Epoch) -> rusqlite::Result<()> {
    bring_up(connection, found)?;
    match found {
        0 => epoch::begin(connection, new_epoch, None),
        _ => Ok(()),
    }
}

fn bring_up(connection: &Connection, found: u32) -> rusqlite::Result<()> {
    for (version, migration) in (1_u32..).zip(MIGRATIONS) {
        if version > found {
            connection.execute_batch(migration)?;
        }
    }
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    connection.pragma_update(None, "user_version", known())
}

fn number(connection: &Connection, pragma: &str) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, pragma, |row| row.get(0))
}
