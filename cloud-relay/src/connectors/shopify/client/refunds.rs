//! Refunds: of the order that a sale became, found again by their note.
//!
//! `refundCreate` is idempotent for 24 h by its key; beyond that the note, which holds the delivery
//! key, tells whether a refund stands. Its user errors have no code, so they are told apart by
//! their recorded words. Does not restock.

use protocol::event::Transaction;
use protocol::money::{Currency, Money};
use serde_json::{Value, json};

use super::orders::{is_dated, next_key, not_ahead};
use super::{PAGES_MAX, Talk, exception, list, next_page, said, text, user_errors};
use crate::connectors::shopify::Shopify;
use crate::connectors::shopify::map::item::quoted;
use crate::connectors::shopify::map::refund::{
    self, Group, Origin, Standing, StandingLine, StandingPayment,
};
use crate::connectors::shopify::operations::{ORDER_FOR_REFUND, ORDERS_BY_NAME, REFUND_CREATE};
use crate::connectors::{Call, ExceptionClass, Found, TargetRef, Unanswered, Verdict};

/// An order with the refunds that stand on it.
struct Read {
    order: Standing,
    refunds: Vec<Value>,
}

impl Shopify {
    /// Creates the refund of a call.
    pub(in crate::connectors::shopify) async fn create_refund(
        &self,
        talk: &mut Talk<'_>,
        call: &Call,
        transaction: &Transaction,
    ) -> Result<Verdict, Verdict> {
        not_ahead(talk.now, call)?;
        let group = group(call, transaction)?;
        let read = match &group.origin {
            // Judged below, without an order.
            Origin::Nothing => Read { order: Standing::default(), refunds: Vec::new() },
            _ => match self.order_of(talk, call, &group, transaction.currency).await? {
                Some(read) => read,
                None => return Err(exception(not_there(&group))),
            },
        };
        let Read { order, refunds } = read;
        let wanted = Money::new(group.amount, transaction.currency);
        if let Some(stands) = with_note(&refunds, call) {
            return Ok(stood_before(judge(stands, &order.name, call, wanted)));
        }
        let input =
            refund::input(&call.event, transaction, &group, &order, call.key, &self.wording)
                .map_err(exception)?;
        let mut key = call.key;
        for is_last in [false, true] {
            let variables = json!({ "input": input, "key": key.to_string() });
            let payload = talk.apply(REFUND_CREATE, &variables).await?;
            if let Some(created) = payload.get("refund").filter(|refund| !refund.is_null()) {
                return Ok(judge(created, &order.name, call, wanted));
            }
            let errors = user_errors(&payload);
            let words = said(&errors);
            let has = |part: &str| errors.iter().any(|error| error.message.contains(part));
            let concerns_key = has("idempotency key");
            if concerns_key && !is_last {
                // An earlier attempt under this key failed for good, or asked for something else;
                // no refund came of it, as its note shows, and a new attempt needs a new key.
                key = next_key(call.key, call.deadline);
                continue;
            }
            if errors.is_empty() || concerns_key || has("in progress") {
                let reason = format!("Shopify answers no refund: {words}");
                return Err(Verdict::Unknown { reason });
            }
            return Err(refused(&errors, &words));
        }
        Err(Verdict::Unknown { reason: "Shopify answers no refund".to_owned() })
    }

    /// Looks for the refund of a call.
    pub(in crate::connectors::shopify) async fn find_refund(
        &self,
        talk: &mut Talk<'_>,
        call: &Call,
        transaction: &Transaction,
    ) -> Result<Found, Unanswered> {
        let Some(group) = nth_group(call, transaction) else { return Ok(Found::None) };
        let Some(read) = self.order_of(talk, call, &group, transaction.currency).await? else {
            return Ok(Found::None);
        };
        let found = with_note(&read.refunds, call);
        Ok(found.map_or(Found::None, |found| Found::Posted(reference(found, &read.order.name))))
    }

    /// Reads a refund back and compares it.
    pub(in crate::connectors::shopify) async fn verify_refund(
        &self,
        talk: &mut Talk<'_>,
        call: &Call,
        transaction: &Transaction,
        found: &TargetRef,
    ) -> Result<Verdict, Verdict> {
        let group = group(call, transaction)?;
        let read = self.order_of(talk, call, &group, transaction.currency).await?;
        let Some(Read { order, refunds }) = read else {
            return Err(exception(not_there(&group)));
        };
        let same: Vec<&Value> = noted(&refunds, call).collect();
        if let [_, _, ..] = same.as_slice() {
            let reason = format!(
                "{} refunds of order {} stand for one receipt: settle it with the customer, then \
                 resolve this",
                same.len(),
                order.name
            );
            return Err(Verdict::Exception { class: ExceptionClass::Rejected, reason });
        }
        match refunds.iter().find(|refund| text(refund, "/id") == found.id) {
            Some(refund) => {
                Ok(judge(refund, &order.name, call, Money::new(group.amount, transaction.currency)))
            }
            None => Err(Verdict::Unknown {
                reason: format!("{} was found and cannot be read", found.name),
            }),
        }
    }

    /// The order that goods came back from; nothing if Shopify does not show it.
    async fn order_of(
        &self,
        talk: &mut Talk<'_>,
        call: &Call,
        group: &Group,
        currency: Currency,
    ) -> Result<Option<Read>, Unanswered> {
        let id = match &group.origin {
            Origin::Nothing => None,
            Origin::Receipt(natural_key) => {
                let original = call.originals.iter().find(|o| o.natural_key == *natural_key);
                original.map(|original| original.reference.id.clone())
            }
            Origin::Order { name } => {
                let query = format!("name:{}", quoted(name));
                let data = talk.read(ORDERS_BY_NAME, &json!({ "query": query })).await?;
                let orders = list(&data, "/orders/nodes").iter();
                let mut same = orders.filter(|order| text(order, "/name") == name);
                // Names are not unique; of two orders nobody knows which one was meant.
                let first = same.next().map(|order| text(order, "/id").to_owned());
                first.filter(|_| same.next().is_none())
            }
        };
        match id {
            Some(id) => read_order(talk, &id, currency).await,
            None => Ok(None),
        }
    }
}

fn nth_group(call: &Call, transaction: &Transaction) -> Option<Group> {
    let part = usize::try_from(call.planned.part).ok()?;
    refund::groups(transaction).into_iter().nth(part)
}

fn group(call: &Call, transaction: &Transaction) -> Result<Group, Verdict> {
    nth_group(call, transaction).ok_or_else(|| {
        let reason = "the event brings nothing back that this document could refund".to_owned();
        Verdict::Exception { class: ExceptionClass::Rejected, reason }
    })
}

fn not_there(group: &Group) -> (ExceptionClass, String) {
    let what = match &group.origin {
        Origin::Receipt(natural_key) => natural_key.as_str(),
        Origin::Order { name } => name.as_str(),
        Origin::Nothing => "a receipt",
    };
    let reason = format!(
        "the order of {what} is not shown by Shopify, or not by it alone: orders older than 60 \
         days need the scope read_all_orders"
    );
    (ExceptionClass::MissingOriginal, reason)
}

async fn read_order(
    talk: &mut Talk<'_>,
    id: &str,
    currency: Currency,
) -> Result<Option<Read>, Unanswered> {
    let mut after = Value::Null;
    let mut read: Option<Read> = None;
    for _ in 0..PAGES_MAX {
        let data = talk.read(ORDER_FOR_REFUND, &json!({ "id": id, "after": after })).await?;
        let Some(order) = data.get("order").filter(|order| !order.is_null()) else {
            return Ok(None);
        };
        let read = read.get_or_insert_with(|| Read {
            order: Standing {
                id: text(order, "/id").to_owned(),
                name: text(order, "/name").to_owned(),
                lines: Vec::new(),
                payments: payments(order, currency),
            },
            refunds: list(order, "/refunds").to_vec(),
        });
        let lines = order.get("lineItems").unwrap_or(&Value::Null);
        read.order.lines.extend(list(lines, "/nodes").iter().map(line));
        match next_page(lines) {
            Some(cursor) => after = json!(cursor),
            None => break,
        }
    }
    Ok(read)
}

fn line(node: &Value) -> StandingLine {
    let property = |name: &str| {
        let properties = list(node, "/customAttributes").iter();
        let mut named = properties.filter(|property| text(property, "/key") == name);
        named.next().map(|property| text(property, "/value"))
    };
    let measured = property("quantity").and_then(|value| value.split(' ').next());
    StandingLine {
        id: text(node, "/id").to_owned(),
        sku: node.get("sku").and_then(Value::as_str).map(str::to_owned),
        refundable: node.get("refundableQuantity").and_then(Value::as_i64).unwrap_or_default(),
        line: property("line").and_then(|number| number.parse().ok()),
        measured: measured.and_then(|number| number.parse().ok()),
    }
}

/// The payments of an order with what was not paid back yet.
fn payments(order: &Value, currency: Currency) -> Vec<StandingPayment> {
    let minor = |transaction: &Value| {
        let amount = text(transaction, "/amountSet/shopMoney/amount");
        Money::from_decimal(amount, currency).map_or(0, |money| money.minor)
    };
    let succeeded: Vec<&Value> = list(order, "/transactions")
        .iter()
        .filter(|transaction| text(transaction, "/status") == "SUCCESS")
        .collect();
    let is_payment =
        |transaction: &&&Value| matches!(text(transaction, "/kind"), "SALE" | "CAPTURE");
    let payment = |paid: &&Value| {
        let id = text(paid, "/id");
        let refunds = succeeded.iter().filter(|transaction| {
            text(transaction, "/kind") == "REFUND"
                && text(transaction, "/parentTransaction/id") == id
        });
        StandingPayment {
            id: id.to_owned(),
            gateway: text(paid, "/gateway").to_owned(),
            left: minor(paid) - refunds.map(|refund| minor(refund)).sum::<i64>(),
        }
    };
    succeeded.iter().filter(is_payment).map(payment).collect()
}

/// The refunds whose note holds the delivery key.
fn noted<'a>(refunds: &'a [Value], call: &Call) -> impl Iterator<Item = &'a Value> {
    let key = refund::note_key(call.key);
    refunds.iter().filter(move |refund| text(refund, "/note").ends_with(&key))
}

fn with_note<'a>(refunds: &'a [Value], call: &Call) -> Option<&'a Value> {
    noted(refunds, call).next()
}

fn reference(refund: &Value, order: &str) -> TargetRef {
    TargetRef {
        id: text(refund, "/id").to_owned(),
        name: format!("refund of {order}"),
        detail: Value::Null,
    }
}

/// Compares a refund with what it has to be.
fn judge(refund: &Value, order: &str, call: &Call, wanted: Money) -> Verdict {
    let amount = text(refund, "/totalRefundedSet/shopMoney/amount");
    if Money::from_decimal(amount, wanted.currency) != Ok(wanted) {
        let reason =
            format!("the refund of order {order} stands with {amount}, the receipt's is {wanted}");
        return Verdict::Exception { class: ExceptionClass::Unbalanced, reason };
    }
    let stated = text(refund, "/processedAt");
    if !is_dated(stated, call) {
        let back_at = call.event.occurred_at();
        let reason =
            format!("the refund of order {order} is dated {stated}, the return was at {back_at}");
        return Verdict::Exception { class: ExceptionClass::MovedDate, reason };
    }
    Verdict::Done(reference(refund, order))
}

/// The verdict on something that was found before anything was sent.
fn stood_before(verdict: Verdict) -> Verdict {
    match verdict {
        Verdict::Done(reference) => Verdict::AlreadyDone(reference),
        verdict => verdict,
    }
}

/// What a refusal means, by the words recorded in `refund-create-user-errors-and-quantities`.
fn refused(errors: &[super::UserError], words: &str) -> Verdict {
    let has = |part: &str| errors.iter().any(|error| error.message.contains(part));
    let class = if has("cannot refund more items") || has("is greater than net payment") {
        ExceptionClass::OverReturn
    } else if has("Order does not exist") {
        ExceptionClass::MissingOriginal
    } else {
        ExceptionClass::Rejected
    };
    Verdict::Exception { class, reason: format!("Shopify refuses the refund: {words}") }
}
