//! The vendor's own bookkeeping: what really happened here, whatever was answered.
//!
//! A harness proves "exactly once" by these, never by the client's. Nothing here is part of the
//! API.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::document::{Document, checked, decimal, docstatus, text};
use crate::state::{GlEntry, State, folded};
use crate::stock::StockLedgerEntry;

/// The doctypes that are booked.
const BOOKED: [&str; 3] = ["Sales Invoice", "Stock Entry", "Stock Reconciliation"];

/// Everything that stands on the site.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Books {
    /// Every invoice, stock entry and count, by doctype, oldest first, as the API shows it.
    pub documents: BTreeMap<String, Vec<Value>>,
    /// The general ledger, oldest first.
    pub general_ledger: Vec<GlEntry>,
    /// The stock ledger, by item and warehouse.
    pub stock_ledger: Vec<StockLedgerEntry>,
    /// What was counted.
    pub counters: Counters,
}

/// What was counted since the site was opened.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Counters {
    /// Requests to the API.
    pub requests: u64,
    /// What was applied, as `submit Sales Invoice`.
    pub applied: BTreeMap<String, u64>,
    /// What was refused, by the kind of exception.
    pub refused: BTreeMap<String, u64>,
    /// Requests turned away by the rate limit.
    pub rate_limited: u64,
    /// Requests turned away by a maintenance.
    pub in_maintenance: u64,
    /// Faults that struck, by name.
    pub disruptions: BTreeMap<String, u64>,
}

impl Counters {
    /// Counts what was saved. A draft that was created submitted counts as both.
    pub(crate) fn saved(&mut self, action: &str, doctype: &str, status: u64) {
        *self.applied.entry(format!("{action} {doctype}")).or_default() += 1;
        if action == "create" && status == 1 {
            *self.applied.entry(format!("submit {doctype}")).or_default() += 1;
        }
    }

    pub(crate) fn refused(&mut self, kind: &str) {
        *self.refused.entry(kind.to_owned()).or_default() += 1;
    }

    pub(crate) fn struck(&mut self, name: &str) {
        *self.disruptions.entry(name.to_owned()).or_default() += 1;
    }
}

/// Counts and sums of the books.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Documents as `Sales Invoice` and docstatus, such as `Sales Invoice 1`.
    pub documents: BTreeMap<String, u64>,
    /// Submitted sales, returns not counted.
    pub sales: u64,
    /// Submitted returns.
    pub returns: u64,
    /// What all submitted invoices come to, returns deducted.
    pub grand_total: Decimal,
    /// What all submitted invoices were paid, change deducted.
    pub received: Decimal,
    /// What is outstanding on submitted invoices.
    pub outstanding: Decimal,
    /// Documents beyond the first that are not cancelled and hold the same value in an added field,
    /// by doctype and field: what was posted twice.
    pub repeated: BTreeMap<String, u64>,
    /// All debits of the general ledger.
    pub debit: Decimal,
    /// All credits of the general ledger.
    pub credit: Decimal,
    /// The stock at last, by item and warehouse.
    pub stock: BTreeMap<String, Decimal>,
    /// Backdated entries, each of which queues a repost on the real site.
    pub reposts: u64,
    /// What was counted.
    pub counters: Counters,
}

impl Books {
    pub(crate) fn of(state: &State) -> Self {
        let all = |doctype: &str| {
            state.store.all(doctype).cloned().map(Value::Object).collect::<Vec<_>>()
        };
        Self {
            documents: BOOKED.iter().map(|name| ((*name).to_owned(), all(name))).collect(),
            general_ledger: state.general.entries().to_vec(),
            stock_ledger: state.stock.entries().cloned().collect(),
            counters: state.counters.clone(),
        }
    }

    /// The documents of a doctype that hold this value in this field.
    #[must_use]
    pub fn holding(&self, doctype: &str, field: &str, value: &str) -> Vec<&Value> {
        let documents = self.documents.get(doctype).into_iter().flatten();
        documents.filter(|document| document[field] == value).collect()
    }

    /// The balance of an account: debits less credits.
    #[must_use]
    pub fn balance(&self, account: &str) -> Decimal {
        let lines = self.general_ledger.iter().filter(|line| line.account == account);
        lines.map(|line| line.debit - line.credit).sum()
    }
}

impl Summary {
    pub(crate) fn of(state: &State) -> Self {
        let mut summary = Self {
            counters: state.counters.clone(),
            reposts: state.stock.reposts(),
            ..Self::default()
        };
        for doctype in BOOKED {
            for document in state.store.all(doctype) {
                let key = format!("{doctype} {}", docstatus(document));
                *summary.documents.entry(key).or_default() += 1;
            }
            summary.count_repeated(state, doctype);
        }
        let submitted = |invoice: &&Document| docstatus(invoice) == 1;
        for invoice in state.store.all("Sales Invoice").filter(submitted) {
            if checked(invoice, "is_return") {
                summary.returns += 1;
            } else {
                summary.sales += 1;
            }
            summary.grand_total += decimal(invoice, "grand_total");
            summary.received += decimal(invoice, "paid_amount") - decimal(invoice, "change_amount");
            summary.outstanding += decimal(invoice, "outstanding_amount");
        }
        for line in state.general.entries() {
            summary.debit += line.debit;
            summary.credit += line.credit;
        }
        for entry in state.stock.latest() {
            let place = format!("{} @ {}", entry.item_code, entry.warehouse);
            summary.stock.insert(place, entry.qty_after_transaction);
        }
        summary
    }

    fn count_repeated(&mut self, state: &State, doctype: &str) {
        for field in state.store.custom(doctype) {
            let mut seen = std::collections::BTreeSet::new();
            let held = state.store.all(doctype).filter(|document| docstatus(document) != 2);
            let repeated = held
                .map(|document| folded(text(document, &field.name)))
                .filter(|value| !value.is_empty() && !seen.insert(value.clone()))
                .map(|_| 1)
                .sum();
            self.repeated.insert(format!("{doctype} {}", field.name), repeated);
        }
    }
}
