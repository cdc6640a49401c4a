//! What people do: retry, resolve, replay.
//!
//! A conflict is one question about an event, so one answer settles all its deliveries. Does not
//! ask who may do it.

use jiff::Timestamp;
use protocol::chain::{Epoch, Sequence};
use protocol::id::{DeviceId, StoreId, TargetId};
use tokio_postgres::types::ToSql;

use super::books;
use super::codec::{
    Fault, bytes, micros, mode, parsed, signed, state_columns, unknown, unsigned, value,
    wrong_state,
};
use super::deliveries::{Line, OutboxRow, Place, count_attempt, note, outbox_row, set_state};
use super::lanes::{Additions, lane, wake};
use super::progress::{self, Entry};
use super::records::PageReader;
use super::sessions::{entry_at, epoch_row};
use super::transaction::Transaction;
use crate::connectors::{ExceptionClass, Mode, Planned};
use crate::store::columns::{EXCEPTION, may_be_sent_again};
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

async fn open_exception(on: &Transaction<'_>, place: Place<'_>) -> Result<Open, Fault> {
    let Place { store, id } = place;
    let row = outbox_row(on, place).await?;
    let DeliveryState::Exception { class, .. } = row.state else {
        return Err(wrong_state("delivery", &id, "no open exception"));
    };
    let target = lane(on, store, id.lane_id).await?.target;
    let query = "SELECT mode, action FROM outbox
                 WHERE store_id = $1 AND lane_id = $2 AND number = $3";
    let found = on.row(query, &[&store.as_str(), &id.lane_id, &id.number]).await?;
    let found = found.ok_or_else(|| unknown("delivery", &id))?;
    Ok(Open { row, class, mode: mode(&found, 0)?, action: value(&found, 1)?, target })
}

pub(super) async fn retry(
    on: &Transaction<'_>,
    id: DeliveryId,
    by: &str,
    now: Timestamp,
) -> Result<(), Fault> {
    let store = on.store_of_lane(id.lane_id).await?;
    on.lock_store(&store).await?;
    let place = Place { store: &store, id };
    let open = open_exception(on, place).await?;
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
    transfer(on, place, &open, &state, &said, now).await?;
    wake(on, &store, id.lane_id, now).await
}

/// Changes one exception's state, with a line in its history and news of it.
async fn transfer(
    on: &Transaction<'_>,
    place: Place<'_>,
    open: &Open,
    state: &DeliveryState,
    said: &str,
    now: Timestamp,
) -> Result<(), Fault> {
    let entry = Entry { store: place.store, inbox_row: open.row.inbox_row };
    let stood = progress::current(on, entry, &open.target).await?;
    set_state(on, place, &open.row, state).await?;
    count_attempt(on, place).await?;
    let attempt = open.row.attempts + 1;
    note(on, place, Line { attempt, at: now, deadline: None, said: Some(said) }).await?;
    progress::tell_change(on, entry, &open.target, stood.as_ref(), now).await
}

pub(super) async fn resolve(
    on: &Transaction<'_>,
    id: DeliveryId,
    resolution: &Resolution,
) -> Result<(), Fault> {
    let store = on.store_of_lane(id.lane_id).await?;
    on.lock_store(&store).await?;
    let open = open_exception(on, Place { store: &store, id }).await?;
    let of_conflict =
        matches!(resolution.kind, ResolutionKind::Duplicate | ResolutionKind::SecondSale);
    if of_conflict && open.class != ExceptionClass::Conflict {
        return Err(wrong_state("delivery", &id, "no conflict"));
    }
    let ids = match of_conflict {
        true => conflicts_of(on, &store, open.row.inbox_row).await?,
        false => vec![id],
    };
    if resolution.kind == ResolutionKind::SecondSale {
        give_own_key(on, &store, open.row.inbox_row).await?;
    }
    if of_conflict {
        let counts = resolution.kind == ResolutionKind::SecondSale;
        books::settle_waiting(on, &store, open.row.inbox_row, counts).await?;
    }
    for id in ids {
        let place = Place { store: &store, id };
        let open = open_exception(on, place).await?;
        let said = format!("settled by {}: {}", resolution.by, resolution.note);
        let sends = resolution.kind == ResolutionKind::SecondSale && open.action != REVIEW_ACTION;
        let state = match sends {
            true => DeliveryState::Due { at: resolution.at },
            false => DeliveryState::Resolved { resolution: resolution.clone() },
        };
        transfer(on, place, &open, &state, &said, resolution.at).await?;
        if sends {
            wake(on, &store, id.lane_id, resolution.at).await?;
        }
    }
    Ok(())
}

async fn conflicts_of(
    on: &Transaction<'_>,
    store: &StoreId,
    inbox_row: i64,
) -> Result<Vec<DeliveryId>, Fault> {
    let query = "SELECT lane_id, number FROM outbox
                 WHERE store_id = $1 AND inbox_row = $2 AND state = $3 AND exception = $4
                 ORDER BY lane_id, number";
    let class = ExceptionClass::Conflict.as_str();
    let found = on.rows(query, &[&store.as_str(), &inbox_row, &EXCEPTION, &class]).await?;
    let id = |row| Ok(DeliveryId { lane_id: value(row, 0)?, number: value(row, 1)? });
    found.iter().map(id).collect()
}

/// A sale of its own gets a key of its own: the variant's number counts on the register's cycle.
async fn give_own_key(on: &Transaction<'_>, store: &StoreId, inbox_row: i64) -> Result<(), Fault> {
    let given = on
        .row(
            "UPDATE inbox SET own_key = natural_key || '+' || variant
             WHERE store_id = $1 AND inbox_row = $2 RETURNING own_key",
            &[&store.as_str(), &inbox_row],
        )
        .await?;
    let given = given.ok_or_else(|| unknown("entry", &inbox_row))?;
    let key: &str = value(&given, 0)?;
    on.run(
        "INSERT INTO natural_keys (store_id, natural_key, variant, content_hash, inbox_row)
         SELECT store_id, $2, 0, content_hash, inbox_row FROM natural_keys
         WHERE store_id = $1 AND inbox_row = $3
           AND natural_key = (SELECT natural_key FROM inbox
                              WHERE store_id = $1 AND inbox_row = $3)",
        &[&store.as_str(), &key, &inbox_row],
    )
    .await?;
    Ok(())
}

pub(super) async fn replay(
    on: &Transaction<'_>,
    filter: &ReplayFilter,
    events: &[HeldEvent],
    dry_run: bool,
    now: Timestamp,
) -> Result<ReplayCount, Fault> {
    on.lock_stores(&events.iter().map(|event| event.store.clone()).collect()).await?;
    let mut count = ReplayCount::default();
    for event in events {
        let found =
            position_row(on, &event.store, &event.device, event.epoch, event.sequence).await?;
        let inbox_row = found.ok_or_else(|| unknown("event", &event.natural_key))?;
        count.events += 1;
        let mut additions = Additions::new(&event.store, now);
        for (target, planned) in &event.deliveries {
            if filter.target.as_ref().is_some_and(|only| only != target) {
                continue;
            }
            if exists(on, Entry { store: &event.store, inbox_row }, target, planned).await? {
                count.existing += 1;
                continue;
            }
            count.added += 1;
            if !dry_run {
                let due = state_columns(&DeliveryState::Due { at: now })?;
                additions.add(target, planned, inbox_row, &due)?;
            }
        }
        additions.insert(on).await?;
    }
    Ok(count)
}

async fn position_row(
    on: &Transaction<'_>,
    store: &StoreId,
    device: &DeviceId,
    epoch: Epoch,
    sequence: Sequence,
) -> Result<Option<i64>, Fault> {
    match epoch_row(on, store, device, epoch).await? {
        Some(epoch) => Ok(entry_at(on, &epoch, sequence).await?.map(|(inbox_row, _)| inbox_row)),
        None => Ok(None),
    }
}

async fn exists(
    on: &Transaction<'_>,
    entry: Entry<'_>,
    target: &TargetId,
    planned: &Planned,
) -> Result<bool, Fault> {
    let query = "SELECT 1 FROM outbox o
                   JOIN lanes l ON l.store_id = o.store_id AND l.lane_id = o.lane_id
                 WHERE o.store_id = $1 AND inbox_row = $2 AND target = $3 AND action = $4
                   AND part = $5 LIMIT 1";
    let values: super::transaction::Values<'_> = &[
        &entry.store.as_str(),
        &entry.inbox_row,
        &target.as_str(),
        &planned.action,
        &i64::from(planned.part),
    ];
    Ok(on.row(query, values).await?.is_some())
}

/// Repeated entries and conflicts that nobody settled are left out: nothing is planned for them.
/// Store by store, in the order of their coming.
pub(super) async fn held_events(
    on: &Transaction<'_>,
    filter: &ReplayFilter,
    after: Option<&(DeviceId, Epoch, Sequence)>,
    count_max: usize,
) -> Result<Vec<HeldEvent>, Fault> {
    let mut after_store = String::new();
    let mut after_row = 0;
    if let Some((device, epoch, sequence)) = after {
        let store = on.store_of(device).await?;
        let found = position_row(on, &store, device, *epoch, *sequence).await?;
        after_row = found.ok_or_else(|| unknown("event", sequence))?;
        after_store = store.to_string();
    }
    let count_max = signed(count_max)?;
    let mut values: Vec<&(dyn ToSql + Sync)> = vec![&after_store, &after_row, &count_max];
    let mut conditions = String::new();
    let store = filter.store.as_ref().map(StoreId::as_str);
    let (from, until) = (filter.from.map(micros), filter.until.map(micros));
    if let Some(store) = &store {
        values.push(store);
        conditions.push_str(&format!(" AND i.store_id = ${}", values.len()));
    }
    if let Some(from) = &from {
        values.push(from);
        conditions.push_str(&format!(" AND occurred_at >= ${}", values.len()));
    }
    if let Some(until) = &until {
        values.push(until);
        conditions.push_str(&format!(" AND occurred_at < ${}", values.len()));
    }
    let query = format!(
        "SELECT device, epoch, sequence, i.store_id, coalesce(own_key, natural_key),
           page_row, page_offset, record_bytes
         FROM inbox i JOIN epochs e ON e.store_id = i.store_id AND e.epoch_row = i.epoch_row
         WHERE (i.store_id, i.inbox_row) > ($1, $2) AND replay_of IS NULL
           AND (variant = 0 OR own_key IS NOT NULL){conditions}
         ORDER BY i.store_id, i.inbox_row LIMIT $3"
    );
    let mut pages = PageReader::default();
    let mut events = Vec::new();
    for row in &on.rows(&query, &values).await? {
        let store: StoreId = parsed(row, 3)?;
        events.push(HeldEvent {
            device: parsed(row, 0)?,
            epoch: bytes(row, 1)?,
            sequence: Sequence(unsigned(row, 2)?),
            natural_key: value(row, 4)?,
            record: pages.record(on, &store, row, 5).await?,
            deliveries: Vec::new(),
            store,
        });
    }
    Ok(events)
}
