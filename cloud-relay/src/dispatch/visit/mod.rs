//! One visit of a worker to a lane that it claimed: reads, asks [`super::lane`] what comes next,
//! carries it out, until nothing is due or another lane should have its turn.
//!
//! Every attempt is committed before its call and ends before the lease does. An error of the
//! store ends the visit wherever it is: what was begun then stands as unknown and is looked for.
//! Does not claim lanes and gives none back ([`super::work`]).

mod documents;
mod stock;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use protocol::id::{TargetId, TenantId};

use super::key::delivery_key;
use super::lane::{self, LaneState, Next, Open, Rules};
use super::outcome::{Hold, said};
use super::policy::{LEASE_MARGIN, ROUNDS_PER_VISIT_MAX, Settings, WINDOW, WINDOW_MAX};
use super::purse::Purse;
use super::read;
use super::retry::after;
use crate::connectors::{Call, Class, Connector, ExceptionClass, Original, Targets};
use crate::seams::Seams;
use crate::store::model::{
    Bundle, Claim, Delivery, DeliveryId, DeliveryState, OriginalState, Transition,
};
use crate::store::{SharedStore, StoreError};

/// What all workers share.
pub(super) struct Shared {
    /// The store.
    pub(super) store: SharedStore,
    /// The configured targets.
    pub(super) targets: Targets,
    /// The retailer.
    pub(super) tenant: TenantId,
    /// Clock, chance and faults.
    pub(super) seams: Seams,
    /// What the operator set.
    pub(super) settings: Settings,
    /// The targets' budgets.
    pub(super) purses: BTreeMap<TargetId, Arc<Purse>>,
}

impl Shared {
    /// The time.
    pub(super) fn now(&self) -> Timestamp {
        (self.seams.clock)()
    }

    /// A number drawn from all `u64`, for jitter.
    fn chance(&self) -> u64 {
        (self.seams.chance)()
    }
}

/// One visit.
pub(super) struct Visit<'a> {
    shared: &'a Shared,
    claim: Claim,
    lease: SignedDuration,
    connector: &'a dyn Connector,
    purse: &'a Arc<Purse>,
    rules: Rules,
    open: Vec<Open>,
    bundle: Option<Bundle>,
    originals: BTreeMap<String, OriginalState>,
}

/// What comes after a step.
enum Flow {
    /// The next step.
    Go,
    /// The lane is given back until then.
    Leave(Timestamp),
}

impl<'a> Visit<'a> {
    /// A visit to a claimed lane.
    pub(super) fn new(
        shared: &'a Shared,
        claim: Claim,
        lease: SignedDuration,
        connector: &'a dyn Connector,
        purse: &'a Arc<Purse>,
    ) -> Self {
        let rules = rules(connector, shared);
        let (open, bundle, originals) = (Vec::new(), None, BTreeMap::new());
        Self { shared, claim, lease, connector, purse, rules, open, bundle, originals }
    }

    /// The claim, with its lease as it stands.
    pub(super) const fn claim(&self) -> &Claim {
        &self.claim
    }

    /// Works until nothing is due, and says when something will be. `stop` asks it to end early.
    pub(super) async fn run(
        &mut self,
        stop: impl Fn() -> bool,
    ) -> Result<Option<Timestamp>, StoreError> {
        let mut window = WINDOW;
        self.read(window).await?;
        let mut fresh = true;
        for _ in 0..ROUNDS_PER_VISIT_MAX {
            let now = self.shared.now();
            if stop() {
                return Ok(Some(now));
            }
            self.look_up_originals(now).await?;
            let next = lane::next(&self.state(), now);
            let wake_at = match &next {
                Next::Idle => None,
                Next::Wait(at) => Some(*at),
                _ => {
                    fresh = false;
                    match self.carry_out(next).await? {
                        Flow::Go => continue,
                        Flow::Leave(at) => return Ok(Some(at)),
                    }
                }
            };
            if fresh && (self.open.len() < window || window >= WINDOW_MAX) {
                return Ok(wake_at);
            }
            // Something may have arrived meanwhile, or be due behind what waits.
            window = if fresh { window.saturating_mul(4).min(WINDOW_MAX) } else { window };
            self.read(window).await?;
            fresh = true;
        }
        Ok(Some(self.shared.now()))
    }

    async fn read(&mut self, window: usize) -> Result<(), StoreError> {
        let store = &self.shared.store;
        self.open = read::open(store.open_deliveries(&self.claim, window).await?);
        self.bundle = store.open_bundle(&self.claim).await?;
        Ok(())
    }

    async fn look_up_originals(&mut self, now: Timestamp) -> Result<(), StoreError> {
        self.originals.clear();
        for key in lane::wanted_originals(&self.open, now) {
            let state = self.shared.store.original(&self.claim.lane.target, &key).await?;
            self.originals.insert(key, state);
        }
        Ok(())
    }

    fn state(&self) -> LaneState<'_> {
        LaneState {
            open: &self.open,
            bundle: self.bundle.as_ref(),
            originals: &self.originals,
            rules: self.rules,
        }
    }

    async fn carry_out(&mut self, next: Next) -> Result<Flow, StoreError> {
        self.keep_lease().await?;
        match next {
            Next::Settle(transitions) => {
                self.finish(transitions).await?;
                Ok(Flow::Go)
            }
            Next::Documents(steps) => self.documents(steps).await,
            Next::Send => self.repeat_bundle().await,
            Next::Prepare(ids) => self.prepare(&ids).await,
            Next::Count(id) => self.count(id).await,
            Next::Wait(at) => Ok(Flow::Leave(at)),
            Next::Idle => Ok(Flow::Go),
        }
    }

    /// Prolongs the lease unless a call, its reading back and their commits fit into what is left.
    async fn keep_lease(&mut self) -> Result<(), StoreError> {
        let now = self.shared.now();
        if after(after(now, self.rules.call_timeout * 2), LEASE_MARGIN) < self.claim.lease_until {
            return Ok(());
        }
        self.shared.store.renew(&self.claim, now, self.lease).await?;
        self.claim.lease_until = after(now, self.lease);
        Ok(())
    }

    /// Records what came of deliveries, in the store and then here.
    async fn finish(&mut self, transitions: Vec<Transition>) -> Result<(), StoreError> {
        if transitions.is_empty() {
            return Ok(());
        }
        self.shared.store.finish(&self.claim, &transitions).await?;
        for Transition { id, state, .. } in transitions {
            if let DeliveryState::Exception { class, reason, .. } = &state {
                let Claim { lane, .. } = &self.claim;
                tracing::warn!(
                    store = %lane.store, target = %lane.target, delivery = ?id,
                    class = class.as_str(), reason, "a delivery needs a person"
                );
            }
            self.set_state(id, state);
        }
        Ok(())
    }

    fn set_state(&mut self, id: DeliveryId, state: DeliveryState) {
        let is_over = matches!(
            state,
            DeliveryState::Done { .. }
                | DeliveryState::Exception { .. }
                | DeliveryState::Resolved { .. }
        );
        if is_over {
            self.open.retain(|open| open.delivery.id != id);
        } else if let Some(open) = self.open.iter_mut().find(|open| open.delivery.id == id) {
            open.delivery.state = state;
        }
        let members_open = |bundle: &Bundle| {
            self.open.iter().any(|open| {
                matches!(&open.delivery.state, DeliveryState::Bundled { key } if *key == bundle.key)
            })
        };
        if self.bundle.as_ref().is_some_and(|bundle| !members_open(bundle)) {
            self.bundle = None;
        }
    }

    /// What a step means for the whole target.
    async fn hold(&self, action: &str, hold: Option<Hold>) -> Result<Flow, StoreError> {
        let target = &self.claim.lane.target;
        match hold {
            None => Ok(Flow::Go),
            Some(Hold::Throttled { until }) => {
                self.purse.throttled(action, until);
                Ok(Flow::Leave(until))
            }
            Some(Hold::Paused { until, reason }) => {
                tracing::error!(%target, %until, reason, "a target takes nothing; its lanes wait");
                self.shared.store.pause_target(target, until, &reason).await?;
                Ok(Flow::Leave(until))
            }
        }
    }

    fn delivery(&self, id: DeliveryId) -> Option<Delivery> {
        let open = self.open.iter().find(|open| open.delivery.id == id);
        open.map(|open| open.delivery.clone())
    }

    /// What the connector is told of a delivery, or what becomes of one that cannot be read.
    fn call(&self, delivery: &Delivery, deadline: Timestamp) -> Result<Call, Box<Transition>> {
        let lane = &self.claim.lane;
        let planned = delivery.planned.clone();
        let event = read::event(&delivery.record).map_err(|error| {
            let now = self.shared.now();
            let reason = said(format!("{error}: {}", root_cause(&error)));
            let class = ExceptionClass::Rejected;
            let state = DeliveryState::Exception { class, reason: reason.clone(), since: now };
            Box::new(Transition { id: delivery.id, state, said: reason, now })
        })?;
        let key = delivery_key(
            &self.shared.tenant,
            &delivery.natural_key,
            &lane.target,
            &planned.action,
            planned.part,
        );
        let originals = planned.depends_on.iter().filter_map(|natural_key| {
            let OriginalState::Standing(reference) = self.originals.get(natural_key)? else {
                return None;
            };
            let natural_key = natural_key.clone();
            Some(Original { natural_key, reference: reference.clone() })
        });
        let originals = originals.collect();
        Ok(Call { event, planned, key, originals, moved_since: Vec::new(), deadline })
    }

    const fn class(&self) -> Class {
        self.claim.lane.class
    }
}

fn rules(connector: &dyn Connector, shared: &Shared) -> Rules {
    let profile = connector.profile();
    Rules {
        call_timeout: profile.call_timeout,
        settle_time: shared.seams.settle_time.unwrap_or(profile.settle_time),
        bundle_max: profile.bundle_max,
        repeat_window: profile.repeat_window,
        original_wait: shared.settings.original_wait,
        find_before_retry: shared.seams.find_before_retry,
    }
}

fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
