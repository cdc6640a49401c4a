//! What a ledger has to hold of everything that the stores sold and took back: sums by store and
//! account, to the minor unit.
//!
//! From the stores' own books alone. Which accounts another system has, and what it books where,
//! is said by whoever reads its ledger.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::books::{Books, Entry, TenderKind};
use super::catalogue::TaxCode;

/// An account, by what it is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Account {
    /// What was earned, without tax.
    Income,
    /// A tax that is owed, by code.
    Tax(TaxCode),
    /// Money that was taken, less what was given back, by kind.
    Tender(TenderKind),
    /// Cash that was rounded.
    Rounding,
    /// An account that nothing of what simulated stores do may leave anything on.
    Other(String),
}

/// Balances by store and account: debits less credits, in minor units.
pub type Ledger = BTreeMap<(String, Account), i64>;

/// An account whose balance is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerDifference {
    /// The store.
    pub store: String,
    /// The account.
    pub account: Account,
    /// Debits less credits as they should be, in minor units.
    pub expected_minor: i64,
    /// Debits less credits as they are, in minor units.
    pub found_minor: i64,
}

impl fmt::Display for LedgerDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { store, account, expected_minor, found_minor } = self;
        write!(f, "store {store}, {account:?}: {found_minor} in place of {expected_minor}")
    }
}

/// The ledger of those receipts that count, of which goods went over the counter. What only changes
/// one kind of money for another is none of it.
#[must_use]
pub fn expected(books: &Books, counts: impl Fn(&Entry) -> bool) -> Ledger {
    let mut ledger = Ledger::new();
    for (store, of_store) in &books.stores {
        let posted =
            of_store.entries.iter().filter(|entry| !entry.goods.is_nothing() && counts(entry));
        for entry in posted {
            for (account, balance) in balances(entry) {
                *ledger.entry((store.clone(), account)).or_default() += balance;
            }
        }
    }
    ledger
}

/// What one receipt leaves on each account; the balances add up to nothing. What is taken for gift
/// cards, deposits and tips is earned here like the rest.
fn balances(entry: &Entry) -> Vec<(Account, i64)> {
    let figures = &entry.figures;
    let taxes: i64 = figures.taxes.values().map(|tax| tax.amount_minor).sum();
    let mut balances = vec![
        (Account::Rounding, -figures.rounding_minor),
        (Account::Income, taxes - entry.goods.due_minor()),
    ];
    for (code, tax) in &figures.taxes {
        balances.push((Account::Tax(*code), -tax.amount_minor));
    }
    for (kind, flow) in &figures.tenders {
        balances.push((Account::Tender(*kind), flow.in_minor - flow.out_minor));
    }
    balances
}

/// Every account of every store whose balance differs.
#[must_use]
pub fn compare(expected: &Ledger, found: &Ledger) -> Vec<LedgerDifference> {
    let places: BTreeSet<_> = expected.keys().chain(found.keys()).collect();
    let balance = |ledger: &Ledger, place| ledger.get(place).copied().unwrap_or_default();
    let differing = places.into_iter().filter_map(|place| {
        let (expected_minor, found_minor) = (balance(expected, place), balance(found, place));
        let (store, account) = place.clone();
        let difference = LedgerDifference { store, account, expected_minor, found_minor };
        (expected_minor != found_minor).then_some(difference)
    });
    differing.collect()
}
