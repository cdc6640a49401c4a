//! What the posted events of an example come to, reckoned from their JSON.
//!
//! Uses none of the product's sums; what moves stock is the event's own rule, and written out here
//! once more.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde_json::Value;
use tests::pos::figures::Milli;

use super::Posted;

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn minor(value: &Value) -> i64 {
    value.as_i64().unwrap_or_default()
}

fn is_out(value: &Value, usual: &str) -> bool {
    value["direction"].as_str().unwrap_or(usual) == "out"
}

/// The bodies of what counts: no practice, no basket that was never finished.
fn counting(posted: &[Posted]) -> Vec<Value> {
    let bodies = posted.iter().map(Posted::body);
    let unfinished = ["void", "suspend", "resume"];
    let counts = |body: &Value| {
        !list(body, "flags").iter().any(|flag| flag == "training")
            && !unfinished.iter().any(|kind| body["kind"] == **kind)
    };
    bodies.filter(counts).collect()
}

fn lines(bodies: &[Value]) -> impl Iterator<Item = &Value> {
    let lines = bodies.iter().flat_map(|body| list(body, "lines"));
    lines.filter(|line| line.get("fulfil").is_none())
}

/// What the till took: totals, and money paid into and out of the drawer.
pub(super) fn taken(posted: &[Posted]) -> i64 {
    let of = |body: &Value| match body["kind"].as_str().unwrap() {
        "paid_in" => minor(&body["amount"]),
        "paid_out" => -minor(&body["amount"]),
        _ if is_out(&body["total"], "in") => -minor(&body["total"]["amount"]),
        _ => minor(&body["total"]["amount"]),
    };
    counting(posted).iter().map(of).sum()
}

fn sum_of_taxes(line: &Value) -> i64 {
    list(line, "taxes").iter().map(|tax| minor(&tax["amount"])).sum()
}

/// The taxes of everything that went out.
pub(super) fn taxes_out(posted: &[Posted]) -> i64 {
    lines(&counting(posted)).filter(|line| is_out(line, "out")).map(sum_of_taxes).sum()
}

/// The taxes that are owed, by code: of what went out, less of what came back. None is nothing.
pub(super) fn taxes(posted: &[Posted]) -> BTreeMap<String, i64> {
    let mut owed: BTreeMap<String, i64> = BTreeMap::new();
    for line in lines(&counting(posted)) {
        let sign = if is_out(line, "out") { 1 } else { -1 };
        for tax in list(line, "taxes") {
            let code = tax["code"].as_str().unwrap().to_owned();
            *owed.entry(code).or_default() += sign * minor(&tax["amount"]);
        }
    }
    owed.retain(|_, minor| *minor != 0);
    owed
}

/// Money that was taken for goods, less what was given back, by kind. None is nothing. Money that
/// was only changed for other money is in no ledger of sales.
pub(super) fn money(posted: &[Posted]) -> BTreeMap<String, i64> {
    let mut money: BTreeMap<String, i64> = BTreeMap::new();
    let bodies = counting(posted);
    let sells = |body: &&Value| !list(body, "lines").is_empty();
    for tender in bodies.iter().filter(sells).flat_map(|body| list(body, "tenders")) {
        if tender["purpose"] == "declined" {
            continue;
        }
        let sign = if is_out(tender, "in") { -1 } else { 1 };
        let kind = tender["kind"].as_str().unwrap().to_owned();
        *money.entry(kind).or_default() += sign * minor(&tender["amount"]);
    }
    money.retain(|_, minor| *minor != 0);
    money
}

/// The items that stand on the receipts, whether they count or not.
pub(super) fn items(posted: &[Posted]) -> BTreeSet<String> {
    let bodies: Vec<Value> = posted.iter().map(Posted::body).collect();
    let skus = bodies.iter().flat_map(|body| list(body, "lines"));
    skus.filter_map(|line| line["item"]["sku"].as_str().map(str::to_owned)).collect()
}

/// What is on the shelves afterwards less what was before, by item. None is nothing.
pub(super) fn moved(posted: &[Posted]) -> BTreeMap<String, Milli> {
    let mut moved: BTreeMap<String, Milli> = BTreeMap::new();
    for body in &counting(posted) {
        let lines = list(body, "lines");
        for line in lines.iter().filter(|line| line.get("fulfil").is_none()) {
            let has_components = lines.iter().any(|other| other["parent"] == line["line"]);
            let moves =
                line["stock"].as_bool().unwrap_or(line["kind"] == "item" && !has_components);
            let is_sellable = line["disposition"].as_str().is_none_or(|what| what == "restock");
            if !moves || !is_sellable {
                continue;
            }
            let quantity: Decimal = line["quantity"].as_str().unwrap().parse().unwrap();
            let thousandths = (quantity * Decimal::ONE_THOUSAND).to_i64().unwrap();
            let sign = if is_out(line, "out") { -1 } else { 1 };
            let sku = line["item"]["sku"].as_str().unwrap().to_owned();
            moved.entry(sku).or_default().0 += sign * thousandths;
        }
    }
    moved.retain(|_, change| *change != Milli::ZERO);
    moved
}
