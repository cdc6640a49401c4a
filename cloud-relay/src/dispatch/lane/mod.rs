//! What is to be done next in a lane: the rules of order, causality and retry in one place.
//!
//! Given the lane's open deliveries, its stored bundle and what is known of originals, [`next`]
//! says which step comes; the shell carries it out and asks again. Pure: no store, no target, no
//! clock. Does not judge what a target answered ([`super::outcome`], [`super::bundle`]).
//!
//! - A document passes over every other document that waits, unless it depends on it.
//! - An attempt without a recorded outcome is looked for before anything is sent again.
//! - Deltas commute with each other; a count is their barrier. What happened before the counting
//!   goes before the count, also when it reached the relay later; all other later deltas wait.
//! - A stored bundle is settled before another one is made.

mod causes;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::bundle;
use super::policy::IN_FLIGHT_MAX;
use super::retry::after;
use crate::connectors::{ExceptionClass, Mode, TargetRef};
use crate::store::model::{Bundle, Delivery, DeliveryId, DeliveryState, OriginalState, Transition};

pub(super) use causes::wanted_originals;

/// What the target and the operator set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rules {
    /// How long the relay waits for an answer.
    pub(super) call_timeout: Duration,
    /// How long after an attempt's deadline its effect may still show.
    pub(super) settle_time: Duration,
    /// How many deltas go into one bundle.
    pub(super) bundle_max: usize,
    /// How long the same key protects a bundle.
    pub(super) repeat_window: Duration,
    /// How long a document waits for its original.
    pub(super) original_wait: SignedDuration,
    /// Whether an attempt with unknown outcome is looked for first; false only in the control.
    pub(super) find_before_retry: bool,
}

/// An open delivery with the times that its event states.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Open {
    /// The delivery.
    pub(super) delivery: Delivery,
    /// When the event happened, by the relay's reckoning of the host's clock.
    pub(super) occurred_at: Timestamp,
    /// For a count: the latest moment at which one of its lines was counted.
    pub(super) counted_at: Option<Timestamp>,
}

/// A lane as it is read for one round.
#[derive(Debug, Clone, Copy)]
pub(super) struct LaneState<'a> {
    /// The open deliveries in order.
    pub(super) open: &'a [Open],
    /// The stored bundle that is not settled.
    pub(super) bundle: Option<&'a Bundle>,
    /// What is known of the originals that [`wanted_originals`] named.
    pub(super) originals: &'a BTreeMap<String, OriginalState>,
    /// What target and operator set.
    pub(super) rules: Rules,
}

/// A call about one document.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum DocumentStep {
    /// Look what became of it.
    Find(DeliveryId),
    /// Create it.
    Create(DeliveryId),
    /// Finish its draft.
    Commit(DeliveryId, TargetRef),
}

/// What comes next.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Next {
    /// Write these down; no call is needed.
    Settle(Vec<Transition>),
    /// Calls that do not depend on each other.
    Documents(Vec<DocumentStep>),
    /// Send the stored bundle, again or for the first time.
    Send,
    /// Coalesce these deltas into a bundle and send it.
    Prepare(Vec<DeliveryId>),
    /// Make and send the bundle of this count, once every device is level.
    Count(DeliveryId),
    /// Nothing before this moment.
    Wait(Timestamp),
    /// Nothing is open.
    Idle,
}

/// What comes next in a lane.
pub(super) fn next(lane: &LaneState<'_>, now: Timestamp) -> Next {
    let settled = settle(lane, now);
    if !settled.is_empty() {
        return Next::Settle(settled);
    }
    let documents = documents(lane, now);
    if !documents.is_empty() {
        return Next::Documents(documents);
    }
    match stock(lane, now) {
        Next::Idle => earliest(lane).map_or(Next::Idle, Next::Wait),
        next => next,
    }
}

/// Changes that follow from what is known already.
fn settle(lane: &LaneState<'_>, now: Timestamp) -> Vec<Transition> {
    if let Some(bundle) = lane.bundle
        && let Some(reason) = bundle::beyond_repeat(bundle, &lane.rules, now)
    {
        return bundle::give_up(bundle, &reason, now);
    }
    let mut transitions = causes::settle(lane, now);
    transitions.extend(
        lane.open
            .iter()
            .filter(|open| is_lost(&open.delivery, lane.bundle))
            .map(|open| lost(open.delivery.id, now)),
    );
    transitions
}

/// Whether a delta was attempted and the bundle that it was sent with is gone.
fn is_lost(delivery: &Delivery, bundle: Option<&Bundle>) -> bool {
    match &delivery.state {
        DeliveryState::Bundled { key } => bundle.is_none_or(|bundle| bundle.key != *key),
        DeliveryState::Unknown { .. } => delivery.planned.mode != Mode::Document,
        _ => false,
    }
}

fn lost(id: DeliveryId, now: Timestamp) -> Transition {
    let reason = "it may have been sent, but the stored bundle it went with is gone; it is never \
                  sent again by itself"
        .to_owned();
    Transition {
        id,
        state: DeliveryState::Exception {
            class: ExceptionClass::UnknownOutcome,
            reason: reason.clone(),
            since: now,
        },
        said: reason,
        now,
    }
}

/// The documents that are due, at most as many as may be in flight together.
fn documents(lane: &LaneState<'_>, now: Timestamp) -> Vec<DocumentStep> {
    lane.open
        .iter()
        .filter(|open| open.delivery.planned.mode == Mode::Document)
        .filter(|open| due_at(&open.delivery).is_some_and(|at| at <= now))
        .filter(|open| causes::are_known(lane, &open.delivery))
        .filter_map(|open| document_step(lane, &open.delivery))
        .take(IN_FLIGHT_MAX)
        .collect()
}

fn document_step(lane: &LaneState<'_>, delivery: &Delivery) -> Option<DocumentStep> {
    let id = delivery.id;
    match &delivery.state {
        DeliveryState::Due { .. } | DeliveryState::Waiting { .. } => {
            causes::stand(lane, delivery).then_some(DocumentStep::Create(id))
        }
        DeliveryState::Unknown { .. } if lane.rules.find_before_retry => {
            Some(DocumentStep::Find(id))
        }
        DeliveryState::Unknown { .. } => Some(DocumentStep::Create(id)),
        DeliveryState::Draft { reference, .. } => Some(DocumentStep::Commit(id, reference.clone())),
        DeliveryState::Bundled { .. }
        | DeliveryState::Done { .. }
        | DeliveryState::Exception { .. }
        | DeliveryState::Resolved { .. } => None,
    }
}

/// The next step of deltas and counts; `Idle` if none is due.
fn stock(lane: &LaneState<'_>, now: Timestamp) -> Next {
    if let Some(bundle) = lane.bundle {
        return if bundle.due_at <= now { Next::Send } else { Next::Idle };
    }
    let is_due = |open: &Open| {
        due_at(&open.delivery).is_some_and(|at| at <= now) && causes::stand(lane, &open.delivery)
    };
    let barrier = lane.open.iter().find(|open| open.delivery.planned.mode == Mode::Count);
    let deltas = before(lane.open, barrier);
    let due: Vec<_> = deltas
        .iter()
        .filter(|open| is_due(open))
        .map(|open| open.delivery.id)
        .take(lane.rules.bundle_max)
        .collect();
    if !due.is_empty() {
        return Next::Prepare(due);
    }
    match barrier {
        Some(count) if deltas.is_empty() && is_due(count) => Next::Count(count.delivery.id),
        _ => Next::Idle,
    }
}

/// The deltas that go before a count: those earlier in the lane, and those that happened before
/// the counting but arrived later (the counted quantity includes them). All, without a count.
fn before<'a>(open: &'a [Open], barrier: Option<&Open>) -> Vec<&'a Open> {
    open.iter()
        .filter(|open| open.delivery.planned.mode == Mode::Delta)
        .filter(|open| {
            barrier.is_none_or(|count| {
                open.delivery.id < count.delivery.id
                    || count.counted_at.is_some_and(|counted_at| open.occurred_at <= counted_at)
            })
        })
        .collect()
}

/// When a delivery is due by itself; `None` if something else moves it on.
fn due_at(delivery: &Delivery) -> Option<Timestamp> {
    match &delivery.state {
        DeliveryState::Due { at }
        | DeliveryState::Unknown { at, .. }
        | DeliveryState::Draft { at, .. }
        | DeliveryState::Waiting { at, .. } => Some(*at),
        DeliveryState::Bundled { .. }
        | DeliveryState::Done { .. }
        | DeliveryState::Exception { .. }
        | DeliveryState::Resolved { .. } => None,
    }
}

/// The next moment at which something may be due: the bundle, a document, a delta or count that
/// is not held back by the bundle or by a barrier.
fn earliest(lane: &LaneState<'_>) -> Option<Timestamp> {
    let barrier = lane.open.iter().find(|open| open.delivery.planned.mode == Mode::Count);
    let documents = lane.open.iter().filter(|open| open.delivery.planned.mode == Mode::Document);
    let documents = documents.filter_map(|open| due_at(&open.delivery));
    let stock = match lane.bundle {
        Some(bundle) => Some(bundle.due_at),
        None => {
            let deltas = before(lane.open, barrier);
            let first = deltas.iter().filter_map(|open| due_at(&open.delivery)).min();
            first.or_else(|| barrier.and_then(|count| due_at(&count.delivery)))
        }
    };
    documents.chain(stock).min()
}

/// The deadline of an attempt that begins now.
pub(super) fn deadline(rules: &Rules, now: Timestamp) -> Timestamp {
    after(now, rules.call_timeout)
}
