//! What is known when a statement arrives, and what it led to.
//!
//! Does not judge: `protocol::handshake::judge` does.

use protocol::bytes::Bytes;
use protocol::chain::{ChainHash, Epoch, GENESIS, Position, Sequence};
use protocol::handshake::judge::{Evidence, SUPERSEDED_MAX, SessionRow};
use protocol::handshake::{HoldReason, InstanceId, Predecessor, Statement};
use protocol::id::DeviceId;
use rusqlite::{Connection, OptionalExtension, params};

use super::codec::{Fault, bytes, json, micros, signed, to_json, unknown, unsigned, wrong_state};
use super::writer::Change;
use super::{copies, devices, holding};
use crate::store::model::{DeviceState, SessionChange};

/// An epoch's row.
#[derive(Debug, Clone, Copy)]
pub(super) struct EpochRow {
    pub(super) epoch_row: i64,
    /// Whether its entries may go into inbox and outbox.
    pub(super) begun: bool,
    pub(super) head: Position,
}

/// An epoch of a device.
pub(super) fn epoch_row(
    connection: &Connection,
    device_row: i64,
    epoch: Epoch,
) -> Result<Option<EpochRow>, Fault> {
    Ok(connection
        .prepare_cached(
            "SELECT epoch_row, begun, head_sequence, head_hash FROM epochs
             WHERE device_row = ?1 AND epoch = ?2",
        )?
        .query_row(params![device_row, epoch.as_bytes()], |row| {
            let head =
                Position { sequence: Sequence(unsigned(row, 2)?), chain_hash: bytes(row, 3)? };
            Ok(EpochRow { epoch_row: row.get(0)?, begun: row.get(1)?, head })
        })
        .optional()?)
}

/// The head of an epoch that was begun.
pub(super) fn head(
    connection: &Connection,
    device: &DeviceId,
    epoch: Epoch,
) -> Result<Option<Position>, Fault> {
    let device_row = devices::device_row(connection, device)?;
    let row = epoch_row(connection, device_row, epoch)?;
    Ok(row.filter(|row| row.begun).map(|row| row.head))
}

/// The chain hash at a position of an epoch that was begun; zeros before its first entry.
pub(super) fn hash_at(
    connection: &Connection,
    epoch_row: i64,
    sequence: Sequence,
) -> Result<Option<ChainHash>, Fault> {
    if sequence == Sequence::NONE {
        return Ok(Some(GENESIS));
    }
    let Ok(sequence) = signed(sequence.0) else { return Ok(None) };
    Ok(connection
        .prepare_cached("SELECT chain_hash FROM inbox WHERE epoch_row = ?1 AND sequence = ?2")?
        .query_row([epoch_row, sequence], |row| bytes(row, 0))
        .optional()?)
}

/// The chain hash of one entry.
pub(super) fn chain_hash(
    connection: &Connection,
    device: &DeviceId,
    epoch: Epoch,
    sequence: Sequence,
) -> Result<Option<ChainHash>, Fault> {
    let device_row = devices::device_row(connection, device)?;
    match epoch_row(connection, device_row, epoch)?.filter(|row| row.begun) {
        Some(row) => hash_at(connection, row.epoch_row, sequence),
        None => Ok(None),
    }
}

pub(super) fn evidence(connection: &Connection, statement: &Statement) -> Result<Evidence, Fault> {
    let device_row = devices::device_row(connection, &statement.device)?;
    let begun = |epoch| -> Result<Option<EpochRow>, Fault> {
        Ok(epoch_row(connection, device_row, epoch)?.filter(|row| row.begun))
    };
    let stated = epoch_row(connection, device_row, statement.epoch)?;
    let row = stated.filter(|row| row.begun);
    let own = |sequence| match row {
        Some(row) => hash_at(connection, row.epoch_row, sequence),
        None => Ok(None),
    };
    let predecessor = match &statement.predecessor {
        Some(predecessor) => begun(predecessor.epoch)?.map(|row| (row, predecessor.head)),
        None => None,
    };
    let hash_at_predecessor = match predecessor {
        Some((row, head)) => hash_at(connection, row.epoch_row, head.sequence)?,
        None => None,
    };
    Ok(Evidence {
        head: row.map(|row| row.head),
        hash_at_stated_head: own(statement.head.sequence)?,
        hash_at_stated_mark: own(statement.acknowledged.sequence)?,
        predecessor_known: predecessor.is_some(),
        hash_at_predecessor,
        succeeded: is_succeeded(connection, device_row, statement.epoch)?,
        aside: match stated {
            Some(stated) => aside(connection, stated, statement)?,
            None => None,
        },
        copies: copies::rows(connection, device_row)?,
        device_has_epochs: connection
            .prepare_cached("SELECT 1 FROM epochs WHERE device_row = ?1 AND begun = 1 LIMIT 1")?
            .exists([device_row])?,
        current: session(connection, device_row, "current")?,
        superseded: superseded(connection, device_row)?,
        challenge: session(connection, device_row, "challenge")?,
    })
}

/// Whether an epoch that has begun names this one as its predecessor.
fn is_succeeded(connection: &Connection, device_row: i64, epoch: Epoch) -> Result<bool, Fault> {
    let mut select = connection.prepare_cached(
        "SELECT predecessor FROM epochs
         WHERE device_row = ?1 AND begun = 1 AND predecessor IS NOT NULL",
    )?;
    let named = select.query_map([device_row], |row| json::<Predecessor>(row, 0))?;
    let named: Vec<Predecessor> = named.collect::<Result<_, _>>()?;
    Ok(named.iter().any(|predecessor| predecessor.epoch == epoch))
}

/// Of what an agent states, what is kept aside of it.
fn aside(
    connection: &Connection,
    epoch: EpochRow,
    statement: &Statement,
) -> Result<Option<Position>, Fault> {
    for position in std::iter::once(statement.head).chain(statement.aside) {
        if holding::is_aside(connection, epoch.epoch_row, position)? {
            return Ok(Some(position));
        }
    }
    Ok(None)
}

fn session(
    connection: &Connection,
    device_row: i64,
    role: &str,
) -> Result<Option<SessionRow>, Fault> {
    Ok(connection
        .prepare_cached(
            "SELECT ticket, instance, attempt FROM sessions WHERE device_row = ?1 AND role = ?2",
        )?
        .query_row(params![device_row, role], |row| {
            Ok(SessionRow {
                ticket: bytes(row, 0)?,
                instance: bytes(row, 1)?,
                attempt: unsigned(row, 2)?,
            })
        })
        .optional()?)
}

fn superseded(connection: &Connection, device_row: i64) -> Result<Vec<InstanceId>, Fault> {
    let mut select = connection
        .prepare_cached("SELECT instance FROM superseded WHERE device_row = ?1 ORDER BY number")?;
    let rows = select.query_map([device_row], |row| bytes(row, 0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn record(change: &Change<'_>, session: &SessionChange) -> Result<(), Fault> {
    let connection = change.connection;
    let device = devices::device(connection, &session.device)?
        .ok_or_else(|| unknown("device", &session.device))?;
    if let DeviceState::Revoked { .. } = device.state {
        return Err(wrong_state("device", &session.device, "revoked"));
    }
    let device_row = devices::device_row(connection, &session.device)?;
    connection
        .prepare_cached(
            "UPDATE devices SET agent_version = ?2, seen_at = ?3 WHERE device_row = ?1",
        )?
        .execute(params![device_row, session.agent_version, micros(session.now)])?;
    if let Some(reason) = session.hold {
        add_epoch(change, device_row, session, false)?;
        hold(change, session, device.state, reason)?;
    }
    if session.begin.is_some() {
        add_epoch(change, device_row, session, true)?;
    }
    if let Some(row) = session.current {
        supersede(change, device_row, row)?;
        put_session(change, device_row, "current", session.epoch, row)?;
        devices::activate(change, device_row)?;
        copies::forget_held(change, device_row)?;
        holding::release_device(change, device_row, &device.store, session.now)?;
    }
    if let Some(copy) = &session.copy {
        copies::put(change, device_row, copy)?;
    }
    if let Some(row) = session.challenge {
        put_session(change, device_row, "challenge", session.epoch, row)?;
    }
    Ok(())
}

/// A hold that lasts keeps its beginning, unless what is behind it turns out to be worse.
fn hold(
    change: &Change<'_>,
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
        _ => devices::hold(change, &session.device, reason, session.now),
    }
}

fn add_epoch(
    change: &Change<'_>,
    device_row: i64,
    session: &SessionChange,
    begun: bool,
) -> Result<(), Fault> {
    let predecessor = match &session.begin {
        Some(Some(predecessor)) => Some(to_json(predecessor)?),
        _ => None,
    };
    change.connection.execute(
        "INSERT INTO epochs
           (device_row, epoch, begun, head_sequence, head_hash, predecessor, begun_at)
         VALUES (?1, ?2, ?3, 0, ?4, ?5, ?6)
         ON CONFLICT (device_row, epoch)
         DO UPDATE SET begun = max(begun, excluded.begun),
                       predecessor = coalesce(predecessor, excluded.predecessor)",
        params![
            device_row,
            session.epoch.as_bytes(),
            begun,
            GENESIS.as_bytes(),
            predecessor,
            micros(session.now)
        ],
    )?;
    Ok(())
}

fn supersede(change: &Change<'_>, device_row: i64, next: SessionRow) -> Result<(), Fault> {
    let connection = change.connection;
    let former = session(connection, device_row, "current")?;
    let Some(former) = former.filter(|former| former.instance != next.instance) else {
        return Ok(());
    };
    let number: i64 = connection
        .prepare_cached(
            "SELECT coalesce(max(number), 0) + 1 FROM superseded WHERE device_row = ?1",
        )?
        .query_row([device_row], |row| row.get(0))?;
    connection
        .prepare_cached(
            "INSERT INTO superseded (device_row, number, instance) VALUES (?1, ?2, ?3)",
        )?
        .execute(params![device_row, number, former.instance.as_bytes()])?;
    connection
        .prepare_cached("DELETE FROM superseded WHERE device_row = ?1 AND number <= ?2")?
        .execute([device_row, number.saturating_sub(signed(SUPERSEDED_MAX)?)])?;
    Ok(())
}

fn put_session(
    change: &Change<'_>,
    device_row: i64,
    role: &str,
    epoch: Epoch,
    row: SessionRow,
) -> Result<(), Fault> {
    let blob = |bytes: &Bytes<16>| bytes.as_bytes().to_vec();
    change
        .connection
        .prepare_cached(
            "INSERT OR REPLACE INTO sessions (device_row, role, epoch, ticket, instance, attempt)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            device_row,
            role,
            blob(&epoch),
            blob(&row.ticket),
            blob(&row.instance),
            signed(row.attempt)?
        ])?;
    Ok(())
}
