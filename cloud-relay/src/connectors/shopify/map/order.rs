//! A sale as the variables of `orderCreate`.
//!
//! Shopify computes the order's total from prices, quantities and taxes, so the prices are chosen
//! such that its total is the receipt's, to the minor unit: discounts are folded into the price, a
//! price that does not divide splits its line, and a weighed or measured quantity is one piece at
//! the line's price. Cash rounding and goods that came back are no part of an order's total; they
//! settle it as payments and stand in the `details` metafield. Names no customer.

use std::collections::BTreeMap;

use protocol::envelope::Event;
use protocol::event::{Direction, Line, LineKind, Tax, Tender, Transaction};
use protocol::money::{Currency, Money};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::basket::{Priced, Side, require_balance};
use super::item::ItemName;
use super::payments::{self, Payment, Settled};
use super::pieces::{Pieces, pieces};
use super::{DETAILS_FIELD, KEY_FIELD, Unfit, Wording, bag};
use crate::connectors::ExceptionClass;
use crate::connectors::shares::shares;
use crate::connectors::shopify::config::ItemKey;

/// The property of an order's line that holds the POS's line number.
pub(super) const LINE_PROPERTY: &str = "line";

/// The property that holds the exact quantity of a line that is one piece at Shopify.
pub(super) const QUANTITY_PROPERTY: &str = "quantity";

/// Characters of a title; Shopify cuts off what is longer.
const TITLE_CHARS_MAX: usize = 255;

/// What Shopify was asked for before.
#[derive(Debug, Clone, Default)]
pub(in crate::connectors::shopify) struct Known {
    /// The location's global identifier.
    pub(in crate::connectors::shopify) location: String,
    /// The variants of the items that Shopify knows, by name.
    pub(in crate::connectors::shopify) variants: BTreeMap<ItemName, String>,
}

/// What the order has to come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::connectors::shopify) struct Expected {
    /// The total.
    pub(in crate::connectors::shopify) total: Money,
    /// The sum of its payments.
    pub(in crate::connectors::shopify) paid: Money,
}

/// What the order of a transaction has to come to in Shopify.
pub(in crate::connectors::shopify) fn expected(
    transaction: &Transaction,
    wording: &Wording,
) -> Result<Expected, Unfit> {
    let settled = Settled::of(transaction);
    let payments = payments::of_order(transaction, settled, wording)?;
    let total = Side::of(transaction, Direction::Out).total();
    let paid = payments.iter().map(|(_, amount)| amount).sum();
    let money = |minor| Money::new(minor, transaction.currency);
    Ok(Expected { total: money(total), paid: money(paid) })
}

/// The names of the items that an order's lines are looked up by.
pub(in crate::connectors::shopify) fn item_names(
    transaction: &Transaction,
    key: ItemKey,
) -> Vec<ItemName> {
    let lines = transaction.lines.iter();
    let lines = lines.filter(|line| line.counts() && line.direction == Direction::Out);
    lines.filter_map(|line| ItemName::of(line.item.as_ref()?, key)).collect()
}

/// The variables of `orderCreate`.
pub(in crate::connectors::shopify) fn variables(
    event: &Event,
    transaction: &Transaction,
    key: Uuid,
    known: &Known,
    item_key: ItemKey,
    wording: &Wording,
) -> Result<Value, Unfit> {
    require_balance(transaction)?;
    let side = Side::of(transaction, Direction::Out);
    if let Some(line) = side.lines.iter().find(|line| line.price < 0) {
        let reason = format!(
            "line {} is reduced or taxed by more than it costs; Shopify knows no negative price, \
             so nothing was sent",
            line.line.line
        );
        return Err((ExceptionClass::Unbalanced, reason));
    }
    let settled = Settled::of(transaction);
    let payments = payments::of_order(transaction, settled, wording)?;
    let currency = transaction.currency;
    let processed_at = seconds(event);
    let lines: Vec<Value> = side
        .lines
        .iter()
        .flat_map(|line| line_items(line, &side, currency, known, item_key))
        .collect();
    let mut order = json!({
        "currency": currency.code(),
        "processedAt": processed_at,
        "sourceIdentifier": key.to_string(),
        "tags": wording.tags,
        "customAttributes": attributes(transaction),
        "metafields": [
            { "namespace": wording.namespace, "key": KEY_FIELD, "type": "id",
              "value": key.to_string() },
            { "namespace": wording.namespace, "key": DETAILS_FIELD, "type": "json",
              "value": details(event, transaction, settled).to_string() },
        ],
        "lineItems": lines,
        "taxesIncluded": side.taxes_included,
        "transactions": transactions(&payments, currency, &processed_at, &known.location),
        "fulfillment": { "locationId": known.location, "notifyCustomer": false },
    });
    if !side.taxes.is_empty() {
        let taxes = side.taxes.iter().map(|tax| tax_line(tax, tax.amount.minor(), currency));
        order["taxLines"] = taxes.collect();
    }
    if payments.is_empty() && side.total() == 0 {
        // Nothing was due, so no payment tells Shopify that it is settled.
        order["financialStatus"] = json!("PAID");
    }
    let options = json!({ "inventoryBehaviour": "BYPASS", "sendReceipt": false, "sendFulfillmentReceipt": false });
    Ok(json!({
        "order": order, "options": options, "namespace": wording.namespace, "key": KEY_FIELD
    }))
}

/// When it happened, to the second, as Shopify keeps it.
fn seconds(event: &Event) -> String {
    event.occurred_at().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn attributes(transaction: &Transaction) -> Value {
    let t = transaction;
    json!([
        { "key": "store", "value": t.store.as_str() },
        { "key": "register", "value": t.register.as_str() },
        { "key": "receipt", "value": t.receipt.as_str() },
        { "key": "businessDate", "value": t.business_date.to_string() },
        { "key": "kind", "value": t.kind.as_str() },
    ])
}

/// What an order cannot hold, so that its figures can be traced back to the receipt's.
fn details(event: &Event, transaction: &Transaction, settled: Settled) -> Value {
    let decimal = |minor| Money::new(minor, transaction.currency).decimal();
    let tenders = transaction.tenders.iter().filter(|tender| tender.counts());
    let mut details = json!({
        "naturalKey": event.natural_key(),
        "total": decimal(transaction.signed_total().minor),
        "rounding": decimal(transaction.rounding.minor()),
        "goodsBack": decimal(settled.goods),
        "tenders": tenders.map(|paid| tender(paid, transaction.currency)).collect::<Vec<_>>(),
    });
    if settled.prepayments != 0 {
        details["prepayments"] = json!(decimal(settled.prepayments));
    }
    let exemptions = exemptions(transaction);
    if !exemptions.is_empty() {
        details["exemptions"] = Value::Array(exemptions);
    }
    details
}

/// A tender as the POS took it: before change was taken off, and in the currency that was handed
/// over.
fn tender(tender: &Tender, currency: Currency) -> Value {
    let mut stated = json!({
        "tender": tender.tender, "kind": tender.kind, "purpose": tender.purpose,
        "direction": tender.direction,
        "amount": Money::new(tender.amount.minor(), currency).decimal(),
    });
    if let Some(foreign) = &tender.foreign {
        let handed_over = Money::new(foreign.amount.minor(), foreign.currency);
        stated["foreign"] = json!({
            "currency": foreign.currency, "amount": handed_over.decimal(), "rate": foreign.rate,
        });
    }
    stated
}

/// The taxes that were not levied, with why: an order states an amount of zero and no reason.
fn exemptions(transaction: &Transaction) -> Vec<Value> {
    let on_lines = transaction.lines.iter().filter(|line| line.counts());
    let on_lines =
        on_lines.flat_map(|line| line.taxes.iter().map(move |tax| (Some(line.line), tax)));
    let on_basket = transaction.taxes.iter().map(|tax| (None, tax));
    let exempt = |(line, tax): (Option<u32>, &Tax)| {
        let exemption = tax.exemption.as_ref()?;
        Some(json!({
            "line": line, "code": tax.code, "reason": exemption.reason,
            "certificate": exemption.certificate,
        }))
    };
    on_lines.chain(on_basket).filter_map(exempt).collect()
}

fn transactions(
    payments: &[Payment],
    currency: Currency,
    processed_at: &str,
    location: &str,
) -> Value {
    let transaction = |(gateway, amount): &Payment| {
        json!({
            "kind": "SALE", "status": "SUCCESS", "gateway": gateway,
            "amountSet": bag(*amount, currency), "processedAt": processed_at,
            "locationId": location,
        })
    };
    payments.iter().map(transaction).collect()
}

/// The one or two lines that one line of the POS becomes.
fn line_items(
    priced: &Priced<'_>,
    side: &Side<'_>,
    currency: Currency,
    known: &Known,
    item_key: ItemKey,
) -> Vec<Value> {
    let line = priced.line;
    let parts = match whole(line) {
        Some(count) => pieces(priced.price, count),
        None => vec![Pieces { count: 1, price: priced.price }],
    };
    let taxes = side.taxes_of(line);
    let weights: Vec<i64> = parts.iter().map(|part| part.total()).collect();
    let by_tax: Vec<Vec<i64>> =
        taxes.iter().map(|tax| shares(tax.amount.minor(), &weights)).collect();
    let item = |(index, part): (usize, &Pieces)| {
        let tax = |(tax, shares): (&Tax, &Vec<i64>)| tax_line(tax, shares[index], currency);
        let mut item = Map::new();
        item.insert("title".into(), title(line).into());
        if let Some(sku) = line.item.as_ref().and_then(|item| item.sku.as_ref()) {
            item.insert("sku".into(), sku.as_str().into());
        }
        let name = line.item.as_ref().and_then(|item| ItemName::of(item, item_key));
        if let Some(variant) = name.and_then(|name| known.variants.get(&name)) {
            item.insert("variantId".into(), variant.as_str().into());
        }
        item.insert("quantity".into(), part.count.into());
        item.insert("priceSet".into(), bag(part.price, currency));
        item.insert("requiresShipping".into(), false.into());
        item.insert("taxable".into(), is_taxable(line, side).into());
        item.insert("taxLines".into(), taxes.iter().zip(&by_tax).map(tax).collect());
        item.insert("properties".into(), properties(line));
        Value::Object(item)
    };
    parts.iter().enumerate().map(item).collect()
}

/// The number of pieces, if it is a whole number of pieces that Shopify can hold.
pub(super) fn whole(line: &Line) -> Option<i32> {
    let quantity = line.quantity.value();
    let count = if quantity.fract().is_zero() { quantity.to_i32() } else { None };
    count.filter(|count| *count > 0)
}

fn title(line: &Line) -> String {
    let item = line.item.as_ref();
    let description = item.and_then(|item| item.description.as_ref()).map(|text| text.as_str());
    let name = || item.and_then(|item| item.stock_name());
    let kind = match line.kind {
        LineKind::Item => "Item",
        LineKind::Service => "Service",
        LineKind::Fee => "Fee",
        LineKind::ContainerDeposit => "Deposit",
        LineKind::Prepayment => "Prepayment",
        LineKind::GiftCard => "Gift card",
        LineKind::Tip => "Tip",
        LineKind::Donation => "Donation",
    };
    let title = description.filter(|text| !text.is_empty()).or_else(name).unwrap_or(kind);
    title.chars().take(TITLE_CHARS_MAX).collect()
}

/// The taxes of the basket are spread by Shopify over the taxable lines; liabilities and gifts are
/// none.
fn is_taxable(line: &Line, side: &Side<'_>) -> bool {
    if side.taxes.is_empty() {
        return !line.taxes.is_empty();
    }
    !matches!(
        line.kind,
        LineKind::GiftCard | LineKind::Prepayment | LineKind::Tip | LineKind::Donation
    )
}

fn properties(line: &Line) -> Value {
    let mut properties = vec![json!({ "name": LINE_PROPERTY, "value": line.line.to_string() })];
    if whole(line).is_none() {
        let unit = line.unit.as_ref().map(|unit| format!(" {unit}")).unwrap_or_default();
        let value = format!("{}{unit}", line.quantity);
        properties.push(json!({ "name": QUANTITY_PROPERTY, "value": value }));
    }
    Value::Array(properties)
}

fn tax_line(tax: &Tax, amount: i64, currency: Currency) -> Value {
    let words = [tax.authority.as_ref(), tax.kind.as_ref(), Some(&tax.code)];
    let words: Vec<&str> = words.into_iter().flatten().map(|word| word.as_str()).collect();
    json!({ "title": words.join(" "), "rate": rate(tax), "priceSet": bag(amount, currency) })
}

/// The rate as a decimal of one, which Shopify requires: the POS's, else what tax and base say,
/// else zero.
fn rate(tax: &Tax) -> String {
    let stated = tax.rate.map(|rate| rate.value() / Decimal::ONE_HUNDRED);
    let derived = || {
        let base = Decimal::from(tax.base?.minor());
        Decimal::from(tax.amount.minor()).checked_div(base).map(|rate| rate.round_dp(4))
    };
    stated.or_else(derived).unwrap_or_default().normalize().to_string()
}
