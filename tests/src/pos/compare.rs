//! The stores' books against another system's: what is lost, what is there twice, whose stock and
//! which account differs.
//!
//! The other system's figures come as plain maps that whoever asked it has made, so that nothing
//! here knows a vendor. A sale that the agent never answered may be there or not; once is right,
//! twice is not.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::books::{Books, Entry, Expected, Goods, Outcome};
use super::figures::Milli;
use super::ledger::{self, Ledger, LedgerDifference};

/// What another system holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holdings {
    /// How many orders, by the key of the receipt on which goods went out.
    pub orders: BTreeMap<String, u64>,
    /// How many refunds, by the key of the receipt on which goods came back.
    pub refunds: BTreeMap<String, u64>,
    /// Whether it keeps refunds also of what comes back from no receipt.
    pub keeps_unplaced: bool,
    /// Its stock, by store and SKU; none if it keeps none.
    pub stock: Option<BTreeMap<(String, String), Milli>>,
    /// Items that it keeps no stock of, by SKU.
    pub untracked: BTreeSet<String>,
    /// Its ledger; none if it keeps none.
    pub ledger: Option<Ledger>,
}

/// How another system differs from the books. All lists empty is what is promised.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Differences {
    /// Receipts that were acknowledged and whose orders or refunds are not there.
    pub lost: Vec<String>,
    /// Receipts whose orders or refunds are there more than once.
    pub duplicated: Vec<String>,
    /// Orders and refunds that no store made, or whose event the agent refused.
    pub foreign: Vec<String>,
    /// Stock that is not as it should be.
    pub stock: Vec<StockDifference>,
    /// Accounts whose balance is not as it should be, to the minor unit.
    pub ledger: Vec<LedgerDifference>,
}

/// An item whose stock differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockDifference {
    /// The store.
    pub store: String,
    /// The item.
    pub sku: String,
    /// What it should be.
    pub expected: Expected,
    /// What it is; none if the other system does not know the item there.
    pub found: Option<Milli>,
    /// The keys of the events that moved it, which are the ones to look into.
    pub moved_by: Vec<String>,
}

impl Differences {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lost.is_empty()
            && self.duplicated.is_empty()
            && self.foreign.is_empty()
            && self.stock.is_empty()
            && self.ledger.is_empty()
    }
}

/// Holds another system against the books.
#[must_use]
pub fn compare(books: &Books, holdings: &Holdings) -> Differences {
    let mut differences = Differences::default();
    let sells = |goods: &Goods| u64::from(goods.out_minor.is_some());
    let takes_back = |goods: &Goods| {
        let unplaced = holdings.keeps_unplaced && goods.unplaced_minor.is_some();
        u64::from(goods.back_minor.is_some()) + u64::from(unplaced)
    };
    compare_documents(books, sells, &holdings.orders, &mut differences);
    compare_documents(books, takes_back, &holdings.refunds, &mut differences);
    if let Some(stock) = &holdings.stock {
        differences.stock = compare_stock(books, stock, &holdings.untracked);
    }
    if let Some(found) = &holdings.ledger {
        let expected = ledger::expected(books, |entry| counts(entry, holdings));
        differences.ledger = ledger::compare(&expected, found);
    }
    differences
}

/// Whether a receipt has to stand in the ledger: what was acknowledged, and of what was never
/// answered whatever is there, in full.
fn counts(entry: &Entry, holdings: &Holdings) -> bool {
    let held = if entry.goods.out_minor.is_some() { &holdings.orders } else { &holdings.refunds };
    match entry.outcome {
        Outcome::Acknowledged(_) => true,
        Outcome::Open => held.contains_key(&entry.key),
        Outcome::Refused { .. } => false,
    }
}

/// Holds documents against the entries that call for some, `due` says how many.
fn compare_documents(
    books: &Books,
    due: impl Fn(&Goods) -> u64,
    held: &BTreeMap<String, u64>,
    differences: &mut Differences,
) {
    let mut known = BTreeSet::new();
    for entry in books.entries() {
        let due = due(&entry.goods);
        let count = held.get(&entry.key).copied().unwrap_or_default();
        if due == 0 || matches!(entry.outcome, Outcome::Refused { .. }) {
            continue;
        }
        if count > due {
            differences.duplicated.push(entry.key.clone());
        } else if count < due && matches!(entry.outcome, Outcome::Acknowledged(_)) {
            differences.lost.push(entry.key.clone());
        }
        known.insert(&entry.key);
    }
    let foreign = held.iter().filter(|(key, count)| **count > 0 && !known.contains(key));
    differences.foreign.extend(foreign.map(|(key, _)| key.clone()));
}

fn compare_stock(
    books: &Books,
    held: &BTreeMap<(String, String), Milli>,
    untracked: &BTreeSet<String>,
) -> Vec<StockDifference> {
    let mut differences = Vec::new();
    for (store, of_store) in &books.stores {
        for (sku, expected) in of_store.expected_stock() {
            let found = held.get(&(store.clone(), sku.to_owned())).copied();
            if untracked.contains(sku) || found.is_some_and(|level| expected.holds(level)) {
                continue;
            }
            let moved = |entry: &&Entry| entry.stock.iter().any(|(moved, _)| moved == sku);
            let moved_by = of_store.entries.iter().filter(moved).map(|entry| entry.key.clone());
            differences.push(StockDifference {
                store: store.clone(),
                sku: sku.to_owned(),
                expected,
                found,
                moved_by: moved_by.collect(),
            });
        }
    }
    differences
}
