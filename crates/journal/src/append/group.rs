//! Writes a group of entries, each in a savepoint of its own, in a transaction that the caller
//! opens and commits.
//!
//! An entry that breaks a rule fails alone. Any other failure fails the whole group, and the
//! caller then drops the transaction and with it the tail that this moved.

use std::sync::Arc;

use protocol::chain::Position;
use rusqlite::{Connection, ErrorCode, Result, Row};

use super::decide::{Decision, Earlier, Known, decide};
use super::{Appended, NewEntry, Prepared};
use crate::codec::{self, Place};
use crate::epoch::Tail;
use crate::error::AppendError;

/// What became of each entry of a group, in order.
pub(crate) type Outcomes = Vec<Result<Appended, AppendError>>;

/// Writes a group and moves the tail along.
pub(crate) fn write_group(
    connection: &Connection,
    tail: &mut Tail,
    entries: Vec<Prepared>,
) -> Result<Outcomes> {
    entries.into_iter().map(|entry| write_entry(connection, tail, entry)).collect()
}

fn write_entry(
    connection: &Connection,
    tail: &mut Tail,
    prepared: Prepared,
) -> Result<Result<Appended, AppendError>> {
    match decide(&prepared.entry, look_up(connection, &prepared.entry)?) {
        Decision::New => add(connection, tail, &prepared),
        Decision::Conflict { of } => match prepared.in_conflict_with(of) {
            Ok(prepared) => add(connection, tail, &prepared),
            Err(error) => Ok(Err(error)),
        },
        Decision::Replay(first) => {
            keep_cursor(connection, &prepared.entry)?;
            Ok(Ok(Appended::Replay {
                event_id: first.event_id,
                epoch: tail.epoch_of(first.place)?,
                sequence: first.place.sequence(),
                conflict_of: first.conflict_of,
            }))
        }
        Decision::IdReused { natural_key } => Ok(Err(AppendError::IdReused { natural_key })),
    }
}

/// Adds an entry behind the last one, or nothing if the tables refuse it.
fn add(
    connection: &Connection,
    tail: &mut Tail,
    prepared: &Prepared,
) -> Result<Result<Appended, AppendError>> {
    let position = tail.state.head.extended(tail.state.identity.epoch, &prepared.body.record);
    let place = Place::new(tail.number, position.sequence);
    connection.prepare_cached("SAVEPOINT entry")?.execute([])?;
    match insert(connection, place, position, prepared) {
        Ok(()) => {
            connection.prepare_cached("RELEASE entry")?.execute([])?;
            tail.state.head = position;
            Ok(Ok(match prepared.entry.findings.conflict_of {
                None => Appended::New { position },
                Some(conflict_of) => Appended::Conflict { position, conflict_of },
            }))
        }
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
            connection.prepare_cached("ROLLBACK TO entry")?.execute([])?;
            connection.prepare_cached("RELEASE entry")?.execute([])?;
            Ok(Err(AppendError::NotCommitted(Arc::new(error))))
        }
        Err(error) => Err(error),
    }
}

fn look_up(connection: &Connection, entry: &NewEntry) -> Result<Known> {
    let mut by_event = connection.prepare_cached(
        "SELECT natural_key FROM entries WHERE event_id = ?1 AND natural_key <> ?2",
    )?;
    let mut elsewhere = by_event.query((entry.event_id.0.as_bytes(), &entry.natural_key))?;
    let id_elsewhere = elsewhere.next()?.map(|row| row.get(0)).transpose()?;
    let same_key = connection
        .prepare_cached(
            "SELECT place, event_id, content_hash, conflict_of FROM entries WHERE natural_key = ?1",
        )?
        .query_map((&entry.natural_key,), earlier)?
        .collect::<Result<_>>()?;
    Ok(Known { id_elsewhere, same_key })
}

fn earlier(row: &Row<'_>) -> Result<Earlier> {
    Ok(Earlier {
        place: codec::place(row, 0)?,
        event_id: codec::event_id(row, 1)?,
        content_hash: codec::bytes(row, 2)?,
        conflict_of: codec::event_id_option(row, 3)?,
    })
}

fn insert(
    connection: &Connection,
    place: Place,
    position: Position,
    prepared: &Prepared,
) -> Result<()> {
    let Prepared { entry, body } = prepared;
    connection
        .prepare_cached(
            "INSERT INTO entries
             (place, event_id, natural_key, content_hash, chain_hash, journaled_at, conflict_of)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute((
            place,
            entry.event_id.0.as_bytes(),
            &entry.natural_key,
            entry.content_hash.as_bytes(),
            position.chain_hash.as_bytes(),
            codec::micros(entry.journaled_at),
            entry.findings.conflict_of.map(|of| of.0.into_bytes()),
        ))?;
    connection
        .prepare_cached("INSERT INTO bodies (place, packed) VALUES (?1, ?2)")?
        .execute((place, &body.packed))?;
    if let Some(extensions) = &entry.local {
        connection
            .prepare_cached("INSERT INTO local_extensions (place, extensions) VALUES (?1, ?2)")?
            .execute((place, extensions))?;
    }
    keep_cursor(connection, entry)
}

fn keep_cursor(connection: &Connection, entry: &NewEntry) -> Result<()> {
    if let Some(cursor) = &entry.cursor {
        connection
            .prepare_cached("REPLACE INTO input_cursors (input, cursor) VALUES (?1, ?2)")?
            .execute((&cursor.input, &cursor.value))?;
    }
    Ok(())
}
