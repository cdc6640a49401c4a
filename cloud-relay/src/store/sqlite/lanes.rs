//! Lanes: who may work on which, when they are due, and how much stands in each.
//!
//! `due_at` is when a worker may claim a lane; while one holds it, the end of the lease stands
//! there, so that the same index finds lanes whose worker died. What arrives in the meantime sets
//! `woken_at`, which the release takes over. Does not look into deliveries.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use protocol::id::{StoreId, TargetId};
use rusqlite::{Connection, OptionalExtension, params};

use super::codec::{
    CLASSES, EXCEPTION, Fault, SETTLED, StateColumns, class, class_number, micros, mode_number,
    parsed, time_option, to_json, unsigned,
};
use super::writer::Change;
use crate::connectors::{Class, Planned};
use crate::store::StoreError;
use crate::store::model::{Claim, Fencing, Lane, LaneView};

/// Adds deliveries to the lanes of one store; writes each lane's counters once, at the end.
pub(super) struct LaneWriter<'a, 'c> {
    change: &'a Change<'c>,
    store: &'a StoreId,
    now: Timestamp,
    lanes: HashMap<(TargetId, Class), Open>,
}

/// A lane that is being added to.
struct Open {
    lane_id: i64,
    next_number: i64,
    waiting: i64,
    done: i64,
    exceptions: i64,
}

impl<'a, 'c> LaneWriter<'a, 'c> {
    pub(super) fn new(change: &'a Change<'c>, store: &'a StoreId, now: Timestamp) -> Self {
        Self { change, store, now, lanes: HashMap::new() }
    }

    pub(super) const fn now(&self) -> Timestamp {
        self.now
    }

    /// Adds one delivery at the end of its lane.
    pub(super) fn add(
        &mut self,
        target: &TargetId,
        planned: &Planned,
        inbox_row: i64,
        state: &StateColumns,
    ) -> Result<(), Fault> {
        let key = (target.clone(), planned.class);
        let lane = match self.lanes.entry(key) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) => {
                entry.insert(open_lane(self.change, self.store, target, planned.class)?)
            }
        };
        let depends_on = match planned.depends_on.as_slice() {
            [] => None,
            keys => Some(to_json(&keys)?),
        };
        self.change
            .connection
            .prepare_cached(
                "INSERT INTO outbox (lane_id, number, inbox_row, action, part, mode, depends_on,
                   amount_minor, amount_currency, state, due_at, state_detail, exception,
                   created_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
            )?
            .execute(params![
                lane.lane_id,
                lane.next_number,
                inbox_row,
                planned.action,
                planned.part,
                mode_number(planned.mode),
                depends_on,
                planned.amount.map(|amount| amount.minor),
                planned.amount.as_ref().map(|amount| amount.currency.code()),
                state.state,
                state.due_at,
                state.detail,
                state.exception,
                micros(self.now)
            ])?;
        lane.next_number += 1;
        match state.state {
            EXCEPTION => lane.exceptions += 1,
            SETTLED.. => lane.done += 1,
            _ => lane.waiting += 1,
        }
        Ok(())
    }

    /// Writes the counters and wakes the lanes that have something to do.
    pub(super) fn finish(self) -> Result<(), Fault> {
        for ((target, _), lane) in self.lanes {
            self.change
                .connection
                .prepare_cached(
                    "UPDATE lanes SET next_number = ?2, waiting = waiting + ?3,
                       exceptions = exceptions + ?4, done = done + ?5 WHERE lane_id = ?1",
                )?
                .execute(params![
                    lane.lane_id,
                    lane.next_number,
                    lane.waiting,
                    lane.exceptions,
                    lane.done
                ])?;
            if lane.waiting > 0 {
                wake(self.change, lane.lane_id, &target, self.now)?;
            }
        }
        Ok(())
    }
}

fn open_lane(
    change: &Change<'_>,
    store: &StoreId,
    target: &TargetId,
    class: Class,
) -> Result<Open, Fault> {
    let connection = change.connection;
    let key = params![store.as_str(), target.as_str(), class_number(class)];
    connection
        .prepare_cached(
            "INSERT INTO lanes (store, target, class) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        )?
        .execute(key)?;
    let (lane_id, next_number) = connection
        .prepare_cached(
            "SELECT lane_id, next_number FROM lanes
             WHERE store = ?1 AND target = ?2 AND class = ?3",
        )?
        .query_row(key, |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(Open { lane_id, next_number, waiting: 0, done: 0, exceptions: 0 })
}

/// Makes a lane due, now or when its target's pause ends.
pub(super) fn wake(
    change: &Change<'_>,
    lane_id: i64,
    target: &TargetId,
    now: Timestamp,
) -> Result<(), Fault> {
    let at =
        paused_until(change.connection, target)?.map_or(micros(now), |end| end.max(micros(now)));
    change
        .connection
        .prepare_cached(
            "UPDATE lanes SET
               woken_at = CASE WHEN holder IS NULL THEN NULL
                               ELSE min(coalesce(woken_at, ?2), ?2) END,
               due_at = CASE WHEN holder IS NULL THEN min(coalesce(due_at, ?2), ?2)
                             ELSE due_at END
             WHERE lane_id = ?1",
        )?
        .execute([lane_id, at])?;
    change.has_work();
    Ok(())
}

fn paused_until(connection: &Connection, target: &TargetId) -> Result<Option<i64>, Fault> {
    Ok(connection
        .prepare_cached("SELECT paused_until FROM targets WHERE target = ?1")?
        .query_row([target.as_str()], |row| row.get(0))
        .optional()?)
}

/// Moves a delivery between a lane's counters.
pub(super) fn count(change: &Change<'_>, lane_id: i64, from: i64, to: i64) -> Result<(), Fault> {
    let column = |state| match state {
        EXCEPTION => 1_usize,
        SETTLED.. => 2,
        _ => 0,
    };
    let (from, to) = (column(from), column(to));
    if from == to {
        return Ok(());
    }
    let mut by = [0_i64; 3];
    by[from] -= 1;
    by[to] += 1;
    change
        .connection
        .prepare_cached(
            "UPDATE lanes SET waiting = waiting + ?2, exceptions = exceptions + ?3,
               done = done + ?4 WHERE lane_id = ?1",
        )?
        .execute([lane_id, by[0], by[1], by[2]])?;
    Ok(())
}

pub(super) fn claim(
    change: &Change<'_>,
    worker: &str,
    now: Timestamp,
    lease: SignedDuration,
) -> Result<Option<Claim>, Fault> {
    let lease_until = now.saturating_add(lease).unwrap_or(Timestamp::MAX);
    for class in CLASSES {
        let found = change
            .connection
            .prepare_cached(
                "SELECT lane_id, store, target FROM lanes
                 WHERE class = ?1 AND due_at <= ?2
                   AND NOT EXISTS (SELECT 1 FROM targets
                                   WHERE targets.target = lanes.target AND paused_until > ?2)
                 ORDER BY due_at LIMIT 1",
            )?
            .query_row([class_number(class), micros(now)], |row| {
                let lane = Lane { store: parsed(row, 1)?, target: parsed(row, 2)?, class };
                Ok((row.get::<_, i64>(0)?, lane))
            })
            .optional()?;
        if let Some((lane_id, lane)) = found {
            let fence = change
                .connection
                .prepare_cached(
                    "UPDATE lanes SET holder = ?2, due_at = ?3, woken_at = NULL, fence = fence + 1
                     WHERE lane_id = ?1 RETURNING fence",
                )?
                .query_row(params![lane_id, worker, micros(lease_until)], |row| unsigned(row, 0))?;
            return Ok(Some(Claim { lane, lane_id, fence, lease_until, fencing: Fencing::On }));
        }
    }
    Ok(None)
}

/// Refuses a claim whose lane has another fence or was given back.
pub(super) fn check_fence(connection: &Connection, claim: &Claim) -> Result<(), Fault> {
    if claim.fencing == Fencing::Off {
        return Ok(());
    }
    let fence = connection
        .prepare_cached("SELECT fence FROM lanes WHERE lane_id = ?1 AND holder IS NOT NULL")?
        .query_row([claim.lane_id], |row| unsigned(row, 0))
        .optional()?;
    if fence == Some(claim.fence) { Ok(()) } else { Err(StoreError::FenceLost.into()) }
}

pub(super) fn renew(
    change: &Change<'_>,
    claim: &Claim,
    now: Timestamp,
    lease: SignedDuration,
) -> Result<(), Fault> {
    check_fence(change.connection, claim)?;
    let lease_until = now.saturating_add(lease).unwrap_or(Timestamp::MAX);
    change
        .connection
        .prepare_cached("UPDATE lanes SET due_at = ?2 WHERE lane_id = ?1")?
        .execute([claim.lane_id, micros(lease_until)])?;
    Ok(())
}

pub(super) fn release(
    change: &Change<'_>,
    claim: &Claim,
    wake_at: Option<Timestamp>,
) -> Result<(), Fault> {
    check_fence(change.connection, claim)?;
    let woken_at: Option<i64> = change
        .connection
        .prepare_cached("SELECT woken_at FROM lanes WHERE lane_id = ?1")?
        .query_row([claim.lane_id], |row| row.get(0))?;
    let due_at = [woken_at, wake_at.map(micros)].into_iter().flatten().min();
    let paused = paused_until(change.connection, &claim.lane.target)?;
    let due_at = due_at.map(|due| due.max(paused.unwrap_or(due)));
    change
        .connection
        .prepare_cached(
            "UPDATE lanes SET holder = NULL, woken_at = NULL, due_at = ?2 WHERE lane_id = ?1",
        )?
        .execute(params![claim.lane_id, due_at])?;
    change.has_work();
    Ok(())
}

/// Moves the lanes of the target that nobody holds behind the pause, so that claiming does not
/// step over them; a pause that is shortened brings forward those that waited for its end.
pub(super) fn pause(
    change: &Change<'_>,
    target: &TargetId,
    until: Timestamp,
    reason: &str,
) -> Result<(), Fault> {
    let former = paused_until(change.connection, target)?;
    let until = micros(until);
    change.connection.execute(
        "INSERT INTO targets (target, paused_until, reason) VALUES (?1, ?2, ?3)
         ON CONFLICT (target) DO UPDATE
         SET paused_until = excluded.paused_until, reason = excluded.reason",
        params![target.as_str(), until, reason],
    )?;
    change.connection.execute(
        "UPDATE lanes SET due_at = ?2
         WHERE target = ?1 AND holder IS NULL AND (due_at < ?2 OR due_at = ?3)",
        params![target.as_str(), until, former],
    )?;
    change.has_work();
    Ok(())
}

pub(super) fn views(connection: &Connection) -> Result<Vec<LaneView>, Fault> {
    let mut select = connection.prepare_cached(
        "SELECT store, lanes.target, class, waiting, exceptions, done,
           (SELECT created_at FROM outbox
            WHERE outbox.lane_id = lanes.lane_id AND state < 10 ORDER BY number LIMIT 1),
           paused_until, reason
         FROM lanes LEFT JOIN targets ON targets.target = lanes.target
         ORDER BY store, lanes.target, class",
    )?;
    let rows = select.query_map([], |row| {
        let paused = match time_option(row, 7)? {
            Some(until) => Some((until, row.get(8)?)),
            None => None,
        };
        Ok(LaneView {
            lane: Lane { store: parsed(row, 0)?, target: parsed(row, 1)?, class: class(row, 2)? },
            waiting: unsigned(row, 3)?,
            exceptions: unsigned(row, 4)?,
            done: unsigned(row, 5)?,
            oldest_at: time_option(row, 6)?,
            paused,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
