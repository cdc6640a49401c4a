//! Everything that a shop knows, behind one lock.
//!
//! `now` is an argument everywhere: only [`crate::Shop`] reads the clock. Operations change the
//! state, views read it; neither knows of HTTP.

mod ledger;
mod stock;

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use crate::access::Tokens;
use crate::books::Counters;
use crate::bucket::Bucket;
use crate::chance::Chance;
use crate::faults::Plan;
use crate::idempotency::Keys;
use crate::ids::{Gid, Kind};
use crate::operations::Payload;
use crate::records::{AdjustmentGroup, MetafieldDefinition, Numbers};
use crate::setup::{Setup, SetupLocation, SetupVariant};

pub(crate) use self::ledger::{Ledger, OrderIndex, readable};
pub(crate) use self::stock::Stock;

/// The namespace that `$app` stands for: the one reserved to the app.
const APP_NAMESPACE: &str = "app--1";

/// A shop's state.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) setup: Setup,
    pub(crate) opened: Timestamp,
    pub(crate) ledger: Ledger,
    pub(crate) stock: Stock,
    pub(crate) groups: Vec<AdjustmentGroup>,
    pub(crate) definitions: Vec<MetafieldDefinition>,
    pub(crate) keys: Keys<Payload>,
    pub(crate) tokens: Tokens,
    pub(crate) bucket: Bucket,
    pub(crate) plan: Plan,
    pub(crate) counters: Counters,
    pub(crate) chance: Chance,
    pub(crate) numbers: Numbers,
    /// When the latest orders were created, for a plan that bounds orders per minute.
    pub(crate) recent_orders: Vec<Timestamp>,
    /// Orders that somebody deleted in the admin: nothing shows them any more.
    pub(crate) deleted: HashSet<Gid>,
    variants: HashMap<Gid, usize>,
}

impl State {
    pub(crate) fn new(setup: Setup, now: Timestamp) -> Self {
        let mut stock = Stock::default();
        for variant in &setup.variants {
            for (location, available) in &variant.available {
                let location = Gid::new(Kind::Location, *location);
                stock.level_mut(variant.item_gid(), location, now).available = *available;
            }
        }
        Self {
            opened: now,
            ledger: Ledger::default(),
            stock,
            groups: Vec::new(),
            definitions: Vec::new(),
            keys: Keys::new(now),
            tokens: Tokens::default(),
            bucket: Bucket::full(setup.bucket, now),
            plan: Plan::default(),
            counters: Counters::default(),
            chance: Chance::new(setup.seed),
            numbers: Numbers::default(),
            recent_orders: Vec::new(),
            deleted: HashSet::new(),
            variants: setup
                .variants
                .iter()
                .enumerate()
                .flat_map(|(at, variant)| [(variant.gid(), at), (variant.item_gid(), at)])
                .collect(),
            setup,
        }
    }

    pub(crate) fn location(&self, id: &str) -> Option<&SetupLocation> {
        let id: Gid = id.parse().ok()?;
        self.setup.locations.iter().find(|location| location.gid() == id)
    }

    /// The variant with this identifier, or with this inventory item.
    pub(crate) fn variant(&self, id: Gid) -> Option<&SetupVariant> {
        self.variants.get(&id).map(|at| &self.setup.variants[*at])
    }

    pub(crate) fn definition(
        &self,
        owner_type: &str,
        namespace: &str,
        key: &str,
    ) -> Option<&MetafieldDefinition> {
        self.definitions.iter().find(|definition| {
            definition.owner_type == owner_type
                && definition.namespace == namespace
                && definition.key == key
        })
    }
}

/// A namespace with `$app` resolved; an absent one is the app's own.
pub(crate) fn namespace(given: Option<&str>) -> String {
    match given {
        None | Some("$app") => APP_NAMESPACE.to_owned(),
        Some(given) => match given.strip_prefix("$app:") {
            Some(rest) => format!("{APP_NAMESPACE}--{rest}"),
            None => given.to_owned(),
        },
    }
}
