//! Tokens and devices: who may send.
//!
//! Keeps hashes of tokens only. Does not check a signature and does not judge a statement.

use jiff::Timestamp;
use protocol::handshake::HoldReason;
use protocol::id::{DeviceId, StoreId};
use tokio_postgres::Row;

use super::codec::{
    Fault, bytes, bytes_option, micros, parsed, parsed_option, text, time, time_option, unknown,
    unreadable, unsigned, value, wrong_state,
};
use super::transaction::Transaction;
use crate::store::model::{Device, DeviceState, NewDevice, NewToken, Token};

pub(super) async fn add_token(on: &Transaction<'_>, token: &NewToken) -> Result<(), Fault> {
    let added = on
        .run(
            "INSERT INTO tokens (label, hash, store_id, uses_left, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (label) DO NOTHING",
            &[
                &token.label.as_str(),
                &token.hash.as_bytes().as_slice(),
                &token.store.as_ref().map(StoreId::as_str),
                &i64::from(token.uses),
                &micros(token.created_at),
                &micros(token.expires_at),
            ],
        )
        .await?;
    if added == 0 {
        return Err(wrong_state("token", &token.label, "there already; choose another label"));
    }
    Ok(())
}

pub(super) async fn tokens(on: &Transaction<'_>) -> Result<Vec<Token>, Fault> {
    let query = "SELECT label, store_id, uses_left, expires_at, revoked_at FROM tokens
                 ORDER BY created_at DESC, label";
    let token = |row: &Row| {
        Ok(Token {
            label: parsed(row, 0)?,
            store: parsed_option(row, 1)?,
            uses_left: unsigned(row, 2)?,
            expires_at: time(row, 3)?,
            revoked: value::<Option<i64>>(row, 4)?.is_some(),
        })
    };
    on.rows(query, &[]).await?.iter().map(token).collect()
}

pub(super) async fn revoke_token(
    on: &Transaction<'_>,
    label: &str,
    now: Timestamp,
) -> Result<(), Fault> {
    let statement = "UPDATE tokens SET revoked_at = coalesce(revoked_at, $2) WHERE label = $1";
    match on.run(statement, &[&label, &micros(now)]).await? {
        0 => Err(unknown("token", label)),
        _ => Ok(()),
    }
}

/// A key is looked for again once the token's row is locked and once the store's is, because the
/// same request may be under way at another replica.
pub(super) async fn enrol(on: &Transaction<'_>, new: &NewDevice) -> Result<Option<Device>, Fault> {
    if let Some(known) = enrolled_with(on, new).await? {
        return Ok(Some(known));
    }
    let store = new.store.as_str();
    let hash = new.token_hash.as_bytes().as_slice();
    let used = on
        .run(
            "UPDATE tokens SET uses_left = uses_left - 1
             WHERE hash = $1 AND uses_left > 0 AND expires_at > $2 AND revoked_at IS NULL
               AND (store_id IS NULL OR store_id = $3)",
            &[&hash, &micros(new.now), &store],
        )
        .await?;
    if used == 0 {
        return enrolled_with(on, new).await;
    }
    on.run("INSERT INTO stores (store_id) VALUES ($1) ON CONFLICT DO NOTHING", &[&store]).await?;
    on.lock_store(&new.store).await?;
    if let Some(known) = enrolled_with(on, new).await? {
        on.run("UPDATE tokens SET uses_left = uses_left + 1 WHERE hash = $1", &[&hash]).await?;
        return Ok(Some(known));
    }
    on.run(
        "INSERT INTO devices
           (store_id, device, public_key, state, agent_version, enrolled_at)
         VALUES ($1, $2, $3, 'active', $4, $5)",
        &[
            &store,
            &new.device.as_str(),
            &new.public_key.as_bytes().as_slice(),
            &text(&new.agent_version),
            &micros(new.now),
        ],
    )
    .await?;
    device(on, &new.device).await
}

/// The device of a key that is known already: the answer to its first request was lost.
async fn enrolled_with(on: &Transaction<'_>, new: &NewDevice) -> Result<Option<Device>, Fault> {
    let query = format!("{DEVICES} WHERE d.store_id = $1 AND d.public_key = $2");
    let key = new.public_key.as_bytes().as_slice();
    on.row(&query, &[&new.store.as_str(), &key]).await?.as_ref().map(device_of).transpose()
}

const DEVICES: &str = "SELECT d.device, d.store_id, d.public_key, d.state, d.hold_reason,
      d.state_since, d.agent_version, d.enrolled_at, d.seen_at, d.level_at,
      (SELECT coalesce(sum(head_sequence), 0)::bigint FROM epochs e
       WHERE e.store_id = d.store_id AND e.device = d.device AND begun),
      s.epoch, s.ticket
    FROM devices d LEFT JOIN sessions s
      ON s.store_id = d.store_id AND s.device = d.device AND s.role = 'current'";

fn device_of(row: &Row) -> Result<Device, Fault> {
    Ok(Device {
        device: parsed(row, 0)?,
        store: parsed(row, 1)?,
        public_key: bytes(row, 2)?,
        state: state_of(row, 3)?,
        agent_version: value(row, 6)?,
        enrolled_at: time(row, 7)?,
        seen_at: time_option(row, 8)?,
        level_at: time_option(row, 9)?,
        entries: unsigned(row, 10)?,
        epoch: bytes_option(row, 11)?,
        ticket: bytes_option(row, 12)?,
    })
}

/// A device's state from three columns: `state`, `hold_reason`, `state_since`.
pub(super) fn state_of(row: &Row, index: usize) -> Result<DeviceState, Fault> {
    match value::<&str>(row, index)? {
        "active" => Ok(DeviceState::Active),
        "revoked" => Ok(DeviceState::Revoked { since: time(row, index + 2)? }),
        _ => {
            let word: &str = value(row, index + 1)?;
            let reason =
                [HoldReason::Behind, HoldReason::Fork, HoldReason::Clone, HoldReason::UnknownEpoch]
                    .into_iter()
                    .find(|reason| reason.as_str() == word)
                    .ok_or_else(|| unreadable(row, index + 1, "no such reason for a hold"))?;
            Ok(DeviceState::Held { reason, since: time(row, index + 2)? })
        }
    }
}

pub(super) async fn device(
    on: &Transaction<'_>,
    device: &DeviceId,
) -> Result<Option<Device>, Fault> {
    let query = format!("{DEVICES} WHERE d.device = $1");
    on.row(&query, &[&device.as_str()]).await?.as_ref().map(device_of).transpose()
}

pub(super) async fn devices(on: &Transaction<'_>) -> Result<Vec<Device>, Fault> {
    let query = format!("{DEVICES} ORDER BY d.store_id, d.device");
    on.rows(&query, &[]).await?.iter().map(device_of).collect()
}

pub(super) async fn stores(on: &Transaction<'_>) -> Result<Vec<StoreId>, Fault> {
    let query = "SELECT DISTINCT store_id FROM devices ORDER BY store_id";
    on.rows(query, &[]).await?.iter().map(|row| parsed(row, 0)).collect()
}

pub(super) async fn revoke(
    on: &Transaction<'_>,
    device: &DeviceId,
    now: Timestamp,
) -> Result<(), Fault> {
    let store = on.lock_device(device).await?;
    on.run(
        "UPDATE devices SET state = 'revoked', hold_reason = NULL, state_since = $3
         WHERE store_id = $1 AND device = $2 AND state <> 'revoked'",
        &[&store.as_str(), &device.as_str(), &micros(now)],
    )
    .await?;
    Ok(())
}

pub(super) async fn hold(
    on: &Transaction<'_>,
    device: &DeviceId,
    reason: HoldReason,
    now: Timestamp,
) -> Result<(), Fault> {
    let store = on.lock_device(device).await?;
    on.run(
        "UPDATE devices SET state = 'held', hold_reason = $3, state_since = $4
         WHERE store_id = $1 AND device = $2 AND state <> 'revoked'",
        &[&store.as_str(), &device.as_str(), &reason.as_str(), &micros(now)],
    )
    .await?;
    Ok(())
}

/// Ends a hold.
pub(super) async fn activate(
    on: &Transaction<'_>,
    store: &StoreId,
    device: &DeviceId,
) -> Result<(), Fault> {
    on.run(
        "UPDATE devices SET state = 'active', hold_reason = NULL, state_since = NULL
         WHERE store_id = $1 AND device = $2 AND state = 'held'",
        &[&store.as_str(), &device.as_str()],
    )
    .await?;
    Ok(())
}

pub(super) async fn is_level(
    on: &Transaction<'_>,
    device: &DeviceId,
    now: Timestamp,
) -> Result<(), Fault> {
    let store = on.store_of(device).await?;
    on.run(
        "UPDATE devices SET level_at = $3, seen_at = $3 WHERE store_id = $1 AND device = $2",
        &[&store.as_str(), &device.as_str(), &micros(now)],
    )
    .await?;
    Ok(())
}
