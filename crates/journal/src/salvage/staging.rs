//! What was read from the pages, in order: a scratch database that is encrypted like the journal.
//!
//! A row is known by its shape, because a page does not say which table it belongs to. Of two
//! versions the later one counts. Decides nothing about what is kept.

use rusqlite::types::Value::{self, Blob, Integer, Null, Text};
use rusqlite::{Connection, Params, Result};

use super::cells::Row;

/// The tables, shaped like the journal's, without its rules.
const TABLES: &str = "
    CREATE TABLE epochs (number INTEGER PRIMARY KEY, epoch, predecessor_epoch,
                         predecessor_sequence, predecessor_hash, reason);
    CREATE TABLE entries (place INTEGER PRIMARY KEY, event_id, natural_key, content_hash,
                          chain_hash, journaled_at, conflict_of);
    CREATE TABLE keys (place INTEGER PRIMARY KEY, natural_key, content_hash);
    CREATE TABLE ids (place INTEGER PRIMARY KEY, event_id);
    CREATE TABLE bodies (place INTEGER PRIMARY KEY, packed);
    CREATE TABLE extensions (place INTEGER PRIMARY KEY, extensions);
    CREATE TABLE marks (place INTEGER PRIMARY KEY, acknowledged_at);
    CREATE TABLE cursors (input PRIMARY KEY, cursor);
    CREATE TABLE notes (name PRIMARY KEY, value);
    CREATE TABLE progress (place, target, state, reference, detail, at, PRIMARY KEY (place, target));
    CREATE TABLE downlink (one INTEGER PRIMARY KEY, cursor);
    CREATE TABLE incidents (number INTEGER PRIMARY KEY, at, kind, epoch, set_aside);
    CREATE TABLE missing (epoch, first, last, relayed, incident, PRIMARY KEY (epoch, first));";

/// The least place: numbers below are not places but numbers of epochs, or count something else.
const PLACE_MIN: i64 = 1 << 40;

/// The pages at which the small tables begin that have the same shape: the same in every file,
/// because every file's first tables are made in the same order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Roots {
    notes: i64,
    cursors: i64,
    downlink: i64,
}

impl Roots {
    /// As they are in a journal that was just made.
    pub(super) fn of(journal: &Connection) -> Result<Self> {
        let root = |table: &str| {
            let sql = "SELECT rootpage FROM sqlite_schema WHERE name = ?1";
            journal.query_row(sql, (table,), |row| row.get(0))
        };
        Ok(Self {
            notes: root("notes")?,
            cursors: root("input_cursors")?,
            downlink: root("downlink")?,
        })
    }
}

/// The scratch database.
pub(super) struct Staging {
    connection: Connection,
    roots: Roots,
}

impl Staging {
    /// Begins an empty one.
    pub(super) fn new(connection: Connection, roots: Roots) -> Result<Self> {
        connection.execute_batch(TABLES)?;
        connection.execute_batch("BEGIN")?;
        Ok(Self { connection, roots })
    }

    /// What was taken in.
    pub(super) const fn found(&self) -> &Connection {
        &self.connection
    }

    /// Takes a row of a page in, if it is one of a journal's.
    pub(super) fn take(&self, page: u32, row: &Row) -> Result<()> {
        match row.rowid {
            Some(rowid) => self.take_row(i64::from(page), rowid, &row.columns),
            None => self.take_key(i64::from(page), &row.columns),
        }
    }

    /// A row of a table.
    fn take_row(&self, page: i64, rowid: i64, columns: &[Value]) -> Result<()> {
        let is_place = rowid >= PLACE_MIN;
        match columns {
            [Null, Blob(id), Text(key), Blob(content), Blob(chain), Integer(at), conflict]
                if is_place && id.len() == 16 && content.len() == 32 && chain.len() == 32 =>
            {
                self.put(
                    "REPLACE INTO entries VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                    (rowid, id, key, content, chain, at, conflict),
                )
            }
            [Null, Blob(packed)] if is_place => {
                self.put("REPLACE INTO bodies VALUES (?1, ?2)", (rowid, packed))
            }
            [Null, Text(extensions)] if is_place => {
                self.put("REPLACE INTO extensions VALUES (?1, ?2)", (rowid, extensions))
            }
            [Null, Integer(at)] if is_place => {
                self.put("REPLACE INTO marks VALUES (?1, ?2)", (rowid, at))
            }
            [Null, Integer(cursor)] if page == self.roots.downlink => {
                self.put("REPLACE INTO downlink VALUES (1, ?1)", (cursor,))
            }
            [Null, Blob(epoch), before, sequence, hash, reason]
                if !is_place && epoch.len() == 16 =>
            {
                self.put(
                    "REPLACE INTO epochs VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                    (rowid, epoch, before, sequence, hash, reason),
                )
            }
            [Null, Integer(at), Text(kind), Blob(epoch), set_aside] if epoch.len() == 16 => self
                .put(
                    "REPLACE INTO incidents VALUES (?1, ?2, ?3, ?4, ?5)",
                    (rowid, at, kind, epoch, set_aside),
                ),
            _ => Ok(()),
        }
    }

    /// A row of an index, or of a table that is one.
    fn take_key(&self, page: i64, columns: &[Value]) -> Result<()> {
        match columns {
            [Text(key), Blob(content), Integer(place)]
                if content.len() == 32 && *place >= PLACE_MIN =>
            {
                self.put("REPLACE INTO keys VALUES (?1, ?2, ?3)", (place, key, content))
            }
            [Blob(id), Integer(place)] if id.len() == 16 && *place >= PLACE_MIN => {
                self.put("REPLACE INTO ids VALUES (?1, ?2)", (place, id))
            }
            [Blob(epoch), Integer(number)] if epoch.len() == 16 => self.put(
                "INSERT OR IGNORE INTO epochs VALUES (?1, ?2, NULL, NULL, NULL, NULL)",
                (number, epoch),
            ),
            [Text(input), Blob(cursor)] if page == self.roots.cursors => {
                self.put("REPLACE INTO cursors VALUES (?1, ?2)", (input, cursor))
            }
            [Text(name), Blob(value)] if page == self.roots.notes => {
                self.put("REPLACE INTO notes VALUES (?1, ?2)", (name, value))
            }
            // A table that outgrew its first page; whatever is of the other one harms nobody.
            [Text(name), Blob(value)] => {
                self.put("INSERT OR IGNORE INTO notes VALUES (?1, ?2)", (name, value))
            }
            [Integer(place), Text(target), Text(state), reference, detail, Integer(at)]
                if *place >= PLACE_MIN =>
            {
                self.put(
                    "REPLACE INTO progress VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                    (place, target, state, reference, detail, at),
                )
            }
            [Blob(epoch), Integer(first), Integer(last), Integer(relayed), Integer(incident)]
                if epoch.len() == 16 =>
            {
                self.put(
                    "REPLACE INTO missing VALUES (?1, ?2, ?3, ?4, ?5)",
                    (epoch, first, last, relayed, incident),
                )
            }
            _ => Ok(()),
        }
    }

    fn put(&self, sql: &str, params: impl Params) -> Result<()> {
        self.connection.prepare_cached(sql)?.execute(params).map(drop)
    }
}
