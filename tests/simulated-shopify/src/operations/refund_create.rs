//! `refundCreate`: money back and, if asked for, goods back into stock.
//!
//! README, R42 to R47. The user errors have no code. Deliberately without duties, refund methods
//! and store credit.

use rust_decimal::Decimal;
use serde_json::Value;

use super::order_input::{gid, list, text};
use super::{Call, Payload, UserError};
use crate::ids::{Gid, Kind};
use crate::money::{Amount, decimal, in_sentence};
use crate::records::{Order, Refund, RefundLine, Transaction};
use crate::state::{OrderIndex, State};

pub(super) fn apply(state: &mut State, call: &Call<'_>, key: &str) -> Payload {
    let input = call.input("input");
    let order_id = text(&input, "orderId").unwrap_or_default();
    let Some(index) = state.ledger.index_of(&order_id) else {
        let errors = vec![UserError::at(&["orderId"], "Order does not exist")];
        return Payload::RefundCreate { order: None, refund: None, errors };
    };
    let mut errors = check_lines(state, state.ledger.at(index), &input);
    if errors.is_empty() {
        errors.extend(check_money(state.ledger.at(index), &input));
    }
    if !errors.is_empty() {
        // The order is answered beside the errors (README, R42).
        return Payload::RefundCreate { order: Some(index), refund: None, errors };
    }
    let refund = book(state, index, &input, call, key);
    Payload::RefundCreate { order: Some(index), refund: Some(refund), errors }
}

fn check_lines(state: &State, order: &Order, input: &Value) -> Vec<UserError> {
    let mut errors = Vec::new();
    let mut asked: Vec<(Gid, i64)> = Vec::new();
    for (index, line) in list(input, "refundLineItems").iter().enumerate() {
        let index = index.to_string();
        let at = |name: &'static str| ["refundLineItems", index.as_str(), name].map(str::to_owned);
        let mut refuse = |name: &'static str, message: &str| {
            let path = at(name);
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            errors.push(UserError::at(&path, message));
        };
        let quantity = line.get("quantity").and_then(Value::as_i64).unwrap_or(0);
        let wanted = gid(line, "lineItemId");
        let Some(known) = order.lines.iter().find(|known| Some(known.id) == wanted) else {
            refuse("lineItemId", "Line item does not exist");
            continue;
        };
        let before: i64 =
            asked.iter().filter(|(id, _)| *id == known.id).map(|(_, quantity)| quantity).sum();
        asked.push((known.id, quantity));
        if quantity < 1 {
            refuse("quantity", "Quantity must be greater than 0");
        } else if known.refunded + before + quantity > known.quantity {
            // Also where over-refunding is allowed (README, R43).
            refuse("quantity", "Quantity cannot refund more items than were purchased");
        }
        let restocks = matches!(text(line, "restockType").as_deref(), Some("RETURN" | "CANCEL"));
        let location = text(line, "locationId");
        if text(line, "restockType").as_deref() == Some("LEGACY_RESTOCK") {
            // README, R47.
            refuse("restockType", "Restock type is not included in the list");
        } else if restocks && location.is_none() && known.variant.is_some() {
            refuse("locationId", "Location can't be blank when restocking");
        } else if location.is_some_and(|location| state.location(&location).is_none()) {
            refuse("locationId", "Location does not exist");
        }
    }
    errors
}

fn check_money(order: &Order, input: &Value) -> Option<UserError> {
    let mut total = Decimal::ZERO;
    for transaction in list(input, "transactions") {
        let kind = text(transaction, "kind").unwrap_or_default();
        if kind != "REFUND" {
            // README, R45.
            let message = format!("Kind {} is not a valid transaction", kind.to_lowercase());
            return Some(UserError::at(&[], message));
        }
        let for_this_order = gid(transaction, "orderId") == Some(order.id);
        if !for_this_order || parent(order, transaction).is_none() {
            // README, R45.
            let message = "Transactions require a parent_id associated with the order";
            return Some(UserError::at(&["transactions"], message));
        }
        total += transaction.get("amount").and_then(decimal).unwrap_or_default();
    }
    let net = net_payment(order).presentment;
    if total > net {
        // Also where over-refunding is allowed (README, R44).
        let currency = &order.presentment_currency;
        let message = format!(
            "Refund amount {} is greater than net payment received {}",
            in_sentence(total, currency),
            in_sentence(net, currency)
        );
        return Some(UserError::at(&[], message));
    }
    None
}

fn parent<'o>(order: &'o Order, transaction: &Value) -> Option<&'o Transaction> {
    let id = gid(transaction, "parentId")?;
    order
        .transactions
        .iter()
        .find(|known| known.id == id && known.succeeded_as(&["SALE", "CAPTURE"]))
}

/// What was received, less change and less what went back.
pub(crate) fn net_payment(order: &Order) -> Amount {
    received(order) - refunded(order)
}

/// What was received, less the change that was given.
pub(crate) fn received(order: &Order) -> Amount {
    sum(order, &["SALE", "CAPTURE"]) - sum(order, &["CHANGE"])
}

/// What went back to the customer.
pub(crate) fn refunded(order: &Order) -> Amount {
    sum(order, &["REFUND"])
}

fn sum(order: &Order, kinds: &[&str]) -> Amount {
    let moved = order.transactions.iter().filter(|transaction| transaction.succeeded_as(kinds));
    moved.map(|transaction| transaction.amount).sum()
}

/// Books the refund; nothing can fail any more.
fn book(state: &mut State, index: OrderIndex, input: &Value, call: &Call<'_>, key: &str) -> usize {
    let now = call.now;
    let processed_at = text(input, "processedAt")
        .and_then(|stated| crate::time::read(&stated))
        .map_or(now, |stated| stated.min(now));
    let id = state.numbers.next(Kind::Refund);
    let transactions: Vec<Transaction> = list(input, "transactions")
        .iter()
        .filter_map(|asked| {
            let order = state.ledger.at(index);
            let parent = parent(order, asked)?;
            let presentment = asked.get("amount").and_then(decimal).unwrap_or_default();
            Some(Transaction {
                id: state.numbers.next(Kind::OrderTransaction),
                kind: "REFUND".to_owned(),
                status: "SUCCESS".to_owned(),
                // A wrong gateway is silently replaced (README, R46).
                gateway: parent.gateway.clone(),
                amount: Amount { shop: at_rate_of(parent.amount, presentment), presentment },
                parent: Some(parent.id),
                processed_at,
                location: None,
                test: parent.test,
            })
        })
        .collect();
    let lines = book_lines(state, index, input, call);
    let order = state.ledger.at_mut(index);
    let refund = Refund {
        id,
        note: text(input, "note"),
        created_at: now,
        processed_at,
        lines,
        shipping: shipping(order, input),
        transactions: transactions.iter().map(|transaction| transaction.id).collect(),
        total: transactions.iter().map(|transaction| transaction.amount).sum(),
        idempotency_key: key.to_owned(),
    };
    order.transactions.extend(transactions);
    order.refunds.push(refund);
    order.updated_at = now;
    let position = order.refunds.len() - 1;
    state.ledger.note_refund(id, index);
    position
}

/// What an amount in the customer's currency is in the shop's, at the rate of a payment (README,
/// R46).
fn at_rate_of(paid: Amount, presentment: Decimal) -> Decimal {
    if paid.presentment == paid.shop || paid.presentment.is_zero() {
        return presentment;
    }
    presentment * paid.shop / paid.presentment
}

/// `fullRefund`, or an amount in the customer's currency (README, R46).
fn shipping(order: &Order, input: &Value) -> Amount {
    let Some(asked) = input.get("shipping").filter(|asked| !asked.is_null()) else {
        return Amount::default();
    };
    if asked.get("fullRefund").and_then(Value::as_bool) == Some(true) {
        let before: Amount = order.refunds.iter().map(|refund| refund.shipping).sum();
        return (order.totals.shipping - before).floored();
    }
    Amount::same(asked.get("amount").and_then(decimal).unwrap_or_default())
}

fn book_lines(
    state: &mut State,
    index: OrderIndex,
    input: &Value,
    call: &Call<'_>,
) -> Vec<RefundLine> {
    let mut booked = Vec::new();
    for asked in list(input, "refundLineItems") {
        let id = state.numbers.next(Kind::RefundLineItem);
        let fulfilled = state.ledger.at(index).fulfillment.is_some();
        let wanted = gid(asked, "lineItemId");
        let order = state.ledger.at_mut(index);
        let Some(line) = order.lines.iter_mut().find(|line| Some(line.id) == wanted) else {
            continue;
        };
        let quantity = asked.get("quantity").and_then(Value::as_i64).unwrap_or(0);
        line.refunded += quantity;
        let count = Decimal::from(quantity);
        let refund_line = RefundLine {
            id,
            line: line.id,
            quantity,
            restock_type: text(asked, "restockType").unwrap_or_else(|| "NO_RESTOCK".to_owned()),
            location: gid(asked, "locationId"),
            subtotal: line.price.times(count),
            tax: line.tax().share(count, Decimal::from(line.quantity)),
        };
        let variant = line.variant;
        restock(state, &refund_line, variant, fulfilled, call);
        booked.push(refund_line);
    }
    booked
}

/// `RETURN` and `CANCEL` put goods back where the refund says; `CANCEL` of an unfulfilled line also
/// releases what was committed (README, R47).
fn restock(
    state: &mut State,
    line: &RefundLine,
    variant: Option<Gid>,
    fulfilled: bool,
    call: &Call<'_>,
) {
    let Some((item, location)) = variant
        .and_then(|id| state.variant(id))
        .filter(|variant| variant.tracked)
        .map(crate::setup::SetupVariant::item_gid)
        .zip(line.location)
    else {
        return;
    };
    let restocks = matches!(line.restock_type.as_str(), "RETURN" | "CANCEL");
    if !restocks {
        return;
    }
    state.stock.change(item, location, "available", line.quantity, call.now);
    let committed = state.stock.quantity(item, location, "committed");
    if line.restock_type == "CANCEL" && !fulfilled {
        let released = committed.min(line.quantity);
        state.stock.change(item, location, "committed", -released, call.now);
    }
}
