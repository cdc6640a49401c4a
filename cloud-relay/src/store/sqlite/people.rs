//! What people do: retry, resolve, replay.
//!
//! A conflict is one question about an event, so one answer settles all its deliveries. Does not
//! ask who may do it.

use jiff::Timestamp;
use protocol::chain::{Epoch, Sequence};
use protocol::id::{DeviceId, TargetId};
use rusqlite::{Connection, OptionalExtension, params};

use super::codec::{
    EXCEPTION, Fault, bytes, may_be_sent_again, micros, mode, parsed, signed, state_columns,
    unknown, unsigned, wrong_state,
};
use super::deliveries::{OutboxRow, note, outbox_row, set_state};
use super::lanes::{LaneWriter, wake};
use super::pages::PageReader;
use super::sessions::epoch_row;
use super::writer::Change;
use super::{books, progress};
use crate::connectors::{ExceptionClass, Mode, Planned};
use crate::store::model::{
    DeliveryId, DeliveryState, HeldEvent, REVIEW_ACTION, ReplayCount, ReplayFilter, Resolution,
    ResolutionKind,
};

/// An exception with what a decision about it needs to know.
struct Open {
    row: OutboxRow,
    class: ExceptionClass,
    mode: Mode,
    action: String,
    target: TargetId,
}

fn open_exception(connection: &Connection, id: DeliveryId) -> Result<Open, Fault> {
    let row = outbox_row(connection, id)?;
    let DeliveryState::Exception { class, .. } = row.state else {
        return Err(wrong_state("delivery", &id, "no open exception"));
    };
    let (mode, action, target) = connection
        .prepare_cached(
            "SELECT mode, action, target FROM outbox JOIN lanes USING (lane_id)
             WHERE lane_id = ?1 AND number = ?2",
        )?
        .query_row([id.lane_id, id.number], |row| {
            Ok((mode(row, 0)?, row.get(1)?, parsed(row, 2)?))
        })?;
    Ok(Open { row, class, mode, action, target })
}

pub(super) fn retry(
    change: &Change<'_>,
    id: DeliveryId,
    by: &str,
    now: Timestamp,
) -> Result<(), Fault> {
    let open = open_exception(change.connection, id)?;
    if open.action == REVIEW_ACTION {
        return Err(wrong_state("delivery", &id, "nothing that is sent; resolve it"));
    }
    if !may_be_sent_again(open.class, open.mode) {
        let state = match open.class {
            ExceptionClass::Conflict => "a conflict; resolve it as a duplicate or a second sale",
            _ => "a quantity that cannot be looked for; count it, then resolve it",
        };
        return Err(wrong_state("delivery", &id, state));
    }
    // What was attempted once is looked for before it is sent again.
    let state = match open.mode {
        Mode::Document if open.row.attempts > 0 => {
            DeliveryState::Unknown { deadline: now, at: now }
        }
        _ => DeliveryState::Due { at: now },
    };
    let said = format!("put back by {by}");
    transfer(change, id, &open, &state, &said, now)?;
    wake(change, id.lane_id, &open.target, now)
}

/// Changes one exception's state, with a line in its history and news of it.
fn transfer(
    change: &Change<'_>,
    id: DeliveryId,
    open: &Open,
    state: &DeliveryState,
    said: &str,
    now: Timestamp,
) -> Result<(), Fault> {
    let stood = progress::current(change.connection, open.row.inbox_row, &open.target)?;
    set_state(change, id, &open.row, state)?;
    change
        .connection
        .prepare_cached(
            "UPDATE outbox SET attempts = attempts + 1 WHERE lane_id = ?1 AND number = ?2",
        )?
        .execute([id.lane_id, id.number])?;
    note(change, id, open.row.attempts + 1, now, None, Some(said))?;
    progress::tell_change(change, open.row.inbox_row, &open.target, stood.as_ref(), now)
}

pub(super) fn resolve(
    change: &Change<'_>,
    id: DeliveryId,
    resolution: &Resolution,
) -> Result<(), Fault> {
    let open = open_exception(change.connection, id)?;
    let of_conflict =
        matches!(resolution.kind, ResolutionKind::Duplicate | ResolutionKind::SecondSale);
    if of_conflict && open.class != ExceptionClass::Conflict {
        return Err(wrong_state("delivery", &id, "no conflict"));
    }
    let ids = match of_conflict {
        true => conflicts_of(change.connection, open.row.inbox_row)?,
        false => vec![id],
    };
    if resolution.kind == ResolutionKind::SecondSale {
        give_own_key(change, open.row.inbox_row)?;
    }
    if of_conflict {
        let counts = resolution.kind == ResolutionKind::SecondSale;
        books::settle_waiting(change, open.row.inbox_row, counts)?;
    }
    for id in ids {
        let open = open_exception(change.connection, id)?;
        let said = format!("settled by {}: {}", resolution.by, resolution.note);
        let sends = resolution.kind == ResolutionKind::SecondSale && open.action != REVIEW_ACTION;
        let state = match sends {
            true => DeliveryState::Due { at: resolution.at },
            false => DeliveryState::Resolved { resolution: resolution.clone() },
        };
        transfer(change, id, &open, &state, &said, resolution.at)?;
        if sends {
            wake(change, id.lane_id, &open.target, resolution.at)?;
        }
    }
    Ok(())
}

fn conflicts_of(connection: &Connection, inbox_row: i64) -> Result<Vec<DeliveryId>, Fault> {
    let mut select = connection.prepare_cached(
        "SELECT lane_id, number FROM outbox
         WHERE inbox_row = ?1 AND state = ?2 AND exception = ?3 ORDER BY lane_id, number",
    )?;
    let rows = select
        .query_map(params![inbox_row, EXCEPTION, ExceptionClass::Conflict.as_str()], |row| {
            Ok(DeliveryId { lane_id: row.get(0)?, number: row.get(1)? })
        })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// A sale of its own gets a key of its own: the variant's number counts on the register's cycle.
fn give_own_key(change: &Change<'_>, inbox_row: i64) -> Result<(), Fault> {
    let connection = change.connection;
    let key: String = connection
        .prepare_cached(
            "UPDATE inbox SET own_key = natural_key || '+' || variant WHERE inbox_row = ?1
             RETURNING own_key",
        )?
        .query_row([inbox_row], |row| row.get(0))?;
    connection
        .prepare_cached(
            "INSERT INTO natural_keys (natural_key, variant, content_hash, inbox_row)
             SELECT ?1, 0, content_hash, inbox_row FROM natural_keys
             WHERE inbox_row = ?2 AND natural_key <> ?1",
        )?
        .execute(params![key, inbox_row])?;
    Ok(())
}

pub(super) fn replay(
    change: &Change<'_>,
    filter: &ReplayFilter,
    events: &[HeldEvent],
    dry_run: bool,
    now: Timestamp,
) -> Result<ReplayCount, Fault> {
    let mut count = ReplayCount::default();
    for event in events {
        let inbox_row = inbox_row_of(change.connection, event)?;
        count.events += 1;
        let mut lanes = LaneWriter::new(change, &event.store, now);
        for (target, planned) in &event.deliveries {
            if filter.target.as_ref().is_some_and(|only| only != target) {
                continue;
            }
            if exists(change.connection, inbox_row, target, planned)? {
                count.existing += 1;
                continue;
            }
            count.added += 1;
            if !dry_run {
                let due = state_columns(&DeliveryState::Due { at: now })?;
                lanes.add(target, planned, inbox_row, &due)?;
            }
        }
        lanes.finish()?;
    }
    Ok(count)
}

fn inbox_row_of(connection: &Connection, event: &HeldEvent) -> Result<i64, Fault> {
    position_row(connection, &event.device, event.epoch, event.sequence)?
        .ok_or_else(|| unknown("event", &event.natural_key))
}

fn position_row(
    connection: &Connection,
    device: &DeviceId,
    epoch: Epoch,
    sequence: Sequence,
) -> Result<Option<i64>, Fault> {
    let device_row = super::devices::device_row(connection, device)?;
    let Some(epoch) = epoch_row(connection, device_row, epoch)? else { return Ok(None) };
    Ok(connection
        .prepare_cached("SELECT inbox_row FROM inbox WHERE epoch_row = ?1 AND sequence = ?2")?
        .query_row([epoch.epoch_row, signed(sequence.0)?], |row| row.get(0))
        .optional()?)
}

fn exists(
    connection: &Connection,
    inbox_row: i64,
    target: &TargetId,
    planned: &Planned,
) -> Result<bool, Fault> {
    Ok(connection
        .prepare_cached(
            "SELECT 1 FROM outbox JOIN lanes USING (lane_id)
             WHERE inbox_row = ?1 AND target = ?2 AND action = ?3 AND part = ?4",
        )?
        .exists(params![inbox_row, target.as_str(), planned.action, planned.part])?)
}

/// Repeated entries and conflicts that nobody settled are left out: nothing is planned for them.
pub(super) fn held_events(
    connection: &Connection,
    filter: &ReplayFilter,
    after: Option<&(DeviceId, Epoch, Sequence)>,
    count_max: usize,
) -> Result<Vec<HeldEvent>, Fault> {
    let after = match after {
        None => 0,
        Some((device, epoch, sequence)) => position_row(connection, device, *epoch, *sequence)?
            .ok_or_else(|| unknown("event", &sequence))?,
    };
    let mut select = connection.prepare_cached(
        "SELECT device, epoch, sequence, store, coalesce(own_key, natural_key),
           page_row, page_offset, record_bytes
         FROM inbox JOIN epochs USING (epoch_row) JOIN devices USING (device_row)
         WHERE inbox_row > ?1 AND replay_of IS NULL AND (variant = 0 OR own_key IS NOT NULL)
           AND (?2 IS NULL OR store = ?2)
           AND (?3 IS NULL OR occurred_at >= ?3) AND (?4 IS NULL OR occurred_at < ?4)
         ORDER BY inbox_row LIMIT ?5",
    )?;
    let mut rows = select.query(params![
        after,
        filter.store.as_ref().map(ToString::to_string),
        filter.from.map(micros),
        filter.until.map(micros),
        signed(count_max)?
    ])?;
    let mut pages = PageReader::default();
    let mut events = Vec::new();
    while let Some(row) = rows.next()? {
        events.push(HeldEvent {
            device: parsed(row, 0)?,
            epoch: bytes(row, 1)?,
            sequence: Sequence(unsigned(row, 2)?),
            store: parsed(row, 3)?,
            natural_key: row.get(4)?,
            record: pages.record(connection, row, 5)?,
            deliveries: Vec::new(),
        });
    }
    Ok(events)
}
