//! Bundles: the exact bytes of a coalesced call, from before it is sent until it is settled.
//!
//! A lane has at most one. It is settled, and its row gone, as soon as no delivery is tied to it
//! any more. Does not know what a body says.

use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use super::codec::{
    Fault, json, micros, signed, state_columns, time, time_option, to_json, uuid, wrong_state,
};
use super::deliveries::{outbox_row, set_state};
use super::lanes::check_fence;
use super::writer::Change;
use crate::store::model::{Bundle, Claim, DeliveryId, DeliveryState};

/// Stores a bundle, or what changed of it since: when it was sent and is due again.
pub(super) fn put(change: &Change<'_>, claim: &Claim, bundle: &Bundle) -> Result<(), Fault> {
    check_fence(change.connection, claim)?;
    match open_key(change.connection, claim.lane_id)? {
        Some(key) if key == bundle.key => update(change, bundle),
        Some(key) => Err(wrong_state("bundle", &key, "not settled; the lane can have no other")),
        None => insert(change, claim, bundle),
    }
}

fn open_key(connection: &Connection, lane_id: i64) -> Result<Option<Uuid>, Fault> {
    Ok(connection
        .prepare_cached("SELECT key FROM bundles WHERE lane_id = ?1")?
        .query_row([lane_id], |row| uuid(row, 0))
        .optional()?)
}

fn insert(change: &Change<'_>, claim: &Claim, bundle: &Bundle) -> Result<(), Fault> {
    let numbers: Vec<i64> = bundle.members.iter().map(|member| member.number).collect();
    change
        .connection
        .prepare_cached(
            "INSERT INTO bundles (key, lane_id, body, members, tied, first_sent_at, deadline,
               due_at, attempts)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            bundle.key.as_bytes(),
            claim.lane_id,
            bundle.body,
            to_json(&numbers)?,
            signed(numbers.len())?,
            bundle.first_sent_at.map(micros),
            bundle.deadline.map(micros),
            micros(bundle.due_at),
            bundle.attempts
        ])?;
    for number in numbers {
        let id = DeliveryId { lane_id: claim.lane_id, number };
        let before = outbox_row(change.connection, id)?;
        if state_columns(&before.state)?.state >= super::codec::SETTLED {
            return Err(wrong_state("delivery", &id, "settled already"));
        }
        set_state(change, id, &before, &DeliveryState::Bundled { key: bundle.key })?;
    }
    Ok(())
}

/// The body and the members never change: what is repeated is repeated byte for byte.
fn update(change: &Change<'_>, bundle: &Bundle) -> Result<(), Fault> {
    change
        .connection
        .prepare_cached(
            "UPDATE bundles SET first_sent_at = coalesce(first_sent_at, ?2), deadline = ?3,
               due_at = ?4, attempts = ?5 WHERE key = ?1",
        )?
        .execute(params![
            bundle.key.as_bytes(),
            bundle.first_sent_at.map(micros),
            bundle.deadline.map(micros),
            micros(bundle.due_at),
            bundle.attempts
        ])?;
    Ok(())
}

/// Notes that a delivery left its bundle.
pub(super) fn untie(
    change: &Change<'_>,
    before: &DeliveryState,
    after: &DeliveryState,
) -> Result<(), Fault> {
    let DeliveryState::Bundled { key } = before else { return Ok(()) };
    if before == after {
        return Ok(());
    }
    let connection = change.connection;
    connection
        .prepare_cached("UPDATE bundles SET tied = tied - 1 WHERE key = ?1")?
        .execute([key.as_bytes()])?;
    connection
        .prepare_cached("DELETE FROM bundles WHERE key = ?1 AND tied <= 0")?
        .execute([key.as_bytes()])?;
    Ok(())
}

/// The lane's bundle that is not settled.
pub(super) fn open(connection: &Connection, claim: &Claim) -> Result<Option<Bundle>, Fault> {
    Ok(connection
        .prepare_cached(
            "SELECT key, body, members, first_sent_at, deadline, due_at, attempts FROM bundles
             WHERE lane_id = ?1",
        )?
        .query_row([claim.lane_id], |row| {
            let numbers: Vec<i64> = json(row, 2)?;
            let member = |number| DeliveryId { lane_id: claim.lane_id, number };
            Ok(Bundle {
                key: uuid(row, 0)?,
                body: row.get(1)?,
                members: numbers.into_iter().map(member).collect(),
                first_sent_at: time_option(row, 3)?,
                deadline: time_option(row, 4)?,
                due_at: time(row, 5)?,
                attempts: row.get(6)?,
            })
        })
        .optional()?)
}
