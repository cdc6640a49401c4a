//! A batch on its way in: inbox, natural keys, movements, outbox and head in one commit.
//!
//! An overlap is verified by one look: the chain hash of the last entry that is held already
//! covers all before it. Does not verify chains or signatures itself, and plans nothing.

use std::collections::BTreeSet;

use jiff::Timestamp;
use protocol::chain::Position;
use protocol::id::{StoreId, TargetId};
use rusqlite::{OptionalExtension, params};

use super::codec::{Fault, bytes, micros, signed, state_columns, to_json, unknown, wrong_state};
use super::devices::state_of;
use super::lanes::LaneWriter;
use super::sessions::{EpochRow, epoch_row, hash_at};
use super::writer::Change;
use super::{books, copies, holding, pages, progress};
use crate::connectors::ExceptionClass;
use crate::reconcile::figures::ZDifference;
use crate::store::books::{OpenDays, z_review};
use crate::store::model::{
    Batch, BatchEntry, BatchOutcome, Dedupe, DeliveryState, DeviceState, RELAY_TARGET,
};
use crate::store::pack::Packed;
use crate::store::plan::{first_state, review};

/// What all entries of a batch share.
pub(super) struct Destination<'a> {
    pub(super) epoch_row: i64,
    pub(super) store: &'a StoreId,
    pub(super) dedupe: Dedupe,
    pub(super) now: Timestamp,
}

/// Commits a batch. `packed` holds the records of the entries from `packed_from` on.
pub(super) fn commit(
    change: &Change<'_>,
    batch: &Batch,
    packed_from: usize,
    packed: &Packed,
) -> Result<BatchOutcome, Fault> {
    let (device_row, state) = change
        .connection
        .prepare_cached(
            "SELECT device_row, state, hold_reason, state_since FROM devices WHERE device = ?1",
        )?
        .query_row([batch.device.as_str()], |row| Ok((row.get::<_, i64>(0)?, state_of(row, 1)?)))
        .optional()?
        .ok_or_else(|| unknown("device", &batch.device))?;
    let Some(epoch) = epoch_row(change.connection, device_row, batch.epoch)? else {
        return Ok(BatchOutcome::NoSession);
    };
    let outcome = match state {
        DeviceState::Revoked { .. } => {
            return Err(wrong_state("device", &batch.device, "revoked"));
        }
        DeviceState::Held { .. } => holding::keep(change, batch, epoch)?,
        DeviceState::Active if !epoch.begun => return Ok(BatchOutcome::NoSession),
        DeviceState::Active => extend(change, batch, epoch, packed_from, packed)?,
    };
    if let BatchOutcome::Committed { .. } | BatchOutcome::Aside { .. } = outcome {
        let is_level = batch.level && matches!(outcome, BatchOutcome::Committed { .. });
        let now = micros(batch.now);
        change
            .connection
            .prepare_cached(
                "UPDATE devices SET seen_at = ?2, level_at = coalesce(?3, level_at)
                 WHERE device_row = ?1",
            )?
            .execute(params![device_row, now, is_level.then_some(now)])?;
    }
    Ok(outcome)
}

fn extend(
    change: &Change<'_>,
    batch: &Batch,
    epoch: EpochRow,
    packed_from: usize,
    packed: &Packed,
) -> Result<BatchOutcome, Fault> {
    let head = epoch.head;
    let end = batch.entries.last().map_or(batch.before, |entry| entry.position);
    if batch.before.sequence > head.sequence {
        return Ok(BatchOutcome::Beyond { head });
    }
    if !continues(change, batch, epoch)? {
        return match copies::is_of_displaced(change.connection, epoch, batch)? {
            true => holding::keep(change, batch, epoch),
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
    let destination = Destination {
        epoch_row: epoch.epoch_row,
        store: &batch.store,
        dedupe: batch.dedupe,
        now: batch.now,
    };
    if held == packed_from {
        insert_entries(change, &destination, fresh, packed)?;
    } else {
        // The head moved between the look before packing and the lock.
        insert_entries(change, &destination, fresh, &Packed::of(fresh))?;
    }
    if end.sequence > head.sequence {
        move_head(change, epoch.epoch_row, end)?;
    }
    Ok(BatchOutcome::Committed { end, new: fresh.len() })
}

/// Whether the batch agrees with what is held at the last position that both have.
fn continues(change: &Change<'_>, batch: &Batch, epoch: EpochRow) -> Result<bool, Fault> {
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
        hash_at(change.connection, epoch.epoch_row, shared.sequence)?
    };
    Ok(own == Some(shared.chain_hash))
}

/// Writes down a new head.
pub(super) fn move_head(change: &Change<'_>, epoch_row: i64, head: Position) -> Result<(), Fault> {
    change
        .connection
        .prepare_cached(
            "UPDATE epochs SET head_sequence = ?2, head_hash = ?3 WHERE epoch_row = ?1",
        )?
        .execute(params![epoch_row, signed(head.sequence.0)?, head.chain_hash.as_bytes()])?;
    Ok(())
}

/// What a natural key says of an entry.
enum Standing {
    /// Seen for the first time, as this variant of its key.
    New { variant: i64 },
    /// The same content came before.
    Replay { of: i64, variant: i64 },
    /// Other content has the key.
    Conflict { variant: i64 },
}

/// Inserts entries that follow the head.
pub(super) fn insert_entries(
    change: &Change<'_>,
    destination: &Destination<'_>,
    entries: &[BatchEntry],
    packed: &Packed,
) -> Result<(), Fault> {
    let places = pages::insert(change.connection, packed)?;
    let mut lanes = LaneWriter::new(change, destination.store, destination.now);
    let mut days = books::open(change, destination.store, entries)?;
    for (entry, place) in entries.iter().zip(places) {
        let standing = standing_of(change, destination.dedupe, entry)?;
        let inbox_row = insert_inbox(change, destination, entry, place, &standing)?;
        let (variant, conflict) = match standing {
            Standing::Replay { of, .. } => {
                progress::tell_replay(change, of, inbox_row, destination.now)?;
                continue;
            }
            Standing::New { variant } => (variant, false),
            Standing::Conflict { variant } => (variant, true),
        };
        insert_key(change, entry, variant, inbox_row)?;
        insert_moves(change, destination, entry, inbox_row)?;
        let exception = match (&entry.exception, conflict) {
            (Some((class, reason)), _) => Some((*class, reason.as_str())),
            (None, true) => Some((
                ExceptionClass::Conflict,
                "another event with the same natural key and other content came first",
            )),
            (None, false) => None,
        };
        let class = exception.map(|(class, _)| class);
        let difference = count(change, &mut days, entry, inbox_row, class)?;
        match exception {
            None => insert_deliveries(&mut lanes, entry, inbox_row, destination.now)?,
            Some((class, reason)) => {
                insert_exceptions(change, &mut lanes, entry, inbox_row, (class, reason))?;
            }
        }
        if let Some(difference) = difference {
            insert_z_review(change, &mut lanes, inbox_row, difference)?;
        }
    }
    books::save(change, destination.store, days)?;
    lanes.finish()
}

/// Adds an entry to its register's day. What is in conflict waits for a person, and what is an
/// exception for another reason is none of the store's.
fn count(
    change: &Change<'_>,
    days: &mut OpenDays,
    entry: &BatchEntry,
    inbox_row: i64,
    exception: Option<ExceptionClass>,
) -> Result<Option<ZDifference>, Fault> {
    match (&entry.figures, exception) {
        (Some(addition), None) => Ok(days.take(addition, None).z_difference),
        (Some(addition), Some(ExceptionClass::Conflict)) => {
            let session = days.wait(addition);
            books::keep_waiting(change, inbox_row, session, addition)?;
            Ok(None)
        }
        _ => Ok(None),
    }
}

fn standing_of(change: &Change<'_>, dedupe: Dedupe, entry: &BatchEntry) -> Result<Standing, Fault> {
    if dedupe == Dedupe::Off {
        return Ok(Standing::New { variant: 0 });
    }
    let mut select = change.connection.prepare_cached(
        "SELECT variant, content_hash, inbox_row FROM natural_keys
         WHERE natural_key = ?1 ORDER BY variant",
    )?;
    let mut rows = select.query([&entry.natural_key])?;
    let (mut is_taken, mut last) = (false, 0);
    while let Some(row) = rows.next()? {
        let variant: i64 = row.get(0)?;
        if bytes::<32>(row, 1)? == entry.content_hash {
            return Ok(Standing::Replay { of: row.get(2)?, variant });
        }
        is_taken |= variant == 0;
        last = variant;
    }
    // Where the agent knows an earlier event with this key, that one is still to come: the key
    // is kept for it.
    let is_flagged = matches!(entry.exception, Some((ExceptionClass::Conflict, _)));
    Ok(match is_taken || is_flagged {
        true => Standing::Conflict { variant: last + 1 },
        false => Standing::New { variant: 0 },
    })
}

fn insert_inbox(
    change: &Change<'_>,
    destination: &Destination<'_>,
    entry: &BatchEntry,
    place: [i64; 3],
    standing: &Standing,
) -> Result<i64, Fault> {
    let (variant, replay_of) = match standing {
        Standing::New { variant } | Standing::Conflict { variant } => (*variant, None),
        Standing::Replay { of, variant } => (*variant, Some(*of)),
    };
    let sequence = signed(entry.position.sequence.0)?;
    if destination.dedupe == Dedupe::Off
        && let Some(row) = change
            .connection
            .prepare_cached("SELECT inbox_row FROM inbox WHERE epoch_row = ?1 AND sequence = ?2")?
            .query_row([destination.epoch_row, sequence], |row| row.get(0))
            .optional()?
    {
        return Ok(row);
    }
    Ok(change
        .connection
        .prepare_cached(
            "INSERT INTO inbox (epoch_row, sequence, chain_hash, page_row, page_offset,
               record_bytes, event_id, natural_key, variant, replay_of, occurred_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?
        .insert(params![
            destination.epoch_row,
            sequence,
            entry.position.chain_hash.as_bytes(),
            place[0],
            place[1],
            place[2],
            entry.event_id.0.as_bytes(),
            entry.natural_key,
            variant,
            replay_of,
            micros(entry.occurred_at)
        ])?)
}

fn insert_key(
    change: &Change<'_>,
    entry: &BatchEntry,
    variant: i64,
    inbox_row: i64,
) -> Result<(), Fault> {
    change
        .connection
        .prepare_cached(
            "INSERT INTO natural_keys (natural_key, variant, content_hash, inbox_row)
             VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
        )?
        .execute(params![entry.natural_key, variant, entry.content_hash.as_bytes(), inbox_row])?;
    Ok(())
}

fn insert_moves(
    change: &Change<'_>,
    destination: &Destination<'_>,
    entry: &BatchEntry,
    inbox_row: i64,
) -> Result<(), Fault> {
    let Some(last) = entry.moves.iter().map(|movement| movement.occurred_at).max() else {
        return Ok(());
    };
    change
        .connection
        .prepare_cached(
            "INSERT INTO moves (store, occurred_at, inbox_row, movements)
             VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            destination.store.as_str(),
            micros(last),
            inbox_row,
            to_json(&entry.moves)?
        ])?;
    Ok(())
}

fn insert_deliveries(
    lanes: &mut LaneWriter<'_, '_>,
    entry: &BatchEntry,
    inbox_row: i64,
    now: Timestamp,
) -> Result<(), Fault> {
    for (target, planned) in &entry.deliveries {
        let state = state_columns(&first_state(entry, target, planned, now))?;
        lanes.add(target, planned, inbox_row, &state)?;
    }
    Ok(())
}

/// A Z that differs from its receipts: they post, and a person looks at it.
fn insert_z_review(
    change: &Change<'_>,
    lanes: &mut LaneWriter<'_, '_>,
    inbox_row: i64,
    ZDifference { reason, amount }: ZDifference,
) -> Result<(), Fault> {
    let (class, since) = (ExceptionClass::ZDifference, lanes.now());
    let columns = state_columns(&DeliveryState::Exception { class, reason, since })?;
    let relay = TargetId::new(RELAY_TARGET).expect("the name is a valid identifier");
    lanes.add(&relay, &z_review(amount), inbox_row, &columns)?;
    progress::tell_current(change, inbox_row, &relay, since)
}

/// One exception a planned delivery; if the event calls for none, still one that can be seen.
fn insert_exceptions(
    change: &Change<'_>,
    lanes: &mut LaneWriter<'_, '_>,
    entry: &BatchEntry,
    inbox_row: i64,
    (class, reason): (ExceptionClass, &str),
) -> Result<(), Fault> {
    let since = lanes.now();
    let state = DeliveryState::Exception { class, reason: reason.to_owned(), since };
    let columns = state_columns(&state)?;
    let relay = TargetId::new(RELAY_TARGET).expect("the name is a valid identifier");
    let mut targets = BTreeSet::new();
    for (target, planned) in &entry.deliveries {
        lanes.add(target, planned, inbox_row, &columns)?;
        targets.insert(target);
    }
    if targets.is_empty() {
        lanes.add(&relay, &review(), inbox_row, &columns)?;
        targets.insert(&relay);
    }
    for target in targets {
        progress::tell_current(change, inbox_row, target, since)?;
    }
    Ok(())
}
