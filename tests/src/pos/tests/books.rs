//! The arithmetic of the books, and what a comparison with another system finds.

use std::collections::BTreeMap;

use super::*;
use crate::pos::books::{Change, Entry, Expected, Figures, Goods, Kind};
use crate::pos::compare::{Holdings, compare};
use crate::pos::figures::{Milli, in_coins, included_tax, major, share};

#[test]
fn halves_are_rounded_away_from_zero() {
    assert_eq!(share(5, 1, 2), 3);
    assert_eq!(share(-5, 1, 2), -3);
    assert_eq!(share(149, 523, 1_000), 78);
    assert_eq!(share(0, 7, 3), 0);
}

#[test]
fn included_tax_is_the_documentations_example() {
    assert_eq!(included_tax(387, 19), 62);
    assert_eq!(included_tax(156, 7), 10);
}

#[test]
fn coins_of_five_round_to_the_nearest() {
    let rounded: Vec<_> = [480, 481, 482, 483, 484, 485].map(|minor| in_coins(minor, 5)).into();
    assert_eq!(rounded, [480, 480, 480, 485, 485, 485]);
    assert_eq!(in_coins(483, 1), 483);
}

#[test]
fn quantities_and_prices_are_written_as_decimals() {
    let written = [Milli(3_000), Milli(523), Milli(-1_500), Milli(0), Milli(10)];
    assert_eq!(written.map(|quantity| quantity.to_string()), ["3", "0.523", "-1.5", "0", "0.01"]);
    assert_eq!([major(149), major(5), major(120_000)], ["1.49", "0.05", "1200.00"]);
}

/// Books with a store that has ten of one item.
fn small_books() -> Books {
    let store = serde_json::json!({
        "first_stock": { "4711": 10_000 }, "entries": [], "on_hand": { "4711": 10_000 },
    });
    let store: StoreBooks = serde_json::from_value(store).unwrap();
    Books { stores: BTreeMap::from([("0042".to_owned(), store)]) }
}

fn write(books: &mut Books, kind: Kind, receipt: &str, change: Change, acknowledged: bool) {
    let store = books.stores.get_mut("0042").unwrap();
    let outcome = if acknowledged {
        Outcome::Acknowledged(Acknowledgement::default())
    } else {
        Outcome::Open
    };
    let goods = match kind {
        Kind::Sale => Goods { out_minor: Some(0), ..Goods::default() },
        Kind::Return => Goods { back_minor: Some(0), ..Goods::default() },
        _ => Goods::default(),
    };
    let entry = Entry {
        key: format!("0042/1/2026-11-23/{receipt}"),
        kind,
        at: store.next_time(noon()),
        figures: Figures::default(),
        goods,
        stock: vec![("4711".to_owned(), change)],
        original: None,
        outcome,
    };
    store.record(entry);
}

fn key(receipt: &str) -> String {
    format!("0042/1/2026-11-23/{receipt}")
}

fn holding(orders: &[(&str, u64)], refunds: &[(&str, u64)], level: i64) -> Holdings {
    let keyed = |list: &[(&str, u64)]| list.iter().map(|(name, n)| (key(name), *n)).collect();
    let item = ("0042".to_owned(), "4711".to_owned());
    let stock = Some(BTreeMap::from([(item, Milli::units(level))]));
    let (orders, refunds) = (keyed(orders), keyed(refunds));
    Holdings { orders, refunds, stock, ..Holdings::default() }
}

/// Two sales of one unit each and a return of one.
fn traded() -> Books {
    let mut books = small_books();
    write(&mut books, Kind::Sale, "1", Change::By(Milli::units(-1)), true);
    write(&mut books, Kind::Sale, "2", Change::By(Milli::units(-1)), true);
    write(&mut books, Kind::Return, "3", Change::By(Milli::units(1)), true);
    books
}

#[test]
fn a_system_that_holds_everything_once_has_no_differences() {
    let differences = compare(&traded(), &holding(&[("1", 1), ("2", 1)], &[("3", 1)], 9));
    assert!(differences.is_empty(), "{differences:?}");
}

#[test]
fn what_was_acknowledged_and_is_not_there_is_lost() {
    let differences = compare(&traded(), &holding(&[("1", 1)], &[], 9));
    assert_eq!(differences.lost, [key("2"), key("3")]);
    assert!(differences.duplicated.is_empty());
}

#[test]
fn what_is_there_twice_is_duplicated() {
    let differences = compare(&traded(), &holding(&[("1", 2), ("2", 1)], &[("3", 3)], 9));
    assert_eq!(differences.duplicated, [key("1"), key("3")]);
    assert!(differences.lost.is_empty());
}

#[test]
fn what_no_store_made_is_foreign() {
    let differences = compare(&traded(), &holding(&[("1", 1), ("2", 1), ("9", 1)], &[("3", 1)], 9));
    assert_eq!(differences.foreign, [key("9")]);
}

#[test]
fn what_comes_back_from_no_receipt_is_held_only_where_such_refunds_are_kept() {
    let mut books = traded();
    write(&mut books, Kind::Stock, "4", Change::By(Milli::ZERO), true);
    let entries = &mut books.stores.get_mut("0042").unwrap().entries;
    entries[3].goods.unplaced_minor = Some(250);
    let held = |refunds: &[(&str, u64)]| holding(&[("1", 1), ("2", 1)], refunds, 9);
    assert!(compare(&books, &held(&[("3", 1)])).is_empty());
    let kept = |refunds| Holdings { keeps_unplaced: true, ..held(refunds) };
    assert_eq!(compare(&books, &kept(&[("3", 1)])).lost, [key("4")]);
    assert!(compare(&books, &kept(&[("3", 1), ("4", 1)])).is_empty());
    assert_eq!(compare(&books, &held(&[("3", 1), ("4", 1)])).foreign, [key("4")]);
}

#[test]
fn stock_that_differs_names_the_events_that_moved_it() {
    let differences = compare(&traded(), &holding(&[("1", 1), ("2", 1)], &[("3", 1)], 8));
    let [difference] = differences.stock.as_slice() else { panic!("{differences:?}") };
    let nine = Expected { low: Milli::units(9), high: Milli::units(9) };
    assert_eq!((difference.expected, difference.found), (nine, Some(Milli::units(8))));
    assert_eq!(difference.moved_by, [key("1"), key("2"), key("3")]);
}

#[test]
fn an_event_without_an_answer_may_be_there_or_not_but_never_twice() {
    let mut books = traded();
    write(&mut books, Kind::Sale, "4", Change::By(Milli::units(-2)), false);
    let held = [("1", 1), ("2", 1)];
    assert!(compare(&books, &holding(&held, &[("3", 1)], 9)).is_empty());
    let with = |count| [("1", 1), ("2", 1), ("4", count)];
    assert!(compare(&books, &holding(&with(1), &[("3", 1)], 7)).is_empty());
    let twice = compare(&books, &holding(&with(2), &[("3", 1)], 5));
    assert_eq!(twice.duplicated, [key("4")]);
    assert_eq!(twice.stock.len(), 1);
}

#[test]
fn a_count_replaces_what_was_and_later_sales_apply_on_top() {
    let mut books = traded();
    write(&mut books, Kind::Stock, "5", Change::To(Milli::units(3)), true);
    write(&mut books, Kind::Sale, "6", Change::By(Milli::units(-1)), true);
    let held = holding(&[("1", 1), ("2", 1), ("6", 1)], &[("3", 1)], 2);
    assert!(compare(&books, &held).is_empty());
    assert_eq!(books.stores["0042"].on_hand("4711"), Milli::units(2));
}

#[test]
fn times_in_the_books_rise_even_when_the_clock_stands() {
    let (shop, _) = Shop::whole_day(1, 100, 1);
    let times: Vec<_> = shop.books.entries.iter().map(|entry| entry.at).collect();
    assert!(times.windows(2).all(|two| two[0] < two[1]));
}

#[test]
fn books_survive_being_written_and_read() {
    let (mut shop, made) = Shop::whole_day(2, 60, 5);
    shop.acknowledge(made[3].entry);
    let written = serde_json::to_string(&shop.books).unwrap();
    let read: StoreBooks = serde_json::from_str(&written).unwrap();
    assert_eq!(read, shop.books);
}
