//! Where an event stands at a target, and the news of it for the devices that hold the event.
//!
//! Written in the transaction that changes it, to the device whose journal holds the event and
//! to every device or epoch that repeats it. An event that calls for nothing at a target has no
//! progress there. Does not decide what happens to a delivery.

use jiff::Timestamp;
use protocol::chain::{Epoch, Sequence};
use protocol::downlink::{DownlinkBody, DownlinkCursor, DownlinkItem};
use protocol::id::{DeviceId, EventId, TargetId};
use protocol::progress::{Progress, ProgressState};
use rusqlite::{Connection, params};

use super::codec::{Fault, bytes, event_id, json, parsed, signed, state, to_json, unsigned};
use super::writer::Change;
use crate::store::model::DeliveryState;
use crate::store::told::{ITEMS_MAX, Told, told};

/// What can be told of an event at a target now; `None` if it calls for nothing there.
pub(super) fn current(
    connection: &Connection,
    inbox_row: i64,
    target: &TargetId,
) -> Result<Option<Told>, Fault> {
    let mut select = connection.prepare_cached(
        "SELECT outbox.due_at, state_detail FROM outbox JOIN lanes USING (lane_id)
         WHERE inbox_row = ?1 AND target = ?2 ORDER BY mode, part, lane_id, number",
    )?;
    let rows = select.query_map(params![inbox_row, target.as_str()], |row| state(row, 0))?;
    let states: Vec<DeliveryState> = rows.collect::<Result<_, _>>()?;
    Ok(told(&states))
}

/// Tells where an event stands now.
pub(super) fn tell_current(
    change: &Change<'_>,
    inbox_row: i64,
    target: &TargetId,
    now: Timestamp,
) -> Result<(), Fault> {
    match current(change.connection, inbox_row, target)? {
        Some(told) => tell(change, inbox_row, target, &told, now),
        None => Ok(()),
    }
}

/// Tells where an event stands, if that differs from what was told before.
pub(super) fn tell_change(
    change: &Change<'_>,
    inbox_row: i64,
    target: &TargetId,
    before: Option<&Told>,
    now: Timestamp,
) -> Result<(), Fault> {
    let after = current(change.connection, inbox_row, target)?;
    match &after {
        Some(told) if after.as_ref() != before => tell(change, inbox_row, target, told, now),
        _ => Ok(()),
    }
}

/// Tells a repeated entry where the first one stands at every target that has news of it.
pub(super) fn tell_replay(
    change: &Change<'_>,
    first: i64,
    replay: i64,
    now: Timestamp,
) -> Result<(), Fault> {
    let mut select = change.connection.prepare_cached(
        "SELECT DISTINCT target FROM outbox JOIN lanes USING (lane_id) WHERE inbox_row = ?1",
    )?;
    let targets: Vec<TargetId> =
        select.query_map([first], |row| parsed(row, 0))?.collect::<Result<_, _>>()?;
    for target in targets {
        if let Some(told) = current(change.connection, first, &target)?
            && told.state != ProgressState::Waiting
        {
            let holders = holders(change.connection, replay, false)?;
            for holder in holders {
                put(change, &holder, &target, &told, now)?;
            }
        }
    }
    Ok(())
}

/// One entry that holds an event.
struct Holder {
    device_row: i64,
    epoch: Epoch,
    sequence: Sequence,
    event_id: EventId,
}

fn holders(
    connection: &Connection,
    inbox_row: i64,
    with_replays: bool,
) -> Result<Vec<Holder>, Fault> {
    let mut select = connection.prepare_cached(
        "SELECT device_row, epoch, sequence, event_id FROM inbox JOIN epochs USING (epoch_row)
         WHERE inbox_row = ?1
         UNION ALL
         SELECT device_row, epoch, sequence, event_id FROM inbox JOIN epochs USING (epoch_row)
         WHERE ?2 AND replay_of = ?1",
    )?;
    let rows = select.query_map(params![inbox_row, with_replays], |row| {
        Ok(Holder {
            device_row: row.get(0)?,
            epoch: bytes(row, 1)?,
            sequence: Sequence(unsigned(row, 2)?),
            event_id: event_id(row, 3)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn tell(
    change: &Change<'_>,
    inbox_row: i64,
    target: &TargetId,
    told: &Told,
    now: Timestamp,
) -> Result<(), Fault> {
    for holder in holders(change.connection, inbox_row, true)? {
        put(change, &holder, target, told, now)?;
    }
    Ok(())
}

fn put(
    change: &Change<'_>,
    holder: &Holder,
    target: &TargetId,
    told: &Told,
    now: Timestamp,
) -> Result<(), Fault> {
    let (cursor, device) = change
        .connection
        .prepare_cached(
            "UPDATE devices SET next_cursor = next_cursor + 1 WHERE device_row = ?1
             RETURNING next_cursor - 1, device",
        )?
        .query_row([holder.device_row], |row| {
            Ok((row.get::<_, i64>(0)?, parsed::<DeviceId>(row, 1)?))
        })?;
    let body = DownlinkBody::Progress(Progress {
        epoch: holder.epoch,
        sequence: holder.sequence,
        event_id: holder.event_id,
        target: target.clone(),
        state: told.state,
        reference: told.reference.clone(),
        detail: told.detail.clone(),
        at: now,
    });
    change
        .connection
        .prepare_cached("INSERT INTO downlink (device_row, cursor, body) VALUES (?1, ?2, ?3)")?
        .execute(params![holder.device_row, cursor, to_json(&body)?])?;
    change
        .connection
        .prepare_cached("DELETE FROM downlink WHERE device_row = ?1 AND cursor <= ?2")?
        .execute([holder.device_row, cursor.saturating_sub(ITEMS_MAX)])?;
    change.news_for(device);
    Ok(())
}

/// Items for a device after a cursor, in order.
pub(super) fn items(
    connection: &Connection,
    device_row: i64,
    after: DownlinkCursor,
    count_max: usize,
) -> Result<Vec<DownlinkItem>, Fault> {
    let mut select = connection.prepare_cached(
        "SELECT cursor, body FROM downlink WHERE device_row = ?1 AND cursor > ?2
         ORDER BY cursor LIMIT ?3",
    )?;
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let rows = select.query_map(params![device_row, after, signed(count_max)?], |row| {
        Ok(DownlinkItem { cursor: unsigned(row, 0)?, body: json(row, 1)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
