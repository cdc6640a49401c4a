//! What the POS writes is what the documentation of events asks for, and says what the books say.

use std::collections::{BTreeMap, BTreeSet};

use protocol::envelope::{Draft, Event};
use protocol::event::{Body, Transaction, ZReport, balance};
use protocol::id::EventId;
use serde_json::Value;

use super::*;
use crate::pos::books::{Change, Kind, Totals};
use crate::pos::figures::Milli;

fn read(made: &Made) -> Event {
    let draft = Draft::parse(&made.bytes).unwrap();
    draft.into_event(EventId(uuid::Uuid::nil()))
}

fn transaction(event: &Event) -> Option<&Transaction> {
    match &event.body {
        Body::Transaction(transaction) => Some(transaction),
        _ => None,
    }
}

fn z(made: &Made) -> ZReport {
    match read(made).body {
        Body::Till(till) => till.z.unwrap(),
        _ => panic!("the last event of a day is its close"),
    }
}

#[test]
fn every_event_is_read_and_every_transaction_balances() {
    for (seed, coin_minor) in [(1, 1), (2, 5), (3, 1), (4, 5)] {
        let (_, made) = Shop::whole_day(seed, 600, coin_minor);
        for made in &made {
            let event = read(made);
            let unbalanced = transaction(&event).map(balance::unbalanced).unwrap_or_default();
            assert_eq!(unbalanced, [], "{}", String::from_utf8_lossy(&made.bytes));
        }
    }
}

#[test]
fn a_day_has_every_kind_of_event() {
    let (shop, _) = Shop::whole_day(5, 2_000, 1);
    let kinds: BTreeSet<_> = shop.books.entries.iter().map(|entry| entry.kind).collect();
    let all = [
        Kind::Sale,
        Kind::Return,
        Kind::Void,
        Kind::Suspend,
        Kind::Resume,
        Kind::Open,
        Kind::Close,
        Kind::NoSale,
        Kind::Stock,
    ];
    assert_eq!(kinds, BTreeSet::from(all));
}

#[test]
fn the_stock_that_events_move_is_the_stock_that_the_books_move() {
    let (shop, made) = Shop::whole_day(6, 800, 1);
    for made in &made {
        let mut moved: BTreeMap<String, String> = BTreeMap::new();
        let mut booked: BTreeMap<String, i64> = BTreeMap::new();
        for (sku, change) in &shop.books.entry(made.entry).stock {
            if let Change::By(change) = change {
                *booked.entry(sku.clone()).or_default() += change.0;
            }
        }
        let mut sums: BTreeMap<String, rust_decimal::Decimal> = BTreeMap::new();
        for step in read(made).stock_moves() {
            assert_eq!(step.location.as_str(), "0042");
            *sums.entry(step.item).or_default() += step.quantity.value();
        }
        moved.extend(sums.iter().map(|(sku, sum)| (sku.clone(), sum.normalize().to_string())));
        let booked: BTreeMap<String, String> =
            booked.into_iter().map(|(sku, sum)| (sku, Milli(sum).to_string())).collect();
        assert_eq!(moved, booked);
    }
}

#[test]
fn receipts_count_on_without_a_gap_whatever_happens() {
    let (_, made) = Shop::whole_day(7, 500, 1);
    let receipts = made.iter().filter_map(|made| {
        let event: Value = serde_json::from_slice(&made.bytes).unwrap();
        event["data"]["receipt"].as_str().map(|receipt| receipt.parse::<u32>().unwrap())
    });
    let receipts: Vec<_> = receipts.collect();
    assert!(receipts.len() > 450);
    assert!(receipts.windows(2).all(|two| two[1] == two[0] + 1), "{receipts:?}");
}

#[test]
fn natural_keys_and_keys_of_the_books_are_unique() {
    let (shop, made) = Shop::whole_day(8, 1_000, 1);
    let natural: BTreeSet<_> = made.iter().map(|made| read(made).natural_key()).collect();
    let own: BTreeSet<_> = shop.books.entries.iter().map(|entry| &entry.key).collect();
    assert_eq!((natural.len(), own.len()), (made.len(), made.len()));
}

#[test]
fn the_z_is_the_sum_of_the_receipts() {
    let (shop, made) = Shop::whole_day(9, 600, 5);
    let report = z(made.last().unwrap());
    let events: Vec<_> = made.iter().map(read).collect();
    let sales = events.iter().filter_map(transaction).filter(|sale| sale.kind.as_str() == "sale");
    let gross: i64 = sales.clone().map(|sale| sale.signed_total().minor).sum();
    assert_eq!(report.gross.unwrap().minor(), gross);
    let numbered: u64 = report.counts.values().sum();
    let last: u64 = report.last_receipt.unwrap().as_str().parse().unwrap();
    let first: u64 = report.first_receipt.unwrap().as_str().parse().unwrap();
    assert_eq!(numbered, last - first + 1, "the counts fill the sequence");
    let totals = Totals::of(&shop.books.entries);
    assert_eq!(totals.count(Kind::Sale), u64::try_from(sales.count()).unwrap());
    assert_eq!(report.rounding.unwrap().minor(), totals.figures.rounding_minor);
    let drawer = report.tenders.iter().find(|tender| tender.kind.as_str() == "cash").unwrap();
    let counted = drawer.counted.unwrap().minor() - drawer.expected.unwrap().minor();
    assert_eq!(report.over_short.unwrap().minor(), counted);
}

#[test]
fn a_second_day_goes_on_where_the_first_ended() {
    let (mut shop, first) = Shop::whole_day(10, 50, 1);
    let date = Date::constant(2026, 11, 24);
    shop.register.open(date, noon(), &mut shop.books);
    shop.act();
    let second = shop.register.close(noon(), &mut shop.books);
    let (first, second) = (z(first.last().unwrap()), z(&second));
    assert_eq!(second.number.unwrap(), first.number.unwrap() + 1);
    let sum = first.grand_total.unwrap().minor() + second.gross.unwrap().minor();
    assert_eq!(second.grand_total.unwrap().minor(), sum);
}

#[test]
fn no_more_comes_back_than_was_sold_or_paid() {
    let mix = Mix { take_back: 900, ..Mix::EVERYDAY };
    let (mut shop, _) = Shop::open(11, mix, 5);
    let events: Vec<_> = (0..3_000).map(|_| read(&shop.act())).collect();
    let mut sold: BTreeMap<(String, u32), [i64; 3]> = BTreeMap::new();
    let mut paid: BTreeMap<String, i64> = BTreeMap::new();
    let thousandths = |line: &protocol::event::Line| {
        let quantity = line.quantity.value() * rust_decimal::Decimal::from(1_000);
        i64::try_from(quantity).unwrap()
    };
    let tax = |line: &protocol::event::Line| line.taxes.iter().map(|tax| tax.amount.minor()).sum();
    let mut returns = 0;
    for transaction in events.iter().filter_map(transaction) {
        if transaction.kind.as_str() == "sale" {
            paid.insert(transaction.receipt.to_string(), transaction.signed_total().minor);
            for line in transaction.lines.iter() {
                let amounts = [thousandths(line), line.total.minor(), tax(line)];
                sold.insert((transaction.receipt.to_string(), line.line), amounts);
            }
        }
        if transaction.kind.as_str() != "return" {
            continue;
        }
        returns += 1;
        for line in transaction.lines.iter() {
            let Some(protocol::event::Original::Receipt(original)) = &line.original else {
                panic!("a return names its receipt");
            };
            let key = (original.receipt.to_string(), original.line.unwrap());
            let left = sold.get_mut(&key).unwrap();
            let back = [thousandths(line), line.total.minor(), tax(line)];
            *left = [left[0] - back[0], left[1] - back[1], left[2] - back[2]];
            assert!(left.iter().all(|amount| *amount >= 0), "{key:?}: {left:?}");
            if left[0] == 0 {
                assert_eq!(*left, [0, 0, 0], "what comes back whole comes back at its price");
            }
        }
        let first = transaction.lines.iter().next().unwrap();
        let Some(protocol::event::Original::Receipt(original)) = &first.original else {
            panic!("a return names its receipt");
        };
        let left = paid.get_mut(&original.receipt.to_string()).unwrap();
        *left += transaction.signed_total().minor;
        assert!(*left >= 0, "more was paid back than was paid");
    }
    assert!(returns > 500, "{returns}");
}

#[test]
fn cash_is_rounded_only_where_small_coins_are_not_given() {
    let rounding = |coin_minor| {
        let (shop, _) = Shop::whole_day(12, 400, coin_minor);
        let entries = shop.books.entries.into_iter();
        entries.map(|entry| entry.figures.rounding_minor).filter(|minor| *minor != 0).count()
    };
    assert_eq!(rounding(1), 0);
    assert!(rounding(5) > 20);
}

#[test]
fn the_same_seed_does_the_same_again() {
    assert_eq!(Shop::whole_day(13, 200, 5).1, Shop::whole_day(13, 200, 5).1);
    assert_ne!(Shop::whole_day(13, 200, 5).1, Shop::whole_day(14, 200, 5).1);
}

#[test]
fn an_identity_is_given_or_left_out_as_wanted() {
    let (mut shop, opened) = Shop::open(15, Mix::SALES, 1);
    assert_eq!(Draft::parse(&opened.bytes).unwrap().id, None);
    let catalogue = Arc::new(Catalogue::generate(15, 200, 0));
    let place = shop.register.place().clone();
    let mut giving = Register::new(place, catalogue, Mix::SALES, Identity::Given, 15);
    let first = giving.open(DAY, noon(), &mut shop.books);
    let second = giving.sell(noon(), &mut shop.books);
    let id = |made: &Made| Draft::parse(&made.bytes).unwrap().id.unwrap();
    assert_ne!(id(&first).0, id(&second).0);
    assert_eq!(id(&first).0.get_version_num(), 7);
}

#[test]
fn a_sale_of_five_lines_has_between_one_and_one_and_a_half_kibibytes() {
    let (mut shop, _) = Shop::open(16, Mix::SALES, 1);
    let sales = (0..301).map(|_| shop.register.sell_lines(5, noon(), &mut shop.books));
    let mut bytes: Vec<_> = sales.map(|made| made.bytes.len()).collect();
    bytes.sort_unstable();
    assert!((1_024..=1_536).contains(&bytes[150]), "{}", bytes[150]);
}
