//! A day on which everything happens that a till knows, over all stores: what the tills took is
//! what stands in the shop and in the ERP and what each of them cannot hold, per store and in
//! total, to the cent.
//!
//! The stores' figures are those of the simulated POS, the targets' those of their own books; only
//! what a target cannot hold is asked of the product. Stock, documents and ledgers are held against
//! the stores' books as well. Nothing is killed or cut here: that is the outage's story.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::time::Duration;

use cloud_relay::connectors::{Targets, registry};
use protocol::envelope::{Draft, Event};
use protocol::event::{Body, Transaction};
use protocol::id::{EventId, TargetId};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde_json::Value;
use tests::outage::today;
use tests::pos::books::{Acknowledgement, Books, Kind, Outcome};
use tests::pos::driver::DELIVERY_WAIT;
use tests::pos::mix::Mix;
use tests::pos::register::{Made, Register};
use tests::world::World;
use tokio::sync::OnceCell;

use crate::world;

/// Activities of each of six registers, besides opening and closing: with this seed, every kind.
const ACTIVITIES: usize = 70;

/// How long the relay may take to bring the day into both targets, on a machine that does more.
const DRAIN: Duration = Duration::from_secs(300);

const SHOP: &str = "shop";
const ERP: &str = "books";

/// Minor units by store.
type Sums = BTreeMap<String, i64>;

/// What a target cannot hold of one event.
#[derive(Debug, Clone)]
struct Bridge {
    store: String,
    event: String,
    item: &'static str,
    minor: i64,
}

/// One target's side of the day.
#[derive(Debug, Clone, Default)]
struct Side {
    /// What stands in its own books.
    stands: Sums,
    bridges: Vec<Bridge>,
}

/// The day in figures.
#[derive(Debug)]
struct Day {
    /// The stores' own books.
    books: Books,
    sides: BTreeMap<&'static str, Side>,
}

static DAY: OnceCell<Result<Day, String>> = OnceCell::const_new();

/// The day, told once for all tests that ask for it.
async fn day() -> &'static Day {
    DAY.get_or_init(told).await.as_ref().unwrap()
}

async fn told() -> Result<Day, String> {
    let (world, _folder) = world(|plan| {
        plan.mix = Mix::MIXED_DAY;
        plan.add_erp();
        plan.weighed_per_mille = 100;
        plan.taxed_on_top = vec!["0117".to_owned()];
    })
    .await;
    let events = sold(&world).await;
    let drained = world.drained(DRAIN).await;
    let exceptions = world.asking.exceptions().await.unwrap();
    if drained.is_err() || !exceptions.is_empty() {
        return Err(format!("{drained:?}, and a person is needed for {exceptions:#?}"));
    }
    let shop = world.asking.shop_books().await.unwrap();
    let erp = world.asking.erp_books().await.unwrap();
    let differences = [world.differences_from(&shop), world.differences_from_erp(&erp).unwrap()];
    if let Some(found) = differences.iter().find(|found| !found.is_empty()) {
        return Err(format!("{found:#?}"));
    }
    // The relay's own comparison, which reads the targets back, says the same of every register.
    let date = today().to_string();
    let ended = world.relay_command(&["reconcile", "--date", &date]).await.unwrap();
    if ended.code != Some(0) {
        return Err(ended.said);
    }
    let bridges = bridges(&world, &events);
    let stands = [(SHOP, in_the_shop(&shop)), (ERP, in_the_erp(&erp))];
    let sides = stands.into_iter().map(|(target, stands)| {
        let bridges = bridges.get(target).cloned().unwrap_or_default();
        (target, Side { stands, bridges })
    });
    let books = world.books.lock().unwrap().clone();
    Ok(Day { books, sides: sides.collect() })
}

/// Lets every register do its day, one event after the other, and hands back what was sent, with
/// post voids that only name a receipt filled in as the agents fill them.
async fn sold(world: &World) -> Vec<Event> {
    let mut sent = Vec::new();
    let mut registers = world.registers().unwrap();
    for step in 0..ACTIVITIES + 2 {
        for (register, till) in &mut registers {
            let made = make(world, register, step);
            let outcome = till.deliver(&made.bytes, DELIVERY_WAIT).await.unwrap();
            let text = String::from_utf8_lossy(&made.bytes);
            assert!(matches!(outcome, Outcome::Acknowledged(_)), "{outcome:?}: {text}");
            let mut books = world.books.lock().unwrap();
            let store = books.stores.get_mut(&register.place().store.name).unwrap();
            store.settle(made.entry, outcome);
            sent.push(Draft::parse(&made.bytes).unwrap().into_event(EventId(uuid::Uuid::nil())));
        }
    }
    filled(sent)
}

#[expect(clippy::disallowed_methods, reason = "the run loop of the day")]
fn make(world: &World, register: &mut Register, step: usize) -> Made {
    let now = jiff::Timestamp::now();
    let mut books = world.books.lock().unwrap();
    let books = books.stores.get_mut(&register.place().store.name).unwrap();
    match step {
        0 => register.open(today(), now, books),
        step if step > ACTIVITIES => register.close(now, books),
        _ => register.act(now, books),
    }
}

fn filled(mut events: Vec<Event>) -> Vec<Event> {
    let mut printed: BTreeMap<(String, String, String), Transaction> = BTreeMap::new();
    let place = |store: &str, register: &str, receipt: &str| {
        (store.to_owned(), register.to_owned(), receipt.to_owned())
    };
    for event in &mut events {
        let Body::Transaction(transaction) = &mut event.body else { continue };
        if transaction.is_bare_post_void() {
            let original = transaction.original.clone().unwrap();
            let (store, register) = (original.store.as_str(), original.register.as_str());
            let original = &printed[&place(store, register, original.receipt.as_str())];
            transaction.fill_from_original(original);
        }
        let (store, register) = (transaction.store.as_str(), transaction.register.as_str());
        let key = place(store, register, transaction.receipt.as_str());
        printed.insert(key, (**transaction).clone());
    }
    events
}

/// What each target cannot hold, as its connector says; made of the relay's own configuration.
fn bridges(world: &World, events: &[Event]) -> BTreeMap<&'static str, Vec<Bridge>> {
    let targets = targets(world);
    let mut bridges: BTreeMap<&'static str, Vec<Bridge>> = BTreeMap::new();
    for name in [SHOP, ERP] {
        let connector = &targets[&TargetId::new(name).unwrap()];
        for event in events {
            let items = connector.bridging(event).into_iter().map(|bridging| Bridge {
                store: event.body.store().as_str().to_owned(),
                event: event.natural_key(),
                item: bridging.item.as_str(),
                minor: bridging.amount.minor,
            });
            bridges.entry(name).or_default().extend(items);
        }
    }
    bridges
}

fn targets(world: &World) -> Targets {
    let text = std::fs::read_to_string(world.plan.folder.join("relay/relay.toml")).unwrap();
    let config = cloud_relay::config::parse(&text).unwrap();
    let http = cloud_relay::http::Http::new().unwrap();
    registry::build_all(&config.targets, &http).unwrap()
}

/// Orders less refunds, by the store that each names.
fn in_the_shop(shop: &simulated_shopify::Books) -> Sums {
    let mut sums = Sums::new();
    for order in &shop.orders {
        let store = order.custom_attributes.iter().find(|attribute| attribute.key == "store");
        let sum = sums.entry(store.unwrap().value.clone()).or_default();
        *sum += minor(order.totals.total.shop);
        for refund in &order.refunds {
            // Goods come back at the register that sold them.
            *sum -= minor(refund.total.shop);
        }
    }
    sums
}

/// Submitted invoices, of which returns are negative, by the store that each names.
fn in_the_erp(erp: &simulated_erpnext::Books) -> Sums {
    let mut sums = Sums::new();
    let invoices = erp.documents["Sales Invoice"].iter();
    for invoice in invoices.filter(|invoice| invoice["docstatus"] == 1) {
        let remarks = invoice["remarks"].as_str().unwrap();
        let (_, rest) = remarks.split_once("store ").unwrap();
        let (store, _) = rest.split_once(',').unwrap();
        let total: Decimal = number(&invoice["grand_total"]);
        *sums.entry(store.to_owned()).or_default() += minor(total);
    }
    sums
}

fn number(value: &Value) -> Decimal {
    value.to_string().trim_matches('"').parse().unwrap()
}

fn minor(amount: Decimal) -> i64 {
    let minor = amount * Decimal::ONE_HUNDRED;
    assert!(minor.is_integer(), "{amount} has more places than the currency");
    minor.to_i64().unwrap()
}

/// What the tills took: receipts, and money paid into and out of drawers.
fn taken(books: &Books) -> Sums {
    let mut sums = Sums::new();
    for (store, of_store) in &books.stores {
        let sum = sums.entry(store.clone()).or_default();
        for entry in &of_store.entries {
            if matches!(entry.outcome, Outcome::Acknowledged(_)) {
                let drawer = &entry.figures.drawer;
                *sum += entry.figures.total_minor();
                *sum += drawer.paid_in_minor - drawer.paid_out_minor;
            }
        }
    }
    sums
}

/// Whether `taken = stands + Σ bridging`, per store and in total; otherwise every figure, and every
/// item with its sum.
fn agree(taken: &Sums, target: &str, side: &Side) -> Result<(), String> {
    let mut said = String::new();
    let stores = taken.keys().chain(side.stands.keys()).collect::<BTreeSet<_>>();
    let total = (String::from("all stores"), None);
    let stores = stores.into_iter().map(|store| (format!("store {store}"), Some(store)));
    for (name, store) in stores.chain([total]) {
        let of = |sums: &Sums| match store {
            Some(store) => sums.get(store).copied().unwrap_or_default(),
            None => sums.values().sum(),
        };
        let here = side.bridges.iter().filter(|b| store.is_none_or(|store| b.store == *store));
        let mut items: BTreeMap<&str, i64> = BTreeMap::new();
        for bridge in here {
            *items.entry(bridge.item).or_default() += bridge.minor;
        }
        let bridging: i64 = items.values().sum();
        let (taken, stands) = (of(taken), of(&side.stands));
        if taken != stands + bridging {
            let missing = taken - stands - bridging;
            writeln!(
                said,
                "{name}: the tills took {taken}, {target} holds {stands} and cannot hold \
                 {bridging} {items:?}: {missing} are missing"
            )
            .unwrap();
        }
    }
    if said.is_empty() { Ok(()) } else { Err(said) }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_tills_take_stands_in_shop_and_erp_but_for_what_those_cannot_hold_to_the_cent() {
    let day = day().await;
    let taken = taken(&day.books);
    for (target, side) in &day.sides {
        if let Err(said) = agree(&taken, target, side) {
            panic!("{said}{:#?}", side.bridges);
        }
        assert!(side.stands.values().all(|sum| *sum > 0), "{side:?}");
    }
    assert_eq!(taken.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_event_happens_on_that_day_and_every_item_that_can_bridge_it() {
    let day = day().await;
    let happened: BTreeSet<Kind> = day.books.entries().map(|entry| entry.kind).collect();
    let missing: Vec<_> = Kind::ALL.iter().filter(|kind| !happened.contains(kind)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    let items = |target| -> BTreeSet<_> {
        day.sides[target].bridges.iter().map(|bridge| bridge.item).collect()
    };
    let drawer = BTreeSet::from(["paid_in", "paid_out"]);
    let money = ["cash_rounding", "return_without_receipt", "prepayment_applied"];
    assert_eq!(items(ERP), drawer);
    assert_eq!(items(SHOP), drawer.into_iter().chain(money).collect());
}

#[tokio::test(flavor = "multi_thread")]
async fn control_any_one_bridging_item_left_out_is_missed_in_its_store_and_in_total() {
    let day = day().await;
    let taken = taken(&day.books);
    for (target, side) in &day.sides {
        for place in 0..side.bridges.len() {
            let mut without = side.clone();
            let left_out = without.bridges.remove(place);
            let said = agree(&taken, target, &without).unwrap_err();
            let named = format!("store {}: ", left_out.store);
            assert!(said.contains(&named) && said.contains("all stores: "), "{said}");
            let missing = format!("{} are missing", left_out.minor);
            assert_eq!(said.matches(&missing).count(), 2, "{}: {said}", left_out.event);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn control_a_receipt_that_never_reached_the_agent_is_missed_in_both() {
    let day = day().await;
    let mut books = day.books.clone();
    let store = books.stores.get_mut("0043").unwrap();
    let sold = store.entries.iter().find(|entry| entry.kind == Kind::Sale).unwrap();
    let (mut lost, total) = (sold.clone(), sold.figures.total_minor());
    lost.key.push_str("-lost");
    let entry = store.record(lost);
    store.settle(entry, Outcome::Acknowledged(Acknowledgement::default()));
    for (target, side) in &day.sides {
        let said = agree(&taken(&books), target, side).unwrap_err();
        assert!(said.contains("store 0043: ") && said.contains("all stores: "), "{said}");
        assert_eq!(said.matches(&format!("{total} are missing")).count(), 2, "{said}");
    }
}
