//! Every kind of event: its own figures add up, the books say the same, the Z sums them all up.
//!
//! The equations are reckoned here from the plain JSON, beside the product's own check, so that a
//! fault in either shows itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use protocol::envelope::Draft;
use protocol::event::{Body, Transaction, balance};
use protocol::id::EventId;
use serde_json::{Value, json};

use super::*;
use crate::pos::books::{Change, Entry, Kind, TenderKind, Totals};
use crate::pos::figures::Milli;

/// What a day brings: the shop and its events, each with its entry, and bare post voids filled in
/// as the agent fills them.
pub(super) struct Day {
    shop: Shop,
    pub(super) events: Vec<(Entry, Value)>,
}

impl Day {
    fn mixed(seed: u64, activities: usize, coin_minor: i64, taxation: Taxation) -> Self {
        let mut shop = Shop::taxed(seed, coin_minor, taxation);
        let mut made = vec![shop.register.open(DAY, noon(), &mut shop.books)];
        made.extend((0..activities).map(|_| shop.act()).collect::<Vec<_>>());
        made.push(shop.register.close(noon(), &mut shop.books));
        let mut printed: BTreeMap<String, Value> = BTreeMap::new();
        let mut events = Vec::new();
        for made in made {
            let entry = shop.books.entry(made.entry).clone();
            let event: Value = serde_json::from_slice(&made.bytes).unwrap();
            let body = filled(event["data"].clone(), &printed);
            if let Some(receipt) = body["receipt"].as_str() {
                printed.insert(receipt.to_owned(), body.clone());
            }
            events.push((entry, body));
        }
        Self { shop, events }
    }

    pub(super) fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &(Entry, Value)> {
        self.events.iter().filter(move |(entry, _)| entry.kind == kind)
    }

    fn z(&self) -> &Value {
        &self.of_kind(Kind::Close).next().unwrap().1["z"]
    }
}

/// Four days that differ in coins and taxes, some thousands of activities together.
pub(super) static DAYS: LazyLock<Vec<Day>> = LazyLock::new(|| {
    let mixed = |seed, coin, taxation| Day::mixed(seed, 1_500, coin, taxation);
    vec![
        mixed(21, 1, Taxation::Included),
        mixed(22, 5, Taxation::Included),
        mixed(23, 1, Taxation::OnTop),
        mixed(24, 5, Taxation::OnTop),
    ]
});

/// A post void that names a receipt only, with the body of that receipt turned round.
fn filled(body: Value, printed: &BTreeMap<String, Value>) -> Value {
    let is_bare = body["kind"] == "post_void" && body.get("total").is_none();
    if !is_bare {
        return body;
    }
    let original = body["original"]["receipt"].as_str().unwrap();
    let parse = |body: &Value| match parsed(body).body {
        Body::Transaction(transaction) => *transaction,
        _ => panic!("a receipt is a transaction"),
    };
    let mut void: Transaction = parse(&body);
    void.fill_from_original(&parse(&printed[original]));
    serde_json::to_value(&void).unwrap()
}

fn parsed(body: &Value) -> protocol::envelope::Event {
    let event = json!({ "type": event_type(body), "data": body });
    let draft = Draft::parse(event.to_string().as_bytes()).unwrap();
    draft.into_event(EventId(uuid::Uuid::nil()))
}

fn event_type(body: &Value) -> &'static str {
    if body.get("total").is_some() || body["kind"] == "post_void" {
        "storekeep.transaction.v1"
    } else if body.get("document").is_some() {
        "storekeep.stock.v1"
    } else {
        "storekeep.till.v1"
    }
}

pub(super) fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map(Vec::as_slice).unwrap_or_default()
}

pub(super) fn minor(value: &Value) -> i64 {
    value.as_i64().unwrap_or_default()
}

/// The sign of a direction: `plus` counts for the total.
pub(super) fn signed(value: &Value, plus: &str, usual: &str) -> i64 {
    let direction = value["direction"].as_str().unwrap_or(usual);
    if direction == plus { 1 } else { -1 }
}

pub(super) fn counting_lines(body: &Value) -> impl Iterator<Item = &Value> {
    list(body, "lines").iter().filter(|line| line.get("fulfil").is_none())
}

pub(super) fn signed_total(body: &Value) -> i64 {
    minor(&body["total"]["amount"]) * signed(&body["total"], "in", "in")
}

/// Which of the three equations a transaction breaks, by the rules of the documentation.
fn broken(body: &Value) -> Vec<&'static str> {
    let mut broken = Vec::new();
    let discounts =
        |line: &Value| list(line, "discounts").iter().map(|d| minor(&d["amount"])).sum::<i64>();
    let line_holds =
        |line: &Value| minor(&line["total"]) == minor(&line["extended"]) - discounts(line);
    if !counting_lines(body).all(line_holds) {
        broken.push("line");
    }
    let goods = |line: &Value| {
        let added = list(line, "taxes").iter().filter(|tax| tax["included"] != true);
        let added: i64 = added.map(|tax| minor(&tax["amount"])).sum();
        (minor(&line["total"]) + added) * signed(line, "out", "out")
    };
    let due: i64 = counting_lines(body).map(goods).sum();
    if signed_total(body) != due + minor(&body["rounding"]) {
        broken.push("transaction");
    }
    let tenders = list(body, "tenders").iter().filter(|tender| tender["purpose"] != "declined");
    let paid: i64 = tenders.map(|t| minor(&t["amount"]) * signed(t, "in", "in")).sum();
    if signed_total(body) != paid {
        broken.push("tender");
    }
    broken
}

pub(super) const SETTLED: [Kind; 8] = [
    Kind::Sale,
    Kind::Return,
    Kind::Exchange,
    Kind::PostVoid,
    Kind::Layaway,
    Kind::GiftCard,
    Kind::TenderExchange,
    Kind::AccountPayment,
];

#[test]
fn a_mixed_day_has_every_kind_of_event() {
    let day = &DAYS[1];
    let kinds: BTreeSet<_> = day.events.iter().map(|(entry, _)| entry.kind).collect();
    assert_eq!(kinds, BTreeSet::from(Kind::ALL));
}

#[test]
fn every_receipt_of_every_kind_keeps_the_three_equations() {
    let mut seen: BTreeMap<Kind, u32> = BTreeMap::new();
    for day in DAYS.iter() {
        for kind in SETTLED {
            for (_, body) in day.of_kind(kind) {
                assert_eq!(broken(body), Vec::<&str>::new(), "{body:#}");
                let Body::Transaction(transaction) = parsed(body).body else { panic!("{body:#}") };
                assert_eq!(balance::unbalanced(&transaction), [], "{body:#}");
                *seen.entry(kind).or_default() += 1;
            }
        }
    }
    assert!(SETTLED.iter().all(|kind| seen[kind] >= 20), "{seen:?}");
}

#[test]
fn control_a_cent_too_many_breaks_an_equation_of_every_kind() {
    let day = &DAYS[2];
    let raise = |value: &mut Value| *value = json!(value.as_i64().unwrap() + 1);
    for kind in SETTLED {
        let (_, body) = day
            .of_kind(kind)
            .find(|(_, body)| signed_total(body) > 0)
            .unwrap_or_else(|| day.of_kind(kind).next().unwrap());
        let mut dearer = body.clone();
        raise(&mut dearer["total"]["amount"]);
        assert_eq!(broken(&dearer), ["transaction", "tender"], "{dearer:#}");
        let mut paid = body.clone();
        raise(&mut paid["tenders"].as_array_mut().unwrap().last_mut().unwrap()["amount"]);
        assert_eq!(broken(&paid), ["tender"], "{paid:#}");
        if let Some(line) = body.pointer("/lines/0/total") {
            let mut line = line.clone();
            raise(&mut line);
            let mut longer = body.clone();
            longer["lines"][0]["total"] = line;
            assert_eq!(broken(&longer), ["line", "transaction"], "{longer:#}");
        }
    }
}

#[test]
fn the_books_say_of_every_receipt_what_it_says_itself() {
    for day in DAYS.iter() {
        for (entry, body) in &day.events {
            let figures = &entry.figures;
            if !SETTLED.contains(&entry.kind) {
                assert_eq!(figures.total_minor(), 0, "{entry:?}");
                continue;
            }
            let total = signed_total(body);
            assert_eq!(figures.total_minor(), total, "{entry:?}");
            assert_eq!(entry.goods.due_minor() + figures.rounding_minor, total, "{entry:?}");
            let flows = figures.tenders.values();
            let paid: i64 = flows.map(|flow| flow.in_minor - flow.out_minor).sum();
            assert_eq!(paid, total, "{entry:?}");
            let taxes = counting_lines(body).flat_map(|line| {
                let sign = signed(line, "out", "out");
                list(line, "taxes").iter().map(move |tax| sign * minor(&tax["amount"]))
            });
            let booked: i64 = figures.taxes.values().map(|tax| tax.amount_minor).sum();
            assert_eq!(booked, taxes.sum::<i64>(), "{entry:?}");
        }
    }
}

#[test]
fn the_z_of_a_mixed_day_adds_up_to_all_of_it() {
    for day in DAYS.iter() {
        let z = day.z();
        let settled = || day.events.iter().filter(|(entry, _)| SETTLED.contains(&entry.kind));
        let sum: i64 = settled().map(|(_, body)| signed_total(body)).sum();
        assert_eq!(minor(&z["gross"]) - minor(&z["returns"]), sum);
        let rounding: i64 = settled().map(|(_, body)| minor(&body["rounding"])).sum();
        assert_eq!(minor(&z["rounding"]), rounding);

        let amounts = |kind| day.of_kind(kind).map(|(_, body)| minor(&body["amount"])).sum::<i64>();
        let moved = [Kind::PaidIn, Kind::PaidOut, Kind::Pickup, Kind::Loan].map(amounts);
        let stated = ["paidIn", "paidOut", "pickups", "loans"].map(|name| minor(&z[name]));
        assert_eq!(stated, moved);

        let mut flows: BTreeMap<&str, [i64; 2]> = BTreeMap::new();
        for tender in settled().flat_map(|(_, body)| list(body, "tenders")) {
            if tender["purpose"] != "declined" {
                let way = usize::from(signed(tender, "in", "in") < 0);
                flows.entry(tender["kind"].as_str().unwrap()).or_default()[way] +=
                    minor(&tender["amount"]);
            }
        }
        for tender in list(z, "tenders") {
            let [paid, paid_back] = flows[tender["kind"].as_str().unwrap()];
            assert_eq!([minor(&tender["in"]), minor(&tender["out"])], [paid, paid_back]);
            if tender["kind"] == "cash" {
                let drawer = moved[0] - moved[1] - moved[2] + moved[3];
                let expected = minor(&z["float"]) + paid - paid_back + drawer;
                assert_eq!(minor(&tender["expected"]), expected);
            }
        }
        assert_eq!(list(z, "tenders").len(), flows.len());
        let cards = settled().flat_map(|(_, body)| list(body, "lines"));
        let cards = cards.filter(|line| line["kind"] == "gift_card");
        let issued: i64 = cards.map(|line| minor(&line["total"])).sum();
        assert!(issued > 0);
        assert_eq!(z["giftCards"], json!({ "issued": issued, "redeemed": flows["gift_card"][0] }));
        let foreign = settled().flat_map(|(_, body)| list(body, "tenders"));
        let foreign: i64 = foreign.map(|tender| minor(&tender["foreign"]["amount"])).sum();
        assert_eq!(z["foreignCash"], json!([{ "currency": "USD", "in": foreign }]));
    }
}

#[test]
fn stock_moves_once_whatever_a_line_is_part_of() {
    let mut bundles = 0;
    for day in DAYS.iter() {
        for (entry, body) in &day.events {
            let mut booked: BTreeMap<&str, i64> = BTreeMap::new();
            for (sku, change) in &entry.stock {
                if let Change::By(change) = change {
                    *booked.entry(sku).or_default() += change.0;
                }
            }
            let mut moved: BTreeMap<String, rust_decimal::Decimal> = BTreeMap::new();
            if entry.kind != Kind::Training {
                for step in parsed(body).stock_moves() {
                    *moved.entry(step.item).or_default() += step.quantity.value();
                }
            }
            let moved: BTreeMap<_, _> = moved
                .iter()
                .map(|(sku, sum)| (sku.as_str(), sum.normalize().to_string()))
                .collect();
            let booked: BTreeMap<_, _> =
                booked.iter().map(|(sku, sum)| (*sku, Milli(*sum).to_string())).collect();
            assert_eq!(moved, booked, "{body:#}");
            bundles +=
                list(body, "lines").iter().filter(|line| line.get("parent").is_some()).count();
        }
    }
    assert!(bundles > 100, "{bundles}");
}

#[test]
fn an_exempt_basket_states_why_and_bears_no_tax() {
    let day = &DAYS[1];
    let exempt = |line: &Value| line.pointer("/taxes/0/exemption").is_some();
    let lines = day.of_kind(Kind::Sale).flat_map(|(_, body)| list(body, "lines"));
    let exempt: Vec<_> = lines.filter(|line| exempt(line)).collect();
    assert!(exempt.len() > 50, "{}", exempt.len());
    for line in exempt {
        let tax = &line["taxes"][0];
        assert_eq!((minor(&tax["amount"]), &tax["base"]), (0, &line["total"]), "{line:#}");
    }
}

#[test]
fn practice_has_its_own_numbers_and_counts_nowhere() {
    let day = &DAYS[1];
    let practice: Vec<_> = day.of_kind(Kind::Training).collect();
    assert!(practice.len() > 5);
    assert!(practice.iter().all(|(entry, body)| {
        body["flags"] == json!(["training"])
            && body["receipt"].as_str().unwrap().starts_with('T')
            && entry.figures == crate::pos::books::Figures::default()
    }));
    let counts = day.z()["counts"].as_object().unwrap();
    let counted: i64 = counts.values().map(minor).sum();
    let last: i64 = day.z()["lastReceipt"].as_str().unwrap().parse().unwrap();
    assert_eq!(counted, last, "the counts fill the sequence");
}

#[test]
fn every_twist_of_a_payment_occurs() {
    let day = &DAYS[1];
    let totals = Totals::of(&day.shop.books.entries);
    let kinds = [TenderKind::Voucher, TenderKind::Cheque, TenderKind::Account];
    let kinds = kinds.into_iter().chain([TenderKind::ForeignCash, TenderKind::GiftCard]);
    for kind in kinds {
        assert!(totals.figures.tenders.contains_key(&kind), "{kind:?}");
    }
    let tenders = || day.events.iter().flat_map(|(_, body)| list(body, "tenders"));
    assert!(tenders().any(|tender| tender["purpose"] == "declined"));
    assert!(day.events.iter().any(|(_, body)| list(body, "tenders").len() >= 4));
    let tips = day.of_kind(Kind::Sale).flat_map(|(_, body)| list(body, "lines"));
    assert!(tips.filter(|line| line["kind"] == "tip").count() > 5);
}

#[test]
fn both_ways_of_moving_the_stock_of_a_bundle_occur() {
    let day = &DAYS[1];
    let bundles = day.of_kind(Kind::Sale).map(|(_, body)| list(body, "lines"));
    let stated: BTreeSet<_> = bundles
        .flatten()
        .filter(|line| line.get("parent").is_some())
        .map(|line| line.get("stock").map(ToString::to_string))
        .collect();
    assert_eq!(stated, BTreeSet::from([None, Some("false".to_owned())]));
}
