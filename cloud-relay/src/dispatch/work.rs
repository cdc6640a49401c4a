//! The workers: each claims the most urgent lane, visits it, gives it back.
//!
//! A worker outlives whatever happens in a visit: a failing store, a lane that another worker
//! took over, a panic. Reads the clock only through the seams. Does not know the rules of a lane
//! ([`super::lane`]).

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use jiff::{SignedDuration, Timestamp};
use protocol::id::TenantId;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::policy::{IDLE_MAX, LEASE_MARGIN, STORE_FAILED_REST, Settings, UNCONFIGURED_REST};
use super::purse::{Purse, until};
use super::retry::after;
use super::visit::{Shared, Visit};
use crate::connectors::Targets;
use crate::seams::Seams;
use crate::store::model::Claim;
use crate::store::{SharedStore, StoreError};

/// What the workers need.
pub struct WorkParts {
    /// The store.
    pub store: SharedStore,
    /// The configured targets.
    pub targets: Targets,
    /// The retailer, part of every delivery key.
    pub tenant: TenantId,
    /// Clock, chance and faults.
    pub seams: Seams,
    /// What the operator set.
    pub settings: Settings,
}

/// Works until `shutdown` resolves and every call under way has ended. A call that outlives its
/// own deadline is dropped; its attempt stands as unknown.
pub async fn work(parts: WorkParts, shutdown: impl Future<Output = ()>) {
    let workers = parts.settings.workers.max(1);
    let crew = Arc::new(Crew::new(parts));
    let (stop, stopping) = watch::channel(false);
    let mut tasks = JoinSet::new();
    for number in 0..workers {
        let worker = Worker {
            crew: Arc::clone(&crew),
            name: format!("worker-{number}"),
            stopping: stopping.clone(),
        };
        tasks.spawn(worker.run());
    }
    shutdown.await;
    stop.send_replace(true);
    let all = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(
        until(Timestamp::UNIX_EPOCH, after(Timestamp::UNIX_EPOCH, crew.lease)),
        all,
    )
    .await
    .is_err()
    {
        tracing::warn!(
            "calls to targets outlived their deadlines; their attempts stand as unknown"
        );
    }
}

/// What the workers share.
struct Crew {
    shared: Shared,
    lease: SignedDuration,
    alarms: Alarms,
}

/// When lanes that were given back are due again.
#[derive(Default)]
struct Alarms(Mutex<BTreeSet<Timestamp>>);

impl Alarms {
    fn set(&self, at: Timestamp) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(at);
    }

    /// The next one after `now`; those before are over.
    fn next(&self, now: Timestamp) -> Option<Timestamp> {
        let mut times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *times = times.split_off(&now);
        times.first().copied()
    }
}

impl Crew {
    fn new(parts: WorkParts) -> Self {
        let WorkParts { store, targets, tenant, seams, settings } = parts;
        let purse = |cost| Purse::new(cost, Arc::clone(&seams.clock));
        let purses = targets
            .iter()
            .map(|(target, connector)| (target.clone(), purse(connector.profile().cost_estimate)))
            .collect();
        let slowest = targets.values().map(|connector| connector.profile().call_timeout).max();
        // A call, its reading back and the commits around them fit twice into a lease.
        let lease = after(Timestamp::UNIX_EPOCH, slowest.unwrap_or_default() * 4)
            .duration_since(Timestamp::UNIX_EPOCH)
            .saturating_add(LEASE_MARGIN.saturating_mul(2));
        let shared = Shared { store, targets, tenant, seams, settings, purses };
        Self { shared, lease, alarms: Alarms::default() }
    }
}

struct Worker {
    crew: Arc<Crew>,
    name: String,
    stopping: watch::Receiver<bool>,
}

impl Worker {
    async fn run(mut self) {
        let mut arrivals = self.crew.shared.store.wakes().work();
        while !*self.stopping.borrow() {
            arrivals.mark_unchanged();
            // What a panic leaves behind is an unknown attempt, which the rules expect.
            let rest = match AssertUnwindSafe(self.turn()).catch_unwind().await {
                Ok(Ok(Turn::Worked)) => continue,
                Ok(Ok(Turn::NothingDue)) => self.idle(),
                Ok(Err(error)) => {
                    let error: &dyn std::error::Error = &error;
                    tracing::error!(worker = self.name, error, "the store failed; nothing is lost");
                    STORE_FAILED_REST
                }
                Err(_panic) => {
                    tracing::error!(worker = self.name, "a visit to a lane failed unexpectedly");
                    STORE_FAILED_REST
                }
            };
            tokio::select! {
                () = tokio::time::sleep(rest) => {}
                // The store outlives its workers, so neither of the two channels closes first.
                changed = arrivals.changed() => if changed.is_err() { return },
                changed = self.stopping.changed() => if changed.is_err() { return },
            }
        }
    }

    /// How long to rest when nothing is due.
    fn idle(&self) -> Duration {
        let now = self.crew.shared.now();
        let alarm = self.crew.alarms.next(now).map(|at| until(now, at));
        alarm.unwrap_or(IDLE_MAX).min(IDLE_MAX)
    }

    async fn turn(&self) -> Result<Turn, StoreError> {
        let Crew { shared, lease, alarms } = self.crew.as_ref();
        let claim = shared.store.claim_lane(&self.name, shared.now(), *lease).await?;
        let Some(claim) = claim else { return Ok(Turn::NothingDue) };
        let claim = Claim { fencing: shared.seams.fencing, ..claim };
        let wake_at = match visit(shared, claim, *lease, || *self.stopping.borrow()).await {
            Ok(wake_at) => wake_at,
            // Whoever took over does the rest.
            Err(StoreError::FenceLost) => None,
            Err(error) => return Err(error),
        };
        if let Some(at) = wake_at {
            alarms.set(at);
        }
        Ok(Turn::Worked)
    }
}

enum Turn {
    Worked,
    NothingDue,
}

/// Visits a claimed lane and gives it back; says when it is due again.
pub(super) async fn visit(
    shared: &Shared,
    claim: Claim,
    lease: SignedDuration,
    stop: impl Fn() -> bool,
) -> Result<Option<Timestamp>, StoreError> {
    let target = &claim.lane.target;
    let (Some(connector), Some(purse)) = (shared.targets.get(target), shared.purses.get(target))
    else {
        tracing::error!(%target, "deliveries wait for a target that is not configured");
        let wake_at = Some(after(shared.now(), UNCONFIGURED_REST));
        shared.store.release_lane(&claim, wake_at).await?;
        return Ok(wake_at);
    };
    let mut visit = Visit::new(shared, claim.clone(), lease, connector.as_ref(), purse);
    let outcome = visit.run(stop).await;
    let wake_at = match &outcome {
        Ok(wake_at) => *wake_at,
        // Given back all the same, so that it does not stand still until the lease is over.
        Err(_) => Some(after(shared.now(), STORE_FAILED_REST)),
    };
    let released = shared.store.release_lane(visit.claim(), wake_at).await;
    outcome.and(released.map(|()| wake_at))
}
