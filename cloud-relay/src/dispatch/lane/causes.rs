//! Causality: a document waits until those that it depends on stand in the target.
//!
//! Pure. An original that never came becomes an exception after a limit; one that needs a person
//! is waited for without limit, because settling it settles this too.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{LaneState, Open, Rules, due_at};
use crate::connectors::ExceptionClass;
use crate::dispatch::policy::LOOK_UPS_PER_ROUND_MAX;
use crate::dispatch::retry::{after, look_again};
use crate::store::model::{Delivery, DeliveryState, OriginalState, Transition};

/// The natural keys that this round has to know the state of: those that the due deliveries
/// depend on, whole deliveries at a time; the rest has its turn in the next round.
pub(in crate::dispatch) fn wanted_originals(open: &[Open], now: Timestamp) -> BTreeSet<String> {
    let mut wanted = BTreeSet::new();
    let due = open.iter().filter(|open| due_at(&open.delivery).is_some_and(|at| at <= now));
    for open in due {
        if wanted.len() >= LOOK_UPS_PER_ROUND_MAX {
            break;
        }
        wanted.extend(open.delivery.planned.depends_on.iter().cloned());
    }
    wanted
}

/// Whether the state of everything that a delivery depends on was looked up in this round.
pub(super) fn are_known(lane: &LaneState<'_>, delivery: &Delivery) -> bool {
    delivery.planned.depends_on.iter().all(|key| lane.originals.contains_key(key))
}

/// Whether everything that a delivery depends on is known to stand.
pub(super) fn stand(lane: &LaneState<'_>, delivery: &Delivery) -> bool {
    delivery
        .planned
        .depends_on
        .iter()
        .all(|key| matches!(lane.originals.get(key), Some(OriginalState::Standing(_))))
}

/// What becomes of the due deliveries whose originals are known not to stand.
pub(super) fn settle(lane: &LaneState<'_>, now: Timestamp) -> Vec<Transition> {
    lane.open
        .iter()
        .map(|open| &open.delivery)
        .filter(|delivery| {
            // What was attempted had its originals; it is looked for, not held back.
            matches!(delivery.state, DeliveryState::Due { .. } | DeliveryState::Waiting { .. })
                && due_at(delivery).is_some_and(|at| at <= now)
        })
        .filter_map(|delivery| hold_back(lane, delivery, now))
        .collect()
}

fn hold_back(lane: &LaneState<'_>, delivery: &Delivery, now: Timestamp) -> Option<Transition> {
    delivery.planned.depends_on.iter().find_map(|key| {
        let (state, said) = match lane.originals.get(key)? {
            OriginalState::Standing(_) => return None,
            OriginalState::OnItsWay => waiting(delivery, key, "which is on its way", now),
            OriginalState::Exception => {
                waiting(delivery, key, "which needs a person itself: settle that one first", now)
            }
            OriginalState::NeverSeen => never_seen(delivery, key, &lane.rules, now),
            OriginalState::WithoutDocument => missing(
                format!("it refers to {key}, which was settled without a document in this target"),
                now,
            ),
        };
        Some(Transition { id: delivery.id, state, said, now })
    })
}

fn never_seen(
    delivery: &Delivery,
    key: &str,
    rules: &Rules,
    now: Timestamp,
) -> (DeliveryState, String) {
    if now < after(delivery.created_at, rules.original_wait) {
        return waiting(delivery, key, "which has not reached the relay", now);
    }
    let hours = rules.original_wait.as_hours();
    missing(format!("it refers to {key}, which did not reach the relay within {hours} h"), now)
}

fn waiting(delivery: &Delivery, key: &str, why: &str, now: Timestamp) -> (DeliveryState, String) {
    let at = look_again(delivery.created_at, now);
    let state = DeliveryState::Waiting { for_key: key.to_owned(), at };
    (state, format!("waits for {key}, {why}"))
}

fn missing(reason: String, now: Timestamp) -> (DeliveryState, String) {
    let class = ExceptionClass::MissingOriginal;
    (DeliveryState::Exception { class, reason: reason.clone(), since: now }, reason)
}
