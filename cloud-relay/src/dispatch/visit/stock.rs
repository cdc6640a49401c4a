//! Carries out calls about deltas and counts: makes a bundle, stores it, sends it.
//!
//! Does not choose members ([`super::lane`]) and does not judge answers ([`super::super::bundle`]).

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::{Flow, Visit};
use crate::connectors::{BundleVerdict, Call, ExceptionClass, Prepared, Reply, Unanswered};
use crate::dispatch::bounded::{bounded, or_retry, or_unknown};
use crate::dispatch::bundle::{self, BundleOutcome, Sending, without_effect};
use crate::dispatch::count::{self, Level};
use crate::dispatch::lane;
use crate::dispatch::outcome::{Hold, said};
use crate::dispatch::policy::STALE_WAIT;
use crate::dispatch::purse::{Leave, until};
use crate::dispatch::retry::{after, look_again};
use crate::store::StoreError;
use crate::store::model::{Bundle, Delivery, DeliveryId, DeliveryState, Transition};

/// The actions under which bundles are reckoned in the budget.
const PREPARE: &str = "prepare";
const SEND: &str = "send";

impl Visit<'_> {
    /// Coalesces deltas into a bundle and sends it.
    pub(super) async fn prepare(&mut self, ids: &[DeliveryId]) -> Result<Flow, StoreError> {
        let deliveries: Vec<_> = ids.iter().filter_map(|id| self.delivery(*id)).collect();
        let deadline = lane::deadline(&self.rules, self.shared.now());
        let mut calls = Vec::new();
        let mut unreadable = Vec::new();
        for delivery in deliveries {
            match self.call(&delivery, deadline) {
                Ok(call) => calls.push((delivery, call)),
                Err(transition) => unreadable.push(*transition),
            }
        }
        self.finish(unreadable).await?;
        if calls.is_empty() {
            return Ok(Flow::Go);
        }
        let (deliveries, calls): (Vec<_>, Vec<_>) = calls.into_iter().unzip();
        self.make_and_send(&deliveries, calls).await
    }

    /// Makes and sends the bundle of a count, once every device is level.
    pub(super) async fn count(&mut self, id: DeliveryId) -> Result<Flow, StoreError> {
        let Some(delivery) = self.delivery(id) else { return Ok(Flow::Go) };
        let now = self.shared.now();
        let mut call = match self.call(&delivery, lane::deadline(&self.rules, now)) {
            Ok(call) => call,
            Err(transition) => {
                self.finish(vec![*transition]).await?;
                return Ok(Flow::Go);
            }
        };
        let lines = count::lines(&call.event);
        let Some(last) = lines.iter().map(|line| line.counted_at).max() else {
            return self.except(id, "it counts nothing".to_owned()).await;
        };
        let devices = self.shared.store.devices().await?;
        let store = self.claim.lane.store.clone();
        let limit = self.shared.settings.count_wait;
        match count::level(&devices, &store, last, delivery.created_at, limit, now) {
            Level::Yes => {}
            Level::NotYet { at, reason } => {
                let state = DeliveryState::Due { at };
                self.finish(vec![Transition { id, state, said: said(reason), now }]).await?;
                return Ok(Flow::Go);
            }
            Level::Never { reason } => return self.except(id, reason).await,
        }
        let first = lines.iter().map(|line| line.counted_at).min().unwrap_or(last);
        let moves = self.shared.store.moves_since(&self.claim, id, first).await?;
        call.moved_since = match count::moved_since(&lines, &moves) {
            Ok(sums) => sums,
            Err(reason) => return self.except(id, reason).await,
        };
        self.make_and_send(&[delivery], vec![call]).await
    }

    async fn except(&mut self, id: DeliveryId, reason: String) -> Result<Flow, StoreError> {
        let now = self.shared.now();
        self.finish(vec![exception(id, ExceptionClass::Rejected, &reason, now)]).await?;
        Ok(Flow::Go)
    }

    async fn make_and_send(
        &mut self,
        deliveries: &[Delivery],
        calls: Vec<Call>,
    ) -> Result<Flow, StoreError> {
        let leave = match self.purse.ask(self.class(), PREPARE).await {
            Ok(leave) => leave,
            Err(wake_at) => return Ok(Flow::Leave(wake_at)),
        };
        let key = self.bundle_key(&calls);
        let answer = bounded(self.rules.call_timeout, self.connector.prepare(key, &calls)).await;
        let reply = or_retry(answer);
        leave.settle(reply.budget);
        let prepared = match reply.outcome {
            Ok(prepared) => prepared,
            Err(unanswered) => return self.not_prepared(deliveries, unanswered).await,
        };
        let now = self.shared.now();
        let mut transitions = apart(deliveries, &prepared, now);
        let body = prepared.bundle;
        let covered = body.as_ref().map(|body| body.members.clone()).unwrap_or_default();
        let members: Vec<_> =
            covered.iter().filter_map(|index| Some(deliveries.get(*index)?.id)).collect();
        if members.is_empty() && transitions.is_empty() {
            // The connector said nothing of any of them; asking again at once would spin.
            let (state, said) = (due(after(now, STALE_WAIT)), "no bundle came of it".to_owned());
            let again = |delivery: &Delivery| Transition {
                id: delivery.id,
                state: state.clone(),
                said: said.clone(),
                now,
            };
            transitions = deliveries.iter().map(again).collect();
        }
        self.finish(transitions).await?;
        let Some(body) = body.filter(|_| !members.is_empty()) else { return Ok(Flow::Go) };
        let (first_sent_at, deadline) = (None, None);
        let body = body.body;
        let bundle =
            Bundle { key, body, members, first_sent_at, deadline, due_at: now, attempts: 0 };
        self.send(bundle).await
    }

    async fn not_prepared(
        &mut self,
        deliveries: &[Delivery],
        unanswered: Unanswered,
    ) -> Result<Flow, StoreError> {
        let now = self.shared.now();
        let (least, reason, hold) = match unanswered {
            Unanswered::Retry { after, reason } => (after, reason, None),
            Unanswered::Throttled { after: wait } => {
                let hold = Hold::Throttled { until: after(now, wait) };
                (Some(wait), "the target's budget is spent".to_owned(), Some(hold))
            }
            Unanswered::Paused { after: wait, reason } => {
                let hold = Hold::Paused { until: after(now, wait), reason: said(reason.clone()) };
                (Some(wait), reason, Some(hold))
            }
        };
        let at = |delivery: &Delivery| {
            let least = after(now, least.unwrap_or(Duration::ZERO));
            if hold.is_some() { least } else { least.max(look_again(delivery.created_at, now)) }
        };
        let reason = said(reason);
        let transitions = deliveries.iter().map(|delivery| Transition {
            id: delivery.id,
            state: due(at(delivery)),
            said: reason.clone(),
            now,
        });
        let transitions = transitions.collect();
        self.finish(transitions).await?;
        self.hold(PREPARE, hold).await
    }

    /// Sends the stored bundle again.
    pub(super) async fn repeat_bundle(&mut self) -> Result<Flow, StoreError> {
        match self.bundle.clone() {
            Some(bundle) => self.send(bundle).await,
            None => Ok(Flow::Go),
        }
    }

    /// Stores the bundle, then sends it, byte for byte as stored.
    async fn send(&mut self, before: Bundle) -> Result<Flow, StoreError> {
        let leave = match self.purse.ask(self.class(), SEND).await {
            Ok(leave) => leave,
            Err(wake_at) => return Ok(Flow::Leave(wake_at)),
        };
        self.keep_lease().await?;
        let now = self.shared.now();
        if bundle::beyond_repeat(&before, &self.rules, now).is_some() {
            // The wait for the budget outlived the key; the next round gives it up.
            return Ok(Flow::Go);
        }
        let sent = bundle::begin(&before, &self.rules, now);
        self.store_bundle(sent.clone()).await?;
        let verdict = self.call_send(&sent, leave).await;
        let members = self.open.iter().filter(|open| sent.members.contains(&open.delivery.id));
        let oldest_at = members.map(|open| open.delivery.created_at).min();
        let (now, chance) = (self.shared.now(), self.shared.chance());
        let oldest_at = oldest_at.unwrap_or(now);
        let sending = Sending { before: &before, sent: &sent, oldest_at, now, chance };
        let (outcome, hold) = bundle::after_send(sending, verdict);
        match outcome {
            BundleOutcome::Keep(bundle) => self.store_bundle(bundle).await?,
            BundleOutcome::Close(transitions) => self.finish(transitions).await?,
        }
        self.hold(SEND, hold).await
    }

    async fn call_send(&self, sent: &Bundle, leave: Leave) -> BundleVerdict {
        let now = self.shared.now();
        let deadline = sent.deadline.unwrap_or(now);
        let call = self.connector.send(sent.key, &sent.body, deadline);
        match bounded(until(now, deadline), call).await {
            Ok(Reply { outcome, budget }) => {
                leave.settle(budget);
                outcome
            }
            Err(silence) => BundleVerdict::Wait(or_unknown(Err(silence)).outcome),
        }
    }

    async fn store_bundle(&mut self, bundle: Bundle) -> Result<(), StoreError> {
        self.shared.store.put_bundle(&self.claim, &bundle).await?;
        for open in &mut self.open {
            if bundle.members.contains(&open.delivery.id) {
                open.delivery.state = DeliveryState::Bundled { key: bundle.key };
            }
        }
        self.bundle = Some(bundle);
        Ok(())
    }

    /// A key that no other bundle has: of its members, in this order, at this moment. A key that
    /// was never sent with a body may come again, one that was sent cannot: its members are tied
    /// to the stored bundle until a definite answer, and time has gone on by then.
    fn bundle_key(&self, calls: &[Call]) -> Uuid {
        let mut name: Vec<u8> = Vec::with_capacity(16 * (calls.len() + 2));
        for call in calls {
            name.extend_from_slice(call.key.as_bytes());
        }
        name.extend_from_slice(&self.claim.fence.to_be_bytes());
        name.extend_from_slice(&self.shared.now().as_nanosecond().to_be_bytes());
        Uuid::new_v5(&Uuid::NAMESPACE_OID, &name)
    }
}

/// Those that are in no bundle for good: refused, or without effect at this target.
fn apart(deliveries: &[Delivery], prepared: &Prepared, now: Timestamp) -> Vec<Transition> {
    let refused = prepared.refused.iter().filter_map(|(index, class, reason)| {
        Some(exception(deliveries.get(*index)?.id, *class, reason, now))
    });
    let without = prepared.without_effect.iter().filter_map(|index| {
        Some(Transition {
            id: deliveries.get(*index)?.id,
            state: DeliveryState::Done { reference: without_effect() },
            said: "moves nothing at this target".to_owned(),
            now,
        })
    });
    refused.chain(without).collect()
}

fn exception(id: DeliveryId, class: ExceptionClass, reason: &str, now: Timestamp) -> Transition {
    let reason = said(reason.to_owned());
    let state = DeliveryState::Exception { class, reason: reason.clone(), since: now };
    Transition { id, state, said: reason, now }
}

const fn due(at: Timestamp) -> DeliveryState {
    DeliveryState::Due { at }
}
