//! Each kind of event, the documents that it calls for and their exact variables.

use std::collections::BTreeMap;

use jiff::Timestamp;
use protocol::envelope::Event;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{call, calls, event, key, transaction, wording};
use crate::connectors::shopify::config::ItemKey;
use crate::connectors::shopify::map::item::ItemName;
use crate::connectors::shopify::map::order::{self, Known};
use crate::connectors::shopify::map::refund::{self, Standing, StandingLine, StandingPayment};
use crate::connectors::shopify::map::{self, Action, BaseUnits, stock};
use crate::connectors::{Call, ExceptionClass};

/// The events, each with the sale that it gives back from.
pub(super) const EVENTS: [(&str, Option<&str>); 35] = [
    ("sale_with_discount", None),
    ("sale_with_tax_on_top", None),
    ("sale_with_split_line", None),
    ("sale_of_weighed_goods", None),
    ("sale_with_tenders_and_rounding", None),
    ("sale_with_basket_taxes_and_deposit_back", None),
    ("return_of_two_of_three", Some("sale_with_split_line")),
    ("return_without_receipt", None),
    ("exchange_for_more", Some("sale_with_discount")),
    ("exchange_for_less", Some("sale_with_discount")),
    ("post_void_of_a_sale", Some("sale_with_discount")),
    ("suspended_basket", None),
    ("stock_adjustment", None),
    ("stock_receipt_at_the_back", None),
    ("stock_count", None),
    ("gift_card_issued", None),
    ("sale_paid_with_gift_card", None),
    ("sale_after_midnight_with_gift_card", None),
    ("prepayment_taken", None),
    ("prepayment_applied", None),
    ("prepayment_applied_to_its_layaway", Some("prepayment_taken")),
    ("sale_with_taxes_of_two_jurisdictions", None),
    ("exempt_sale", None),
    ("sale_of_a_bundle", None),
    ("sale_paid_in_foreign_cash", None),
    ("sale_with_tip_and_donation", None),
    ("sale_with_both_kinds_of_tax", None),
    ("return_of_an_online_order", None),
    ("return_of_exchanged_goods", Some("exchange_for_more")),
    ("post_void_of_an_exchange", Some("exchange_for_more")),
    ("order_pickup", None),
    ("tender_exchange", None),
    ("account_payment", None),
    ("money_paid_in", None),
    ("money_paid_out", None),
];

/// What Shopify knows: one location, and pencils.
fn known() -> Known {
    let pencil = (ItemName::Sku("4711".to_owned()), "gid://shopify/ProductVariant/1".to_owned());
    Known { location: "gid://shopify/Location/1".to_owned(), variants: BTreeMap::from([pencil]) }
}

/// The variables of the order of a sale.
pub(super) fn order_variables(event: &Event) -> Value {
    let transaction = transaction(event);
    let planned = map::plan(event).into_iter().find(|p| Action::of(p) == Some(Action::OrderCreate));
    let key = key(event, &planned.expect("it calls for an order"));
    order::variables(event, transaction, key, &known(), ItemKey::Sku, &wording()).unwrap()
}

/// The order that a sale becomes, as Shopify shows it afterwards.
fn standing(sale: &Event) -> Standing {
    let order = &order_variables(sale)["order"];
    let currency = transaction(sale).currency;
    let minor = |bag: &Value| {
        let amount = bag["shopMoney"]["amount"].as_str().unwrap();
        protocol::money::Money::from_decimal(amount, currency).unwrap().minor
    };
    let property = |line: &Value, name: &str| {
        let properties = line["properties"].as_array().unwrap();
        let found = properties.iter().find(|property| property["name"] == name);
        found.map(|property| property["value"].as_str().unwrap().to_owned())
    };
    let lines = (1..).zip(order["lineItems"].as_array().unwrap()).map(|(number, line)| {
        let measured = property(line, "quantity");
        StandingLine {
            id: format!("gid://shopify/LineItem/{number}"),
            sku: line["sku"].as_str().map(str::to_owned),
            refundable: line["quantity"].as_i64().unwrap(),
            line: property(line, "line").map(|number| number.parse().unwrap()),
            measured: measured.map(|m| m.split(' ').next().unwrap().parse().unwrap()),
        }
    });
    let payments = (1..).zip(order["transactions"].as_array().unwrap()).map(|(number, paid)| {
        StandingPayment {
            id: format!("gid://shopify/OrderTransaction/{number}"),
            gateway: paid["gateway"].as_str().unwrap().to_owned(),
            left: minor(&paid["amountSet"]),
        }
    });
    Standing {
        id: "gid://shopify/Order/1".to_owned(),
        name: "#1001".to_owned(),
        lines: lines.collect(),
        payments: payments.collect(),
    }
}

/// The order that goods come back from: that of the sale, or one that was placed online.
pub(super) fn standing_for(sale: Option<&str>) -> Standing {
    sale.map_or_else(online_order, |sale| standing(&event(sale)))
}

/// An order that was placed online: one pen set, paid by card.
fn online_order() -> Standing {
    Standing {
        id: "gid://shopify/Order/42".to_owned(),
        name: "#1042".to_owned(),
        lines: vec![StandingLine {
            id: "gid://shopify/LineItem/3".to_owned(),
            sku: Some("4711".to_owned()),
            refundable: 1,
            line: None,
            measured: None,
        }],
        payments: vec![StandingPayment {
            id: "gid://shopify/OrderTransaction/9".to_owned(),
            gateway: "shopify_payments".to_owned(),
            left: 2_000,
        }],
    }
}

/// The variables of everything that an event calls for, in order.
pub(super) fn variables(event: &Event, sale: Option<&str>) -> Vec<(Action, Value)> {
    let bundle = Uuid::from_u128(0xb0d1e);
    let documents = calls(event, Timestamp::MAX).into_iter().map(|call| {
        let action = Action::of(&call.planned).unwrap();
        let variables = match action {
            Action::OrderCreate => order_variables(event),
            Action::RefundCreate => {
                let order = standing_for(sale);
                let transaction = transaction(event);
                let part = usize::try_from(call.planned.part).unwrap();
                let group = &refund::groups(transaction)[part];
                let input =
                    refund::input(event, transaction, group, &order, call.key, &wording()).unwrap();
                json!({ "input": input, "key": call.key.to_string() })
            }
            Action::StockAdjust => {
                let changes = changes(&call);
                let input = stock::adjust_input(&changes, stock::reason(&event.body), bundle);
                json!({ "input": input, "key": bundle.to_string() })
            }
            Action::StockSet => {
                let settings: Vec<stock::Setting> =
                    stock::counted(&call, ItemKey::Sku, &BaseUnits::default())
                        .iter()
                        .map(|counted| stock::Setting {
                            place: place(&counted.item),
                            quantity: stock::whole(counted.line, &counted.item, counted.quantity)
                                .unwrap(),
                            level: 20,
                        })
                        .collect();
                let input = stock::set_input(&settings, bundle);
                json!({ "input": input, "key": bundle.to_string() })
            }
        };
        (action, variables)
    });
    documents.collect()
}

/// The changes of a call; a part of a piece is refused and moves nothing.
fn changes(call: &Call) -> stock::Changes {
    let mut changes = stock::Changes::new();
    for movement in stock::movements(call, ItemKey::Sku, &BaseUnits::default()) {
        match stock::whole(movement.line, &movement.item, movement.quantity) {
            Ok(delta) => changes.entry(place(&movement.item)).or_default().0 += delta,
            Err((class, reason)) => {
                assert_eq!(class, ExceptionClass::Rejected);
                assert!(reason.contains("counts whole pieces"), "{reason}");
            }
        }
    }
    changes
}

fn place(item: &ItemName) -> stock::Place {
    (format!("gid://shopify/InventoryItem/{item}"), "gid://shopify/Location/1".to_owned())
}

#[test]
fn each_event_has_its_documents_and_their_exact_variables() {
    for (name, sale) in EVENTS {
        let event = event(name);
        let planned = map::plan(&event);
        let variables: Vec<Value> =
            variables(&event, sale).into_iter().map(|(_, variables)| variables).collect();
        let golden = json!({
            "planned": planned, "variables": variables, "bridging": map::bridging(&event),
        });
        insta::with_settings!({
            snapshot_path => "../testdata", prepend_module_to_snapshot => false,
            omit_expression => true,
        }, { insta::assert_json_snapshot!(name, golden) });
    }
}

#[test]
fn a_weighed_item_that_comes_back_in_part_is_money_alone() {
    let json = r#"{"specversion":"1.0","type":"storekeep.transaction.v1",
        "time":"2026-11-24T10:00:00+01:00","data":{"kind":"return","store":"0042","register":"2",
        "businessDate":"2026-11-24","receipt":"000300","currency":"EUR","lines":[{"line":1,
        "kind":"item","item":{"sku":"2000"},"quantity":"0.200","unitPrice":"2.99","extended":60,
        "total":60,"direction":"in","original":{"store":"0042","register":"2",
        "businessDate":"2026-11-23","receipt":"000190","line":1}}],
        "total":{"amount":60,"direction":"out"},"tenders":[{"tender":1,"kind":"cash",
        "purpose":"refund","direction":"out","amount":60}]}}"#;
    let event = super::read(json.as_bytes());
    let documents = variables(&event, Some("sale_of_weighed_goods"));
    let (action, variables) = &documents[0];
    assert_eq!(*action, Action::RefundCreate);
    assert_eq!(variables["input"]["refundLineItems"], json!([]));
    assert_eq!(variables["input"]["transactions"][0]["amount"], "0.60");
}

#[test]
fn what_is_weighed_is_counted_in_a_base_unit_of_its_unit_or_item() {
    let event = event("sale_of_weighed_goods");
    let call = &calls(&event, Timestamp::MAX)[1];
    let count = |by_unit: &[(&str, u32)], by_item: &[(&str, u32)]| {
        let map = |pairs: &[(&str, u32)]| {
            let pair = |(name, count): &(&str, u32)| {
                ((*name).to_owned(), std::num::NonZeroU32::new(*count).unwrap())
            };
            pairs.iter().map(pair).collect()
        };
        let units = BaseUnits { by_unit: map(by_unit), by_item: map(by_item) };
        let moved = stock::movements(call, ItemKey::Sku, &units).remove(0);
        stock::whole(moved.line, &moved.item, moved.quantity)
    };
    assert_eq!(count(&[("KGM", 1_000)], &[]), Ok(-523));
    assert_eq!(count(&[("KGM", 1)], &[("2000", 10_000)]), Ok(-5_230));
    for none in [count(&[], &[]), count(&[("MTR", 1_000)], &[]), count(&[("KGM", 100)], &[])] {
        let (class, reason) = none.unwrap_err();
        assert_eq!(class, ExceptionClass::Rejected);
        assert!(reason.contains("`base_units`"), "{reason}");
    }
}

#[test]
fn goods_of_an_exchange_come_back_from_its_order_and_line() {
    let event = event("return_of_exchanged_goods");
    let documents = variables(&event, Some("exchange_for_more"));
    let (action, variables) = &documents[0];
    assert_eq!(*action, Action::RefundCreate);
    let lines = variables["input"]["refundLineItems"].as_array().unwrap();
    assert_eq!((lines.len(), &lines[0]["quantity"]), (1, &json!(1)));
    assert_eq!(lines[0]["lineItemId"], "gid://shopify/LineItem/1", "the exchange's only line");
}

#[test]
fn more_pieces_or_more_money_than_is_left_is_an_over_return() {
    let event = event("return_of_two_of_three");
    let transaction = transaction(&event);
    let group = &refund::groups(transaction)[0];
    let input = |order: &Standing| {
        refund::input(&event, transaction, group, order, Uuid::nil(), &wording())
    };
    let mut order = standing(&super::event("sale_with_split_line"));
    order.lines[1].refundable = 0;
    let mut paid = standing(&super::event("sale_with_split_line"));
    paid.payments[0].left = 602;
    for (order, words) in [(order, "1 left to refund"), (paid, "6.02 EUR of its payments left")] {
        let (class, reason) = input(&order).unwrap_err();
        assert_eq!(class, ExceptionClass::OverReturn);
        assert!(reason.contains(words), "{reason}");
    }
}

#[test]
fn a_receipt_whose_total_is_not_its_parts_is_refused_with_both_figures() {
    let mut event = event("sale_with_discount");
    let protocol::event::Body::Transaction(transaction) = &mut event.body else { panic!() };
    let total = transaction.total.as_mut().unwrap();
    total.amount = protocol::money::Amount::new(640).unwrap();
    let transaction = transaction.clone();
    let refused =
        order::variables(&event, &transaction, Uuid::nil(), &known(), ItemKey::Sku, &wording());
    let (class, reason) = refused.unwrap_err();
    assert_eq!(class, ExceptionClass::Unbalanced);
    assert!(reason.contains("6.40 EUR") && reason.contains("6.37 EUR"), "{reason}");
}

#[test]
fn a_count_beyond_250_lines_and_251_movements_are_cut_into_parts() {
    for (kind, field) in [("count", "counted"), ("receipt", "change")] {
        let lines: Vec<Value> = (1..=251)
            .map(|line| {
                let mut line = json!({ "line": line, "item": { "sku": format!("S{line}") } });
                line[field] = json!("1");
                if kind == "count" {
                    line["countedAt"] = json!("2026-11-23T20:10:00+01:00");
                }
                line
            })
            .collect();
        let body = json!({
            "specversion": "1.0", "type": "storekeep.stock.v1", "data": {
                "kind": kind, "store": "0042", "document": "D-1", "businessDate": "2026-11-23",
                "occurredAt": "2026-11-23T20:30:00+01:00", "lines": lines,
            }
        });
        let event = super::read(body.to_string().as_bytes());
        let calls = calls(&event, Timestamp::MAX);
        assert_eq!(calls.len(), 2);
        let sizes = calls.iter().map(|call| match kind {
            "count" => stock::counted(call, ItemKey::Sku, &BaseUnits::default()).len(),
            _ => stock::movements(call, ItemKey::Sku, &BaseUnits::default()).len(),
        });
        assert_eq!(sizes.collect::<Vec<_>>(), [250, 1]);
        let again = call(&event, calls[1].planned.clone(), Timestamp::MAX);
        assert_ne!(calls[0].key, again.key);
    }
}
