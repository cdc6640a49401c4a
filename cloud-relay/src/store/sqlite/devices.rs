//! Tokens and devices: who may send.
//!
//! Keeps hashes of tokens only. Does not check a signature and does not judge a statement.

use jiff::Timestamp;
use protocol::bytes::Bytes;
use protocol::handshake::HoldReason;
use protocol::id::{DeviceId, StoreId};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::codec::{
    Fault, bytes, micros, parsed, parsed_option, time, time_option, unknown, unsigned, wrong_state,
};
use super::writer::Change;
use crate::store::model::{Device, DeviceState, NewDevice, NewToken, Token};

pub(super) fn add_token(change: &Change<'_>, token: &NewToken) -> Result<(), Fault> {
    let added = change.connection.execute(
        "INSERT INTO tokens (label, hash, store, uses_left, created_at, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (label) DO NOTHING",
        params![
            token.label.as_str(),
            token.hash.as_bytes(),
            token.store.as_ref().map(StoreId::as_str),
            token.uses,
            micros(token.created_at),
            micros(token.expires_at)
        ],
    )?;
    if added == 0 {
        return Err(wrong_state("token", &token.label, "there already; choose another label"));
    }
    Ok(())
}

pub(super) fn tokens(connection: &Connection) -> Result<Vec<Token>, Fault> {
    let mut select = connection.prepare_cached(
        "SELECT label, store, uses_left, expires_at, revoked_at FROM tokens
         ORDER BY created_at DESC, label",
    )?;
    let rows = select.query_map([], |row| {
        Ok(Token {
            label: parsed(row, 0)?,
            store: parsed_option(row, 1)?,
            uses_left: row.get(2)?,
            expires_at: time(row, 3)?,
            revoked: row.get::<_, Option<i64>>(4)?.is_some(),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn revoke_token(change: &Change<'_>, label: &str, now: Timestamp) -> Result<(), Fault> {
    let revoked = change.connection.execute(
        "UPDATE tokens SET revoked_at = coalesce(revoked_at, ?2) WHERE label = ?1",
        params![label, micros(now)],
    )?;
    if revoked == 0 { Err(unknown("token", label)) } else { Ok(()) }
}

pub(super) fn enrol(change: &Change<'_>, new: &NewDevice) -> Result<Option<Device>, Fault> {
    if let Some(known) = enrolled_with(change.connection, new)? {
        return Ok(Some(known));
    }
    let now = micros(new.now);
    let used = change.connection.execute(
        "UPDATE tokens SET uses_left = uses_left - 1
         WHERE hash = ?1 AND uses_left > 0 AND expires_at > ?2 AND revoked_at IS NULL
           AND (store IS NULL OR store = ?3)",
        params![new.token_hash.as_bytes(), now, new.store.as_str()],
    )?;
    if used == 0 {
        return Ok(None);
    }
    change.connection.execute(
        "INSERT INTO devices (device, store, public_key, state, agent_version, enrolled_at)
         VALUES (?1, ?2, ?3, 'active', ?4, ?5)",
        params![
            new.device.as_str(),
            new.store.as_str(),
            new.public_key.as_bytes(),
            new.agent_version,
            now
        ],
    )?;
    device(change.connection, &new.device)
}

/// The device of a key that is known already: the answer to its first request was lost.
fn enrolled_with(connection: &Connection, new: &NewDevice) -> Result<Option<Device>, Fault> {
    let mut select = connection.prepare_cached(&format!(
        "SELECT {DEVICE_COLUMNS} FROM devices d WHERE public_key = ?1 AND store = ?2"
    ))?;
    let key = params![new.public_key.as_bytes(), new.store.as_str()];
    Ok(select.query_row(key, device_of).optional()?)
}

const DEVICE_COLUMNS: &str = "device, store, public_key, state, hold_reason, state_since,
    agent_version, enrolled_at, seen_at, level_at,
    (SELECT coalesce(sum(head_sequence), 0) FROM epochs e
     WHERE e.device_row = d.device_row AND begun = 1),
    (SELECT epoch FROM sessions s WHERE s.device_row = d.device_row AND role = 'current'),
    (SELECT ticket FROM sessions s WHERE s.device_row = d.device_row AND role = 'current')";

fn device_of(row: &Row<'_>) -> rusqlite::Result<Device> {
    Ok(Device {
        device: parsed(row, 0)?,
        store: parsed(row, 1)?,
        public_key: bytes(row, 2)?,
        state: state_of(row, 3)?,
        agent_version: row.get(6)?,
        enrolled_at: time(row, 7)?,
        seen_at: time_option(row, 8)?,
        level_at: time_option(row, 9)?,
        entries: unsigned(row, 10)?,
        epoch: bytes_option(row, 11)?,
        ticket: bytes_option(row, 12)?,
    })
}

fn bytes_option<const N: usize>(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<Bytes<N>>> {
    match row.get_ref(index)? {
        rusqlite::types::ValueRef::Null => Ok(None),
        _ => bytes(row, index).map(Some),
    }
}

/// A device's state from three columns: `state`, `hold_reason`, `state_since`.
pub(super) fn state_of(row: &Row<'_>, index: usize) -> rusqlite::Result<DeviceState> {
    let state: String = row.get(index)?;
    match state.as_str() {
        "active" => Ok(DeviceState::Active),
        "revoked" => Ok(DeviceState::Revoked { since: time(row, index + 2)? }),
        _ => {
            let word: String = row.get(index + 1)?;
            let reason =
                [HoldReason::Behind, HoldReason::Fork, HoldReason::Clone, HoldReason::UnknownEpoch]
                    .into_iter()
                    .find(|reason| reason.as_str() == word)
                    .ok_or_else(|| rusqlite::Error::InvalidColumnName(word))?;
            Ok(DeviceState::Held { reason, since: time(row, index + 2)? })
        }
    }
}

pub(super) fn device(connection: &Connection, device: &DeviceId) -> Result<Option<Device>, Fault> {
    Ok(connection
        .prepare_cached(&format!("SELECT {DEVICE_COLUMNS} FROM devices d WHERE device = ?1"))?
        .query_row([device.as_str()], device_of)
        .optional()?)
}

pub(super) fn devices(connection: &Connection) -> Result<Vec<Device>, Fault> {
    let mut select = connection.prepare_cached(&format!(
        "SELECT {DEVICE_COLUMNS} FROM devices d ORDER BY store, device"
    ))?;
    let rows = select.query_map([], device_of)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn stores(connection: &Connection) -> Result<Vec<StoreId>, Fault> {
    let mut select =
        connection.prepare_cached("SELECT DISTINCT store FROM devices ORDER BY store")?;
    let rows = select.query_map([], |row| parsed(row, 0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The row of a device, which has to exist.
pub(super) fn device_row(connection: &Connection, device: &DeviceId) -> Result<i64, Fault> {
    connection
        .prepare_cached("SELECT device_row FROM devices WHERE device = ?1")?
        .query_row([device.as_str()], |row| row.get(0))
        .optional()?
        .ok_or_else(|| unknown("device", device))
}

pub(super) fn revoke(change: &Change<'_>, device: &DeviceId, now: Timestamp) -> Result<(), Fault> {
    let row = device_row(change.connection, device)?;
    change.connection.execute(
        "UPDATE devices SET state = 'revoked', hold_reason = NULL, state_since = ?2
         WHERE device_row = ?1 AND state <> 'revoked'",
        params![row, micros(now)],
    )?;
    Ok(())
}

pub(super) fn hold(
    change: &Change<'_>,
    device: &DeviceId,
    reason: HoldReason,
    now: Timestamp,
) -> Result<(), Fault> {
    let row = device_row(change.connection, device)?;
    change.connection.execute(
        "UPDATE devices SET state = 'held', hold_reason = ?2, state_since = ?3
         WHERE device_row = ?1 AND state <> 'revoked'",
        params![row, reason.as_str(), micros(now)],
    )?;
    Ok(())
}

/// Ends a hold.
pub(super) fn activate(change: &Change<'_>, device_row: i64) -> Result<(), Fault> {
    change.connection.execute(
        "UPDATE devices SET state = 'active', hold_reason = NULL, state_since = NULL
         WHERE device_row = ?1 AND state = 'held'",
        [device_row],
    )?;
    Ok(())
}

pub(super) fn is_level(
    change: &Change<'_>,
    device: &DeviceId,
    now: Timestamp,
) -> Result<(), Fault> {
    let row = device_row(change.connection, device)?;
    change
        .connection
        .prepare_cached("UPDATE devices SET level_at = ?2, seen_at = ?2 WHERE device_row = ?1")?
        .execute(params![row, micros(now)])?;
    Ok(())
}
