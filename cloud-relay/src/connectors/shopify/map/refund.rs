//! Goods that came back, as the variables of `refundCreate`.
//!
//! One refund for each order that the goods were sold in. What is paid back is what the POS says,
//! spread over the order's payments; quantities never exceed what is refundable. Nothing is
//! restocked: only our own deltas move stock. Does not fetch the order.

use protocol::envelope::Event;
use protocol::event::key::of_reference;
use protocol::event::{Direction, Line, Original, Transaction, TransactionKind};
use protocol::id::Code;
use protocol::money::Money;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde_json::{Value, json};
use uuid::Uuid;

use super::basket::{Side, require_balance};
use super::{Unfit, Wording, payments};
use crate::connectors::ExceptionClass;

/// Where goods were sold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::connectors::shopify) enum Origin {
    /// On the receipt with this natural key.
    Receipt(String),
    /// In an order that did not come from a store.
    Order {
        /// The order's name, such as `#1042`.
        name: String,
    },
    /// A post void that names a receipt and carries no lines: what came back is not known.
    Nothing,
}

/// The lines that came back from one order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::connectors::shopify) struct Group {
    /// Where they were sold.
    pub(in crate::connectors::shopify) origin: Origin,
    /// What they come to, in minor units.
    pub(in crate::connectors::shopify) amount: i64,
    lines: Vec<Back>,
}

/// One line that came back.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Back {
    /// Its number in this transaction, for messages.
    number: u32,
    /// The line of the receipt that sold it.
    sold_line: Option<u32>,
    /// The order's own identifier of the line.
    line_item: Option<String>,
    /// The item, where the receipt's line is not named.
    sku: Option<String>,
    quantity: Decimal,
}

/// An order as it stands in Shopify.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::connectors::shopify) struct Standing {
    /// Its global identifier.
    pub(in crate::connectors::shopify) id: String,
    /// Its name.
    pub(in crate::connectors::shopify) name: String,
    /// Its lines.
    pub(in crate::connectors::shopify) lines: Vec<StandingLine>,
    /// Its payments.
    pub(in crate::connectors::shopify) payments: Vec<StandingPayment>,
}

/// A line of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::connectors::shopify) struct StandingLine {
    /// Its global identifier.
    pub(in crate::connectors::shopify) id: String,
    /// Its SKU.
    pub(in crate::connectors::shopify) sku: Option<String>,
    /// How many can still be refunded.
    pub(in crate::connectors::shopify) refundable: i64,
    /// The POS's number of the line.
    pub(in crate::connectors::shopify) line: Option<u32>,
    /// The exact quantity, where it is one piece at Shopify.
    pub(in crate::connectors::shopify) measured: Option<Decimal>,
}

/// A payment of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::connectors::shopify) struct StandingPayment {
    /// Its global identifier.
    pub(in crate::connectors::shopify) id: String,
    /// How it was paid.
    pub(in crate::connectors::shopify) gateway: String,
    /// What was not paid back yet, in minor units.
    pub(in crate::connectors::shopify) left: i64,
}

/// What came back, by the order that it was sold in, in the order of first appearance.
pub(in crate::connectors::shopify) fn groups(transaction: &Transaction) -> Vec<Group> {
    if transaction.is_bare_post_void() {
        return vec![Group { origin: Origin::Nothing, amount: 0, lines: Vec::new() }];
    }
    let mut groups: Vec<Group> = Vec::new();
    for priced in Side::of(transaction, Direction::In).lines {
        let Some((origin, back)) = back(transaction, priced.line) else { continue };
        match groups.iter_mut().find(|group| group.origin == origin) {
            Some(group) => {
                group.amount += priced.gross;
                group.lines.push(back);
            }
            None => groups.push(Group { origin, amount: priced.gross, lines: vec![back] }),
        }
    }
    groups
}

/// Whether a refund takes the line back; else nobody can place it.
pub(super) fn is_placed(transaction: &Transaction, line: &Line) -> bool {
    back(transaction, line).is_some()
}

/// Where a line was sold; nothing for a return that nobody can place.
fn back(transaction: &Transaction, line: &Line) -> Option<(Origin, Back)> {
    let sku = line.item.as_ref().and_then(|item| item.sku.as_ref());
    let mut back = Back {
        number: line.line,
        sold_line: None,
        line_item: None,
        sku: sku.map(|sku| sku.as_str().to_owned()),
        quantity: line.quantity.value(),
    };
    let sale = |reference| Origin::Receipt(of_reference(reference, TransactionKind::Sale));
    // A post void repeats the lines of what it undoes under their own numbers.
    let undone = transaction.original.as_ref();
    let undone = undone.filter(|_| transaction.kind == TransactionKind::PostVoid);
    match (&line.original, undone) {
        (_, Some(reference)) => {
            back.sold_line = Some(line.line);
            Some((sale(reference), back))
        }
        (Some(Original::Receipt(reference)), None) => {
            back.sold_line = reference.line;
            Some((sale(reference), back))
        }
        (Some(Original::Order { order, line_item }), None) => {
            back.line_item = line_item.as_ref().map(Code::as_str).map(str::to_owned);
            Some((Origin::Order { name: order.as_str().to_owned() }, back))
        }
        (Some(Original::Blind(_)) | None, None) => None,
    }
}

/// The note by which a refund is found again: for people, with the delivery key in brackets.
pub(in crate::connectors::shopify) fn note(transaction: &Transaction, key: Uuid) -> String {
    let t = transaction;
    format!(
        "Receipt {}, register {}, store {}, {} {}",
        t.receipt,
        t.register,
        t.store,
        t.business_date,
        note_key(key)
    )
}

/// The part of a note that names the delivery.
pub(in crate::connectors::shopify) fn note_key(key: Uuid) -> String {
    format!("[{key}]")
}

/// The `input` of `refundCreate`.
pub(in crate::connectors::shopify) fn input(
    event: &Event,
    transaction: &Transaction,
    group: &Group,
    order: &Standing,
    key: Uuid,
    wording: &Wording,
) -> Result<Value, Unfit> {
    if group.origin == Origin::Nothing {
        let reason = "the post void names a receipt and carries no lines, and that receipt was not \
                      in the store's journal: refund the order by hand";
        return Err((ExceptionClass::MissingOriginal, reason.to_owned()));
    }
    require_balance(transaction)?;
    let mut left: Vec<i64> = order.lines.iter().map(|line| line.refundable).collect();
    let mut lines = Vec::new();
    for back in &group.lines {
        for (index, quantity) in take(back, order, &mut left)? {
            lines.push(json!({
                "lineItemId": order.lines[index].id, "quantity": quantity,
                "restockType": "NO_RESTOCK",
            }));
        }
    }
    Ok(json!({
        "orderId": order.id,
        "currency": transaction.currency.code(),
        "note": note(transaction, key),
        "notify": false,
        "processedAt": event.occurred_at().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "allowOverRefunding": false,
        "refundLineItems": lines,
        "transactions": transactions(transaction, group, order, wording)?,
    }))
}

/// The lines of the order that a line which came back was sold as, with how many of each.
fn take(back: &Back, order: &Standing, left: &mut [i64]) -> Result<Vec<(usize, i64)>, Unfit> {
    let sold: Vec<usize> =
        (0..order.lines.len()).filter(|index| is_sold_as(back, &order.lines[*index])).collect();
    if sold.is_empty() {
        let reason = format!(
            "line {} comes back from order {}, which has no such line",
            back.number, order.name
        );
        return Err((ExceptionClass::MissingOriginal, reason));
    }
    if let Some(measured) = sold.iter().find_map(|index| order.lines[*index].measured)
        && back.quantity < measured
    {
        // Part of a weighed line is money alone: Shopify holds it as one piece.
        return Ok(Vec::new());
    }
    let is_measured = sold.iter().any(|index| order.lines[*index].measured.is_some());
    let wanted = if is_measured { Some(1) } else { back.quantity.to_i64() };
    let wanted = wanted.filter(|_| is_measured || back.quantity.fract().is_zero());
    // A part of a piece is money alone as well.
    let Some(mut open) = wanted else { return Ok(Vec::new()) };
    let mut taken = Vec::new();
    for index in sold {
        let quantity = open.min(left[index]);
        if quantity > 0 {
            left[index] -= quantity;
            open -= quantity;
            taken.push((index, quantity));
        }
    }
    if open > 0 {
        let reason = format!(
            "line {} brings back {} of an item of which order {} has {} left to refund",
            back.number,
            back.quantity.normalize(),
            order.name,
            taken.iter().map(|(_, quantity)| quantity).sum::<i64>()
        );
        return Err((ExceptionClass::OverReturn, reason));
    }
    Ok(taken)
}

fn is_sold_as(back: &Back, line: &StandingLine) -> bool {
    match (&back.line_item, back.sold_line) {
        (Some(id), _) => line.id == *id,
        (None, Some(number)) => line.line == Some(number),
        (None, None) => back.sku.is_some() && line.sku == back.sku,
    }
}

/// The money: first against payments of the gateways that the POS paid back through, then against
/// whatever else paid for the order.
fn transactions(
    transaction: &Transaction,
    group: &Group,
    order: &Standing,
    wording: &Wording,
) -> Result<Value, Unfit> {
    let paid_back = payments::paid_back(transaction, wording);
    let mut parents: Vec<&StandingPayment> = order.payments.iter().collect();
    let rank = |payment: &StandingPayment| {
        let place = paid_back.iter().position(|(gateway, _)| *gateway == payment.gateway);
        place.unwrap_or(paid_back.len())
    };
    parents.sort_by_key(|payment| rank(payment));
    let mut open = group.amount;
    let mut transactions = Vec::new();
    for parent in parents {
        let amount = open.min(parent.left);
        if amount > 0 {
            open -= amount;
            transactions.push(json!({
                "orderId": order.id, "parentId": parent.id, "kind": "REFUND",
                "gateway": parent.gateway,
                "amount": Money::new(amount, transaction.currency).decimal(),
            }));
        }
    }
    if open > 0 {
        let money = |minor| Money::new(minor, transaction.currency);
        let reason = format!(
            "{} comes back, order {} has {} of its payments left to refund",
            money(group.amount),
            order.name,
            money(group.amount - open)
        );
        return Err((ExceptionClass::OverReturn, reason));
    }
    Ok(Value::Array(transactions))
}
