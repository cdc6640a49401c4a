//! The vendor's own bookkeeping: what really happened here, whatever was answered.
//!
//! A harness proves "exactly once" by these, never by the client's. Nothing here is part of the
//! API.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::ids::Gid;
use crate::records::{AdjustmentGroup, Level, Order};
use crate::state::State;

/// Everything that was ever applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Books {
    /// Every order ever created, oldest first, with its transactions and refunds.
    pub orders: Vec<Order>,
    /// Every inventory level.
    pub levels: Vec<Level>,
    /// Every adjustment and set that was applied, oldest first.
    pub adjustments: Vec<AdjustmentGroup>,
    /// What was counted.
    pub counters: Counters,
}

/// What was counted since the shop was opened.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Counters {
    /// Requests to the GraphQL address.
    pub requests: u64,
    /// Root fields that were executed, by name.
    pub executed: BTreeMap<String, u64>,
    /// Requests that the bucket throttled.
    pub throttled: u64,
    /// Requests without a valid token.
    pub unauthorised: u64,
    /// Requests whose text or variables were refused.
    pub invalid: u64,
    /// Requests turned away by a maintenance.
    pub in_maintenance: u64,
    /// Idempotency keys that were answered from their first outcome.
    pub replayed: u64,
    /// Tokens that were issued.
    pub tokens_issued: u64,
    /// Points that were charged.
    pub points: u64,
    /// Faults that struck, by name.
    pub disruptions: BTreeMap<String, u64>,
}

impl Counters {
    pub(crate) fn struck(&mut self, name: &str) {
        *self.disruptions.entry(name.to_owned()).or_default() += 1;
    }

    pub(crate) fn executed(&mut self, root_field: &str) {
        *self.executed.entry(root_field.to_owned()).or_default() += 1;
    }
}

/// Counts and sums of the books.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Orders.
    pub orders: u64,
    /// Orders with a source identifier.
    pub orders_with_source: u64,
    /// Orders beyond the first with the same source identifier: what was posted twice.
    pub duplicate_orders: u64,
    /// Lines of all orders.
    pub lines: u64,
    /// The sum of all orders' totals, by currency.
    pub order_total: BTreeMap<String, Decimal>,
    /// The sum of all orders' taxes, by currency.
    pub order_tax: BTreeMap<String, Decimal>,
    /// Refunds.
    pub refunds: u64,
    /// The sum of all refunds, by currency.
    pub refund_total: BTreeMap<String, Decimal>,
    /// Adjustments and sets that were applied.
    pub adjustments: u64,
    /// The sum of all changes to `available`.
    pub available_change: i64,
    /// The sum of `available` over all levels.
    pub available: i64,
    /// What was counted.
    pub counters: Counters,
}

impl Books {
    pub(crate) fn of(state: &State) -> Self {
        Self {
            orders: state.ledger.orders().to_vec(),
            levels: state.stock.levels().copied().collect(),
            adjustments: state.groups.clone(),
            counters: state.counters.clone(),
        }
    }

    /// The level of an item at a location.
    #[must_use]
    pub fn level(&self, item: Gid, location: Gid) -> Option<&Level> {
        self.levels.iter().find(|level| level.item == item && level.location == location)
    }
}

impl Summary {
    pub(crate) fn of(state: &State) -> Self {
        let mut summary = Self { counters: state.counters.clone(), ..Self::default() };
        let mut sources = BTreeSet::new();
        for order in state.ledger.orders() {
            summary.orders += 1;
            if let Some(source) = &order.source_identifier {
                summary.orders_with_source += 1;
                summary.duplicate_orders += u64::from(!sources.insert(source));
            }
            summary.lines += order.lines.iter().map(|_| 1).sum::<u64>();
            add(&mut summary.order_total, &order.currency, order.totals.total.shop);
            add(&mut summary.order_tax, &order.currency, order.totals.tax.shop);
            for refund in &order.refunds {
                summary.refunds += 1;
                add(&mut summary.refund_total, &order.currency, refund.total.shop);
            }
        }
        for group in &state.groups {
            summary.adjustments += 1;
            let changes = group.changes.iter().filter(|change| change.name == "available");
            summary.available_change += changes.map(|change| change.delta).sum::<i64>();
        }
        summary.available = state.stock.levels().map(|level| level.available).sum();
        summary
    }
}

fn add(sums: &mut BTreeMap<String, Decimal>, currency: &str, amount: Decimal) {
    *sums.entry(currency.to_owned()).or_default() += amount;
}
