//! Whatever a register sells: what is sent adds up to the receipt, to the minor unit.

use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, proptest};
use protocol::envelope::Event;
use protocol::event::Direction;
use protocol::money::{Currency, Money};
use serde_json::{Value, json};

use super::goldens::order_variables;
use super::transaction;
use crate::connectors::shopify::map::refund;

/// A line as it is drawn.
#[derive(Debug, Clone)]
pub(super) struct Drawn {
    quantity: u32,
    is_measured: bool,
    total: i64,
    tax: i64,
    tax_included: bool,
    comes_back: bool,
    is_linked: bool,
}

pub(super) fn line() -> impl Strategy<Value = Drawn> {
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    (1_u32..40, 0_i64..20_000, 0_i64..30, flags, 0_u8..4).prop_map(
        |(quantity, total, tax, (is_measured, tax_included, is_linked, _), back)| Drawn {
            quantity,
            is_measured,
            total,
            tax: total * tax / 130,
            tax_included,
            comes_back: back == 0,
            is_linked,
        },
    )
}

/// A balanced transaction of these lines.
pub(super) fn balanced(
    lines: &[Drawn],
    discount_share: i64,
    on_basket: bool,
    rounding: i64,
    change: i64,
) -> Event {
    let way = |drawn: &Drawn| if drawn.comes_back { "in" } else { "out" };
    let sum = |comes_back: bool, of: &dyn Fn(&Drawn) -> i64| {
        lines.iter().filter(|line| line.comes_back == comes_back).map(of).sum::<i64>()
    };
    let discount = sum(false, &|line| line.total) * discount_share / 100;
    let tax = |drawn: &Drawn| if drawn.tax_included { 0 } else { drawn.tax };
    let total = sum(false, &|line| line.total + tax(line))
        - discount
        - sum(true, &|line| line.total + tax(line))
        + rounding;
    let tax_of = |drawn: &Drawn| {
        json!({ "code": "A", "rate": "19", "amount": drawn.tax, "included": drawn.tax_included,
                "direction": way(drawn) })
    };
    let body: Vec<Value> = (1..)
        .zip(lines)
        .map(|(number, drawn)| {
            let quantity = if drawn.is_measured {
                format!("{}.5", drawn.quantity)
            } else {
                drawn.quantity.to_string()
            };
            let mut line = json!({
                "line": number, "kind": "item", "item": { "sku": format!("S{number}") },
                "quantity": quantity, "unitPrice": "1", "extended": drawn.total,
                "total": drawn.total, "direction": way(drawn),
            });
            if !on_basket && drawn.tax > 0 {
                line["taxes"] = json!([tax_of(drawn)]);
            }
            if drawn.comes_back && drawn.is_linked {
                line["original"] = json!({ "store": "0042", "register": "2",
                    "businessDate": "2026-11-22", "receipt": "000001", "line": number });
            }
            line
        })
        .collect();
    let taxes: Vec<Value> = if on_basket { lines.iter().map(tax_of).collect() } else { Vec::new() };
    let tenders = json!([
        { "tender": 1, "kind": "card", "purpose": "payment", "amount": total.max(0) + change },
        { "tender": 2, "kind": "cash", "purpose": "change", "direction": "out",
          "amount": (-total).max(0) + change },
    ]);
    let (amount, direction) = (total.abs(), if total < 0 { "out" } else { "in" });
    let event = json!({
        "specversion": "1.0", "type": "storekeep.transaction.v1",
        "time": "2026-11-23T17:04:11+01:00", "data": {
            "kind": "exchange", "store": "0042", "register": "2", "businessDate": "2026-11-23",
            "receipt": "000187", "currency": "EUR", "lines": body, "taxes": taxes,
            "discounts": [{ "kind": "coupon", "amount": discount }], "rounding": rounding,
            "total": { "amount": amount, "direction": direction }, "tenders": tenders,
        }
    });
    super::read(event.to_string().as_bytes())
}

/// What Shopify computes of an order: prices times quantities, and taxes unless they are included.
pub(super) fn total_at_shopify(order: &Value) -> i64 {
    let lines = order["lineItems"].as_array().unwrap();
    let goods: i64 =
        lines.iter().map(|l| minor(&l["priceSet"]) * l["quantity"].as_i64().unwrap()).sum();
    let no_taxes = Vec::new();
    let on_order = order["taxLines"].as_array().unwrap_or(&no_taxes);
    let on_lines = lines.iter().flat_map(|line| line["taxLines"].as_array().unwrap());
    let taxes: i64 = on_order.iter().chain(on_lines).map(|tax| minor(&tax["priceSet"])).sum();
    if order["taxesIncluded"] == true { goods } else { goods + taxes }
}

pub(super) fn minor(bag: &Value) -> i64 {
    let euro = Currency::new("EUR").unwrap();
    Money::from_decimal(bag["shopMoney"]["amount"].as_str().unwrap(), euro).unwrap().minor
}

proptest! {
    #[test]
    fn what_is_sent_adds_up_to_the_receipt(
        lines in proptest::collection::vec(line(), 1..12),
        discount_share in 0_i64..60, on_basket in any::<bool>(), rounding in -4_i64..5,
        change in 0_i64..5_000,
    ) {
        let has_goods = lines.iter().any(|line| !line.comes_back);
        // Rounding alone is no order.
        let rounding = if has_goods { rounding } else { 0 };
        let event = balanced(&lines, discount_share, on_basket, rounding, change);
        let transaction = transaction(&event);
        prop_assert_eq!(protocol::event::balance::unbalanced(transaction), []);
        let refunded: i64 = refund::groups(transaction).iter().map(|group| group.amount).sum();
        let linked: i64 = lines.iter().filter(|line| line.comes_back && line.is_linked).map(|line| {
            line.total + if line.tax_included { 0 } else { line.tax }
        }).sum();
        let back: i64 = lines.iter().filter(|line| line.comes_back).map(|line| {
            line.total + if line.tax_included { 0 } else { line.tax }
        }).sum();
        if !on_basket {
            prop_assert_eq!(refunded, linked);
        }
        if has_goods {
            let order_total: i64 = transaction.signed_total().minor - rounding + back;
            // A receipt that pays out more than its goods are worth is refused, not posted.
            let wording = super::wording();
            let out = crate::connectors::shopify::map::order::expected(transaction, &wording);
            prop_assert!(out.is_ok(), "{:?}", out);
            let order = &order_variables(&event)["order"];
            prop_assert_eq!(total_at_shopify(order), order_total);
            let paid: i64 = order["transactions"].as_array().unwrap().iter()
                .map(|paid| minor(&paid["amountSet"])).sum();
            prop_assert_eq!(paid, order_total);
            let lines = order["lineItems"].as_array().unwrap();
            prop_assert!(lines.iter().all(|line| minor(&line["priceSet"]) >= 0));
            let on_lines = lines.iter().any(|line| line["taxLines"] != json!([]));
            prop_assert!(!(on_lines && order.get("taxLines").is_some()));
        }
        prop_assert!(transaction.lines.iter().any(|l| l.direction == Direction::In) || back == 0);
    }
}
