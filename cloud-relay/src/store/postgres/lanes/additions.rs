//! Deliveries on their way into the lanes of one store: collected, then inserted at once.
//!
//! Numbers within a lane are given under the store's lock, so they have no gaps and nobody else
//! gives them. Does not decide what is delivered.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use protocol::id::{StoreId, TargetId};

use super::column;
use crate::connectors::{Class, Planned};
use crate::store::columns::{StateColumns, class_number, mode_number};
use crate::store::postgres::codec::{Fault, micros, to_json, unknown, value};
use crate::store::postgres::transaction::Transaction;

/// Deliveries that are added together.
pub(in crate::store::postgres) struct Additions<'a> {
    store: &'a StoreId,
    now: Timestamp,
    rows: Columns,
    lanes: Vec<(TargetId, Class)>,
}

/// The new rows, column by column, as a statement takes them.
#[derive(Default)]
struct Columns {
    inbox_rows: Vec<i64>,
    actions: Vec<String>,
    parts: Vec<i64>,
    modes: Vec<i64>,
    depends_on: Vec<Option<String>>,
    amounts: Vec<Option<i64>>,
    currencies: Vec<Option<String>>,
    states: Vec<i64>,
    due_at: Vec<Option<i64>>,
    details: Vec<Option<String>>,
    exceptions: Vec<Option<&'static str>>,
}

/// A lane that is added to.
struct Open {
    lane_id: i64,
    next_number: i64,
    /// How many more are waiting, exceptions, done.
    by: [i64; 3],
}

impl<'a> Additions<'a> {
    pub(in crate::store::postgres) fn new(store: &'a StoreId, now: Timestamp) -> Self {
        Self { store, now, rows: Columns::default(), lanes: Vec::new() }
    }

    pub(in crate::store::postgres) const fn now(&self) -> Timestamp {
        self.now
    }

    /// Adds one delivery at the end of its lane.
    pub(in crate::store::postgres) fn add(
        &mut self,
        target: &TargetId,
        planned: &Planned,
        inbox_row: i64,
        state: &StateColumns,
    ) -> Result<(), Fault> {
        let depends_on = match planned.depends_on.as_slice() {
            [] => None,
            keys => Some(to_json(&keys)?),
        };
        let currency = planned.amount.as_ref().map(|amount| amount.currency.code().to_owned());
        self.lanes.push((target.clone(), planned.class));
        self.rows.inbox_rows.push(inbox_row);
        self.rows.actions.push(planned.action.clone());
        self.rows.parts.push(i64::from(planned.part));
        self.rows.modes.push(mode_number(planned.mode));
        self.rows.depends_on.push(depends_on);
        self.rows.amounts.push(planned.amount.map(|amount| amount.minor));
        self.rows.currencies.push(currency);
        self.rows.states.push(state.state);
        self.rows.due_at.push(state.due_at);
        self.rows.details.push(state.detail.clone());
        self.rows.exceptions.push(state.exception);
        Ok(())
    }

    /// Inserts them, moves the lanes' counters and wakes those that have something to do.
    pub(in crate::store::postgres) async fn insert(
        self,
        on: &Transaction<'_>,
    ) -> Result<(), Fault> {
        if self.lanes.is_empty() {
            return Ok(());
        }
        let mut open = self.open_lanes(on).await?;
        let (mut lane_ids, mut numbers) = (Vec::new(), Vec::new());
        for (key, state) in self.lanes.iter().zip(&self.rows.states) {
            let lane = open.get_mut(key).ok_or_else(|| unknown("lane of target", &key.0))?;
            lane_ids.push(lane.lane_id);
            numbers.push(lane.next_number);
            lane.next_number += 1;
            lane.by[column(*state)] += 1;
        }
        self.insert_rows(on, &lane_ids, &numbers).await?;
        self.count_and_wake(on, open.into_values().filter(|lane| lane.by != [0; 3])).await
    }

    /// The store's lanes, those that are missing included.
    async fn open_lanes(
        &self,
        on: &Transaction<'_>,
    ) -> Result<HashMap<(TargetId, Class), Open>, Fault> {
        let mut open = self.lanes_there(on).await?;
        let mut missing: BTreeSet<(&str, i64)> = BTreeSet::new();
        for key in self.lanes.iter().filter(|key| !open.contains_key(*key)) {
            missing.insert((key.0.as_str(), class_number(key.1)));
        }
        if !missing.is_empty() {
            let (targets, classes): (Vec<&str>, Vec<i64>) = missing.into_iter().unzip();
            on.run(
                "INSERT INTO lanes (store_id, target, class)
                 SELECT $1, * FROM unnest($2::text[], $3::bigint[])",
                &[&self.store.as_str(), &targets, &classes],
            )
            .await?;
            open = self.lanes_there(on).await?;
        }
        Ok(open)
    }

    async fn lanes_there(
        &self,
        on: &Transaction<'_>,
    ) -> Result<HashMap<(TargetId, Class), Open>, Fault> {
        let query = "SELECT store_id, target, class, lane_id, next_number FROM lanes
                     WHERE store_id = $1";
        let found = on.rows(query, &[&self.store.as_str()]).await?;
        let lanes = found.iter().map(|row| {
            let lane = super::lane_of(row, 0)?;
            let open = Open { lane_id: value(row, 3)?, next_number: value(row, 4)?, by: [0; 3] };
            Ok(((lane.target, lane.class), open))
        });
        lanes.collect()
    }

    async fn insert_rows(
        &self,
        on: &Transaction<'_>,
        lane_ids: &[i64],
        numbers: &[i64],
    ) -> Result<(), Fault> {
        let rows = &self.rows;
        on.run(
            "INSERT INTO outbox (store_id, created_at, lane_id, number, inbox_row, action, part,
               mode, depends_on, amount_minor, amount_currency, state, due_at, state_detail,
               exception)
             SELECT $1, $2::bigint, * FROM unnest($3::bigint[], $4::bigint[], $5::bigint[],
               $6::text[], $7::bigint[], $8::bigint[], $9::text[], $10::bigint[], $11::text[],
               $12::bigint[], $13::bigint[], $14::text[], $15::text[])",
            &[
                &self.store.as_str(),
                &micros(self.now),
                &lane_ids,
                &numbers,
                &rows.inbox_rows,
                &rows.actions,
                &rows.parts,
                &rows.modes,
                &rows.depends_on,
                &rows.amounts,
                &rows.currencies,
                &rows.states,
                &rows.due_at,
                &rows.details,
                &rows.exceptions,
            ],
        )
        .await?;
        Ok(())
    }

    async fn count_and_wake(
        &self,
        on: &Transaction<'_>,
        lanes: impl Iterator<Item = Open>,
    ) -> Result<(), Fault> {
        let (mut lane_ids, mut next_numbers) = (Vec::new(), Vec::new());
        let mut by: [Vec<i64>; 3] = Default::default();
        for lane in lanes {
            lane_ids.push(lane.lane_id);
            next_numbers.push(lane.next_number);
            for (column, more) in by.iter_mut().zip(lane.by) {
                column.push(more);
            }
        }
        let has_work = by[0].iter().any(|waiting| *waiting > 0);
        on.run(
            "UPDATE lanes l SET
                   next_number = a.next_number, waiting = l.waiting + a.waiting,
                   exceptions = l.exceptions + a.exceptions, done = l.done + a.done,
                   woken_at = CASE WHEN a.waiting = 0 OR l.holder IS NULL THEN l.woken_at
                                   ELSE least(l.woken_at, a.wake_at) END,
                   due_at = CASE WHEN a.waiting = 0 OR l.holder IS NOT NULL THEN l.due_at
                                 ELSE least(l.due_at, a.wake_at) END
                 FROM (SELECT n.*, greatest($2::bigint, t.paused_until) AS wake_at
                       FROM unnest($3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],
                                   $7::bigint[])
                         AS n(lane_id, next_number, waiting, exceptions, done)
                       JOIN lanes known ON known.store_id = $1 AND known.lane_id = n.lane_id
                       LEFT JOIN targets t ON t.target = known.target) a
                 WHERE l.store_id = $1 AND l.lane_id = a.lane_id",
            &[
                &self.store.as_str(),
                &micros(self.now),
                &lane_ids,
                &next_numbers,
                &by[0],
                &by[1],
                &by[2],
            ],
        )
        .await?;
        if has_work {
            on.has_work();
        }
        Ok(())
    }
}
