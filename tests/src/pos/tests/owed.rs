//! What a store owes is given once: goods come back no more than they went out, a gift card pays no
//! more than was put on it, a deposit is set against its goods once.
//!
//! Over the same days as [`super::kinds`].

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::kinds::{DAYS, SETTLED, counting_lines, list, minor, signed, signed_total};
use crate::pos::books::Kind;

#[test]
fn no_more_comes_back_than_went_out_in_sales_exchanges_and_post_voids() {
    for day in DAYS.iter() {
        let mut left: BTreeMap<(String, i64), [i64; 2]> = BTreeMap::new();
        let mut came_back = 0;
        for (entry, body) in day.events.iter().filter(|(entry, _)| SETTLED.contains(&entry.kind)) {
            for line in counting_lines(body) {
                let quantity: rust_decimal::Decimal =
                    line["quantity"].as_str().unwrap().parse().unwrap();
                let thousandths =
                    i64::try_from(quantity * rust_decimal::Decimal::from(1_000)).unwrap();
                let amounts = [thousandths, minor(&line["total"])];
                if signed(line, "out", "out") > 0 {
                    let key = (body["receipt"].as_str().unwrap().to_owned(), minor(&line["line"]));
                    left.insert(key, amounts);
                    continue;
                }
                let (receipt, number) = match entry.kind {
                    Kind::PostVoid => (&body["original"]["receipt"], minor(&line["line"])),
                    _ => (&line["original"]["receipt"], minor(&line["original"]["line"])),
                };
                let Some(receipt) = receipt.as_str() else { continue };
                came_back += 1;
                let left = left.get_mut(&(receipt.to_owned(), number)).unwrap();
                *left = [left[0] - amounts[0], left[1] - amounts[1]];
                assert!(left.iter().all(|amount| *amount >= 0), "{entry:?}: {left:?}");
            }
        }
        assert!(came_back > 100, "{came_back}");
    }
}

#[test]
fn goods_handed_out_in_an_exchange_come_back_as_well() {
    let day = &DAYS[1];
    let exchanges: BTreeSet<_> = day.of_kind(Kind::Exchange).map(|(entry, _)| &entry.key).collect();
    let back = day.of_kind(Kind::Return).chain(day.of_kind(Kind::Exchange));
    let of_exchanges = back
        .filter(|(entry, _)| entry.original.as_ref().is_some_and(|key| exchanges.contains(key)));
    assert!(of_exchanges.count() > 3);
    let totals: Vec<_> = day.of_kind(Kind::Exchange).map(|(_, body)| signed_total(body)).collect();
    assert!(totals.iter().any(|total| *total > 0) && totals.iter().any(|total| *total < 0));
}

#[test]
fn no_gift_card_pays_more_than_was_put_on_it() {
    for day in DAYS.iter() {
        let mut balances: BTreeMap<&str, i64> = BTreeMap::new();
        for (_, body) in day.events.iter().filter(|(entry, _)| SETTLED.contains(&entry.kind)) {
            for line in list(body, "lines").iter().filter(|line| line["kind"] == "gift_card") {
                balances.insert(line["giftCard"].as_str().unwrap(), minor(&line["total"]));
            }
            for tender in list(body, "tenders").iter().filter(|t| t["kind"] == "gift_card") {
                // Cards that were issued elsewhere have no token here.
                let Some(token) = tender["storedValue"]["token"].as_str() else { continue };
                let balance = balances.get_mut(token).unwrap();
                *balance -= minor(&tender["amount"]) * signed(tender, "in", "in");
                assert!(*balance >= 0, "{body:#}");
            }
        }
        assert!(balances.len() > 10);
    }
}

#[test]
fn a_deposit_is_set_against_the_goods_that_it_was_taken_for() {
    for day in DAYS.iter() {
        let deposits: BTreeMap<_, _> = day
            .of_kind(Kind::Layaway)
            .map(|(entry, body)| (entry.key.clone(), (signed_total(body), body)))
            .collect();
        let mut applied = BTreeSet::new();
        for (entry, body) in day.of_kind(Kind::Sale) {
            let Some(layaway) = &entry.original else { continue };
            let (_, taken) = deposits[layaway];
            let deposit = |body: &Value| {
                let mut lines = list(body, "lines").iter();
                lines.find(|line| line["kind"] == "prepayment").unwrap()["total"].clone()
            };
            assert_eq!(deposit(body), deposit(taken));
            let later = list(taken, "lines").iter().filter(|line| line.get("fulfil").is_some());
            assert_eq!(later.count(), list(body, "lines").len() - 1);
            assert!(applied.insert(layaway), "{layaway} was applied twice");
        }
        assert!(applied.len() > 5);
    }
}
