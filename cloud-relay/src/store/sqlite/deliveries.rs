//! Deliveries under a claim: read in order, attempted, finished.
//!
//! Every write checks the claim's fence in its own transaction. An attempt is written down as
//! unknown before its call, so that a crash between the two leaves the truth. Does not choose
//! what to attempt.

use std::collections::BTreeMap;

use jiff::Timestamp;
use protocol::chain::Sequence;
use protocol::id::TargetId;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::codec::{
    DONE, Fault, SETTLED, bytes, json, micros, mode_number, parsed, planned, signed, state,
    state_columns, time, unknown,
};
use super::lanes::{check_fence, count};
use super::pages::PageReader;
use super::writer::Change;
use super::{bundles, progress};
use crate::connectors::{Class, Mode};
use crate::store::columns::ATTEMPTS_KEPT;
use crate::store::model::{
    Claim, Delivery, DeliveryId, DeliveryState, OriginalState, Step, StockMoveRow, Transition,
};
use crate::store::originals::{
    Documents, KEYS_PER_RECEIPT_MAX, NamedReceipt, Rank, as_original, without_document,
};

pub(super) fn open(
    connection: &Connection,
    claim: &Claim,
    count_max: usize,
) -> Result<Vec<Delivery>, Fault> {
    let mut select = connection.prepare_cached(
        "SELECT number, device, epoch, sequence, coalesce(own_key, natural_key),
           action, part, mode, depends_on, amount_minor, amount_currency,
           o.due_at, o.state_detail, o.attempts, o.created_at,
           page_row, page_offset, record_bytes
         FROM outbox o JOIN inbox USING (inbox_row) JOIN epochs USING (epoch_row)
           JOIN devices USING (device_row)
         WHERE lane_id = ?1 AND o.state < 10 ORDER BY number LIMIT ?2",
    )?;
    let mut rows = select.query(params![claim.lane_id, signed(count_max)?])?;
    let mut pages = PageReader::default();
    let mut deliveries = Vec::new();
    while let Some(row) = rows.next()? {
        deliveries.push(delivery_of(connection, claim, row, &mut pages)?);
    }
    Ok(deliveries)
}

fn delivery_of(
    connection: &Connection,
    claim: &Claim,
    row: &Row<'_>,
    pages: &mut PageReader,
) -> Result<Delivery, Fault> {
    Ok(Delivery {
        id: DeliveryId { lane_id: claim.lane_id, number: row.get(0)? },
        device: parsed(row, 1)?,
        epoch: bytes(row, 2)?,
        sequence: Sequence(super::codec::unsigned(row, 3)?),
        natural_key: row.get(4)?,
        record: pages.record(connection, row, 15)?,
        planned: planned(row, claim.lane.class, 5)?,
        state: state(row, 11)?,
        attempts: row.get(13)?,
        created_at: time(row, 14)?,
    })
}

/// The row of a delivery within its lane, as far as a write needs it.
pub(super) struct OutboxRow {
    pub(super) inbox_row: i64,
    pub(super) state_number: i64,
    pub(super) state: DeliveryState,
    pub(super) attempts: i64,
}

/// One row, which has to exist.
pub(super) fn outbox_row(connection: &Connection, id: DeliveryId) -> Result<OutboxRow, Fault> {
    connection
        .prepare_cached(
            "SELECT inbox_row, state, attempts, due_at, state_detail FROM outbox
             WHERE lane_id = ?1 AND number = ?2",
        )?
        .query_row([id.lane_id, id.number], |row| {
            Ok(OutboxRow {
                inbox_row: row.get(0)?,
                state_number: row.get(1)?,
                attempts: row.get(2)?,
                state: state(row, 3)?,
            })
        })
        .optional()?
        .ok_or_else(|| unknown("delivery", &id))
}

/// Writes a delivery's state and keeps the lane's counters and the bundle's tie in step.
pub(super) fn set_state(
    change: &Change<'_>,
    id: DeliveryId,
    before: &OutboxRow,
    after: &DeliveryState,
) -> Result<(), Fault> {
    let columns = state_columns(after)?;
    change
        .connection
        .prepare_cached(
            "UPDATE outbox SET state = ?3, due_at = ?4, state_detail = ?5, exception = ?6
             WHERE lane_id = ?1 AND number = ?2",
        )?
        .execute(params![
            id.lane_id,
            id.number,
            columns.state,
            columns.due_at,
            columns.detail,
            columns.exception
        ])?;
    count(change, id.lane_id, before.state_number, columns.state)?;
    bundles::untie(change, &before.state, after)
}

pub(super) fn begin(change: &Change<'_>, claim: &Claim, steps: &[Step]) -> Result<(), Fault> {
    check_fence(change.connection, claim)?;
    for step in steps {
        let before = outbox_row(change.connection, in_lane(claim, step.id)?)?;
        // What is tied to a bundle stays tied: the bundle's own row says that it was sent.
        if !matches!(before.state, DeliveryState::Bundled { .. }) {
            let attempted = DeliveryState::Unknown { deadline: step.deadline, at: step.deadline };
            set_state(change, step.id, &before, &attempted)?;
        }
        change
            .connection
            .prepare_cached(
                "UPDATE outbox SET attempts = attempts + 1 WHERE lane_id = ?1 AND number = ?2",
            )?
            .execute([step.id.lane_id, step.id.number])?;
        note(change, step.id, before.attempts + 1, step.now, Some(step.deadline), None)?;
    }
    Ok(())
}

/// Writes an attempt's line into the ring of the last ones.
pub(super) fn note(
    change: &Change<'_>,
    id: DeliveryId,
    attempt: i64,
    at: Timestamp,
    deadline: Option<Timestamp>,
    said: Option<&str>,
) -> Result<(), Fault> {
    change
        .connection
        .prepare_cached(
            "INSERT OR REPLACE INTO attempts (lane_id, number, slot, attempt, at, deadline, said)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            id.lane_id,
            id.number,
            attempt % ATTEMPTS_KEPT,
            attempt,
            micros(at),
            deadline.map(micros),
            said
        ])?;
    Ok(())
}

pub(super) fn finish(
    change: &Change<'_>,
    claim: &Claim,
    transitions: &[Transition],
) -> Result<(), Fault> {
    check_fence(change.connection, claim)?;
    let target = &claim.lane.target;
    let mut told = BTreeMap::new();
    for transition in transitions {
        let id = in_lane(claim, transition.id)?;
        let before = outbox_row(change.connection, id)?;
        if let std::collections::btree_map::Entry::Vacant(entry) = told.entry(before.inbox_row) {
            let stood = progress::current(change.connection, before.inbox_row, target)?;
            entry.insert((stood, transition.now));
        }
        set_state(change, id, &before, &transition.state)?;
        say(change, id, before.attempts, transition)?;
    }
    for (inbox_row, (before, now)) in told {
        progress::tell_change(change, inbox_row, target, before.as_ref(), now)?;
    }
    Ok(())
}

/// What the target said belongs to the attempt that asked; without one it is a line of its own.
fn say(
    change: &Change<'_>,
    id: DeliveryId,
    attempts: i64,
    transition: &Transition,
) -> Result<(), Fault> {
    if transition.said.is_empty() {
        return Ok(());
    }
    let said = change
        .connection
        .prepare_cached(
            "UPDATE attempts SET said = ?4 WHERE lane_id = ?1 AND number = ?2 AND slot = ?3",
        )?
        .execute(params![id.lane_id, id.number, attempts % ATTEMPTS_KEPT, transition.said])?;
    if said == 0 {
        note(change, id, attempts, transition.now, None, Some(&transition.said))?;
    }
    Ok(())
}

fn in_lane(claim: &Claim, id: DeliveryId) -> Result<DeliveryId, Fault> {
    if id.lane_id == claim.lane_id { Ok(id) } else { Err(unknown("delivery of this lane", &id)) }
}

/// Of several documents of an event at a target, the receipt's is what others refer to.
pub(super) fn original(
    connection: &Connection,
    target: &TargetId,
    natural_key: &str,
) -> Result<OriginalState, Fault> {
    let first: Option<i64> = connection
        .prepare_cached(
            "SELECT inbox_row FROM natural_keys WHERE natural_key = ?1 AND variant = 0",
        )?
        .query_row([natural_key], |row| row.get(0))
        .optional()?;
    match (first, NamedReceipt::of(natural_key)) {
        (Some(inbox_row), _) => {
            let found = document(connection, target, inbox_row, Documents::Any)?;
            Ok(found.unwrap_or(OriginalState::WithoutDocument))
        }
        (None, Some(receipt)) => handed_out(connection, target, &receipt),
        (None, None) => Ok(OriginalState::NeverSeen),
    }
}

/// The transaction of a receipt that handed goods out.
fn handed_out(
    connection: &Connection,
    target: &TargetId,
    receipt: &NamedReceipt,
) -> Result<OriginalState, Fault> {
    let mut select = connection.prepare_cached(
        "SELECT natural_key, inbox_row FROM natural_keys
         WHERE natural_key >= ?1 AND natural_key < ?2 AND variant = 0 ORDER BY natural_key LIMIT ?3",
    )?;
    let mut rows = select.query(params![receipt.from, receipt.below, KEYS_PER_RECEIPT_MAX])?;
    let mut meant: Vec<(Rank, i64)> = Vec::new();
    while let Some(row) = rows.next()? {
        let key: String = row.get(0)?;
        if let Some(rank) = receipt.rank(&key) {
            meant.push((rank, row.get(1)?));
        }
    }
    meant.sort_unstable();
    for (_, inbox_row) in &meant {
        if let Some(state) = document(connection, target, *inbox_row, Documents::Receipts)? {
            return Ok(state);
        }
    }
    Ok(without_document(meant.iter().map(|(rank, _)| rank)))
}

/// What became of the document of an event that others refer to, if it has one.
fn document(
    connection: &Connection,
    target: &TargetId,
    inbox_row: i64,
    documents: Documents,
) -> Result<Option<OriginalState>, Fault> {
    let receipts = super::codec::class_number(Class::Receipts);
    let found = connection
        .prepare_cached(
            "SELECT outbox.due_at, state_detail FROM outbox JOIN lanes USING (lane_id)
             WHERE inbox_row = ?1 AND target = ?2 AND (class = ?3 OR ?4)
             ORDER BY mode, class <> ?3, part, lane_id, number LIMIT 1",
        )?
        .query_row(
            params![inbox_row, target.as_str(), receipts, documents == Documents::Any],
            |row| state(row, 0),
        )
        .optional()?;
    Ok(found.map(as_original))
}

/// The movements of the lane's store after `since` whose deltas stand in the target or come
/// before `before` in the lane; one that is an exception or was settled by hand does neither.
pub(super) fn moves_since(
    connection: &Connection,
    claim: &Claim,
    before: DeliveryId,
    since: Timestamp,
) -> Result<Vec<StockMoveRow>, Fault> {
    let mut select = connection.prepare_cached(
        "SELECT movements FROM moves WHERE store = ?1 AND occurred_at > ?2
           AND EXISTS (SELECT 1 FROM outbox
                       WHERE outbox.inbox_row = moves.inbox_row AND lane_id = ?3 AND mode = ?4
                         AND (state = ?5 OR (state < ?6 AND number < ?7)))
         ORDER BY occurred_at, inbox_row",
    )?;
    let rows = select.query_map(
        params![
            claim.lane.store.as_str(),
            micros(since),
            claim.lane_id,
            mode_number(Mode::Delta),
            DONE,
            SETTLED,
            before.number
        ],
        |row| json::<Vec<StockMoveRow>>(row, 0),
    )?;
    let mut movements = Vec::new();
    for row in rows {
        movements.extend(row?.into_iter().filter(|movement| movement.occurred_at > since));
    }
    Ok(movements)
}
