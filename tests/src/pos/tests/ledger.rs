//! What a ledger has to hold, and that a cent in the wrong place is noticed.

use std::collections::BTreeMap;

use super::*;
use crate::pos::books::Kind;
use crate::pos::compare::{Differences, Holdings, compare};
use crate::pos::ledger::{Account, Ledger, expected};

const EVERYTHING: usize = 400;

/// The books of a day, every event of which was acknowledged.
fn day() -> Books {
    let (mut shop, made) = Shop::whole_day(5, EVERYTHING, 5);
    for event in &made {
        shop.acknowledge(event.entry);
    }
    Books { stores: BTreeMap::from([("0042".to_owned(), shop.books)]) }
}

fn differences(books: &Books, ledger: Ledger) -> Differences {
    let held = |kind| {
        let entries = books.entries().filter(|entry| entry.kind == kind);
        entries.map(|entry| (entry.key.clone(), 1)).collect()
    };
    let (orders, refunds) = (held(Kind::Sale), held(Kind::Return));
    compare(books, &Holdings { orders, refunds, ledger: Some(ledger), ..Holdings::default() })
}

#[test]
fn debits_and_credits_of_a_day_with_rounding_and_returns_are_equal() {
    let books = day();
    let ledger = expected(&books, |_| true);
    assert_eq!(ledger.values().sum::<i64>(), 0, "{ledger:?}");
    let rounding = ("0042".to_owned(), Account::Rounding);
    assert_ne!(ledger[&rounding], 0, "cash was rounded");
    assert!(books.entries().any(|entry| entry.kind == Kind::Return));
    assert!(differences(&books, ledger).is_empty());
}

#[test]
fn a_cent_on_the_wrong_account_is_noticed_on_both() {
    let books = day();
    let mut ledger = expected(&books, |_| true);
    let place = |account| ("0042".to_owned(), account);
    *ledger.get_mut(&place(Account::Income)).unwrap() += 1;
    *ledger.get_mut(&place(Account::Tax(TaxCode::B))).unwrap() -= 1;
    let found = differences(&books, ledger);
    let accounts: Vec<_> = found.ledger.iter().map(|difference| &difference.account).collect();
    assert_eq!(accounts, [&Account::Income, &Account::Tax(TaxCode::B)]);
    assert!(!found.is_empty());
}

#[test]
fn what_stands_on_an_account_that_no_store_uses_is_noticed() {
    let books = day();
    let mut ledger = expected(&books, |_| true);
    ledger.insert(("0042".to_owned(), Account::Other("Debtors".to_owned())), 387);
    let found = differences(&books, ledger);
    assert_eq!(found.ledger[0].to_string(), "store 0042, Other(\"Debtors\"): 387 in place of 0");
}

#[test]
fn what_was_never_answered_stands_in_the_ledger_in_full_or_not_at_all() {
    let mut books = day();
    let store = books.stores.get_mut("0042").unwrap();
    let last = store.entries.iter().rposition(|entry| entry.kind == Kind::Sale).unwrap();
    store.entries[last].outcome = Outcome::Open;
    let in_full = expected(&books, |_| true);
    assert!(differences(&books, in_full).is_empty());
    let without = expected(&books, |entry| entry.outcome != Outcome::Open);
    assert!(!differences(&books, without).is_empty(), "it is there, and its money is not");
}
