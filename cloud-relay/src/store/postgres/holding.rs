//! What a held device sends: kept aside, every branch of it, until a person has decided.
//!
//! The chain hash covers the whole history before it and so tells branches apart. Nothing here is
//! ever dispatched or pruned; a release moves the branch that continues the head into inbox and
//! outbox and leaves every other one where it is.

use jiff::Timestamp;
use protocol::chain::Position;
use protocol::compress;
use protocol::id::{DeviceId, StoreId};
use protocol::limits;
use tokio_postgres::Row;

use super::codec::{Fault, bytes, json, micros, signed, to_json, unreadable, value};
use super::ingest::{Destination, insert_entries, move_head};
use super::sessions::{EpochRow, epoch_of, hash_at};
use super::transaction::Transaction;
use crate::store::model::{Batch, BatchEntry, BatchOutcome, Dedupe};
use crate::store::pack::Packed;
use crate::store::plan::{Plan, RELEASE_CHUNK};

/// Keeps a batch aside if it continues anything that is held of this epoch.
pub(super) async fn keep(
    on: &Transaction<'_>,
    batch: &Batch,
    epoch: &EpochRow,
) -> Result<BatchOutcome, Fault> {
    if !is_known(on, epoch, batch.before).await? {
        return Ok(BatchOutcome::Beyond { head: epoch.head });
    }
    let mut previous = batch.before;
    let mut new = 0;
    for entry in &batch.entries {
        if !is_known(on, epoch, entry.position).await? {
            insert(on, epoch, previous, entry, batch.now).await?;
            new += 1;
        }
        previous = entry.position;
    }
    Ok(BatchOutcome::Committed { end: previous, new })
}

async fn is_known(
    on: &Transaction<'_>,
    epoch: &EpochRow,
    position: Position,
) -> Result<bool, Fault> {
    if hash_at(on, epoch, position.sequence).await? == Some(position.chain_hash) {
        return Ok(true);
    }
    let query = "SELECT 1 FROM holding
                 WHERE store_id = $1 AND epoch_row = $2 AND sequence = $3 AND chain_hash = $4";
    let hash = position.chain_hash.as_bytes().as_slice();
    let sequence = signed(position.sequence.0)?;
    let found = on.row(query, &[&epoch.store.as_str(), &epoch.epoch_row, &sequence, &hash]).await?;
    Ok(found.is_some())
}

async fn insert(
    on: &Transaction<'_>,
    epoch: &EpochRow,
    previous: Position,
    entry: &BatchEntry,
    now: Timestamp,
) -> Result<(), Fault> {
    on.run(
        "INSERT INTO holding
           (store_id, epoch_row, sequence, chain_hash, previous_hash, record, plan, held_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        &[
            &epoch.store.as_str(),
            &epoch.epoch_row,
            &signed(entry.position.sequence.0)?,
            &entry.position.chain_hash.as_bytes().as_slice(),
            &previous.chain_hash.as_bytes().as_slice(),
            &compress::pack(&entry.record),
            &to_json(&Plan::of(entry))?,
            &micros(now),
        ],
    )
    .await?;
    Ok(())
}

/// Moves what continues the heads of a device's epochs into inbox and outbox.
pub(super) async fn release_device(
    on: &Transaction<'_>,
    store: &StoreId,
    device: &DeviceId,
    now: Timestamp,
) -> Result<(), Fault> {
    let query = "SELECT epoch_row, begun, head_sequence, head_hash FROM epochs e
                 WHERE store_id = $1 AND device = $2 AND begun
                   AND EXISTS (SELECT 1 FROM holding h
                               WHERE h.store_id = e.store_id AND h.epoch_row = e.epoch_row)
                 ORDER BY epoch_row";
    for row in on.rows(query, &[&store.as_str(), &device.as_str()]).await? {
        release_epoch(on, epoch_of(store, &row)?, now).await?;
    }
    Ok(())
}

async fn release_epoch(
    on: &Transaction<'_>,
    mut epoch: EpochRow,
    now: Timestamp,
) -> Result<(), Fault> {
    loop {
        let mut rows = Vec::new();
        let mut entries: Vec<BatchEntry> = Vec::new();
        let mut head = epoch.head;
        while entries.len() < RELEASE_CHUNK
            && let Some((row, entry)) = next_of(on, &epoch, head).await?
        {
            head = entry.position;
            rows.push(row);
            entries.push(entry);
        }
        if entries.is_empty() {
            return Ok(());
        }
        let destination = Destination { epoch: &epoch, dedupe: Dedupe::On, now };
        insert_entries(on, &destination, &entries, &Packed::of(&entries)).await?;
        move_head(on, &epoch, head).await?;
        on.run(
            "DELETE FROM holding WHERE store_id = $1 AND holding_row = ANY($2)",
            &[&epoch.store.as_str(), &rows],
        )
        .await?;
        epoch.head = head;
    }
}

/// The entry that continues a position; of two, the one that arrived first.
async fn next_of(
    on: &Transaction<'_>,
    epoch: &EpochRow,
    head: Position,
) -> Result<Option<(i64, BatchEntry)>, Fault> {
    let query = "SELECT holding_row, chain_hash, record, plan FROM holding
                 WHERE store_id = $1 AND epoch_row = $2 AND sequence = $3 AND previous_hash = $4
                 ORDER BY holding_row LIMIT 1";
    let sequence = head.sequence.next();
    let hash = head.chain_hash.as_bytes().as_slice();
    let values: super::transaction::Values<'_> =
        &[&epoch.store.as_str(), &epoch.epoch_row, &signed(sequence.0)?, &hash];
    let entry = |row: &Row| {
        let record = compress::unpack(value(row, 2)?, limits::BATCH_BYTES_MAX)
            .map_err(|error| unreadable(row, 2, error))?;
        let position = Position { sequence, chain_hash: bytes(row, 1)? };
        Ok((value(row, 0)?, json::<Plan>(row, 3)?.entry(position, record)))
    };
    on.row(query, values).await?.as_ref().map(entry).transpose()
}
