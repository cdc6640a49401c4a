//! What sync and the inputs have to remember across a restart: progress, cursors, notes.
//!
//! Small, overwritten in place, and no part of the chain. Does not know what a note means.

use protocol::chain::Sequence;
use protocol::downlink::DownlinkCursor;
use protocol::id::EventId;
use protocol::progress::{Progress, ProgressState};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Result, Row};

use crate::codec::{self, EpochNumber, Place};
use crate::cursor::read;

/// Keeps the last word about each event and target, and the position after it in the downlink. An
/// item about an entry that this file does not hold is news for nobody and passed over.
pub(crate) fn record_progress(
    connection: &Connection,
    items: &[Progress],
    cursor: DownlinkCursor,
) -> Result<()> {
    for item in items {
        let Some(number) = read::number_of(connection, item.epoch)? else { continue };
        connection
            .prepare_cached(
                "REPLACE INTO progress (place, target, state, reference, detail, at)
                 SELECT place, ?3, ?4, ?5, ?6, ?7 FROM entries WHERE place = ?1 AND event_id = ?2",
            )?
            .execute((
                Place::at_most(number, item.sequence),
                item.event_id.0.as_bytes(),
                item.target.as_str(),
                item.state.as_str(),
                item.reference.as_ref().map(|text| text.as_str()),
                item.detail.as_ref().map(|text| text.as_str()),
                codec::micros(item.at),
            ))?;
    }
    connection
        .prepare_cached("UPDATE downlink SET cursor = ?1")?
        .execute((codec::unsigned(cursor),))?;
    Ok(())
}

/// Where an event stands in each target.
pub(crate) fn progress_of(connection: &Connection, id: EventId) -> Result<Vec<Progress>> {
    connection
        .prepare_cached(
            "SELECT epoch, p.place, event_id, target, state, reference, detail, at
             FROM entries e JOIN progress p ON p.place = e.place
             JOIN epochs ON number = e.place >> 40
             WHERE event_id = ?1 ORDER BY p.place, target",
        )?
        .query_map((id.0.as_bytes(),), progress)?
        .collect()
}

/// Where the entries of an epoch after a sequence, up to another one, stand.
pub(crate) fn progress_between(
    connection: &Connection,
    number: EpochNumber,
    after: Sequence,
    up_to: Sequence,
) -> Result<Vec<Progress>> {
    connection
        .prepare_cached(
            "SELECT epoch, p.place, event_id, target, state, reference, detail, at
             FROM progress p JOIN entries e ON e.place = p.place
             JOIN epochs ON number = e.place >> 40
             WHERE p.place > ?1 AND p.place <= ?2 ORDER BY p.place, target",
        )?
        .query_map((Place::at_most(number, after), Place::at_most(number, up_to)), progress)?
        .collect()
}

/// The last position read from the downlink.
pub(crate) fn downlink_cursor(connection: &Connection) -> Result<DownlinkCursor> {
    connection.query_row("SELECT cursor FROM downlink", [], |row| codec::number(row, 0))
}

/// Where an input stands.
pub(crate) fn input_cursor(connection: &Connection, input: &str) -> Result<Option<Vec<u8>>> {
    connection
        .prepare_cached("SELECT cursor FROM input_cursors WHERE input = ?1")?
        .query_row((input,), |row| row.get(0))
        .optional()
}

/// Keeps a note.
pub(crate) fn put_note(connection: &Connection, name: &str, value: &[u8]) -> Result<()> {
    connection
        .prepare_cached("REPLACE INTO notes (name, value) VALUES (?1, ?2)")?
        .execute((name, value))?;
    Ok(())
}

/// A note.
pub(crate) fn note(connection: &Connection, name: &str) -> Result<Option<Vec<u8>>> {
    connection
        .prepare_cached("SELECT value FROM notes WHERE name = ?1")?
        .query_row((name,), |row| row.get(0))
        .optional()
}

fn progress(row: &Row<'_>) -> Result<Progress> {
    Ok(Progress {
        epoch: codec::bytes(row, 0)?,
        sequence: codec::place(row, 1)?.sequence(),
        event_id: codec::event_id(row, 2)?,
        target: codec::parsed(row, 3)?,
        state: state(row, 4)?,
        reference: codec::text_option(row, 5)?,
        detail: codec::text_option(row, 6)?,
        at: codec::time(row, 7)?,
    })
}

fn state(row: &Row<'_>, index: usize) -> Result<ProgressState> {
    use ProgressState::{Applied, Exception, Resolved, Waiting};

    let word = row.get_ref(index)?.as_str()?;
    [Waiting, Applied, Exception, Resolved].into_iter().find(|s| s.as_str() == word).ok_or_else(
        || {
            let unknown = std::io::Error::other(format!("`{word}` is no state of progress"));
            codec::unreadable(index, Type::Text, unknown)
        },
    )
}
