//! What a world is made of.
//!
//! Plain values; starts nothing.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use anyhow::Result;
use clap::ValueEnum;

use crate::free_port::free_port;
use crate::pos::mix::Mix;
use crate::pos::place::Taxation;

/// A promise that the relay breaks on purpose, so that a test can show that it would notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RelayFault {
    /// What arrives twice counts as new.
    DedupeOff,
    /// What has an unknown outcome is sent again without looking.
    FindOff,
    /// "Not there" is believed at once.
    SettleZero,
    /// The agent is told before the commit.
    AckBeforeCommit,
}

/// The way that the agents' batches take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Uplink {
    /// HTTPS, in a world on one machine without TLS.
    #[default]
    Https,
    /// MQTT through a real mosquitto, and nothing else.
    Mqtt,
    /// MQTT first, and HTTPS while that fails.
    Both,
}

/// Where the relay keeps what it holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum RelayStore {
    /// A file of its own.
    #[default]
    Sqlite,
    /// A real PostgreSQL.
    Postgres,
}

/// The systems that the relay posts to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Targets {
    /// A Shopify shop.
    #[default]
    Shop,
    /// A Shopify shop, and beside it an ERPNext site.
    ShopAndErp,
}

/// Which ports the programs listen on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ports {
    /// Those that the README names, for people.
    Known,
    /// Free ones, for tests that run beside others.
    Free,
}

/// The addresses that were chosen.
pub(super) struct Chosen {
    pub(super) shopify: SocketAddr,
    pub(super) erpnext: SocketAddr,
    pub(super) relay: SocketAddr,
    pub(super) agents: Vec<SocketAddr>,
}

/// How long after the relay has given up a target may still commit what it was asked, in seconds.
pub const LATE_SECONDS_MAX: u32 = 2;

/// The first of the stores' agents listens here; the others follow.
const AGENT_PORT: u16 = 7711;

impl Ports {
    pub(super) fn choose(self, stores: usize) -> Result<Chosen> {
        let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        Ok(match self {
            Self::Known => Chosen {
                shopify: at(7730),
                erpnext: at(7731),
                relay: at(7720),
                agents: (AGENT_PORT..).take(stores).map(at).collect(),
            },
            Self::Free => Chosen {
                shopify: at(free_port()?),
                erpnext: at(free_port()?),
                relay: at(free_port()?),
                agents: (0..stores).map(|_| free_port().map(at)).collect::<Result<_>>()?,
            },
        })
    }
}

/// What a world is made of.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Where every program keeps its files.
    pub folder: PathBuf,
    /// The stores' names.
    pub stores: Vec<String>,
    /// Registers in each.
    pub registers: u32,
    /// Decides everything that happens by chance.
    pub seed: u64,
    /// Items in the catalogue.
    pub items: u32,
    /// How many in a thousand of them are weighed.
    pub weighed_per_mille: u32,
    /// What registers do.
    pub mix: Mix,
    /// The stores where taxes come on top of prices.
    pub taxed_on_top: Vec<String>,
    /// The ports.
    pub ports: Ports,
    /// How long a search of the shop may lag, in milliseconds.
    pub search_lag_ms: u64,
    /// How long the relay holds the shop's "not there" for possible after an attempt, in seconds.
    pub settle_seconds: u32,
    /// How long the relay waits for an answer of a target, in seconds.
    pub call_timeout_seconds: u32,
    /// The shop's bucket: points at most, and points that come back each second.
    pub bucket: (u32, u32),
    /// The way that batches take.
    pub uplink: Uplink,
    /// Where the relay keeps what it holds.
    pub relay_store: RelayStore,
    /// The systems that the relay posts to.
    pub targets: Targets,
    /// Promises that the relay breaks.
    pub relay_faults: Vec<RelayFault>,
}

impl Plan {
    /// Three stores of two registers before a shop that behaves.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            stores: ["0042", "0043", "0117"].map(str::to_owned).to_vec(),
            registers: 2,
            seed: 1,
            items: 60,
            weighed_per_mille: 0,
            mix: Mix::EVERYDAY,
            taxed_on_top: Vec::new(),
            ports: Ports::Free,
            search_lag_ms: 3_000,
            settle_seconds: 5,
            call_timeout_seconds: 3,
            bucket: (20_000, 1_000),
            uplink: Uplink::Https,
            relay_store: RelayStore::Sqlite,
            targets: Targets::Shop,
            relay_faults: Vec::new(),
        }
    }

    /// Adds an ERPNext site beside the shop, and has registers count nothing: a count stands there
    /// at a whole second, and simulated registers sell several times in one.
    pub fn add_erp(&mut self) {
        self.targets = Targets::ShopAndErp;
        self.mix = self.mix.without_counts();
    }

    /// How a store is taxed.
    #[must_use]
    pub fn taxation(&self, store: &str) -> Taxation {
        let is_on_top = self.taxed_on_top.iter().any(|named| named == store);
        if is_on_top { Taxation::OnTop } else { Taxation::Included }
    }

    /// Whether an ERPNext site is a target.
    #[must_use]
    pub fn has_erp(&self) -> bool {
        self.targets == Targets::ShopAndErp
    }

    /// How long the relay holds the ERP's "not there" for possible after an attempt, in seconds. Its
    /// look-ups do not lag; what outlasts the call is what a target still does after it.
    #[must_use]
    pub const fn erp_settle_seconds(&self) -> u32 {
        self.call_timeout_seconds + LATE_SECONDS_MAX + 1
    }
}
