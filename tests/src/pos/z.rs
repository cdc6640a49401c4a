//! The register's closing totals, from the entries of its day.
//!
//! Does not know receipts: the books' sums are all it has.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::books::{Kind, TenderKind, Totals};

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
    // Stock documents have no receipt numbers; all others together fill the sequence.
    let numbered = totals.counts.iter().filter(|(kind, _)| **kind != Kind::Stock);
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
    json!({
        "number": closing.number,
        "firstReceipt": closing.first_receipt, "lastReceipt": closing.last_receipt,
        "counts": counts,
        "gross": figures.sold_minor, "returns": figures.returned_minor,
        "discounts": figures.discounts_minor, "rounding": figures.rounding_minor,
        "tax": taxes, "tenders": tenders(totals, closing),
        "float": closing.float_minor, "overShort": closing.over_short_minor,
        "grandTotal": closing.grand_total_minor,
    })
}

/// Money by tender; of cash also what the drawer should hold and what it holds.
fn tenders(totals: &Totals, closing: &Closing<'_>) -> Vec<Value> {
    let tenders = totals.figures.tenders.iter();
    tenders
        .map(|(kind, flow)| {
            let mut written =
                json!({ "kind": kind.word(), "in": flow.in_minor, "out": flow.out_minor });
            if *kind == TenderKind::Cash {
                let expected = closing.float_minor + flow.in_minor - flow.out_minor;
                written["expected"] = json!(expected);
                written["counted"] = json!(expected + closing.over_short_minor);
            }
            written
        })
        .collect()
}
