//! Writes a group of entries, in a transaction that the caller opens and commits.
//!
//! An entry that breaks a rule fails alone. Rules are decided before anything is written, so that
//! the tables refuse an entry only if somebody changed them; the group is then written once more
//! with a savepoint an entry, which otherwise would cost a fifth of the writer's time. Any other
//! failure fails the whole group, and the caller drops the transaction and with it the tail that
//! this moved.

use std::sync::Arc;

use protocol::chain::Position;
use rusqlite::{Connection, Error, ErrorCode, Result, Row};

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
    entries: &[Prepared],
) -> Result<Outcomes> {
    let before = tail.clone();
    let written = entries.iter().map(|entry| write_entry(connection, tail, entry)).collect();
    match written {
        Err(error) if is_refusal(&error) => {
            *tail = before;
            connection.execute_batch("ROLLBACK; BEGIN IMMEDIATE")?;
            entries.iter().map(|entry| write_alone(connection, tail, entry)).collect()
        }
        written => written,
    }
}

/// Writes an entry in a savepoint of its own: what the tables refuse leaves nothing behind.
fn write_alone(
    connection: &Connection,
    tail: &mut Tail,
    prepared: &Prepared,
) -> Result<Result<Appended, AppendError>> {
    connection.prepare_cached("SAVEPOINT entry")?.execute([])?;
    let outcome = match write_entry(connection, tail, prepared) {
        Err(error) if is_refusal(&error) => {
            connection.prepare_cached("ROLLBACK TO entry")?.execute([])?;
            Err(AppendError::NotCommitted(Arc::new(error)))
        }
        written => written?,
    };
    connection.prepare_cached("RELEASE entry")?.execute([])?;
    Ok(outcome)
}

fn write_entry(
    connection: &Connection,
    tail: &mut Tail,
    prepared: &Prepared,
) -> Result<Result<Appended, AppendError>> {
    match decide(&prepared.entry, look_up(connection, &prepared.entry)?) {
        Decision::New => {
            let position = add(connection, tail, prepared)?;
            Ok(Ok(Appended::New { position }))
        }
        Decision::Conflict { of } => match prepared.in_conflict_with(of) {
            Ok(prepared) => {
                let position = add(connection, tail, &prepared)?;
                Ok(Ok(Appended::Conflict { position, conflict_of: of }))
            }
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

/// Adds an entry behind the last one.
fn add(connection: &Connection, tail: &mut Tail, prepared: &Prepared) -> Result<Position> {
    let position = tail.state.head.extended(tail.state.identity.epoch, &prepared.body.record);
    insert(connection, Place::new(tail.number, position.sequence), position, prepared)?;
    tail.state.head = position;
    Ok(position)
}

/// Whether the tables refuse what was to be written.
fn is_refusal(error: &Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation)
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
