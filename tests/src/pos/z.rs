//! The register's closing totals, from the entries of its day.
//!
//! Does not know receipts: the books' sums are all it has.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::books::{TenderKind, Totals};

/// A register's day in figures that do not follow from its entries.
#[derive(Debug, Clone)]
pub(super) struct Closing<'a> {
    pub(super) number: u32,
    pub(super) first_receipt: &'a str,
    pub(super) last_receipt: &'a str,
    pub(super) float_minor: i64,
    /// What was counted in the drawer more than expected, or less.
    pub(super) over_short_minor: i64,
    /// Sales of every day before and of this one; never reset.
    pub(super) grand_total_minor: i64,
}

/// The Z as a close carries it.
pub(super) fn report(totals: &Totals, closing: &Closing<'_>) -> Value {
    let figures = &totals.figures;
    // What has numbers of the register's counter fills its sequence.
    let numbered = totals.counts.iter().filter(|(kind, _)| kind.is_numbered());
    let counts: BTreeMap<_, _> = numbered.map(|(kind, count)| (kind.word(), *count)).collect();
    let taxes: Vec<_> = figures
        .taxes
        .iter()
        .map(|(code, tax)| {
            json!({
                "code": code.letter(), "rate": code.rate_percent().to_string(),
                "base": tax.base_minor, "amount": tax.amount_minor,
            })
        })
        .collect();
    let redeemed = figures.tenders.get(&TenderKind::GiftCard).copied().unwrap_or_default();
    let drawer = &figures.drawer;
    let foreign = figures.foreign_cash_minor.iter();
    let foreign = foreign.map(|(currency, taken)| json!({ "currency": currency, "in": taken }));
    json!({
        "number": closing.number,
        "firstReceipt": closing.first_receipt, "lastReceipt": closing.last_receipt,
        "counts": counts,
        "gross": figures.sold_minor, "returns": figures.returned_minor,
        "discounts": figures.discounts_minor, "rounding": figures.rounding_minor,
        "tax": taxes, "tenders": tenders(totals, closing),
        "float": closing.float_minor, "overShort": closing.over_short_minor,
        "paidIn": drawer.paid_in_minor, "paidOut": drawer.paid_out_minor,
        "pickups": drawer.pickups_minor, "loans": drawer.loans_minor,
        "giftCards": { "issued": figures.gift_cards_issued_minor, "redeemed": redeemed.in_minor },
        "foreignCash": foreign.collect::<Vec<_>>(),
        "grandTotal": closing.grand_total_minor,
    })
}

/// Money by tender; of cash also what the drawer should hold and what it holds.
fn tenders(totals: &Totals, closing: &Closing<'_>) -> Vec<Value> {
    let mut flows = totals.figures.tenders.clone();
    // The drawer has cash in it also on a day when nobody pays any.
    flows.entry(TenderKind::Cash).or_default();
    let tenders = flows.iter();
    tenders
        .map(|(kind, flow)| {
            let mut written =
                json!({ "kind": kind.word(), "in": flow.in_minor, "out": flow.out_minor });
            if *kind == TenderKind::Cash {
                let moved = totals.figures.drawer.net_minor();
                let expected = closing.float_minor + flow.in_minor - flow.out_minor + moved;
                written["expected"] = json!(expected);
                written["counted"] = json!(expected + closing.over_short_minor);
            }
            written
        })
        .collect()
}
