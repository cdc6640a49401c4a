//! What a held device sends: kept aside, every branch of it, until a person has decided.
//!
//! The chain hash covers the whole history before it and so tells branches apart. Nothing here is
//! ever dispatched or pruned; a release moves the branch that continues the head into inbox and
//! outbox and leaves every other one where it is.

use std::collections::HashSet;

use jiff::Timestamp;
use protocol::chain::{Epoch, Position, Sequence};
use protocol::compress;
use protocol::id::{DeviceId, StoreId};
use protocol::limits;

use super::codec::{Fault, bytes, json, micros, signed, to_json, unreadable, unsigned, value};
use super::ingest::{Destination, insert_entries, move_head};
use super::sessions::{EpochRow, epoch_of, epoch_row, hash_at};
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
    Ok(BatchOutcome::Aside { end: previous, new })
}

/// Whether a position is kept aside of an epoch.
pub(super) async fn is_aside(
    on: &Transaction<'_>,
    epoch: &EpochRow,
    position: Position,
) -> Result<bool, Fault> {
    let Ok(sequence) = signed(position.sequence.0) else { return Ok(false) };
    let query = "SELECT 1 FROM holding
                 WHERE store_id = $1 AND epoch_row = $2 AND sequence = $3 AND chain_hash = $4";
    let hash = position.chain_hash.as_bytes().as_slice();
    let found = on.row(query, &[&epoch.store.as_str(), &epoch.epoch_row, &sequence, &hash]).await?;
    Ok(found.is_some())
}

async fn is_known(
    on: &Transaction<'_>,
    epoch: &EpochRow,
    position: Position,
) -> Result<bool, Fault> {
    if hash_at(on, epoch, position.sequence).await? == Some(position.chain_hash) {
        return Ok(true);
    }
    is_aside(on, epoch, position).await
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

/// One history of a device, by its end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Branch {
    pub(super) epoch: Epoch,
    pub(super) head: Position,
}

/// The rows of a branch that are kept aside, and the position before the first of them.
async fn path(
    on: &Transaction<'_>,
    epoch: &EpochRow,
    head: Position,
) -> Result<(HashSet<i64>, Position), Fault> {
    let query = "WITH RECURSIVE branch (holding_row, sequence, previous_hash) AS (
                     SELECT holding_row, sequence, previous_hash FROM holding
                     WHERE store_id = $1 AND epoch_row = $2 AND sequence = $3 AND chain_hash = $4
                     UNION ALL
                     SELECT h.holding_row, h.sequence, h.previous_hash
                     FROM branch b JOIN holding h ON h.store_id = $1 AND h.epoch_row = $2
                       AND h.sequence = b.sequence - 1 AND h.chain_hash = b.previous_hash
                 )
                 SELECT holding_row, sequence, previous_hash FROM branch ORDER BY sequence DESC";
    let hash = head.chain_hash.as_bytes().as_slice();
    let sequence = signed(head.sequence.0)?;
    let (mut on_branch, mut before) = (HashSet::new(), head);
    for row in on.rows(query, &[&epoch.store.as_str(), &epoch.epoch_row, &sequence, &hash]).await? {
        on_branch.insert(value(&row, 0)?);
        let sequence = Sequence(unsigned::<u64>(&row, 1)?.saturating_sub(1));
        before = Position { sequence, chain_hash: bytes(&row, 2)? };
    }
    Ok((on_branch, before))
}

/// The last position that a branch shares with what counts of its epoch; none if its end is not
/// known.
pub(super) async fn shared_with(
    on: &Transaction<'_>,
    store: &StoreId,
    device: &DeviceId,
    branch: &Branch,
) -> Result<Option<Position>, Fault> {
    let Some(epoch) = epoch_row(on, store, device, branch.epoch).await? else { return Ok(None) };
    let (_, before) = path(on, &epoch, branch.head).await?;
    let own = hash_at(on, &epoch, before.sequence).await?;
    Ok((own == Some(before.chain_hash)).then_some(before))
}

/// Moves a branch into inbox and outbox; none if it does not continue the head of its epoch.
pub(super) async fn release_branch(
    on: &Transaction<'_>,
    store: &StoreId,
    device: &DeviceId,
    branch: &Branch,
    now: Timestamp,
) -> Result<Option<()>, Fault> {
    let Some(epoch) = epoch_row(on, store, device, branch.epoch).await? else { return Ok(None) };
    let (on_branch, before) = path(on, &epoch, branch.head).await?;
    if before != epoch.head {
        return Ok(None);
    }
    let begin = "UPDATE epochs SET begun = true WHERE store_id = $1 AND epoch_row = $2";
    on.run(begin, &[&store.as_str(), &epoch.epoch_row]).await?;
    let last = branch.head.sequence;
    let goes_on = move |row: i64, sequence: Sequence| sequence > last || on_branch.contains(&row);
    release_epoch(on, epoch, now, &goes_on).await?;
    Ok(Some(()))
}

/// Which entries are released, by row and sequence.
type IsReleased<'a> = &'a (dyn Fn(i64, Sequence) -> bool + Sync);

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
        release_epoch(on, epoch_of(store, &row)?, now, &|_, _| true).await?;
    }
    Ok(())
}

async fn release_epoch(
    on: &Transaction<'_>,
    mut epoch: EpochRow,
    now: Timestamp,
    is_released: IsReleased<'_>,
) -> Result<(), Fault> {
    loop {
        let mut rows = Vec::new();
        let mut entries: Vec<BatchEntry> = Vec::new();
        let mut head = epoch.head;
        while entries.len() < RELEASE_CHUNK
            && let Some((row, entry)) = next_of(on, &epoch, head, is_released).await?
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

/// The entry that continues a position and is released; of two, the one that arrived first.
async fn next_of(
    on: &Transaction<'_>,
    epoch: &EpochRow,
    head: Position,
    is_released: IsReleased<'_>,
) -> Result<Option<(i64, BatchEntry)>, Fault> {
    let query = "SELECT holding_row, chain_hash, record, plan, sequence FROM holding
                 WHERE store_id = $1 AND epoch_row = $2 AND sequence > $3 AND previous_hash = $4
                 ORDER BY sequence, holding_row";
    let hash = head.chain_hash.as_bytes().as_slice();
    let sequence = signed(head.sequence.0)?;
    let values: super::transaction::Values<'_> =
        &[&epoch.store.as_str(), &epoch.epoch_row, &sequence, &hash];
    for row in on.rows(query, values).await? {
        let (number, sequence) = (value(&row, 0)?, Sequence(unsigned(&row, 4)?));
        if is_released(number, sequence) {
            let record = compress::unpack(value(&row, 2)?, limits::BATCH_BYTES_MAX)
                .map_err(|error| unreadable(&row, 2, error))?;
            let position = Position { sequence, chain_hash: bytes(&row, 1)? };
            return Ok(Some((number, json::<Plan>(&row, 3)?.entry(position, record))));
        }
    }
    Ok(None)
}
