//! What a held device sends: kept aside, every branch of it, until a person has decided.
//!
//! The chain hash covers the whole history before it and so tells branches apart. Nothing here is
//! ever dispatched or pruned; a release moves the branch that continues the head into inbox and
//! outbox and leaves every other one where it is.

use std::collections::HashSet;

use jiff::Timestamp;
use protocol::chain::{Epoch, Position, Sequence};
use protocol::compress;
use protocol::id::StoreId;
use protocol::limits;
use rusqlite::{Connection, Row, params};

use super::codec::{Fault, bytes, json, micros, signed, to_json, unsigned};
use super::ingest::{Destination, insert_entries, move_head};
use super::sessions::{EpochRow, epoch_row, hash_at};
use super::writer::Change;
use crate::store::model::{Batch, BatchEntry, BatchOutcome, Dedupe};
use crate::store::pack::Packed;
use crate::store::plan::{Plan, RELEASE_CHUNK};

/// Keeps a batch aside if it continues anything that is held of this epoch.
pub(super) fn keep(
    change: &Change<'_>,
    batch: &Batch,
    epoch: EpochRow,
) -> Result<BatchOutcome, Fault> {
    if !is_known(change.connection, epoch, batch.before)? {
        return Ok(BatchOutcome::Beyond { head: epoch.head });
    }
    let mut previous = batch.before;
    let mut new = 0;
    for entry in &batch.entries {
        if !is_known(change.connection, epoch, entry.position)? {
            insert(change, epoch, previous, entry, batch.now)?;
            new += 1;
        }
        previous = entry.position;
    }
    Ok(BatchOutcome::Aside { end: previous, new })
}

/// Whether a position is kept aside of an epoch.
pub(super) fn is_aside(
    connection: &Connection,
    epoch_row: i64,
    position: Position,
) -> Result<bool, Fault> {
    let Ok(sequence) = signed(position.sequence.0) else { return Ok(false) };
    Ok(connection
        .prepare_cached(
            "SELECT 1 FROM holding WHERE epoch_row = ?1 AND sequence = ?2 AND chain_hash = ?3",
        )?
        .exists(params![epoch_row, sequence, position.chain_hash.as_bytes()])?)
}

fn is_known(connection: &Connection, epoch: EpochRow, position: Position) -> Result<bool, Fault> {
    if hash_at(connection, epoch.epoch_row, position.sequence)? == Some(position.chain_hash) {
        return Ok(true);
    }
    is_aside(connection, epoch.epoch_row, position)
}

fn insert(
    change: &Change<'_>,
    epoch: EpochRow,
    previous: Position,
    entry: &BatchEntry,
    now: Timestamp,
) -> Result<(), Fault> {
    let plan = Plan::of(entry);
    change
        .connection
        .prepare_cached(
            "INSERT INTO holding
               (epoch_row, sequence, chain_hash, previous_hash, record, plan, held_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            epoch.epoch_row,
            signed(entry.position.sequence.0)?,
            entry.position.chain_hash.as_bytes(),
            previous.chain_hash.as_bytes(),
            compress::pack(&entry.record),
            to_json(&plan)?,
            micros(now)
        ])?;
    Ok(())
}

/// One history of a device, by its end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Branch {
    pub(super) epoch: Epoch,
    pub(super) head: Position,
}

/// The rows of a branch that are kept aside, and the position before the first of them.
fn path(
    connection: &Connection,
    epoch_row: i64,
    head: Position,
) -> Result<(HashSet<i64>, Position), Fault> {
    let mut select = connection.prepare_cached(
        "WITH RECURSIVE branch (holding_row, sequence, previous_hash) AS (
             SELECT holding_row, sequence, previous_hash FROM holding
             WHERE epoch_row = ?1 AND sequence = ?2 AND chain_hash = ?3
             UNION ALL
             SELECT h.holding_row, h.sequence, h.previous_hash
             FROM branch b JOIN holding h ON h.epoch_row = ?1
               AND h.sequence = b.sequence - 1 AND h.chain_hash = b.previous_hash
         )
         SELECT holding_row, sequence, previous_hash FROM branch ORDER BY sequence DESC",
    )?;
    let key = params![epoch_row, signed(head.sequence.0)?, head.chain_hash.as_bytes()];
    let mut rows = select.query(key)?;
    let (mut on_branch, mut before) = (HashSet::new(), head);
    while let Some(row) = rows.next()? {
        on_branch.insert(row.get(0)?);
        let sequence = Sequence(unsigned(row, 1)?.saturating_sub(1));
        before = Position { sequence, chain_hash: bytes(row, 2)? };
    }
    Ok((on_branch, before))
}

/// The last position that a branch shares with what counts of its epoch; none if its end is not
/// known.
pub(super) fn shared_with(
    connection: &Connection,
    device_row: i64,
    epoch: Epoch,
    head: Position,
) -> Result<Option<Position>, Fault> {
    let Some(epoch) = epoch_row(connection, device_row, epoch)? else { return Ok(None) };
    let (_, before) = path(connection, epoch.epoch_row, head)?;
    let own = hash_at(connection, epoch.epoch_row, before.sequence)?;
    Ok((own == Some(before.chain_hash)).then_some(before))
}

/// Moves a branch into inbox and outbox; none if it does not continue the head of its epoch.
pub(super) fn release_branch(
    change: &Change<'_>,
    device_row: i64,
    store: &StoreId,
    branch: &Branch,
    now: Timestamp,
) -> Result<Option<()>, Fault> {
    let Some(epoch) = epoch_row(change.connection, device_row, branch.epoch)? else {
        return Ok(None);
    };
    let (on_branch, before) = path(change.connection, epoch.epoch_row, branch.head)?;
    if before != epoch.head {
        return Ok(None);
    }
    change
        .connection
        .execute("UPDATE epochs SET begun = 1 WHERE epoch_row = ?1", [epoch.epoch_row])?;
    let goes_on = |row: i64, position: Position| {
        position.sequence > branch.head.sequence || on_branch.contains(&row)
    };
    release_epoch(change, epoch, store, now, goes_on)?;
    Ok(Some(()))
}

/// Moves what continues the heads of a device's epochs into inbox and outbox.
pub(super) fn release_device(
    change: &Change<'_>,
    device_row: i64,
    store: &StoreId,
    now: Timestamp,
) -> Result<(), Fault> {
    let mut select = change.connection.prepare_cached(
        "SELECT epoch_row, head_sequence, head_hash FROM epochs
         WHERE device_row = ?1 AND begun = 1
           AND EXISTS (SELECT 1 FROM holding h WHERE h.epoch_row = epochs.epoch_row)",
    )?;
    let epochs: Vec<EpochRow> = select
        .query_map([device_row], |row| {
            let sequence = Sequence(unsigned(row, 1)?);
            let head = Position { sequence, chain_hash: bytes(row, 2)? };
            Ok(EpochRow { epoch_row: row.get(0)?, begun: true, head })
        })?
        .collect::<Result<_, _>>()?;
    for epoch in epochs {
        release_epoch(change, epoch, store, now, |_, _| true)?;
    }
    Ok(())
}

fn release_epoch(
    change: &Change<'_>,
    mut epoch: EpochRow,
    store: &StoreId,
    now: Timestamp,
    is_released: impl Fn(i64, Position) -> bool,
) -> Result<(), Fault> {
    loop {
        let mut rows = Vec::new();
        let mut entries: Vec<BatchEntry> = Vec::new();
        let mut head = epoch.head;
        while entries.len() < RELEASE_CHUNK
            && let Some((row, entry)) =
                next_of(change.connection, epoch.epoch_row, head, &is_released)?
        {
            head = entry.position;
            rows.push(row);
            entries.push(entry);
        }
        if entries.is_empty() {
            return Ok(());
        }
        let destination =
            Destination { epoch_row: epoch.epoch_row, store, dedupe: Dedupe::On, now };
        insert_entries(change, &destination, &entries, &Packed::of(&entries))?;
        move_head(change, epoch.epoch_row, head)?;
        let mut delete =
            change.connection.prepare_cached("DELETE FROM holding WHERE holding_row = ?1")?;
        for row in rows {
            delete.execute([row])?;
        }
        epoch.head = head;
    }
}

/// The entry that continues a position and is released; of two, the one that arrived first.
fn next_of(
    connection: &Connection,
    epoch_row: i64,
    head: Position,
    is_released: impl Fn(i64, Position) -> bool,
) -> Result<Option<(i64, BatchEntry)>, Fault> {
    let mut select = connection.prepare_cached(
        "SELECT holding_row, chain_hash, record, plan, sequence FROM holding
         WHERE epoch_row = ?1 AND sequence > ?2 AND previous_hash = ?3
         ORDER BY sequence, holding_row",
    )?;
    let key = params![epoch_row, signed(head.sequence.0)?, head.chain_hash.as_bytes()];
    let mut rows = select.query(key)?;
    while let Some(row) = rows.next()? {
        let (number, sequence) = (row.get(0)?, Sequence(unsigned(row, 4)?));
        let position = Position { sequence, chain_hash: bytes(row, 1)? };
        if is_released(number, position) {
            return Ok(Some((number, entry_of(row, position)?)));
        }
    }
    Ok(None)
}

fn entry_of(row: &Row<'_>, position: Position) -> rusqlite::Result<BatchEntry> {
    let packed: Vec<u8> = row.get(2)?;
    let record = compress::unpack(&packed, limits::BATCH_BYTES_MAX).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(2, rusqlite::types::Type::Blob, Box::new(error))
    })?;
    let plan: Plan = json(row, 3)?;
    Ok(plan.entry(position, record))
}
