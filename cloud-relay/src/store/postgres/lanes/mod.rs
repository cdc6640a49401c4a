//! Lanes: who may work on which, when they are due, and how much stands in each.
//!
//! `due_at` is when a worker may claim a lane; while one holds it, the end of the lease stands
//! there, so that the same index finds lanes whose worker died. What arrives in the meantime sets
//! `woken_at`, which the release takes over. Does not look into deliveries.

mod additions;

use jiff::{SignedDuration, Timestamp};
use protocol::id::{StoreId, TargetId};
use tokio_postgres::Row;

use super::codec::{Fault, class, micros, parsed, text, time_option, unknown, unsigned, value};
use super::transaction::Transaction;
use crate::store::StoreError;
use crate::store::columns::{CLASSES, EXCEPTION, SETTLED, class_number};
use crate::store::model::{Claim, Fencing, Lane, LaneView};

pub(super) use additions::Additions;

/// Lanes that are tried at once: several workers that look at the same moment find the same ones,
/// and each takes the first that nobody has.
const CANDIDATES_MAX: i64 = 16;

/// Makes a lane due, now or when its target's pause ends.
pub(super) async fn wake(
    on: &Transaction<'_>,
    store: &StoreId,
    lane_id: i64,
    now: Timestamp,
) -> Result<(), Fault> {
    on.run(
        "UPDATE lanes SET
           woken_at = CASE WHEN holder IS NULL THEN NULL ELSE least(woken_at, wake_at) END,
           due_at = CASE WHEN holder IS NULL THEN least(due_at, wake_at) ELSE due_at END
         FROM (SELECT l.lane_id AS woken, greatest($3::bigint, t.paused_until) AS wake_at
               FROM lanes l LEFT JOIN targets t ON t.target = l.target
               WHERE l.store_id = $1 AND l.lane_id = $2) w
         WHERE store_id = $1 AND lane_id = w.woken",
        &[&store.as_str(), &lane_id, &micros(now)],
    )
    .await?;
    on.has_work();
    Ok(())
}

/// Moves a delivery between a lane's counters.
pub(super) async fn count(
    on: &Transaction<'_>,
    store: &StoreId,
    lane_id: i64,
    from: i64,
    to: i64,
) -> Result<(), Fault> {
    let (from, to) = (column(from), column(to));
    if from == to {
        return Ok(());
    }
    let mut by = [0_i64; 3];
    by[from] -= 1;
    by[to] += 1;
    on.run(
        "UPDATE lanes SET waiting = waiting + $3, exceptions = exceptions + $4, done = done + $5
         WHERE store_id = $1 AND lane_id = $2",
        &[&store.as_str(), &lane_id, &by[0], &by[1], &by[2]],
    )
    .await?;
    Ok(())
}

/// Which counter a state counts in: waiting, exceptions, done.
const fn column(state: i64) -> usize {
    match state {
        EXCEPTION => 1,
        SETTLED.. => 2,
        _ => 0,
    }
}

/// Looks for due lanes and takes the first that nobody else takes at the same moment. The look
/// locks nothing; each try is a statement on one store alone.
pub(super) async fn claim(
    on: &Transaction<'_>,
    worker: &str,
    now: Timestamp,
    lease: SignedDuration,
) -> Result<Option<Claim>, Fault> {
    let lease_until = now.saturating_add(lease).unwrap_or(Timestamp::MAX);
    for class in CLASSES {
        let mut tried: Vec<i64> = Vec::new();
        loop {
            let query = "SELECT lane_id, store_id, target FROM lanes
                         WHERE class = $1 AND due_at <= $2 AND lane_id <> ALL($3)
                           AND NOT EXISTS (SELECT 1 FROM targets
                                           WHERE targets.target = lanes.target
                                             AND paused_until > $2)
                         ORDER BY due_at LIMIT $4";
            let number = class_number(class);
            let candidates =
                on.rows(query, &[&number, &micros(now), &tried, &CANDIDATES_MAX]).await?;
            if candidates.is_empty() {
                break;
            }
            for row in &candidates {
                let lane_id = value(row, 0)?;
                let lane = Lane { store: parsed(row, 1)?, target: parsed(row, 2)?, class };
                if let Some(fence) = take(on, &lane, lane_id, worker, now, lease_until).await? {
                    return Ok(Some(Claim {
                        lane,
                        lane_id,
                        fence,
                        lease_until,
                        fencing: Fencing::On,
                    }));
                }
                tried.push(lane_id);
            }
        }
    }
    Ok(None)
}

/// The new fence, unless somebody has the lane or it is no longer due.
async fn take(
    on: &Transaction<'_>,
    lane: &Lane,
    lane_id: i64,
    worker: &str,
    now: Timestamp,
    lease_until: Timestamp,
) -> Result<Option<u64>, Fault> {
    let query = "SELECT due_at FROM lanes WHERE store_id = $1 AND lane_id = $2 AND due_at <= $3
                 FOR UPDATE SKIP LOCKED";
    let store = lane.store.as_str();
    if on.row(query, &[&store, &lane_id, &micros(now)]).await?.is_none() {
        return Ok(None);
    }
    let taken = on
        .row(
            "UPDATE lanes SET holder = $3, due_at = $4, woken_at = NULL, fence = fence + 1
             WHERE store_id = $1 AND lane_id = $2 RETURNING fence",
            &[&store, &lane_id, &worker, &micros(lease_until)],
        )
        .await?;
    taken.map(|row| unsigned(&row, 0)).transpose()
}

/// Refuses a claim whose lane has another fence or was given back, and keeps others from taking
/// the lane until the transaction ends.
pub(super) async fn check_fence(on: &Transaction<'_>, claim: &Claim) -> Result<(), Fault> {
    if claim.fencing == Fencing::Off {
        return Ok(());
    }
    let query = "SELECT fence FROM lanes
                 WHERE store_id = $1 AND lane_id = $2 AND holder IS NOT NULL FOR UPDATE";
    let found = on.row(query, &[&claim.lane.store.as_str(), &claim.lane_id]).await?;
    let fence = found.map(|row| unsigned::<u64>(&row, 0)).transpose()?;
    if fence == Some(claim.fence) { Ok(()) } else { Err(StoreError::FenceLost.into()) }
}

pub(super) async fn renew(
    on: &Transaction<'_>,
    claim: &Claim,
    now: Timestamp,
    lease: SignedDuration,
) -> Result<(), Fault> {
    check_fence(on, claim).await?;
    let lease_until = now.saturating_add(lease).unwrap_or(Timestamp::MAX);
    on.run(
        "UPDATE lanes SET due_at = $3 WHERE store_id = $1 AND lane_id = $2",
        &[&claim.lane.store.as_str(), &claim.lane_id, &micros(lease_until)],
    )
    .await?;
    Ok(())
}

/// Of an hour that somebody asked for and one at which work arrived, the earlier counts, but not
/// before the target's pause ends.
pub(super) async fn release(
    on: &Transaction<'_>,
    claim: &Claim,
    wake_at: Option<Timestamp>,
) -> Result<(), Fault> {
    check_fence(on, claim).await?;
    on.run(
        "UPDATE lanes SET holder = NULL, woken_at = NULL, due_at =
           CASE WHEN least(woken_at, $3::bigint) IS NULL THEN NULL
                ELSE greatest(least(woken_at, $3::bigint),
                              (SELECT paused_until FROM targets WHERE target = $4)) END
         WHERE store_id = $1 AND lane_id = $2",
        &[
            &claim.lane.store.as_str(),
            &claim.lane_id,
            &wake_at.map(micros),
            &claim.lane.target.as_str(),
        ],
    )
    .await?;
    on.has_work();
    Ok(())
}

/// Moves the lanes of the target that nobody holds behind the pause, so that claiming does not
/// step over them; a pause that is shortened brings forward those that waited for its end.
pub(super) async fn pause(
    on: &Transaction<'_>,
    target: &TargetId,
    until: Timestamp,
    reason: &str,
) -> Result<(), Fault> {
    let target = target.as_str();
    let query = "SELECT DISTINCT store_id FROM lanes WHERE target = $1";
    let stores = on.rows(query, &[&target]).await?;
    on.lock_stores(&stores.iter().map(|row| parsed(row, 0)).collect::<Result<_, _>>()?).await?;
    let query = "SELECT paused_until FROM targets WHERE target = $1 FOR UPDATE";
    let former = on.row(query, &[&target]).await?;
    let former = former.map(|row| value::<i64>(&row, 0)).transpose()?;
    let until = micros(until);
    on.run(
        "INSERT INTO targets (target, paused_until, reason) VALUES ($1, $2, $3)
         ON CONFLICT (target) DO UPDATE
         SET paused_until = excluded.paused_until, reason = excluded.reason",
        &[&target, &until, &text(reason)],
    )
    .await?;
    on.run(
        "UPDATE lanes SET due_at = $2
         WHERE target = $1 AND holder IS NULL AND (due_at < $2 OR due_at = $3)",
        &[&target, &until, &former],
    )
    .await?;
    on.has_work();
    Ok(())
}

pub(super) async fn views(on: &Transaction<'_>) -> Result<Vec<LaneView>, Fault> {
    let query = "SELECT l.store_id, l.target, class, waiting, exceptions, done,
                   (SELECT created_at FROM outbox o
                    WHERE o.store_id = l.store_id AND o.lane_id = l.lane_id AND state < 10
                    ORDER BY number LIMIT 1),
                   paused_until, reason
                 FROM lanes l LEFT JOIN targets t ON t.target = l.target
                 ORDER BY l.store_id, l.target, class";
    let view = |row: &Row| {
        let paused = match time_option(row, 7)? {
            Some(until) => Some((until, value(row, 8)?)),
            None => None,
        };
        Ok(LaneView {
            lane: lane_of(row, 0)?,
            waiting: unsigned(row, 3)?,
            exceptions: unsigned(row, 4)?,
            done: unsigned(row, 5)?,
            oldest_at: time_option(row, 6)?,
            paused,
        })
    };
    on.rows(query, &[]).await?.iter().map(view).collect()
}

/// A lane from the columns `store_id`, `target`, `class` from `index` on.
pub(super) fn lane_of(row: &Row, index: usize) -> Result<Lane, Fault> {
    Ok(Lane {
        store: parsed(row, index)?,
        target: parsed(row, index + 1)?,
        class: class(row, index + 2)?,
    })
}

/// One lane, which has to exist.
pub(super) async fn lane(
    on: &Transaction<'_>,
    store: &StoreId,
    lane_id: i64,
) -> Result<Lane, Fault> {
    let query = "SELECT store_id, target, class FROM lanes WHERE store_id = $1 AND lane_id = $2";
    let found = on.row(query, &[&store.as_str(), &lane_id]).await?;
    lane_of(&found.ok_or_else(|| unknown("lane", &lane_id))?, 0)
}
