//! The canonical events as an integrator writes them from the documentation: plain JSON.
//!
//! Uses none of our types, so that what our documentation says is tried as well. Does not decide
//! on any figure.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::catalogue::Item;
use super::figures::major;
use super::payment::{Payment, Purpose, Tender};
use super::place::Place;
use super::refund::BackLine;
use super::sale::{Amounts, SoldLine};

/// The identity of an event's place and time, which every body states.
pub(super) struct Heading<'a> {
    pub(super) place: &'a Place,
    pub(super) business_date: &'a str,
    pub(super) receipt: &'a str,
    pub(super) at: Timestamp,
}

/// A receipt of another day or the same, as a reference names it.
pub(super) fn reference(place: &Place, business_date: &str, receipt: &str) -> Value {
    json!({
        "store": place.store.name, "register": place.register,
        "businessDate": business_date, "receipt": receipt,
    })
}

/// A transaction. `parts` holds what only this one has.
pub(super) fn transaction(
    heading: &Heading<'_>,
    kind: &str,
    lines: Vec<Value>,
    signed_total_minor: i64,
    parts: Map<String, Value>,
) -> Value {
    let direction = if signed_total_minor < 0 { "out" } else { "in" };
    let mut body = json!({
        "kind": kind, "store": heading.place.store.name, "register": heading.place.register,
        "businessDate": heading.business_date, "receipt": heading.receipt,
        "completedAt": heading.at, "cashier": heading.place.cashier,
        "currency": heading.place.store.currency,
        "total": { "amount": signed_total_minor.unsigned_abs(), "direction": direction },
    });
    body["lines"] = Value::Array(lines);
    with(body, parts)
}

/// The parts of a transaction that say how it was paid.
pub(super) fn paid(payment: &Payment) -> Map<String, Value> {
    let mut parts = Map::new();
    if payment.rounding_minor != 0 {
        parts.insert("rounding".to_owned(), json!(payment.rounding_minor));
    }
    let tenders = payment.tenders.iter().map(tender);
    parts.insert("tenders".to_owned(), tenders.collect());
    parts
}

fn tender(tender: &Tender) -> Value {
    let purpose = match tender.purpose {
        Purpose::Payment => "payment",
        Purpose::Change => "change",
        Purpose::Refund => "refund",
    };
    let mut written = json!({
        "tender": tender.number, "kind": tender.kind.word(), "purpose": purpose,
        "amount": tender.amount_minor,
    });
    if tender.purpose != Purpose::Payment {
        written["direction"] = json!("out");
    }
    if let Some(original) = tender.original {
        written["original"] = json!(original);
    }
    written
}

/// A line of goods sold.
pub(super) fn sold(line: &SoldLine) -> Value {
    goods(line.number, &line.item, &line.sold)
}

/// A line of goods brought back from the receipt `original`.
pub(super) fn brought_back(number: u32, line: &BackLine, original: &Value) -> Value {
    let mut written = goods(number, &line.item, &line.back);
    let mut original = original.clone();
    original["line"] = json!(line.original);
    written["direction"] = json!("in");
    written["original"] = original;
    written["disposition"] = json!(if line.damaged { "damaged" } else { "restock" });
    written
}

fn goods(number: u32, item: &Item, amounts: &Amounts) -> Value {
    let mut written = json!({
        "line": number, "kind": "item", "item": sold_as(item),
        "quantity": amounts.quantity.to_string(), "unitPrice": major(item.price_minor),
        "extended": amounts.extended_minor, "total": amounts.total_minor,
        "taxes": [{
            "code": item.tax.letter(), "rate": item.tax.rate_percent().to_string(),
            "amount": amounts.tax_minor, "included": true,
        }],
    });
    if item.weighed {
        written["unit"] = json!(item.unit());
    }
    if amounts.discount_minor() > 0 {
        let discount = json!({ "kind": "promotion", "amount": amounts.discount_minor() });
        written["discounts"] = json!([discount]);
    }
    written
}

/// An item as a receipt names it.
fn sold_as(item: &Item) -> Value {
    json!({ "sku": item.sku, "description": item.description })
}

/// An item as a stock document names it.
pub(super) fn stocked_as(item: &Item) -> Value {
    json!({ "sku": item.sku, "gtin": item.gtin })
}

/// A till movement. `parts` holds what only this one has.
pub(super) fn till(heading: &Heading<'_>, kind: &str, parts: Map<String, Value>) -> Value {
    let body = json!({
        "kind": kind, "store": heading.place.store.name, "register": heading.place.register,
        "businessDate": heading.business_date, "receipt": heading.receipt,
        "occurredAt": heading.at, "cashier": heading.place.cashier,
        "currency": heading.place.store.currency,
    });
    with(body, parts)
}

/// A body with more parts.
fn with(mut body: Value, parts: Map<String, Value>) -> Value {
    body.as_object_mut().expect("a body is an object").extend(parts);
    body
}

/// A stock document; its number stands where a receipt has its own.
pub(super) fn stock(heading: &Heading<'_>, kind: &str, reason: &str, lines: &[Value]) -> Value {
    json!({
        "kind": kind, "store": heading.place.store.name, "document": heading.receipt,
        "businessDate": heading.business_date, "occurredAt": heading.at, "reason": reason,
        "lines": lines,
    })
}

/// An event around a body, as it goes over the wire. What follows from the body is left out, the
/// time too, which the body states.
pub(super) fn event(kind: &str, id: Option<uuid::Uuid>, data: Value) -> Vec<u8> {
    let mut event = json!({ "specversion": "1.0", "type": kind });
    if let Some(id) = id {
        event["id"] = json!(id);
    }
    event["data"] = data;
    event.to_string().into_bytes()
}
