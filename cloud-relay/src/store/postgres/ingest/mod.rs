//! A batch on its way in: inbox, natural keys, movements, outbox and head in one commit.
//!
//! Each table takes all rows of a batch in one statement. An overlap is verified by one look: the
//! chain hash of the last entry that is held already covers all before it. Does not verify chains
//! or signatures itself, and plans nothing.

mod counting;
mod rows;
mod standing;

use std::collections::BTreeSet;

use jiff::Timestamp;
use protocol::chain::Position;
use protocol::id::{StoreId, TargetId};

use self::rows::{insert_inbox, insert_keys, insert_moves, insert_replays, rows_of};
use self::standing::{Standing, standings};
use super::codec::{Fault, micros, signed, state_columns, unknown, wrong_state};
use super::days::Day;
use super::devices::state_of;
use super::lanes::Additions;
use super::sessions::{EpochRow, epoch_row, hash_at};
use super::transaction::Transaction;
use super::{copies, holding, progress, records};
use crate::connectors::ExceptionClass;
use crate::reconcile::figures::ZDifference;
use crate::store::books::z_review;
use crate::store::model::{
    Batch, BatchEntry, BatchOutcome, Dedupe, DeliveryState, DeviceState, RELAY_TARGET,
};
use crate::store::pack::Packed;
use crate::store::plan::{first_state, review};

/// What all entries of a batch share.
pub(super) struct Destination<'a> {
    pub(super) epoch: &'a EpochRow,
    pub(super) dedupe: Dedupe,
    pub(super) now: Timestamp,
}

impl Destination<'_> {
    fn store(&self) -> &StoreId {
        &self.epoch.store
    }

    fn day(&self) -> Day {
        Day::of(self.now)
    }
}

/// Commits a batch. `packed` holds the records of the entries from `packed_from` on.
pub(super) async fn commit(
    on: &Transaction<'_>,
    batch: &Batch,
    packed_from: usize,
    packed: &Packed,
) -> Result<BatchOutcome, Fault> {
    let store = on.lock_device(&batch.device).await?;
    let query = "SELECT state, hold_reason, state_since FROM devices
                 WHERE store_id = $1 AND device = $2";
    let found = on.row(query, &[&store.as_str(), &batch.device.as_str()]).await?;
    let state = state_of(&found.ok_or_else(|| unknown("device", &batch.device))?, 0)?;
    let Some(epoch) = epoch_row(on, &store, &batch.device, batch.epoch).await? else {
        return Ok(BatchOutcome::NoSession);
    };
    let outcome = match state {
        DeviceState::Revoked { .. } => {
            return Err(wrong_state("device", &batch.device, "revoked"));
        }
        DeviceState::Held { .. } => holding::keep(on, batch, &epoch).await?,
        DeviceState::Active if !epoch.begun => return Ok(BatchOutcome::NoSession),
        DeviceState::Active => extend(on, batch, &epoch, packed_from, packed).await?,
    };
    if let BatchOutcome::Committed { .. } | BatchOutcome::Aside { .. } = outcome {
        let is_level = batch.level && matches!(outcome, BatchOutcome::Committed { .. });
        let now = micros(batch.now);
        on.run(
            "UPDATE devices SET seen_at = $3, level_at = coalesce($4, level_at)
             WHERE store_id = $1 AND device = $2",
            &[&store.as_str(), &batch.device.as_str(), &now, &is_level.then_some(now)],
        )
        .await?;
    }
    Ok(outcome)
}

async fn extend(
    on: &Transaction<'_>,
    batch: &Batch,
    epoch: &EpochRow,
    packed_from: usize,
    packed: &Packed,
) -> Result<BatchOutcome, Fault> {
    let head = epoch.head;
    let end = batch.entries.last().map_or(batch.before, |entry| entry.position);
    if batch.before.sequence > head.sequence {
        return Ok(BatchOutcome::Beyond { head });
    }
    if !continues(on, batch, epoch).await? {
        return match copies::is_of_displaced(on, epoch, batch).await? {
            true => holding::keep(on, batch, epoch).await,
            false => Ok(BatchOutcome::Broken { head }),
        };
    }
    let held = match batch.dedupe {
        Dedupe::On => batch.entries.partition_point(|e| e.position.sequence <= head.sequence),
        Dedupe::Off => 0,
    };
    let fresh = &batch.entries[held..];
    if fresh.is_empty() {
        return Ok(BatchOutcome::Committed { end, new: 0 });
    }
    let destination = Destination { epoch, dedupe: batch.dedupe, now: batch.now };
    if held == packed_from {
        insert_entries(on, &destination, fresh, packed).await?;
    } else {
        // The head moved between the look before packing and the lock.
        insert_entries(on, &destination, fresh, &Packed::of(fresh)).await?;
    }
    if end.sequence > head.sequence {
        move_head(on, epoch, end).await?;
    }
    Ok(BatchOutcome::Committed { end, new: fresh.len() })
}

/// Whether the batch agrees with what is held at the last position that both have.
async fn continues(on: &Transaction<'_>, batch: &Batch, epoch: &EpochRow) -> Result<bool, Fault> {
    let shared = batch
        .entries
        .iter()
        .map(|entry| entry.position)
        .take_while(|position| position.sequence <= epoch.head.sequence)
        .last()
        .unwrap_or(batch.before);
    let own = if shared.sequence == epoch.head.sequence {
        Some(epoch.head.chain_hash)
    } else {
        hash_at(on, epoch, shared.sequence).await?
    };
    Ok(own == Some(shared.chain_hash))
}

/// Writes down a new head.
pub(super) async fn move_head(
    on: &Transaction<'_>,
    epoch: &EpochRow,
    head: Position,
) -> Result<(), Fault> {
    on.run(
        "UPDATE epochs SET head_sequence = $3, head_hash = $4
         WHERE store_id = $1 AND epoch_row = $2",
        &[
            &epoch.store.as_str(),
            &epoch.epoch_row,
            &signed(head.sequence.0)?,
            &head.chain_hash.as_bytes().as_slice(),
        ],
    )
    .await?;
    Ok(())
}

/// Inserts entries that follow the head.
pub(super) async fn insert_entries(
    on: &Transaction<'_>,
    destination: &Destination<'_>,
    entries: &[BatchEntry],
    packed: &Packed,
) -> Result<(), Fault> {
    let pages = records::insert(on, destination.store(), destination.day(), packed).await?;
    let rows = rows_of(on, destination, entries).await?;
    let standings = standings(on, destination, entries, &rows).await?;
    insert_inbox(on, destination, entries, &rows, &standings, (packed, &pages)).await?;
    insert_keys(on, destination, entries, &rows, &standings).await?;
    insert_moves(on, destination, entries, &rows, &standings).await?;
    insert_replays(on, destination, &rows, &standings).await?;
    let differences = counting::count(on, destination, entries, &rows, &standings).await?;
    let mut told = insert_deliveries(on, destination, entries, &rows, &standings).await?;
    told.extend(insert_z_reviews(on, destination, differences).await?);
    // Only now, when every row is there: what is told is looked up.
    for (news, inbox_row) in told {
        match news {
            News::Replay { of } => {
                progress::tell_replay(on, destination.store(), of, inbox_row, destination.now)
                    .await?;
            }
            News::Exception { targets } => {
                for target in targets {
                    let entry = progress::Entry { store: destination.store(), inbox_row };
                    progress::tell_new(on, entry, &target, destination.now).await?;
                }
            }
        }
    }
    Ok(())
}

/// What there is to tell of an entry that has just come in.
enum News {
    Replay { of: i64 },
    Exception { targets: BTreeSet<TargetId> },
}

/// Puts what the entries call for into lanes; what there is to tell, in the entries' order.
async fn insert_deliveries(
    on: &Transaction<'_>,
    destination: &Destination<'_>,
    entries: &[BatchEntry],
    rows: &[i64],
    standings: &[Standing],
) -> Result<Vec<(News, i64)>, Fault> {
    let mut additions = Additions::new(destination.store(), destination.now);
    let mut told = Vec::new();
    for ((entry, inbox_row), standing) in entries.iter().zip(rows).zip(standings) {
        let is_conflict = match standing {
            Standing::Replay { of, .. } => {
                told.push((News::Replay { of: *of }, *inbox_row));
                continue;
            }
            Standing::New { .. } => false,
            Standing::Conflict { .. } => true,
        };
        let exception = match (&entry.exception, is_conflict) {
            (Some((class, reason)), _) => Some((*class, reason.as_str())),
            (None, true) => Some((
                ExceptionClass::Conflict,
                "another event with the same natural key and other content came first",
            )),
            (None, false) => None,
        };
        match exception {
            None => {
                for (target, planned) in &entry.deliveries {
                    let state = first_state(entry, target, planned, destination.now);
                    additions.add(target, planned, *inbox_row, &state_columns(&state)?)?;
                }
            }
            Some(exception) => {
                let targets = add_exceptions(&mut additions, entry, *inbox_row, exception)?;
                told.push((News::Exception { targets }, *inbox_row));
            }
        }
    }
    additions.insert(on).await?;
    Ok(told)
}

/// Zs that differ from their receipts: those post, and a person looks at each.
async fn insert_z_reviews(
    on: &Transaction<'_>,
    destination: &Destination<'_>,
    differences: Vec<(i64, ZDifference)>,
) -> Result<Vec<(News, i64)>, Fault> {
    let mut additions = Additions::new(destination.store(), destination.now);
    let relay = TargetId::new(RELAY_TARGET).expect("the name is a valid identifier");
    let mut told = Vec::new();
    for (inbox_row, ZDifference { reason, amount }) in differences {
        let (class, since) = (ExceptionClass::ZDifference, additions.now());
        let columns = state_columns(&DeliveryState::Exception { class, reason, since })?;
        additions.add(&relay, &z_review(amount), inbox_row, &columns)?;
        told.push((News::Exception { targets: BTreeSet::from([relay.clone()]) }, inbox_row));
    }
    additions.insert(on).await?;
    Ok(told)
}

/// One exception a planned delivery; if the event calls for none, still one that can be seen.
fn add_exceptions(
    additions: &mut Additions<'_>,
    entry: &BatchEntry,
    inbox_row: i64,
    (class, reason): (ExceptionClass, &str),
) -> Result<BTreeSet<TargetId>, Fault> {
    let since = additions.now();
    let state = DeliveryState::Exception { class, reason: reason.to_owned(), since };
    let columns = state_columns(&state)?;
    let mut targets = BTreeSet::new();
    for (target, planned) in &entry.deliveries {
        additions.add(target, planned, inbox_row, &columns)?;
        targets.insert(target.clone());
    }
    if targets.is_empty() {
        let relay = TargetId::new(RELAY_TARGET).expect("the name is a valid identifier");
        additions.add(&relay, &review(), inbox_row, &columns)?;
        targets.insert(relay);
    }
    Ok(targets)
}
