//! The promises, checked against what tills, agents, relay and vendors themselves hold.
//!
//! While everything goes on: what counts as relayed is held by the relay, and only what was
//! relayed long enough ago is pruned. At rest: nothing acknowledged is lost, each register's order
//! is kept, every document stands once or is a visible exception, and stock is equal. What a vendor
//! sees at once (twice the same, a refund before its sale) it notes itself. Changes nothing.

mod deliveries;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cloud_relay::store::SharedStore;
use cloud_relay::store::model::{Device, DeviceState};
use protocol::chain::{Position, Sequence};
use protocol::id::{DeviceId, EventId, TenantId};

use super::agent::{Agent, RETENTION};
use super::faults::CLOCK_OFF_MS_MAX;
use super::trace::Trace;
use super::vendor::shop::Shop;
use crate::pos::books::{EntryNumber, SharedBooks};

/// How often is looked at what is pruned.
const PRUNED_LOOK: Duration = Duration::from_secs(10);

/// An event that an agent answered for.
#[derive(Debug, Clone)]
pub struct Acknowledged {
    /// The agent's device.
    pub device: DeviceId,
    /// The till.
    pub register: String,
    /// The event.
    pub event: EventId,
    /// Where the agent says it stands.
    pub sequence: Sequence,
    /// Its entry in the store's books; none for one in conflict with an earlier event.
    pub entry: Option<EntryNumber>,
}

/// What has to hold, and what it is checked against.
pub struct Model {
    agents: Vec<Arc<Agent>>,
    store: SharedStore,
    shops: Vec<Arc<Shop>>,
    books: SharedBooks,
    tenant: TenantId,
    trace: Arc<Trace>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    acknowledged: Vec<Acknowledged>,
    /// When each device's mark was seen where.
    marks: BTreeMap<DeviceId, Vec<(Duration, Sequence)>>,
    pruned: BTreeMap<DeviceId, Sequence>,
    pruned_looked_at: Duration,
}

impl Model {
    /// Nothing has happened yet.
    #[must_use]
    pub fn new(
        agents: Vec<Arc<Agent>>,
        store: SharedStore,
        shops: Vec<Arc<Shop>>,
        books: SharedBooks,
        tenant: TenantId,
        trace: Arc<Trace>,
    ) -> Self {
        Self { agents, store, shops, books, tenant, trace, state: Mutex::default() }
    }

    /// A till was answered.
    pub fn acknowledged(&self, event: Acknowledged) {
        self.state().acknowledged.push(event);
    }

    /// How many events were acknowledged.
    #[must_use]
    pub fn events(&self) -> usize {
        self.state().acknowledged.len()
    }

    /// Checks what has to hold at every moment.
    pub async fn watch(&self) {
        let now = self.trace.time().passed();
        let looks_at_pruned = {
            let mut state = self.state();
            let looks = now.saturating_sub(state.pruned_looked_at) >= PRUNED_LOOK;
            if looks {
                state.pruned_looked_at = now;
            }
            looks
        };
        for agent in &self.agents {
            let (_, mark) = agent.marks();
            if mark.sequence > self.last_mark(&agent.device) {
                self.mark_moved(agent, mark, now).await;
            }
            if looks_at_pruned {
                self.pruned(agent, now);
            }
        }
        if looks_at_pruned {
            self.nobody_is_held().await;
        }
    }

    /// There is no clone and no restored disk in these worlds, so no device is ever held.
    async fn nobody_is_held(&self) {
        let devices = self.store.devices().await.expect("read the devices");
        let held = devices.iter().find(|device| device.state != DeviceState::Active);
        if let Some(Device { device, state, .. }) = held {
            self.trace.broken("relay", &format!("{device} is {state:?} without a reason"));
        }
    }

    fn last_mark(&self, device: &DeviceId) -> Sequence {
        let state = self.state();
        let marks = state.marks.get(device).and_then(|marks| marks.last());
        marks.map_or(Sequence::NONE, |(_, mark)| *mark)
    }

    /// The acknowledged mark is never above what the relay holds.
    async fn mark_moved(&self, agent: &Agent, mark: Position, now: Duration) {
        let held = self.store.head(&agent.device, agent.epoch()).await;
        let held = held.expect("read the relay's store").unwrap_or(Position::START);
        if held.sequence < mark.sequence {
            let promise = format!(
                "counts {} as relayed, and the relay holds {}",
                mark.sequence, held.sequence
            );
            self.trace.broken(&agent.host.name, &promise);
        }
        let mut state = self.state();
        state.marks.entry(agent.device.clone()).or_default().push((now, mark.sequence));
    }

    /// Only what was relayed long enough ago is pruned. The host's own clock counts, which may
    /// have been set meanwhile.
    fn pruned(&self, agent: &Agent, now: Duration) {
        let from = self.state().pruned.get(&agent.device).copied().unwrap_or(Sequence::NONE);
        let pruned = agent.pruned(from);
        if pruned == from {
            return;
        }
        self.trace.say(&agent.host.name, || format!("has pruned up to {pruned}"));
        let off = Duration::from_millis(2 * CLOCK_OFF_MS_MAX.unsigned_abs());
        let retention = Duration::try_from(RETENTION).expect("a retention is no debt");
        let relayed_before = now.saturating_sub(retention.saturating_sub(off));
        let mut state = self.state();
        let marks = state.marks.get(&agent.device).into_iter().flatten();
        let allowed = marks.filter(|(at, _)| *at <= relayed_before).map(|(_, mark)| *mark).max();
        state.pruned.insert(agent.device.clone(), pruned);
        drop(state);
        if allowed.is_none_or(|allowed| allowed < pruned) {
            let promise = format!("has pruned up to {pruned}, and {allowed:?} was relayed before");
            self.trace.broken(&agent.host.name, &promise);
        }
    }

    /// What is still to be done, if anything is.
    pub async fn busy(&self) -> Option<String> {
        for agent in &self.agents {
            let (head, mark) = agent.marks();
            if head != mark {
                let (head, mark) = (head.sequence, mark.sequence);
                return Some(format!("{} has relayed {mark} of {head}", agent.host.name));
            }
        }
        let deliveries = self.all_deliveries().await;
        match deliveries::unsettled(&deliveries) {
            Some(busy) => Some(busy),
            None => self.untold(&deliveries).await,
        }
    }

    /// Checks everything that has to hold at rest.
    pub async fn verify(&self) {
        for agent in &self.agents {
            self.relay_holds(agent).await;
        }
        let acknowledged = self.state().acknowledged.clone();
        self.nothing_is_lost(&acknowledged).await;
        self.order_is_kept(&acknowledged);
        self.deliveries_stand_once(&acknowledged).await;
    }

    /// The relay holds every entry of the journal as it was written.
    async fn relay_holds(&self, agent: &Agent) {
        let (journal, epoch) = (agent.inspect(), agent.epoch());
        let (head, _) = agent.marks();
        let held = self.store.head(&agent.device, epoch).await.expect("read the relay's head");
        if held.unwrap_or(Position::START) != head {
            let promise = format!("holds {head:?}, and the relay {held:?}");
            self.trace.broken(&agent.host.name, &promise);
        }
        for sequence in (1..=head.sequence.0).map(Sequence) {
            let own = journal.chain_hash(sequence).await.expect("read the journal");
            let relays = self.store.chain_hash(&agent.device, epoch, sequence).await;
            if own != relays.expect("read the relay's store") {
                let promise = format!("entry {sequence} is another one at the relay");
                self.trace.broken(&agent.host.name, &promise);
            }
        }
    }

    /// What was acknowledged stands where the agent said.
    async fn nothing_is_lost(&self, acknowledged: &[Acknowledged]) {
        for agent in &self.agents {
            let journal = agent.inspect();
            let own = acknowledged.iter().filter(|event| event.device == agent.device);
            for Acknowledged { event, sequence, register, .. } in own {
                let found = journal.by_event(*event).await.expect("read the journal");
                if !found.iter().any(|found| found.sequence == *sequence) {
                    let promise = format!("{event} was acknowledged as {sequence} and is lost");
                    self.trace.broken(register, &promise);
                }
            }
        }
    }

    /// Each register's events stand in the order in which it handed them in.
    fn order_is_kept(&self, acknowledged: &[Acknowledged]) {
        let mut last: BTreeMap<&str, Sequence> = BTreeMap::new();
        for Acknowledged { register, sequence, .. } in acknowledged {
            if let Some(before) = last.insert(register, *sequence)
                && before >= *sequence
            {
                let promise = format!("{sequence} was handed in after {before}");
                self.trace.broken(register, &promise);
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
