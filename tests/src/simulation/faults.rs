//! What goes wrong: the faults of the world, which our programs have to bear, and the faults that
//! are planted in our programs, which the simulation has to notice.
//!
//! Both follow from the seed alone. Does not judge what comes of them.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::agent::Agent;
use super::chance::Chance;
use super::network::Weather;
use super::relay::Replica;
use super::trace::Trace;
use super::vendor::shop::Shop;

/// A fault in our own programs, by way of their seams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Planted {
    /// None: every promise has to hold.
    #[default]
    Nothing,
    /// The agent answers the POS before its commit.
    AnswerBeforeCommit,
    /// The relay acknowledges before its commit.
    AcknowledgeBeforeCommit,
    /// The relay takes what it holds for new.
    NoDedupe,
    /// A worker whose lane was taken over goes on writing.
    NoFence,
    /// What may have been applied is sent again without a look.
    NoFind,
    /// A look-up that finds nothing is believed at once.
    NoSettleTime,
    /// The agent compares no chain hash.
    AnyChainHash,
    /// The agent prunes what is old, relayed or not.
    PruneByAgeOnly,
}

impl Planted {
    /// The seams of an agent.
    #[must_use]
    pub fn agent(self) -> agent::seams::Seams {
        agent::seams::Seams {
            answer_before_commit: self == Self::AnswerBeforeCommit,
            believes_any_hash: self == Self::AnyChainHash,
            prune_by_age_only: self == Self::PruneByAgeOnly,
            ..agent::seams::Seams::default()
        }
    }

    /// The seams of the relay.
    #[must_use]
    pub fn relay(self) -> cloud_relay::seams::Seams {
        use cloud_relay::store::model::{Dedupe, Fencing};
        cloud_relay::seams::Seams {
            dedupe: if self == Self::NoDedupe { Dedupe::Off } else { Dedupe::On },
            fencing: if self == Self::NoFence { Fencing::Off } else { Fencing::On },
            find_before_retry: self != Self::NoFind,
            settle_time: (self == Self::NoSettleTime).then_some(Duration::ZERO),
            acknowledge_before_commit: self == Self::AcknowledgeBeforeCommit,
            ..cloud_relay::seams::Seams::default()
        }
    }
}

/// What can go wrong in the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    AgentCrashes,
    AgentsDiskIsSlow,
    ClockIsSet,
    WayIsCut,
    WayLoses,
    RelayCrashes,
    RelayStandsStill,
    RelaysDiskIsSlow,
    VendorStorms,
    VendorCloses,
}

const TROUBLES: [Trouble; 10] = [
    Trouble::AgentCrashes,
    Trouble::AgentsDiskIsSlow,
    Trouble::ClockIsSet,
    Trouble::WayIsCut,
    Trouble::WayLoses,
    Trouble::RelayCrashes,
    Trouble::RelayStandsStill,
    Trouble::RelaysDiskIsSlow,
    Trouble::VendorStorms,
    Trouble::VendorCloses,
];

/// How far a till's clock is off at most. What a count waits for is bound to it: a clock that is
/// ahead makes the count wait for so long.
pub const CLOCK_OFF_MS_MAX: i64 = 60_000;

/// How far the clocks of relay hosts, which are kept by NTP, are off at most.
const RELAY_CLOCK_OFF_MS_MAX: u64 = 2_000;

/// Whom faults happen to.
pub struct Victims {
    /// The agents, each with its way to the relay.
    pub agents: Vec<(Arc<Agent>, Arc<Weather>)>,
    /// The relay's replicas.
    pub replicas: Vec<Arc<Replica>>,
    /// The vendors.
    pub shops: Vec<Arc<Shop>>,
}

/// The faults of one run.
pub struct Faults {
    victims: Victims,
    chance: Chance,
    kinds: Vec<Trouble>,
    pause_ms_max: u64,
    trace: Arc<Trace>,
}

impl Faults {
    /// Draws which kinds of faults this run has, and how often. What a planted fault needs to do
    /// harm happens more often with it.
    #[must_use]
    pub fn new(victims: Victims, seed: u64, planted: Planted, trace: Arc<Trace>) -> Self {
        let chance = Chance::of(seed, "faults");
        let mut kinds: Vec<_> = TROUBLES.into_iter().filter(|_| !chance.one_in(3)).collect();
        if planted == Planted::NoFence {
            kinds.extend([Trouble::RelayStandsStill; 2 * TROUBLES.len()]);
        }
        let pause_ms_max = *chance.any_of(&[8_000, 20_000, 45_000]);
        let is_hostile = chance.one_in(5) || planted == Planted::AnyChainHash;
        for (_, weather) in &victims.agents {
            weather.is_hostile.store(is_hostile, Ordering::Relaxed);
        }
        for replica in &victims.replicas {
            let off = chance.within(0, 2 * RELAY_CLOCK_OFF_MS_MAX);
            let off = i64::try_from(off).unwrap_or_default() - 2_000;
            replica.host.set_clock_off(off);
        }
        Self { victims, chance, kinds, pause_ms_max, trace }
    }

    /// Makes trouble for as long as it is let.
    pub async fn run(&self) {
        loop {
            tokio::time::sleep(self.chance.millis(1_000, self.pause_ms_max)).await;
            if !self.kinds.is_empty() {
                self.make(*self.chance.any_of(&self.kinds)).await;
            }
        }
    }

    async fn make(&self, trouble: Trouble) {
        let (agent, way) = self.chance.any_of(&self.victims.agents);
        let replica = self.chance.any_of(&self.victims.replicas);
        let shop = self.chance.any_of(&self.victims.shops);
        let lasts = self.chance.millis(500, 60_000);
        let say = |who: &str| {
            self.trace.say(who, || format!("{trouble:?} for {} ms", lasts.as_millis()));
        };
        match trouble {
            Trouble::AgentCrashes => {
                agent.crash();
                let agent = Arc::clone(agent);
                self.later(lasts / 4, move || agent.start());
            }
            Trouble::RelayCrashes => {
                replica.crash();
                let replica = Arc::clone(replica);
                self.later(lasts / 2, move || replica.start());
            }
            Trouble::AgentsDiskIsSlow => {
                say(&agent.host.name);
                agent.host.slow_for(lasts / 2);
            }
            Trouble::RelaysDiskIsSlow => {
                say(&replica.host.name);
                replica.host.slow_for(lasts);
            }
            Trouble::ClockIsSet => {
                let off = self.chance.within(0, 2 * CLOCK_OFF_MS_MAX.unsigned_abs());
                let off = i64::try_from(off).unwrap_or_default() - CLOCK_OFF_MS_MAX;
                self.trace.say(&agent.host.name, || format!("its clock is off by {off} ms"));
                agent.host.set_clock_off(off);
            }
            Trouble::WayIsCut => {
                say(&agent.host.name);
                way.cut_for(self.trace.time().passed(), lasts);
            }
            Trouble::WayLoses => {
                let one_in = self.chance.within(3, 30);
                self.trace.say(&agent.host.name, || format!("its way loses one in {one_in}"));
                way.loses_one_in.store(one_in, Ordering::Relaxed);
            }
            Trouble::RelayStandsStill => {
                say(&replica.host.name);
                replica.host.freeze_for(lasts * 6);
            }
            Trouble::VendorStorms => {
                say(shop.name);
                shop.storm_for(lasts * 2);
            }
            Trouble::VendorCloses => {
                say(shop.name);
                shop.close_for(lasts * 3);
            }
        }
    }

    fn later(&self, wait: Duration, act: impl FnOnce() + Send + 'static) {
        tokio::spawn(async move {
            tokio::time::sleep(wait).await;
            act();
        });
    }

    /// Everything is well from now on.
    pub fn end(&self) {
        self.trace.say("world", || "the faults are over".to_owned());
        for (agent, weather) in &self.victims.agents {
            agent.host.heal();
            weather.heal();
            agent.start();
        }
        for replica in &self.victims.replicas {
            replica.host.heal();
            replica.start();
        }
        for shop in &self.victims.shops {
            shop.heal();
        }
    }
}
