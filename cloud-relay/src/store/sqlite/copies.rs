//! The hosts that speak under one identity: what is known of each, and a person's word about them.
//!
//! A host is known by its start of the program and, after a restart, by the last ticket it was
//! issued. Does not judge whether two are alive: `protocol::handshake::judge` and
//! `ingest::session` do.

use jiff::Timestamp;
use protocol::chain::{Epoch, Position, Sequence};
use protocol::handshake::InstanceId;
use protocol::handshake::judge::{CopyRow, CopyState};
use protocol::id::DeviceId;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, params};

use super::codec::{
    Fault, bytes, json, micros, signed, time, time_option, unknown, unsigned, wrong_state,
};
use super::sessions::EpochRow;
use super::writer::Change;
use super::{devices, holding};
use crate::store::copies::{NOT_THE_CONTINUATION, SEVERAL};
use crate::store::model::{
    Batch, COPIES_MAX, CopyView, DeviceState, DeviceStory, EpochView, HeldCopy,
};

/// The copies of a device as the judgement sees them.
pub(super) fn rows(connection: &Connection, device_row: i64) -> Result<Vec<CopyRow>, Fault> {
    let mut select = connection.prepare_cached(
        "SELECT instance, ticket, attempt, first_at, answered_at, seen_at, displaced,
           shared_sequence, shared_hash
         FROM copies WHERE device_row = ?1 ORDER BY first_at, instance",
    )?;
    let rows = select.query_map([device_row], row_of)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn row_of(row: &Row<'_>) -> rusqlite::Result<CopyRow> {
    let shared = match row.get_ref(7)? {
        ValueRef::Null => None,
        _ => Some(Position { sequence: Sequence(unsigned(row, 7)?), chain_hash: bytes(row, 8)? }),
    };
    let state = match row.get(6)? {
        true => CopyState::Displaced { shared },
        false => CopyState::Held,
    };
    Ok(CopyRow {
        instance: bytes(row, 0)?,
        ticket: bytes(row, 1)?,
        attempt: unsigned(row, 2)?,
        first_at: time(row, 3)?,
        answered_at: time_option(row, 4)?,
        seen_at: time(row, 5)?,
        state,
    })
}

/// Writes down what is known of a copy, in place of what was known of it before.
pub(super) fn put(change: &Change<'_>, device_row: i64, copy: &HeldCopy) -> Result<(), Fault> {
    let HeldCopy { row, replaces, epoch, head } = copy;
    if let Some(instance) = replaces {
        forget(change, device_row, *instance)?;
    }
    let (displaced, shared) = match row.state {
        CopyState::Held => (false, None),
        CopyState::Displaced { shared } => (true, shared),
    };
    change
        .connection
        .prepare_cached(
            "INSERT OR REPLACE INTO copies (device_row, instance, ticket, attempt, epoch,
               head_sequence, head_hash, first_at, answered_at, seen_at, displaced,
               shared_sequence, shared_hash)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        )?
        .execute(params![
            device_row,
            row.instance.as_bytes(),
            row.ticket.as_bytes(),
            signed(row.attempt)?,
            epoch.as_bytes(),
            signed(head.sequence.0)?,
            head.chain_hash.as_bytes(),
            micros(row.first_at),
            row.answered_at.map(micros),
            micros(row.seen_at),
            displaced,
            shared.map(|shared| signed(shared.sequence.0)).transpose()?,
            shared.map(|shared| shared.chain_hash.0)
        ])?;
    // Of too many, the one that was silent for longest is no longer told apart.
    change
        .connection
        .prepare_cached(
            "DELETE FROM copies WHERE device_row = ?1 AND displaced = 0 AND instance NOT IN
               (SELECT instance FROM copies WHERE device_row = ?1 AND displaced = 0
                ORDER BY seen_at DESC LIMIT ?2)",
        )?
        .execute(params![device_row, signed(COPIES_MAX)?])?;
    Ok(())
}

fn forget(change: &Change<'_>, device_row: i64, instance: InstanceId) -> Result<(), Fault> {
    change
        .connection
        .prepare_cached("DELETE FROM copies WHERE device_row = ?1 AND instance = ?2")?
        .execute(params![device_row, instance.as_bytes()])?;
    Ok(())
}

/// A hold has ended: those that were held are no longer of interest.
pub(super) fn forget_held(change: &Change<'_>, device_row: i64) -> Result<(), Fault> {
    change
        .connection
        .prepare_cached("DELETE FROM copies WHERE device_row = ?1 AND displaced = 0")?
        .execute([device_row])?;
    Ok(())
}

fn views(connection: &Connection, device_row: i64) -> Result<Vec<CopyView>, Fault> {
    let mut select = connection.prepare_cached(
        "SELECT instance, epoch, head_sequence, head_hash, first_at, seen_at, displaced
         FROM copies WHERE device_row = ?1 ORDER BY first_at, instance",
    )?;
    let rows = select.query_map([device_row], |row| {
        let head = Position { sequence: Sequence(unsigned(row, 2)?), chain_hash: bytes(row, 3)? };
        Ok(CopyView {
            instance: bytes(row, 0)?,
            epoch: bytes(row, 1)?,
            head,
            first_at: time(row, 4)?,
            seen_at: time(row, 5)?,
            displaced: row.get(6)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// A device with its journals and copies.
pub(super) fn story(
    connection: &Connection,
    device: &DeviceId,
) -> Result<Option<DeviceStory>, Fault> {
    let Some(found) = devices::device(connection, device)? else { return Ok(None) };
    let device_row = devices::device_row(connection, device)?;
    let mut select = connection.prepare_cached(
        "SELECT epoch, begun, head_sequence, head_hash, predecessor, begun_at,
           (SELECT count(*) FROM holding h WHERE h.epoch_row = e.epoch_row)
         FROM epochs e WHERE device_row = ?1 ORDER BY epoch_row",
    )?;
    let epochs = select.query_map([device_row], |row| {
        let head = Position { sequence: Sequence(unsigned(row, 2)?), chain_hash: bytes(row, 3)? };
        let predecessor = match row.get_ref(4)? {
            ValueRef::Null => None,
            _ => Some(json(row, 4)?),
        };
        Ok(EpochView {
            epoch: bytes(row, 0)?,
            begun: row.get(1)?,
            head,
            predecessor,
            aside: unsigned(row, 6)?,
            begun_at: time(row, 5)?,
        })
    })?;
    let epochs = epochs.collect::<Result<_, _>>()?;
    Ok(Some(DeviceStory { device: found, epochs, copies: views(connection, device_row)? }))
}

/// Releases a device to one of its copies. Tickets and superseded instances are forgotten, because
/// they belong to the histories that a person has just judged.
pub(super) fn release(
    change: &Change<'_>,
    device_id: &DeviceId,
    keep: Option<InstanceId>,
    now: Timestamp,
) -> Result<(), Fault> {
    let connection = change.connection;
    let found = devices::device(connection, device_id)?;
    let found = found.ok_or_else(|| unknown("device", device_id))?;
    match found.state {
        DeviceState::Held { .. } => {}
        DeviceState::Active => return Err(wrong_state("device", device_id, "not held")),
        DeviceState::Revoked { .. } => return Err(wrong_state("device", device_id, "revoked")),
    }
    let row = devices::device_row(connection, device_id)?;
    let held: Vec<_> = views(connection, row)?.into_iter().filter(|copy| !copy.displaced).collect();
    let kept = match (keep, held.as_slice()) {
        (Some(keep), held) => Some(
            held.iter().find(|copy| copy.instance == keep).ok_or_else(|| unknown("copy", &keep))?,
        ),
        (None, []) => None,
        (None, [only]) => Some(only),
        (None, _) => return Err(wrong_state("device", device_id, SEVERAL)),
    };
    connection.execute("DELETE FROM sessions WHERE device_row = ?1", [row])?;
    connection.execute("DELETE FROM superseded WHERE device_row = ?1", [row])?;
    match kept {
        None => {
            connection.execute("UPDATE epochs SET begun = 1 WHERE device_row = ?1", [row])?;
            holding::release_device(change, row, &found.store, now)?;
        }
        Some(kept) => {
            let branch = holding::Branch { epoch: kept.epoch, head: kept.head };
            let goes_on = holding::release_branch(change, row, &found.store, &branch, now)?;
            let shared = holding::shared_with(connection, row, kept.epoch, kept.head)?;
            match (goes_on, keep, shared) {
                (Some(()), _, _) => forget(change, row, kept.instance)?,
                // Nobody else speaks any more: this host gets a name of its own.
                (None, None, Some(_)) => {
                    displace(change, row, kept.instance, (kept.epoch, kept.head))?;
                }
                (None, _, _) => {
                    return Err(wrong_state("copy", &kept.instance, NOT_THE_CONTINUATION));
                }
            }
        }
    }
    for other in held.iter().filter(|copy| Some(copy.instance) != kept.map(|kept| kept.instance)) {
        displace(change, row, other.instance, (other.epoch, other.head))?;
    }
    devices::activate(change, row)
}

fn displace(
    change: &Change<'_>,
    device_row: i64,
    instance: InstanceId,
    (epoch, head): (Epoch, Position),
) -> Result<(), Fault> {
    let shared = holding::shared_with(change.connection, device_row, epoch, head)?;
    change
        .connection
        .prepare_cached(
            "UPDATE copies SET displaced = 1, shared_sequence = ?3, shared_hash = ?4
             WHERE device_row = ?1 AND instance = ?2",
        )?
        .execute(params![
            device_row,
            instance.as_bytes(),
            shared.map(|shared| signed(shared.sequence.0)).transpose()?,
            shared.map(|shared| shared.chain_hash.0)
        ])?;
    Ok(())
}

/// Whether a batch goes on with the history of a copy that lost the identity and has not heard of
/// it yet: what a person has judged is no new fork.
pub(super) fn is_of_displaced(
    connection: &Connection,
    epoch: EpochRow,
    batch: &Batch,
) -> Result<bool, Fault> {
    let mut select = connection.prepare_cached(
        "SELECT shared_sequence, shared_hash
         FROM copies c JOIN epochs e ON e.device_row = c.device_row AND e.epoch = c.epoch
         WHERE e.epoch_row = ?1 AND displaced = 1 AND shared_sequence IS NOT NULL",
    )?;
    let shared = select.query_map([epoch.epoch_row], |row| {
        Ok(Position { sequence: Sequence(unsigned(row, 0)?), chain_hash: bytes(row, 1)? })
    })?;
    let shared: Vec<Position> = shared.collect::<Result<_, _>>()?;
    if shared.is_empty() {
        return Ok(false);
    }
    let mut positions =
        std::iter::once(batch.before).chain(batch.entries.iter().map(|entry| entry.position));
    Ok(positions.any(|position| shared.contains(&position))
        || holding::is_aside(connection, epoch.epoch_row, batch.before)?)
}
