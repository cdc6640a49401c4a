//! Whatever a register sells: what is posted adds up to the receipt, to the minor unit.

use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, proptest};
use protocol::envelope::Event;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{back, calls, cents, document, plain};
use crate::connectors::TargetRef;
use crate::connectors::erpnext::map::amounts::decimal;

/// A line as it is drawn.
#[derive(Debug, Clone)]
pub(super) struct Drawn {
    thousandths: u32,
    total: i64,
    tax: i64,
    is_included: bool,
    comes_back: bool,
    is_linked: bool,
}

pub(super) fn line() -> impl Strategy<Value = Drawn> {
    let flags = (any::<bool>(), any::<bool>(), 0_u8..4);
    (1_u32..40_000, any::<bool>(), 0_i64..20_000, 0_i64..30, flags).prop_map(
        |(thousandths, is_whole, total, tax, (is_included, is_linked, back))| Drawn {
            thousandths: if is_whole { (thousandths / 1_000 + 1) * 1_000 } else { thousandths },
            total,
            tax: total * tax / 130,
            is_included,
            comes_back: back == 0,
            is_linked,
        },
    )
}

impl Drawn {
    pub(super) fn gross(&self) -> i64 {
        self.total + if self.is_included { 0 } else { self.tax }
    }

    pub(super) const fn comes_back(&self) -> bool {
        self.comes_back
    }

    fn quantity(&self) -> String {
        format!("{}.{:03}", self.thousandths / 1_000, self.thousandths % 1_000)
    }
}

/// A balanced transaction of these lines.
pub(super) fn balanced(
    lines: &[Drawn],
    share: i64,
    on_basket: bool,
    rounding: i64,
    change: i64,
) -> Event {
    let way = |drawn: &Drawn| if drawn.comes_back { "in" } else { "out" };
    let sum = |comes_back: bool, of: &dyn Fn(&Drawn) -> i64| {
        lines.iter().filter(|line| line.comes_back == comes_back).map(of).sum::<i64>()
    };
    let discount = sum(false, &|line| line.total) * share / 200;
    let total = sum(false, &Drawn::gross) - discount - sum(true, &Drawn::gross) + rounding;
    let tax = |drawn: &Drawn| {
        json!({ "code": "A", "rate": "19", "amount": drawn.tax, "included": drawn.is_included,
                "direction": way(drawn) })
    };
    let body = (1..).zip(lines).map(|(number, drawn)| {
        let mut line = json!({
            "line": number, "kind": "item", "item": { "sku": format!("S{number}") },
            "quantity": drawn.quantity(), "unitPrice": "1", "extended": drawn.total,
            "total": drawn.total, "direction": way(drawn),
        });
        if !on_basket && drawn.tax > 0 {
            line["taxes"] = json!([tax(drawn)]);
        }
        if drawn.comes_back && drawn.is_linked {
            line["original"] = json!({ "store": "0042", "register": "2",
                "businessDate": "2026-11-22", "receipt": "000001", "line": number });
        }
        line
    });
    let body: Vec<Value> = body.collect();
    let taxes: Vec<Value> = if on_basket { lines.iter().map(tax).collect() } else { Vec::new() };
    let (paid, cash) = if total < 0 { (0, 0) } else { (total, change) };
    let event = json!({
        "specversion": "1.0", "type": "storekeep.transaction.v1",
        "time": "2026-11-23T17:04:11+01:00", "data": {
            "kind": "exchange", "store": "0042", "register": "2", "businessDate": "2026-11-23",
            "receipt": "000187", "currency": "EUR", "lines": body, "taxes": taxes,
            "discounts": [{ "kind": "coupon", "amount": discount }], "rounding": rounding,
            "total": { "amount": total.abs(), "direction": if total < 0 { "out" } else { "in" } },
            "tenders": [
                { "tender": 1, "kind": "card", "purpose": "payment", "amount": paid / 2 },
                { "tender": 2, "kind": "cash", "purpose": "payment",
                  "amount": paid - paid / 2 + cash },
                { "tender": 3, "kind": "cash", "purpose": "change", "direction": "out",
                  "amount": (-total).max(0) + cash },
            ],
        }
    });
    super::read(event.to_string().as_bytes())
}

/// What ERPNext computes of an invoice: rows rounded to the cent, and the charges.
pub(super) fn total_at_erpnext(body: &Value) -> i64 {
    let rows = body["items"].as_array().unwrap().iter().map(|row| {
        let product = decimal(&row["qty"]).unwrap() * decimal(&row["rate"]).unwrap();
        let cents = product * Decimal::ONE_HUNDRED;
        assert!(
            cents.fract().abs() != Decimal::new(5, 1),
            "how it is rounded is the site's choice"
        );
        i64::try_from(cents.round()).unwrap()
    });
    let charges = body["taxes"].as_array().unwrap().iter().map(|row| cents(&row["tax_amount"]));
    rows.chain(charges).sum()
}

/// An invoice that sold every line at a price that no return exceeds.
pub(super) fn original(lines: usize) -> TargetRef {
    let rows: Vec<Value> = (1..=lines)
        .map(|number| {
            json!({ "line": number, "name": format!("row-{number}"), "item": format!("S{number}"),
                "rate": 1_000_000 })
        })
        .collect();
    let detail = json!({ "customer": "Walk-in", "rows": rows });
    TargetRef { id: "SINV-1".to_owned(), name: "SINV-1".to_owned(), detail }
}

proptest! {
    #[test]
    fn what_is_posted_sums_to_the_receipt_and_is_paid_to_the_cent(
        lines in proptest::collection::vec(line(), 1..10),
        share in 0_i64..60, on_basket in any::<bool>(), rounding in -4_i64..5,
        change in 0_i64..5_000,
    ) {
        let settings = plain();
        // Rounding is of cash that changes hands.
        let is_mixed = lines.iter().any(|line| line.comes_back);
        let rounding = if is_mixed || lines.iter().map(Drawn::gross).sum::<i64>() < 200 {
            0
        } else {
            rounding
        };
        let event = balanced(&lines, share, on_basket, rounding, change);
        let transaction = super::transaction(&event);
        prop_assert_eq!(protocol::event::balance::unbalanced(transaction), []);
        let original = original(lines.len());
        let (mut posted, mut paid, mut carried) = (0, 0, 0);
        for call in calls(&event, &settings) {
            let body = document(&back(call, &original), &settings).body;
            let total = total_at_erpnext(&body);
            let rows = body["payments"].as_array().unwrap();
            let sum: i64 = rows.iter().map(|row| cents(&row["amount"])).sum();
            let is_return = body["is_return"] == 1;
            let is_paid = if is_return { sum == total } else { sum >= total };
            prop_assert!(is_paid);
            let carrier = rows.iter().filter(|row| row["mode_of_payment"] == "Goods Back");
            carried += carrier.map(|row| cents(&row["amount"])).sum::<i64>();
            posted += total;
            paid += sum;
        }
        let total = transaction.signed_total().minor;
        prop_assert_eq!(posted, total);
        prop_assert_eq!(carried, 0);
        let given = if total < 0 { 0 } else { change };
        prop_assert_eq!(paid, total + given);
    }
}
