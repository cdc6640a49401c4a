//! What follows from what a source states, where the model needs it and the source leaves it out.
//!
//! Nothing that is stated is changed. Amounts in minor units; what overflows is refused.

use protocol::decimal::PLACES_MAX;
use protocol::money::Currency;
use protocol::problem::{Code, Problem};
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Map, Value, json};

use super::document::Receipt;
use super::part::Made;
use super::settings::Sum;
use super::{Fault, Row};
use crate::inputs::reading::number::minor;

/// Objects of which a source often fills a part only, and the fields without one of which they say
/// nothing.
const NAMED_BY: &[(&str, &[&str])] = &[
    ("item", &["sku", "gtin", "scanned"]),
    ("original", &["receipt", "order", "blind"]),
    ("override", &["reason"]),
    ("exemption", &["reason"]),
    ("ageCheck", &["result"]),
    ("foreign", &["amount"]),
    ("storedValue", &["token"]),
];

/// Completes a receipt.
pub(super) fn complete(receipt: &mut Receipt<'_>, rows: &[Row]) -> Result<(), Fault> {
    let currency = receipt.currency;
    for (index, line) in receipt.lines.iter_mut().enumerate() {
        number(&mut line.fields, "line", index);
        figures(line, currency)?;
    }
    let total = total(receipt).ok_or_else(|| {
        let detail = "`total` is needed, and the source says nothing of it";
        refused(rows, detail, "name its column, or say `total = { sum = \"lines\" }`")
    })?;
    rest(receipt, total).ok_or_else(|| beyond(rows))?;
    for (index, tender) in receipt.tenders.iter_mut().enumerate() {
        number(&mut tender.fields, "tender", index);
        purpose(&mut tender.fields, total);
    }
    state_total(&mut receipt.body, total);
    state_kind(receipt, total);
    let (store, register) =
        (receipt.body.get("store").cloned(), receipt.body.get("register").cloned());
    let parts = receipt.lines.iter_mut().chain(&mut receipt.tenders);
    let parts = parts.chain(&mut receipt.taxes).map(|made| &mut made.fields);
    for fields in parts.chain([&mut receipt.body]) {
        drop_what_says_nothing(fields);
        if let Some(original) = fields.get_mut("original").and_then(Value::as_object_mut)
            && original.contains_key("receipt")
        {
            for (name, own) in [("store", &store), ("register", &register)] {
                if let Some(own) = own {
                    original.entry(name).or_insert_with(|| own.clone());
                }
            }
        }
    }
    Ok(())
}

fn refused(rows: &[Row], detail: &str, next: &str) -> Fault {
    let problem = Problem::new(Code::UnreadableDocument, detail).next(next);
    let row = rows.first().map_or(0, |row| row.number);
    Fault { row, column: String::new(), problem }
}

fn beyond(rows: &[Row]) -> Fault {
    refused(rows, "the sum of the amounts is beyond what can be kept", "see the amounts")
}

fn number(fields: &mut Map<String, Value>, name: &str, index: usize) {
    fields.entry(name).or_insert_with(|| json!(index + 1));
}

/// The price, the amount before and the amount after the discounts: what is missing follows from
/// the others.
fn figures(line: &mut Made<'_>, currency: Currency) -> Result<(), Fault> {
    let discounts = sum(line.fields.get("discounts"), |_| true);
    let (extended, total) = (amount(&line.fields, "extended"), amount(&line.fields, "total"));
    let extended = match (extended, total) {
        (Some(extended), _) => Some(extended),
        (None, Some(total)) => total.checked_add(discounts),
        (None, None) => priced(&line.fields, currency),
    };
    let Some(extended) = extended else {
        let detail = "a line needs its amount or its price, and the source says neither";
        let next = "name the column of `total`, `extended` or `unitPrice`";
        let problem = Problem::new(Code::UnreadableDocument, detail).next(next);
        return Err(Fault { row: line.row, column: String::new(), problem });
    };
    line.fields.insert("extended".to_owned(), extended.into());
    // More off than there is: the line's own equation shows it.
    let total = total.unwrap_or_else(|| extended.saturating_sub(discounts).max(0));
    line.fields.insert("total".to_owned(), total.into());
    if !line.fields.contains_key("unitPrice") {
        let price = unit_price(extended, decimal(&line.fields, "quantity"), currency);
        line.fields.insert("unitPrice".to_owned(), price.to_string().into());
    }
    Ok(())
}

/// Quantity times price, rounded to the currency as receipts are.
fn priced(fields: &Map<String, Value>, currency: Currency) -> Option<i64> {
    let (quantity, price) = (decimal(fields, "quantity")?, decimal(fields, "unitPrice")?);
    minor(quantity.checked_mul(price)?, currency).map(|minor| minor.units)
}

fn unit_price(extended: i64, quantity: Option<Decimal>, currency: Currency) -> Decimal {
    let amount = Decimal::new(extended, u32::from(currency.exponent()));
    let price = quantity.and_then(|quantity| amount.checked_div(quantity)).unwrap_or_default();
    let strategy = RoundingStrategy::MidpointNearestEven;
    price.round_dp_with_strategy(PLACES_MAX, strategy).normalize()
}

/// The total, as it is stated or as the mapping lets it follow.
fn total(receipt: &Receipt<'_>) -> Option<i64> {
    match receipt.total_sum {
        None => stated_total(receipt),
        Some(Sum::Lines) => lines_total(receipt),
        Some(Sum::Tenders | Sum::Rest) => paid(&receipt.tenders),
    }
}

/// The total as stated. A source that writes no signs says by other means that it is paid out.
fn stated_total(receipt: &Receipt<'_>) -> Option<i64> {
    let direction = receipt.body.get("total").and_then(|total| total.get("direction"));
    let total = receipt.total?;
    let is_paid_out = direction.is_some_and(|direction| direction == "out");
    Some(if is_paid_out { -total.abs() } else { total })
}

/// The equation of a transaction: lines, less discounts, with taxes that are not included.
fn lines_total(receipt: &Receipt<'_>) -> Option<i64> {
    let added = |tax: &Value| tax.get("included") != Some(&Value::Bool(true));
    let mut total = receipt.body.get("rounding").and_then(Value::as_i64).unwrap_or(0);
    let counts = |line: &&Made<'_>| {
        line.fields.get("void") != Some(&Value::Bool(true)) && !line.fields.contains_key("fulfil")
    };
    for line in receipt.lines.iter().filter(counts) {
        let mut goods = amount(&line.fields, "total")?;
        if receipt.taxes.is_empty() {
            goods = goods.checked_add(sum(line.fields.get("taxes"), added))?;
        }
        total = toward(total, goods, line.flipped)?;
    }
    for discount in &receipt.discounts {
        total = toward(total, amount(&discount.fields, "amount")?, !discount.flipped)?;
    }
    for tax in &receipt.taxes {
        if tax.fields.get("included") != Some(&Value::Bool(true)) {
            total = toward(total, amount(&tax.fields, "amount")?, tax.flipped)?;
        }
    }
    Some(total)
}

fn paid(tenders: &[Made<'_>]) -> Option<i64> {
    let mut paid = 0;
    let counts = |tender: &&Made<'_>| {
        !tender.takes_the_rest && tender.fields.get("purpose") != Some(&json!("declined"))
    };
    for tender in tenders.iter().filter(counts) {
        paid = toward(paid, amount(&tender.fields, "amount")?, tender.flipped)?;
    }
    Some(paid)
}

/// Gives what the stated tenders leave to the one that takes the rest; where they leave nothing
/// there is none.
fn rest(receipt: &mut Receipt<'_>, total: i64) -> Option<()> {
    let left = total.checked_sub(paid(&receipt.tenders)?)?;
    let mut given = left == 0;
    receipt.tenders.retain_mut(|tender| {
        if !tender.takes_the_rest {
            return true;
        }
        // A mapping makes it in each row; one of them is enough.
        let takes = !std::mem::replace(&mut given, true);
        if takes {
            tender.fields.insert("amount".to_owned(), left.abs().into());
            let direction = if left < 0 { "out" } else { "in" };
            tender.fields.insert("direction".to_owned(), direction.into());
        }
        takes
    });
    Some(())
}

/// What money is for, where the source does not say: what comes is a payment; what goes is change
/// of a sale, else it is paid back.
fn purpose(fields: &mut Map<String, Value>, total: i64) {
    let goes = fields.get("direction") == Some(&json!("out"));
    let purpose = match (goes, total < 0) {
        (false, _) => "payment",
        (true, false) => "change",
        (true, true) => "refund",
    };
    fields.entry("purpose").or_insert_with(|| purpose.into());
}

fn state_total(body: &mut Map<String, Value>, total: i64) {
    let direction = if total < 0 { "out" } else { "in" };
    let total = json!({ "amount": total.saturating_abs(), "direction": direction });
    body.insert("total".to_owned(), total);
}

/// A receipt on which everything comes back is a return, where the source does not say.
fn state_kind(receipt: &mut Receipt<'_>, total: i64) {
    let all_back = !receipt.lines.is_empty() && receipt.lines.iter().all(|line| line.flipped);
    let kind = if all_back && total < 0 { "return" } else { "sale" };
    receipt.body.entry("kind").or_insert_with(|| kind.into());
}

fn drop_what_says_nothing(fields: &mut Map<String, Value>) {
    for (name, by) in NAMED_BY {
        let inner = fields.get(*name).and_then(Value::as_object);
        let says_nothing =
            inner.is_some_and(|inner| !by.iter().any(|field| inner.contains_key(*field)));
        if says_nothing {
            fields.remove(*name);
        }
    }
}

fn amount(fields: &Map<String, Value>, name: &str) -> Option<i64> {
    fields.get(name).and_then(Value::as_i64)
}

fn decimal(fields: &Map<String, Value>, name: &str) -> Option<Decimal> {
    fields.get(name)?.as_str()?.parse().ok()
}

/// The amounts of a list of discounts or taxes.
fn sum(list: Option<&Value>, counts: impl Fn(&Value) -> bool) -> i64 {
    let items = list.and_then(Value::as_array).into_iter().flatten();
    let amounts = items.filter(|item| counts(item)).filter_map(|item| item.get("amount")?.as_i64());
    amounts.fold(0, i64::saturating_add)
}

fn toward(total: i64, amount: i64, flipped: bool) -> Option<i64> {
    if flipped { total.checked_sub(amount) } else { total.checked_add(amount) }
}
