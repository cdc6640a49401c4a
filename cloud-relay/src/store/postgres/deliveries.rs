//! Deliveries under a claim: read in order, attempted, finished.
//!
//! Every write checks the claim's fence in its own transaction. An attempt is written down as
//! unknown before its call, so that a crash between the two leaves the truth. Does not choose
//! what to attempt.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use jiff::Timestamp;
use protocol::chain::Sequence;
use protocol::id::{StoreId, TargetId};
use tokio_postgres::Row;

use super::codec::{
    Fault, bytes, json, micros, parsed, planned, signed, state, state_columns, text, time, unknown,
    unsigned, value,
};
use super::lanes::{check_fence, count};
use super::records::PageReader;
use super::transaction::Transaction;
use super::{bundles, progress};
use crate::connectors::{Class, Mode};
use crate::store::columns::{ATTEMPTS_KEPT, DONE, SETTLED, class_number, mode_number};
use crate::store::model::{
    Claim, Delivery, DeliveryId, DeliveryState, OriginalState, Step, StockMoveRow, Transition,
};
use crate::store::originals::{
    Documents, KEYS_PER_RECEIPT_MAX, NamedReceipt, Rank, as_original, without_document,
};

pub(super) async fn open(
    on: &Transaction<'_>,
    claim: &Claim,
    count_max: usize,
) -> Result<Vec<Delivery>, Fault> {
    let store = &claim.lane.store;
    let query = "SELECT number, device, epoch, sequence, coalesce(own_key, natural_key),
                   action, part, mode, depends_on, amount_minor, amount_currency,
                   o.due_at, o.state_detail, o.attempts, o.created_at,
                   page_row, page_offset, record_bytes
                 FROM outbox o
                   JOIN inbox i ON i.store_id = o.store_id AND i.inbox_row = o.inbox_row
                   JOIN epochs e ON e.store_id = i.store_id AND e.epoch_row = i.epoch_row
                 WHERE o.store_id = $1 AND lane_id = $2 AND o.state < 10
                 ORDER BY number LIMIT $3";
    let rows = on.rows(query, &[&store.as_str(), &claim.lane_id, &signed(count_max)?]).await?;
    let mut pages = PageReader::default();
    let mut deliveries = Vec::with_capacity(rows.len());
    for row in &rows {
        deliveries.push(Delivery {
            id: DeliveryId { lane_id: claim.lane_id, number: value(row, 0)? },
            device: parsed(row, 1)?,
            epoch: bytes(row, 2)?,
            sequence: Sequence(unsigned(row, 3)?),
            natural_key: value(row, 4)?,
            record: pages.record(on, store, row, 15).await?,
            planned: planned(row, claim.lane.class, 5)?,
            state: state(row, 11)?,
            attempts: unsigned(row, 13)?,
            created_at: time(row, 14)?,
        });
    }
    Ok(deliveries)
}

/// A delivery's place, with its store.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) store: &'a StoreId,
    pub(super) id: DeliveryId,
}

/// The row of a delivery within its lane, as far as a write needs it.
pub(super) struct OutboxRow {
    pub(super) inbox_row: i64,
    pub(super) state_number: i64,
    pub(super) state: DeliveryState,
    pub(super) attempts: i64,
}

/// One row, which has to exist.
pub(super) async fn outbox_row(on: &Transaction<'_>, place: Place<'_>) -> Result<OutboxRow, Fault> {
    let Place { store, id } = place;
    let query = "SELECT inbox_row, state, attempts, due_at, state_detail FROM outbox
                 WHERE store_id = $1 AND lane_id = $2 AND number = $3";
    let found = on.row(query, &[&store.as_str(), &id.lane_id, &id.number]).await?;
    let row = found.ok_or_else(|| unknown("delivery", &id))?;
    Ok(OutboxRow {
        inbox_row: value(&row, 0)?,
        state_number: value(&row, 1)?,
        attempts: value(&row, 2)?,
        state: state(&row, 3)?,
    })
}

/// Writes a delivery's state and keeps the lane's counters and the bundle's tie in step.
pub(super) async fn set_state(
    on: &Transaction<'_>,
    place: Place<'_>,
    before: &OutboxRow,
    after: &DeliveryState,
) -> Result<(), Fault> {
    let Place { store, id } = place;
    let columns = state_columns(after)?;
    on.run(
        "UPDATE outbox SET state = $4, due_at = $5, state_detail = $6, exception = $7
         WHERE store_id = $1 AND lane_id = $2 AND number = $3",
        &[
            &store.as_str(),
            &id.lane_id,
            &id.number,
            &columns.state,
            &columns.due_at,
            &columns.detail,
            &columns.exception,
        ],
    )
    .await?;
    count(on, store, id.lane_id, before.state_number, columns.state).await?;
    bundles::untie(on, place, &before.state, after).await
}

pub(super) async fn begin(
    on: &Transaction<'_>,
    claim: &Claim,
    steps: &[Step],
) -> Result<(), Fault> {
    check_fence(on, claim).await?;
    for step in steps {
        let place = in_lane(claim, step.id)?;
        let before = outbox_row(on, place).await?;
        // What is tied to a bundle stays tied: the bundle's own row says that it was sent.
        if !matches!(before.state, DeliveryState::Bundled { .. }) {
            let attempted = DeliveryState::Unknown { deadline: step.deadline, at: step.deadline };
            set_state(on, place, &before, &attempted).await?;
        }
        let line = Line {
            attempt: before.attempts + 1,
            at: step.now,
            deadline: Some(step.deadline),
            said: None,
        };
        count_attempt(on, place).await?;
        note(on, place, line).await?;
    }
    Ok(())
}

/// Counts one attempt more.
pub(super) async fn count_attempt(on: &Transaction<'_>, place: Place<'_>) -> Result<(), Fault> {
    on.run(
        "UPDATE outbox SET attempts = attempts + 1
         WHERE store_id = $1 AND lane_id = $2 AND number = $3",
        &[&place.store.as_str(), &place.id.lane_id, &place.id.number],
    )
    .await?;
    Ok(())
}

/// An attempt's line in the ring of the last ones.
pub(super) struct Line<'a> {
    pub(super) attempt: i64,
    pub(super) at: Timestamp,
    pub(super) deadline: Option<Timestamp>,
    pub(super) said: Option<&'a str>,
}

/// Writes an attempt's line.
pub(super) async fn note(
    on: &Transaction<'_>,
    place: Place<'_>,
    line: Line<'_>,
) -> Result<(), Fault> {
    on.run(
        "INSERT INTO attempts (store_id, lane_id, number, slot, attempt, at, deadline, said)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (store_id, lane_id, number, slot)
         DO UPDATE SET attempt = excluded.attempt, at = excluded.at,
                       deadline = excluded.deadline, said = excluded.said",
        &[
            &place.store.as_str(),
            &place.id.lane_id,
            &place.id.number,
            &(line.attempt % ATTEMPTS_KEPT),
            &line.attempt,
            &micros(line.at),
            &line.deadline.map(micros),
            &line.said.map(text),
        ],
    )
    .await?;
    Ok(())
}

pub(super) async fn finish(
    on: &Transaction<'_>,
    claim: &Claim,
    transitions: &[Transition],
) -> Result<(), Fault> {
    let (store, target) = (&claim.lane.store, &claim.lane.target);
    on.lock_store(store).await?;
    check_fence(on, claim).await?;
    let mut told = BTreeMap::new();
    for transition in transitions {
        let place = in_lane(claim, transition.id)?;
        let before = outbox_row(on, place).await?;
        if let Entry::Vacant(vacant) = told.entry(before.inbox_row) {
            let entry = progress::Entry { store, inbox_row: before.inbox_row };
            vacant.insert((progress::current(on, entry, target).await?, transition.now));
        }
        set_state(on, place, &before, &transition.state).await?;
        say(on, place, before.attempts, transition).await?;
    }
    for (inbox_row, (before, now)) in told {
        let entry = progress::Entry { store, inbox_row };
        progress::tell_change(on, entry, target, before.as_ref(), now).await?;
    }
    Ok(())
}

/// What the target said belongs to the attempt that asked; without one it is a line of its own.
async fn say(
    on: &Transaction<'_>,
    place: Place<'_>,
    attempts: i64,
    transition: &Transition,
) -> Result<(), Fault> {
    if transition.said.is_empty() {
        return Ok(());
    }
    let slot = attempts % ATTEMPTS_KEPT;
    let said = on
        .run(
            "UPDATE attempts SET said = $5
             WHERE store_id = $1 AND lane_id = $2 AND number = $3 AND slot = $4",
            &[
                &place.store.as_str(),
                &place.id.lane_id,
                &place.id.number,
                &slot,
                &text(&transition.said),
            ],
        )
        .await?;
    if said == 0 {
        let said = Some(transition.said.as_str());
        let line = Line { attempt: attempts, at: transition.now, deadline: None, said };
        note(on, place, line).await?;
    }
    Ok(())
}

fn in_lane(claim: &Claim, id: DeliveryId) -> Result<Place<'_>, Fault> {
    match id.lane_id == claim.lane_id {
        true => Ok(Place { store: &claim.lane.store, id }),
        false => Err(unknown("delivery of this lane", &id)),
    }
}

/// Of several documents of an event at a target, the receipt's is what others refer to. The key
/// may be another store's: each store is asked by its own index.
pub(super) async fn original(
    on: &Transaction<'_>,
    target: &TargetId,
    natural_key: &str,
) -> Result<OriginalState, Fault> {
    let query = "SELECT k.store_id, k.inbox_row FROM stores s
                   JOIN natural_keys k ON k.store_id = s.store_id
                 WHERE k.natural_key = $1 AND k.variant = 0 ORDER BY k.inbox_row LIMIT 1";
    match (on.row(query, &[&natural_key]).await?, NamedReceipt::of(natural_key)) {
        (Some(first), _) => {
            let (store, inbox_row): (&str, i64) = (value(&first, 0)?, value(&first, 1)?);
            let found = document(on, target, store, inbox_row, Documents::Any).await?;
            Ok(found.unwrap_or(OriginalState::WithoutDocument))
        }
        (None, Some(receipt)) => handed_out(on, target, &receipt).await,
        (None, None) => Ok(OriginalState::NeverSeen),
    }
}

/// The transaction of a receipt that handed goods out.
async fn handed_out(
    on: &Transaction<'_>,
    target: &TargetId,
    receipt: &NamedReceipt,
) -> Result<OriginalState, Fault> {
    let query = "SELECT k.natural_key, k.store_id, k.inbox_row FROM stores s
                   JOIN natural_keys k ON k.store_id = s.store_id
                 WHERE k.natural_key >= $1 AND k.natural_key < $2 AND k.variant = 0
                 ORDER BY k.natural_key, k.inbox_row LIMIT $3";
    let rows = on.rows(query, &[&receipt.from, &receipt.below, &KEYS_PER_RECEIPT_MAX]).await?;
    let mut meant: Vec<(Rank, &str, i64)> = Vec::new();
    for row in &rows {
        if let Some(rank) = receipt.rank(value(row, 0)?) {
            meant.push((rank, value(row, 1)?, value(row, 2)?));
        }
    }
    meant.sort_unstable_by_key(|(rank, _, inbox_row)| (*rank, *inbox_row));
    for (_, store, inbox_row) in &meant {
        let found = document(on, target, store, *inbox_row, Documents::Receipts).await?;
        if let Some(state) = found {
            return Ok(state);
        }
    }
    Ok(without_document(meant.iter().map(|(rank, ..)| rank)))
}

/// What became of the document of an event that others refer to, if it has one.
async fn document(
    on: &Transaction<'_>,
    target: &TargetId,
    store: &str,
    inbox_row: i64,
    documents: Documents,
) -> Result<Option<OriginalState>, Fault> {
    let query = "SELECT o.due_at, state_detail FROM outbox o
                   JOIN lanes l ON l.store_id = o.store_id AND l.lane_id = o.lane_id
                 WHERE o.store_id = $1 AND inbox_row = $2 AND target = $3 AND (class = $4 OR $5)
                 ORDER BY mode, class <> $4, part, o.lane_id, number LIMIT 1";
    let (receipts, any) = (class_number(Class::Receipts), documents == Documents::Any);
    let values: super::transaction::Values<'_> =
        &[&store, &inbox_row, &target.as_str(), &receipts, &any];
    let found = on.row(query, values).await?;
    Ok(found.map(|row| state(&row, 0)).transpose()?.map(as_original))
}

/// The movements of the lane's store after `since` whose deltas stand in the target or come
/// before `before` in the lane; one that is an exception or was settled by hand does neither.
pub(super) async fn moves_since(
    on: &Transaction<'_>,
    claim: &Claim,
    before: DeliveryId,
    since: Timestamp,
) -> Result<Vec<StockMoveRow>, Fault> {
    let query = "SELECT movements FROM moves m WHERE store_id = $1 AND occurred_at > $2
                   AND EXISTS (SELECT 1 FROM outbox o
                               WHERE o.store_id = m.store_id AND o.inbox_row = m.inbox_row
                                 AND lane_id = $3 AND mode = $4
                                 AND (state = $5 OR (state < $6 AND number < $7)))
                 ORDER BY occurred_at, inbox_row";
    let values: super::transaction::Values<'_> = &[
        &claim.lane.store.as_str(),
        &micros(since),
        &claim.lane_id,
        &mode_number(Mode::Delta),
        &DONE,
        &SETTLED,
        &before.number,
    ];
    let rows = on.rows(query, values).await?;
    let movements = rows.iter().map(|row: &Row| json::<Vec<StockMoveRow>>(row, 0));
    let movements: Vec<Vec<StockMoveRow>> = movements.collect::<Result<_, _>>()?;
    Ok(movements.into_iter().flatten().filter(|movement| movement.occurred_at > since).collect())
}
