//! What is known when a statement arrives, and what it led to.
//!
//! Does not judge: `protocol::handshake::judge` does.

use protocol::chain::{ChainHash, Epoch, GENESIS, Position, Sequence};
use protocol::handshake::judge::{Evidence, SUPERSEDED_MAX, SessionRow};
use protocol::handshake::{HoldReason, InstanceId, Predecessor, Statement};
use protocol::id::{DeviceId, StoreId};
use tokio_postgres::Row;

use super::codec::{
    Fault, bytes, json, micros, signed, text, to_json, unknown, unsigned, value, wrong_state,
};
use super::days::Day;
use super::transaction::Transaction;
use super::{copies, devices, holding};
use crate::store::model::{DeviceState, SessionChange};

/// An epoch's row.
#[derive(Debug, Clone)]
pub(super) struct EpochRow {
    pub(super) store: StoreId,
    pub(super) epoch_row: i64,
    /// Whether its entries may go into inbox and outbox.
    pub(super) begun: bool,
    pub(super) head: Position,
}

/// An epoch from the columns `epoch_row`, `begun`, `head_sequence`, `head_hash`.
pub(super) fn epoch_of(store: &StoreId, row: &Row) -> Result<EpochRow, Fault> {
    let head = Position { sequence: Sequence(unsigned(row, 2)?), chain_hash: bytes(row, 3)? };
    Ok(EpochRow { store: store.clone(), epoch_row: value(row, 0)?, begun: value(row, 1)?, head })
}

/// An epoch of a device.
pub(super) async fn epoch_row(
    on: &Transaction<'_>,
    store: &StoreId,
    device: &DeviceId,
    epoch: Epoch,
) -> Result<Option<EpochRow>, Fault> {
    let query = "SELECT epoch_row, begun, head_sequence, head_hash FROM epochs
                 WHERE store_id = $1 AND device = $2 AND epoch = $3";
    let key = epoch.as_bytes().as_slice();
    let found = on.row(query, &[&store.as_str(), &device.as_str(), &key]).await?;
    found.as_ref().map(|row| epoch_of(store, row)).transpose()
}

/// An epoch that was begun, of a device that has to exist.
pub(super) async fn begun(
    on: &Transaction<'_>,
    device: &DeviceId,
    epoch: Epoch,
) -> Result<Option<EpochRow>, Fault> {
    let store = on.store_of(device).await?;
    Ok(epoch_row(on, &store, device, epoch).await?.filter(|row| row.begun))
}

/// Where an entry stands: the number of its row and its chain hash.
pub(super) async fn entry_at(
    on: &Transaction<'_>,
    epoch: &EpochRow,
    sequence: Sequence,
) -> Result<Option<(i64, ChainHash)>, Fault> {
    let Ok(sequence) = signed(sequence.0) else { return Ok(None) };
    let store = epoch.store.as_str();
    let query = "SELECT day FROM stretches
                 WHERE store_id = $1 AND epoch_row = $2 AND first_sequence <= $3
                 ORDER BY first_sequence DESC LIMIT 1";
    let Some(found) = on.row(query, &[&store, &epoch.epoch_row, &sequence]).await? else {
        return Ok(None);
    };
    let day = Day(value(&found, 0)?);
    let query = "SELECT inbox_row, chain_hash FROM inbox
                 WHERE store_id = $1 AND epoch_row = $2 AND sequence = $3
                   AND inbox_row >= $4 AND inbox_row < $5";
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 5] =
        [&store, &epoch.epoch_row, &sequence, &day.begin(), &day.end()];
    let found = on.row(query, &values).await?;
    found.map(|row| Ok((value(&row, 0)?, bytes(&row, 1)?))).transpose()
}

/// The chain hash at a position of an epoch; zeros before its first entry.
pub(super) async fn hash_at(
    on: &Transaction<'_>,
    epoch: &EpochRow,
    sequence: Sequence,
) -> Result<Option<ChainHash>, Fault> {
    if sequence == Sequence::NONE {
        return Ok(Some(GENESIS));
    }
    Ok(entry_at(on, epoch, sequence).await?.map(|(_, hash)| hash))
}

/// The head of an epoch that was begun.
pub(super) async fn head(
    on: &Transaction<'_>,
    device: &DeviceId,
    epoch: Epoch,
) -> Result<Option<Position>, Fault> {
    Ok(begun(on, device, epoch).await?.map(|row| row.head))
}

/// The chain hash of one entry.
pub(super) async fn chain_hash(
    on: &Transaction<'_>,
    device: &DeviceId,
    epoch: Epoch,
    sequence: Sequence,
) -> Result<Option<ChainHash>, Fault> {
    match begun(on, device, epoch).await? {
        Some(row) => hash_at(on, &row, sequence).await,
        None => Ok(None),
    }
}

pub(super) async fn evidence(
    on: &Transaction<'_>,
    statement: &Statement,
) -> Result<Evidence, Fault> {
    let device = &statement.device;
    let store = on.store_of(device).await?;
    let stated = epoch_row(on, &store, device, statement.epoch).await?;
    let aside = match &stated {
        Some(stated) => aside(on, stated, statement).await?,
        None => None,
    };
    let row = stated.filter(|row| row.begun);
    let (mut at_head, mut at_mark) = (None, None);
    if let Some(row) = &row {
        at_head = hash_at(on, row, statement.head.sequence).await?;
        at_mark = hash_at(on, row, statement.acknowledged.sequence).await?;
    }
    let (mut predecessor_known, mut hash_at_predecessor) = (false, None);
    if let Some(predecessor) = &statement.predecessor
        && let Some(row) = begun(on, device, predecessor.epoch).await?
    {
        predecessor_known = true;
        hash_at_predecessor = hash_at(on, &row, predecessor.head.sequence).await?;
    }
    let query = "SELECT 1 FROM epochs WHERE store_id = $1 AND device = $2 AND begun LIMIT 1";
    let device_has_epochs = on.row(query, &[&store.as_str(), &device.as_str()]).await?.is_some();
    Ok(Evidence {
        head: row.map(|row| row.head),
        hash_at_stated_head: at_head,
        hash_at_stated_mark: at_mark,
        predecessor_known,
        hash_at_predecessor,
        succeeded: is_succeeded(on, &store, device, statement.epoch).await?,
        aside,
        copies: copies::rows(on, &store, device).await?,
        device_has_epochs,
        current: session(on, &store, device, "current").await?,
        superseded: superseded(on, &store, device).await?,
        challenge: session(on, &store, device, "challenge").await?,
    })
}

/// Whether an epoch that has begun names this one as its predecessor.
async fn is_succeeded(
    on: &Transaction<'_>,
    store: &StoreId,
    device: &DeviceId,
    epoch: Epoch,
) -> Result<bool, Fault> {
    let query = "SELECT predecessor FROM epochs
                 WHERE store_id = $1 AND device = $2 AND begun AND predecessor IS NOT NULL";
    for row in on.rows(query, &[&store.as_str(), &device.as_str()]).await? {
        if json::<Predecessor>(&row, 0)?.epoch == epoch {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Of what an agent states, what is kept aside of it.
async fn aside(
    on: &Transaction<'_>,
    epoch: &EpochRow,
    statement: &Statement,
) -> Result<Option<Position>, Fault> {
    for position in std::iter::once(statement.head).chain(statement.aside) {
        if holding::is_aside(on, epoch, position).await? {
            return Ok(Some(position));
        }
    }
    Ok(None)
}

async fn session(
    on: &Transaction<'_>,
    store: &StoreId,
    device: &DeviceId,
    role: &str,
) -> Result<Option<SessionRow>, Fault> {
    let query = "SELECT ticket, instance, attempt FROM sessions
                 WHERE store_id = $1 AND device = $2 AND role = $3";
    let found = on.row(query, &[&store.as_str(), &device.as_str(), &role]).await?;
    let session = |row: &Row| {
        Ok(SessionRow {
            ticket: bytes(row, 0)?,
            instance: bytes(row, 1)?,
            attempt: unsigned(row, 2)?,
        })
    };
    found.as_ref().map(session).transpose()
}

async fn superseded(
    on: &Transaction<'_>,
    store: &StoreId,
    device: &DeviceId,
) -> Result<Vec<InstanceId>, Fault> {
    let query = "SELECT instance FROM superseded WHERE store_id = $1 AND device = $2
                 ORDER BY number";
    let found = on.rows(query, &[&store.as_str(), &device.as_str()]).await?;
    found.iter().map(|row| bytes(row, 0)).collect()
}

pub(super) async fn record(on: &Transaction<'_>, session: &SessionChange) -> Result<(), Fault> {
    let store = on.lock_device(&session.device).await?;
    let found = devices::device(on, &session.device).await?;
    let device = found.ok_or_else(|| unknown("device", &session.device))?;
    if let DeviceState::Revoked { .. } = device.state {
        return Err(wrong_state("device", &session.device, "revoked"));
    }
    on.run(
        "UPDATE devices SET agent_version = $3, seen_at = $4
         WHERE store_id = $1 AND device = $2",
        &[
            &store.as_str(),
            &session.device.as_str(),
            &text(&session.agent_version),
            &micros(session.now),
        ],
    )
    .await?;
    if let Some(reason) = session.hold {
        add_epoch(on, &store, session, false).await?;
        hold(on, session, device.state, reason).await?;
    }
    if session.begin.is_some() {
        add_epoch(on, &store, session, true).await?;
    }
    if let Some(row) = session.current {
        supersede(on, &store, &session.device, row).await?;
        put_session(on, &store, session, "current", row).await?;
        devices::activate(on, &store, &session.device).await?;
        copies::forget_held(on, &store, &session.device).await?;
        holding::release_device(on, &store, &session.device, session.now).await?;
    }
    if let Some(copy) = &session.copy {
        copies::put(on, &store, &session.device, copy).await?;
    }
    if let Some(row) = session.challenge {
        put_session(on, &store, session, "challenge", row).await?;
    }
    Ok(())
}

/// A hold that lasts keeps its beginning, unless what is behind it turns out to be worse.
async fn hold(
    on: &Transaction<'_>,
    session: &SessionChange,
    state: DeviceState,
    reason: HoldReason,
) -> Result<(), Fault> {
    match state {
        DeviceState::Held { reason: known, .. }
            if known == reason || known != HoldReason::Behind =>
        {
            Ok(())
        }
        _ => devices::hold(on, &session.device, reason, session.now).await,
    }
}

async fn add_epoch(
    on: &Transaction<'_>,
    store: &StoreId,
    session: &SessionChange,
    begun: bool,
) -> Result<(), Fault> {
    let predecessor = match &session.begin {
        Some(Some(predecessor)) => Some(to_json(predecessor)?),
        _ => None,
    };
    on.run(
        "INSERT INTO epochs
           (store_id, device, epoch, begun, head_sequence, head_hash, predecessor, begun_at)
         VALUES ($1, $2, $3, $4, 0, $5, $6, $7)
         ON CONFLICT (store_id, device, epoch)
         DO UPDATE SET begun = epochs.begun OR excluded.begun,
                       predecessor = coalesce(epochs.predecessor, excluded.predecessor)",
        &[
            &store.as_str(),
            &session.device.as_str(),
            &session.epoch.as_bytes().as_slice(),
            &begun,
            &GENESIS.as_bytes().as_slice(),
            &predecessor,
            &micros(session.now),
        ],
    )
    .await?;
    Ok(())
}

async fn supersede(
    on: &Transaction<'_>,
    store: &StoreId,
    device: &DeviceId,
    next: SessionRow,
) -> Result<(), Fault> {
    let former = session(on, store, device, "current").await?;
    let Some(former) = former.filter(|former| former.instance != next.instance) else {
        return Ok(());
    };
    let (store, device) = (store.as_str(), device.as_str());
    let inserted = on
        .row(
            "INSERT INTO superseded (store_id, device, number, instance)
             SELECT $1, $2, coalesce(max(number), 0) + 1, $3 FROM superseded
             WHERE store_id = $1 AND device = $2
             RETURNING number",
            &[&store, &device, &former.instance.as_bytes().as_slice()],
        )
        .await?;
    let number: i64 = inserted.map_or(Ok(0), |row| value(&row, 0))?;
    let oldest = number.saturating_sub(signed(SUPERSEDED_MAX)?);
    on.run(
        "DELETE FROM superseded WHERE store_id = $1 AND device = $2 AND number <= $3",
        &[&store, &device, &oldest],
    )
    .await?;
    Ok(())
}

async fn put_session(
    on: &Transaction<'_>,
    store: &StoreId,
    session: &SessionChange,
    role: &str,
    row: SessionRow,
) -> Result<(), Fault> {
    on.run(
        "INSERT INTO sessions (store_id, device, role, epoch, ticket, instance, attempt)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (store_id, device, role)
         DO UPDATE SET epoch = excluded.epoch, ticket = excluded.ticket,
                       instance = excluded.instance, attempt = excluded.attempt",
        &[
            &store.as_str(),
            &session.device.as_str(),
            &role,
            &session.epoch.as_bytes().as_slice(),
            &row.ticket.as_bytes().as_slice(),
            &row.instance.as_bytes().as_slice(),
            &signed(row.attempt)?,
        ],
    )
    .await?;
    Ok(())
}
