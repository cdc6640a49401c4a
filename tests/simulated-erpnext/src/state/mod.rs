//! Everything that a site knows, behind one lock.
//!
//! `now` is an argument everywhere: only [`crate::Site`] reads the clock. The lifecycle changes the
//! state, validation only reads it, so that a refused request leaves no trace, as a rolled back
//! transaction leaves none.

mod ledger;
mod masters;
mod store;

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::books::Counters;
use crate::chance::Chance;
use crate::document::{Document, checked};
use crate::faults::Plan;
use crate::rate::Budget;
use crate::setup::{Periods, Setup};
use crate::stock::StockLedger;

pub use self::ledger::GlEntry;
pub(crate) use self::ledger::{GeneralLedger, Posting};
pub(crate) use self::store::{CustomField, Store, folded};

/// A site's state.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) setup: Setup,
    pub(crate) zone: TimeZone,
    pub(crate) periods: Periods,
    pub(crate) store: Store,
    pub(crate) general: GeneralLedger,
    pub(crate) stock: StockLedger,
    /// The last number of each naming series, by its prefix.
    pub(crate) series: BTreeMap<String, u64>,
    pub(crate) plan: Plan,
    pub(crate) budget: Budget,
    pub(crate) counters: Counters,
    pub(crate) chance: Chance,
}

impl State {
    pub(crate) fn new(setup: Setup, zone: TimeZone, opened: DateTime) -> Self {
        let mut store = Store::default();
        masters::fill(&mut store, &setup, opened);
        Self {
            zone,
            periods: setup.periods.clone(),
            store,
            general: GeneralLedger::default(),
            stock: StockLedger::default(),
            series: BTreeMap::new(),
            plan: Plan::default(),
            budget: Budget::default(),
            counters: Counters::default(),
            chance: Chance::new(setup.seed),
            setup,
        }
    }

    /// Whether an item may fall below zero (Stock Settings, or the item itself).
    pub(crate) fn may_go_negative(&self, item: &str) -> bool {
        self.setup.settings.allow_negative_stock
            || self
                .store
                .find("Item", item)
                .is_some_and(|item| checked(item, "allow_negative_stock"))
    }

    /// The documents of a doctype, the ledgers' rows included, oldest first.
    pub(crate) fn listed(&self, doctype: &str) -> Vec<Cow<'_, Document>> {
        let rows = match doctype {
            "GL Entry" => self.general.rows(),
            "Stock Ledger Entry" => self.stock.rows(),
            "Bin" => self.stock.bins(),
            _ => return self.store.all(doctype).map(Cow::Borrowed).collect(),
        };
        rows.into_iter()
            .filter_map(|row| match row {
                Value::Object(row) => Some(Cow::Owned(row)),
                _ => None,
            })
            .collect()
    }
}
