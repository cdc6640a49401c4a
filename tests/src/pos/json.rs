//! The canonical events as an integrator writes them from the documentation: plain JSON.
//!
//! Uses none of our types, so that what our documentation says is tried as well. Does not decide
//! on any figure.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::books::{Kind, TenderKind};
use super::catalogue::{Item, TaxCode};
use super::deal::Deal;
use super::figures::major;
use super::line::{Line, Part, Thing};
use super::payment::{Detail, Payment, Purpose, Tender, Way};
use super::place::Place;
use super::refund::{BackLine, Source};

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

/// What a receipt says besides what customer and store settle on it.
#[derive(Debug, Clone, Default)]
pub(super) struct Paper {
    /// Goods that are handed over later.
    pub(super) later: Vec<Line>,
    /// The receipt that the goods coming back were sold on.
    pub(super) lines_of: Option<Value>,
    /// The receipt that this one undoes, resumes or completes.
    pub(super) original: Option<Value>,
    /// The books' key of whichever receipt is named.
    pub(super) earlier: Option<String>,
}

/// What customer and store settle: first what comes back, then what goes out.
pub(super) fn deal(heading: &Heading<'_>, deal: &Deal, paper: &Paper) -> Value {
    let back = deal.back.iter().map(|line| brought_back(line, paper.lines_of.as_ref()));
    let out = deal.out.iter().map(sold);
    let later = paper.later.iter().map(|line| {
        let mut written = sold(line);
        written["fulfil"] = json!("later");
        written
    });
    let mut parts = paid(&deal.payment);
    if let Some(original) = &paper.original {
        parts.insert("original".to_owned(), original.clone());
    }
    let lines = back.chain(out).chain(later).collect();
    transaction(heading, deal.kind.word(), lines, deal.total_minor(), parts)
}

/// A post void that leaves it to the agent to look up what it undoes.
pub(super) fn bare_post_void(heading: &Heading<'_>, original: Value) -> Value {
    let parts = Map::from_iter([("original".to_owned(), original)]);
    let mut body = transaction(heading, Kind::PostVoid.word(), Vec::new(), 0, parts);
    let fields = body.as_object_mut().expect("a body is an object");
    for absent in ["lines", "total"] {
        fields.remove(absent);
    }
    body
}

/// The parts of a transaction that say how it was paid.
fn paid(payment: &Payment) -> Map<String, Value> {
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
        Purpose::Declined => "declined",
    };
    let mut written = json!({
        "tender": tender.number, "kind": tender.kind.word(), "purpose": purpose,
        "amount": tender.amount_minor,
    });
    if tender.way == Way::ToCustomer {
        written["direction"] = json!("out");
    }
    if let Some(original) = tender.original {
        written["original"] = json!(original);
    }
    if let Some((currency, minor, rate)) = tender.foreign() {
        written["foreign"] = json!({ "currency": currency, "amount": minor, "rate": rate });
    }
    if let Detail::GiftCard(card) = &tender.detail {
        let action = if tender.way == Way::ToStore { "redeem" } else { "refund" };
        written["storedValue"] = json!({ "token": card, "action": action, "online": true });
    }
    if tender.kind == TenderKind::Voucher {
        let number = tender.number.to_string();
        written["storedValue"] = json!({ "token": number, "action": "redeem", "voucher": "multi" });
    }
    written
}

/// A line of what goes out.
pub(super) fn sold(line: &Line) -> Value {
    let amounts = &line.amounts;
    let kind = match line.thing {
        Thing::Item(_) => "item",
        Thing::GiftCard(_) => "gift_card",
        Thing::Prepayment => "prepayment",
        Thing::Tip => "tip",
    };
    let mut written = json!({
        "line": line.number, "kind": kind,
        "quantity": amounts.quantity.to_string(), "unitPrice": major(line.price_minor),
        "extended": amounts.extended_minor, "total": amounts.total_minor,
    });
    if !amounts.taxes.is_empty() {
        written["taxes"] = amounts.taxes.iter().map(|levied| tax(line, *levied)).collect();
    }
    match &line.thing {
        Thing::Item(item) => {
            written["item"] = sold_as(item);
            if item.weighed {
                written["unit"] = json!(item.unit());
            }
            if line.is_exempt && line.price_minor != item.price_minor {
                written["regularUnitPrice"] = json!(major(item.price_minor));
            }
        }
        Thing::GiftCard(card) => written["giftCard"] = json!(card),
        Thing::Prepayment | Thing::Tip => {}
    }
    if let Part::Component { header, .. } = line.part {
        written["parent"] = json!(header);
    }
    if let Some(moves) = line.part.stated_stock() {
        written["stock"] = json!(moves);
    }
    if amounts.discount_minor() > 0 {
        let discount = json!({ "kind": "promotion", "amount": amounts.discount_minor() });
        written["discounts"] = json!([discount]);
    }
    written
}

fn tax(line: &Line, (code, amount): (TaxCode, i64)) -> Value {
    let mut written = json!({
        "code": code.letter(), "rate": code.rate_percent().to_string(), "amount": amount,
    });
    if code.is_included() {
        written["included"] = json!(true);
    }
    if let Some(authority) = code.authority() {
        written["authority"] = json!(authority);
        written["base"] = json!(line.amounts.base_minor());
    }
    if line.is_exempt {
        written["base"] = json!(line.amounts.base_minor());
        written["exemption"] = json!({ "reason": "diplomatic mission", "certificate": "EX-17" });
    }
    written
}

/// A line of what comes back; `lines_of` is the receipt that it was sold on.
fn brought_back(back: &BackLine, lines_of: Option<&Value>) -> Value {
    let mut written = sold(&back.line);
    written["direction"] = json!("in");
    match back.source {
        Source::Receipt(number) => {
            written["original"] = lines_of.cloned().unwrap_or_default();
            written["original"]["line"] = json!(number);
        }
        Source::Blind => {
            let blind = json!({ "reason": "no receipt", "approver": "m-1" });
            written["original"] = json!({ "blind": blind });
        }
        Source::Deposit | Source::Undone => return written,
    }
    written["disposition"] = json!(if back.is_damaged { "damaged" } else { "restock" });
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
