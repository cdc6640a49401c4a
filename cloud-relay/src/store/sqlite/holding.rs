//! What a held device sends: kept aside, every branch of it, until a person has decided.
//!
//! The chain hash covers the whole history before it and so tells branches apart. Nothing here is
//! ever dispatched or pruned; a release moves the branch that continues the head into inbox and
//! outbox and leaves every other one where it is.

use jiff::Timestamp;
use protocol::chain::{Position, Sequence};
use protocol::compress;
use protocol::id::StoreId;
use protocol::limits;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::codec::{Fault, bytes, json, micros, signed, to_json};
use super::ingest::{Destination, insert_entries, move_head};
use super::sessions::{EpochRow, hash_at};
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
    Ok(BatchOutcome::Committed { end: previous, new })
}

fn is_known(connection: &Connection, epoch: EpochRow, position: Position) -> Result<bool, Fault> {
    if hash_at(connection, epoch.epoch_row, position.sequence)? == Some(position.chain_hash) {
        return Ok(true);
    }
    Ok(connection
        .prepare_cached(
            "SELECT 1 FROM holding WHERE epoch_row = ?1 AND sequence = ?2 AND chain_hash = ?3",
        )?
        .exists(params![
            epoch.epoch_row,
            signed(position.sequence.0)?,
            position.chain_hash.as_bytes()
        ])?)
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
            let sequence = Sequence(super::codec::unsigned(row, 1)?);
            let head = Position { sequence, chain_hash: bytes(row, 2)? };
            Ok(EpochRow { epoch_row: row.get(0)?, begun: true, head })
        })?
        .collect::<Result<_, _>>()?;
    for epoch in epochs {
        release_epoch(change, epoch, store, now)?;
    }
    Ok(())
}

fn release_epoch(
    change: &Change<'_>,
    mut epoch: EpochRow,
    store: &StoreId,
    now: Timestamp,
) -> Result<(), Fault> {
    loop {
        let mut rows = Vec::new();
        let mut entries: Vec<BatchEntry> = Vec::new();
        let mut head = epoch.head;
        while entries.len() < RELEASE_CHUNK
            && let Some((row, entry)) = next_of(change.connection, epoch.epoch_row, head)?
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

/// The entry that continues a position; of two, the one that arrived first.
fn next_of(
    connection: &Connection,
    epoch_row: i64,
    head: Position,
) -> Result<Option<(i64, BatchEntry)>, Fault> {
    let sequence = head.sequence.next();
    Ok(connection
        .prepare_cached(
            "SELECT holding_row, chain_hash, record, plan FROM holding
             WHERE epoch_row = ?1 AND sequence = ?2 AND previous_hash = ?3
             ORDER BY holding_row LIMIT 1",
        )?
        .query_row(params![epoch_row, signed(sequence.0)?, head.chain_hash.as_bytes()], |row| {
            Ok((row.get(0)?, entry_of(row, sequence)?))
        })
        .optional()?)
}

fn entry_of(row: &Row<'_>, sequence: Sequence) -> rusqlite::Result<BatchEntry> {
    let packed: Vec<u8> = row.get(2)?;
    let record = compress::unpack(&packed, limits::BATCH_BYTES_MAX).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(2, rusqlite::types::Type::Blob, Box::new(error))
    })?;
    let plan: Plan = json(row, 3)?;
    Ok(plan.entry(Position { sequence, chain_hash: bytes(row, 1)? }, record))
}
