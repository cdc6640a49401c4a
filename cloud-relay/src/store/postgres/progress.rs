//! Where an event stands at a target, and the news of it for the devices that hold the event.
//!
//! Written in the transaction that changes it, to the device whose journal holds the event and
//! to every device or epoch that repeats it. An event that calls for nothing at a target has no
//! progress there. Does not decide what happens to a delivery.

use jiff::Timestamp;
use protocol::chain::{Epoch, Sequence};
use protocol::downlink::{DownlinkBody, DownlinkCursor, DownlinkItem};
use protocol::id::{DeviceId, EventId, StoreId, TargetId};
use protocol::progress::{Progress, ProgressState};
use tokio_postgres::Row;

use super::codec::{
    Fault, bytes, event_id, json, parsed, signed, state, to_json, unknown, unsigned, value,
};
use super::transaction::Transaction;
use crate::store::model::DeliveryState;
use crate::store::told::{ITEMS_MAX, Told, told};

/// An entry in the inbox.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry<'a> {
    pub(super) store: &'a StoreId,
    pub(super) inbox_row: i64,
}

/// What can be told of an event at a target now; `None` if it calls for nothing there.
pub(super) async fn current(
    on: &Transaction<'_>,
    entry: Entry<'_>,
    target: &TargetId,
) -> Result<Option<Told>, Fault> {
    let query = "SELECT o.due_at, state_detail FROM outbox o
                   JOIN lanes l ON l.store_id = o.store_id AND l.lane_id = o.lane_id
                 WHERE o.store_id = $1 AND inbox_row = $2 AND target = $3
                 ORDER BY mode, part, o.lane_id, number";
    let key = (entry.store.as_str(), entry.inbox_row, target.as_str());
    let rows = on.rows(query, &[&key.0, &key.1, &key.2]).await?;
    let states: Vec<DeliveryState> =
        rows.iter().map(|row| state(row, 0)).collect::<Result<_, _>>()?;
    Ok(told(&states))
}

/// Tells where an event stands that has just come in: nobody repeats it yet who is not told as
/// one who repeats.
pub(super) async fn tell_new(
    on: &Transaction<'_>,
    entry: Entry<'_>,
    target: &TargetId,
    now: Timestamp,
) -> Result<(), Fault> {
    if let Some(told) = current(on, entry, target).await? {
        for holder in holders(on, entry, false).await? {
            put(on, &holder, target, &told, now).await?;
        }
    }
    Ok(())
}

/// Tells where an event stands, if that differs from what was told before.
pub(super) async fn tell_change(
    on: &Transaction<'_>,
    entry: Entry<'_>,
    target: &TargetId,
    before: Option<&Told>,
    now: Timestamp,
) -> Result<(), Fault> {
    let after = current(on, entry, target).await?;
    if let Some(told) = &after
        && after.as_ref() != before
    {
        for holder in holders(on, entry, true).await? {
            put(on, &holder, target, told, now).await?;
        }
    }
    Ok(())
}

/// Tells a repeated entry where the first one stands at every target that has news of it.
pub(super) async fn tell_replay(
    on: &Transaction<'_>,
    store: &StoreId,
    first: i64,
    replay: i64,
    now: Timestamp,
) -> Result<(), Fault> {
    let query = "SELECT DISTINCT target FROM outbox o
                   JOIN lanes l ON l.store_id = o.store_id AND l.lane_id = o.lane_id
                 WHERE o.store_id = $1 AND inbox_row = $2 ORDER BY target";
    for row in on.rows(query, &[&store.as_str(), &first]).await? {
        let target: TargetId = parsed(&row, 0)?;
        if let Some(told) = current(on, Entry { store, inbox_row: first }, &target).await?
            && told.state != ProgressState::Waiting
        {
            for holder in holders(on, Entry { store, inbox_row: replay }, false).await? {
                put(on, &holder, &target, &told, now).await?;
            }
        }
    }
    Ok(())
}

/// One entry that holds an event.
struct Holder {
    store: StoreId,
    device: DeviceId,
    epoch: Epoch,
    sequence: Sequence,
    event_id: EventId,
}

/// The entry itself and, if asked for, those that repeat it, in the order of their coming.
async fn holders(
    on: &Transaction<'_>,
    entry: Entry<'_>,
    with_replays: bool,
) -> Result<Vec<Holder>, Fault> {
    let mut entries = vec![entry.inbox_row];
    if with_replays {
        let query = "SELECT inbox_row FROM replays WHERE store_id = $1 AND replay_of = $2
                     ORDER BY inbox_row";
        let replays = on.rows(query, &[&entry.store.as_str(), &entry.inbox_row]).await?;
        for row in &replays {
            entries.push(value(row, 0)?);
        }
    }
    let query = "SELECT device, epoch, sequence, event_id FROM inbox i
                   JOIN epochs e ON e.store_id = i.store_id AND e.epoch_row = i.epoch_row
                 WHERE i.store_id = $1 AND inbox_row = $2";
    let mut holders = Vec::with_capacity(entries.len());
    for inbox_row in entries {
        let found = on.row(query, &[&entry.store.as_str(), &inbox_row]).await?;
        let row = found.ok_or_else(|| unknown("entry", &inbox_row))?;
        holders.push(Holder {
            store: entry.store.clone(),
            device: parsed(&row, 0)?,
            epoch: bytes(&row, 1)?,
            sequence: Sequence(unsigned(&row, 2)?),
            event_id: event_id(&row, 3)?,
        });
    }
    Ok(holders)
}

async fn put(
    on: &Transaction<'_>,
    holder: &Holder,
    target: &TargetId,
    told: &Told,
    now: Timestamp,
) -> Result<(), Fault> {
    let (store, device) = (holder.store.as_str(), holder.device.as_str());
    let counted = on
        .row(
            "UPDATE devices SET next_cursor = next_cursor + 1
             WHERE store_id = $1 AND device = $2 RETURNING next_cursor - 1",
            &[&store, &device],
        )
        .await?;
    let cursor: i64 = value(&counted.ok_or_else(|| unknown("device", &holder.device))?, 0)?;
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
    on.run(
        "INSERT INTO downlink (store_id, device, cursor, body) VALUES ($1, $2, $3, $4)",
        &[&store, &device, &cursor, &to_json(&body)?],
    )
    .await?;
    on.run(
        "DELETE FROM downlink WHERE store_id = $1 AND device = $2 AND cursor <= $3",
        &[&store, &device, &cursor.saturating_sub(ITEMS_MAX)],
    )
    .await?;
    on.news_for(holder.device.clone());
    Ok(())
}

/// Items for a device after a cursor, in order.
pub(super) async fn items(
    on: &Transaction<'_>,
    device: &DeviceId,
    after: DownlinkCursor,
    count_max: usize,
) -> Result<Vec<DownlinkItem>, Fault> {
    let store = on.store_of(device).await?;
    let query = "SELECT cursor, body FROM downlink
                 WHERE store_id = $1 AND device = $2 AND cursor > $3 ORDER BY cursor LIMIT $4";
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let values: super::transaction::Values<'_> =
        &[&store.as_str(), &device.as_str(), &after, &signed(count_max)?];
    let item = |row: &Row| Ok(DownlinkItem { cursor: unsigned(row, 0)?, body: json(row, 1)? });
    on.rows(query, values).await?.iter().map(item).collect()
}
