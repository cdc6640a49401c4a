//! The hosts that speak under one identity: what is known of each, and a person's word about them.
//!
//! A host is known by its start of the program and, after a restart, by the last ticket it was
//! issued. Does not judge whether two are alive: `protocol::handshake::judge` and
//! `ingest::session` do.

use jiff::Timestamp;
use protocol::chain::{Position, Sequence};
use protocol::handshake::InstanceId;
use protocol::handshake::judge::{CopyRow, CopyState};
use protocol::id::{DeviceId, StoreId};
use tokio_postgres::Row;

use super::codec::{
    Fault, bytes, json, micros, signed, time, time_option, unknown, unsigned, value, wrong_state,
};
use super::sessions::EpochRow;
use super::transaction::Transaction;
use super::{devices, holding};
use crate::store::copies::{NOT_THE_CONTINUATION, SEVERAL};
use crate::store::model::{
    Batch, COPIES_MAX, CopyView, DeviceState, DeviceStory, EpochView, HeldCopy,
};

/// The copies of a device as the judgement sees them.
pub(super) async fn rows(
    on: &Transaction<'_>,
    store: &StoreId,
    device: &DeviceId,
) -> Result<Vec<CopyRow>, Fault> {
    let query = "SELECT instance, ticket, attempt, first_at, answered_at, seen_at, displaced,
                   shared_sequence, shared_hash
                 FROM copies WHERE store_id = $1 AND device = $2 ORDER BY first_at, instance";
    let found = on.rows(query, &[&store.as_str(), &device.as_str()]).await?;
    found.iter().map(row_of).collect()
}

fn row_of(row: &Row) -> Result<CopyRow, Fault> {
    let shared = match value::<Option<i64>>(row, 7)? {
        None => None,
        Some(_) => {
            Some(Position { sequence: Sequence(unsigned(row, 7)?), chain_hash: bytes(row, 8)? })
        }
    };
    let state = match value(row, 6)? {
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
pub(super) async fn put(
    on: &Transaction<'_>,
    store: &StoreId,
    device: &DeviceId,
    copy: &HeldCopy,
) -> Result<(), Fault> {
    let HeldCopy { row, replaces, epoch, head } = copy;
    for instance in replaces.iter().chain([&row.instance]) {
        forget(on, store, device, *instance).await?;
    }
    let (displaced, shared) = match row.state {
        CopyState::Held => (false, None),
        CopyState::Displaced { shared } => (true, shared),
    };
    let (store, device) = (store.as_str(), device.as_str());
    on.run(
        "INSERT INTO copies (store_id, device, instance, ticket, attempt, epoch, head_sequence,
           head_hash, first_at, answered_at, seen_at, displaced, shared_sequence, shared_hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        &[
            &store,
            &device,
            &row.instance.as_bytes().as_slice(),
            &row.ticket.as_bytes().as_slice(),
            &signed(row.attempt)?,
            &epoch.as_bytes().as_slice(),
            &signed(head.sequence.0)?,
            &head.chain_hash.as_bytes().as_slice(),
            &micros(row.first_at),
            &row.answered_at.map(micros),
            &micros(row.seen_at),
            &displaced,
            &shared.map(|shared| signed(shared.sequence.0)).transpose()?,
            &shared.map(|shared| shared.chain_hash.0.to_vec()),
        ],
    )
    .await?;
    // Of too many, the one that was silent for longest is no longer told apart.
    on.run(
        "DELETE FROM copies WHERE store_id = $1 AND device = $2 AND NOT displaced
           AND instance NOT IN
             (SELECT instance FROM copies WHERE store_id = $1 AND device = $2 AND NOT displaced
              ORDER BY seen_at DESC LIMIT $3)",
        &[&store, &device, &signed(COPIES_MAX)?],
    )
    .await?;
    Ok(())
}

async fn forget(
    on: &Transaction<'_>,
    store: &StoreId,
    device: &DeviceId,
    instance: InstanceId,
) -> Result<(), Fault> {
    on.run(
        "DELETE FROM copies WHERE store_id = $1 AND device = $2 AND instance = $3",
        &[&store.as_str(), &device.as_str(), &instance.as_bytes().as_slice()],
    )
    .await?;
    Ok(())
}

/// A hold has ended: those that were held are no longer of interest.
pub(super) async fn forget_held(
    on: &Transaction<'_>,
    store: &StoreId,
    device: &DeviceId,
) -> Result<(), Fault> {
    on.run(
        "DELETE FROM copies WHERE store_id = $1 AND device = $2 AND NOT displaced",
        &[&store.as_str(), &device.as_str()],
    )
    .await?;
    Ok(())
}

async fn views(
    on: &Transaction<'_>,
    store: &StoreId,
    device: &DeviceId,
) -> Result<Vec<CopyView>, Fault> {
    let query = "SELECT instance, epoch, head_sequence, head_hash, first_at, seen_at, displaced
                 FROM copies WHERE store_id = $1 AND device = $2 ORDER BY first_at, instance";
    let found = on.rows(query, &[&store.as_str(), &device.as_str()]).await?;
    let view = |row: &Row| {
        let head = Position { sequence: Sequence(unsigned(row, 2)?), chain_hash: bytes(row, 3)? };
        Ok(CopyView {
            instance: bytes(row, 0)?,
            epoch: bytes(row, 1)?,
            head,
            first_at: time(row, 4)?,
            seen_at: time(row, 5)?,
            displaced: value(row, 6)?,
        })
    };
    found.iter().map(view).collect()
}

/// A device with its journals and copies.
pub(super) async fn story(
    on: &Transaction<'_>,
    device: &DeviceId,
) -> Result<Option<DeviceStory>, Fault> {
    let Some(found) = devices::device(on, device).await? else { return Ok(None) };
    let store = found.store.clone();
    let query = "SELECT epoch, begun, head_sequence, head_hash, predecessor, begun_at,
                   (SELECT count(*) FROM holding h
                    WHERE h.store_id = e.store_id AND h.epoch_row = e.epoch_row)
                 FROM epochs e WHERE store_id = $1 AND device = $2 ORDER BY epoch_row";
    let epoch = |row: &Row| {
        let head = Position { sequence: Sequence(unsigned(row, 2)?), chain_hash: bytes(row, 3)? };
        let predecessor = match value::<Option<&str>>(row, 4)? {
            None => None,
            Some(_) => Some(json(row, 4)?),
        };
        Ok(EpochView {
            epoch: bytes(row, 0)?,
            begun: value(row, 1)?,
            head,
            predecessor,
            aside: unsigned(row, 6)?,
            begun_at: time(row, 5)?,
        })
    };
    let epochs = on.rows(query, &[&store.as_str(), &device.as_str()]).await?;
    let epochs = epochs.iter().map(epoch).collect::<Result<_, Fault>>()?;
    let copies = views(on, &store, device).await?;
    Ok(Some(DeviceStory { device: found, epochs, copies }))
}

/// Releases a device to one of its copies. Tickets and superseded instances are forgotten, because
/// they belong to the histories that a person has just judged.
pub(super) async fn release(
    on: &Transaction<'_>,
    device_id: &DeviceId,
    keep: Option<InstanceId>,
    now: Timestamp,
) -> Result<(), Fault> {
    let store = on.lock_device(device_id).await?;
    let found = devices::device(on, device_id).await?;
    match found.ok_or_else(|| unknown("device", device_id))?.state {
        DeviceState::Held { .. } => {}
        DeviceState::Active => return Err(wrong_state("device", device_id, "not held")),
        DeviceState::Revoked { .. } => return Err(wrong_state("device", device_id, "revoked")),
    }
    let all = views(on, &store, device_id).await?;
    let held: Vec<_> = all.into_iter().filter(|copy| !copy.displaced).collect();
    let kept = match (keep, held.as_slice()) {
        (Some(keep), held) => Some(
            held.iter().find(|copy| copy.instance == keep).ok_or_else(|| unknown("copy", &keep))?,
        ),
        (None, []) => None,
        (None, [only]) => Some(only),
        (None, _) => return Err(wrong_state("device", device_id, SEVERAL)),
    };
    for statement in [
        "DELETE FROM sessions WHERE store_id = $1 AND device = $2",
        "DELETE FROM superseded WHERE store_id = $1 AND device = $2",
    ] {
        on.run(statement, &[&store.as_str(), &device_id.as_str()]).await?;
    }
    match kept {
        None => {
            let begin = "UPDATE epochs SET begun = true WHERE store_id = $1 AND device = $2";
            on.run(begin, &[&store.as_str(), &device_id.as_str()]).await?;
            holding::release_device(on, &store, device_id, now).await?;
        }
        Some(kept) => {
            let branch = holding::Branch { epoch: kept.epoch, head: kept.head };
            let goes_on = holding::release_branch(on, &store, device_id, &branch, now).await?;
            let shared = holding::shared_with(on, &store, device_id, &branch).await?;
            match (goes_on, keep, shared) {
                (Some(()), _, _) => forget(on, &store, device_id, kept.instance).await?,
                // Nobody else speaks any more: this host gets a name of its own.
                (None, None, Some(_)) => {
                    displace(on, &store, device_id, kept.instance, &branch).await?;
                }
                (None, _, _) => {
                    return Err(wrong_state("copy", &kept.instance, NOT_THE_CONTINUATION));
                }
            }
        }
    }
    for other in held.iter().filter(|copy| Some(copy.instance) != kept.map(|kept| kept.instance)) {
        let branch = holding::Branch { epoch: other.epoch, head: other.head };
        displace(on, &store, device_id, other.instance, &branch).await?;
    }
    devices::activate(on, &store, device_id).await
}

async fn displace(
    on: &Transaction<'_>,
    store: &StoreId,
    device: &DeviceId,
    instance: InstanceId,
    branch: &holding::Branch,
) -> Result<(), Fault> {
    let shared = holding::shared_with(on, store, device, branch).await?;
    on.run(
        "UPDATE copies SET displaced = true, shared_sequence = $4, shared_hash = $5
         WHERE store_id = $1 AND device = $2 AND instance = $3",
        &[
            &store.as_str(),
            &device.as_str(),
            &instance.as_bytes().as_slice(),
            &shared.map(|shared| signed(shared.sequence.0)).transpose()?,
            &shared.map(|shared| shared.chain_hash.0.to_vec()),
        ],
    )
    .await?;
    Ok(())
}

/// Whether a batch goes on with the history of a copy that lost the identity and has not heard of
/// it yet: what a person has judged is no new fork.
pub(super) async fn is_of_displaced(
    on: &Transaction<'_>,
    epoch: &EpochRow,
    batch: &Batch,
) -> Result<bool, Fault> {
    let query = "SELECT shared_sequence, shared_hash FROM copies
                 WHERE store_id = $1 AND device = $2 AND epoch = $3 AND displaced
                   AND shared_sequence IS NOT NULL";
    let key = batch.epoch.as_bytes().as_slice();
    let found = on.rows(query, &[&epoch.store.as_str(), &batch.device.as_str(), &key]).await?;
    let position = |row: &Row| {
        Ok(Position { sequence: Sequence(unsigned(row, 0)?), chain_hash: bytes(row, 1)? })
    };
    let shared: Vec<Position> = found.iter().map(position).collect::<Result<_, Fault>>()?;
    if shared.is_empty() {
        return Ok(false);
    }
    let mut positions =
        std::iter::once(batch.before).chain(batch.entries.iter().map(|entry| entry.position));
    Ok(positions.any(|position| shared.contains(&position))
        || holding::is_aside(on, epoch, batch.before).await?)
}
