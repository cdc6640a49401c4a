//! What a document has to say when it is read back: moment, total, payments, quantities.
//!
//! Reads ERPNext's documents and compares; whatever the answer to a request was, only this counts.
//! Sends nothing.

use std::collections::BTreeMap;

use protocol::money::{Currency, Money};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::Unfit;
use super::amounts::{decimal, minor};
use super::moment::Moment;
use super::settlement::Paid;
use crate::connectors::ExceptionClass;

/// What has to be read back.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::connectors::erpnext) struct Expected {
    /// When it counts.
    pub(super) moment: Moment,
    /// The rest, by kind of document.
    pub(super) content: Content,
}

/// What a document is about.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Content {
    /// An invoice.
    Invoice(Figures),
    /// A stock entry: every row.
    Entry(Vec<Moved>),
    /// A stock reconciliation: ERPNext drops rows that change nothing.
    Count(Vec<Moved>),
}

/// The figures of an invoice, signed as ERPNext signs them: a return's are negative.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Figures {
    /// The currency of all of them.
    pub(super) currency: Currency,
    /// The total.
    pub(super) total: i64,
    /// How it is paid, none negative.
    pub(super) paid: Paid,
    /// Whether amounts are negative there.
    pub(super) is_return: bool,
    /// The POS's line numbers, in the order of the rows.
    pub(super) lines: Vec<u32>,
}

/// A row of a stock document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Moved {
    /// The item.
    pub(super) item: String,
    /// How much, never negative.
    pub(super) quantity: Decimal,
}

impl Expected {
    /// Compares a document as ERPNext shows it; `name` is for the message.
    pub(in crate::connectors::erpnext) fn compare(&self, shown: &Value) -> Result<(), Unfit> {
        let text = |field: &str| shown[field].as_str().unwrap_or_default();
        let name = text("name");
        let (date, time) = (text("posting_date"), text("posting_time"));
        if !self.moment.is(date, time) {
            let reason = format!("{name} is dated {date} {time}, it happened at {}", self.moment);
            return Err((ExceptionClass::MovedDate, reason));
        }
        match &self.content {
            Content::Invoice(figures) => figures.compare(name, shown),
            Content::Entry(rows) => {
                let is_same = moved(shown).as_ref() == Some(rows);
                is_same.then_some(()).ok_or_else(|| other_quantities(name))
            }
            Content::Count(rows) => {
                let shown = moved(shown).unwrap_or_default();
                let are_ours = !shown.is_empty() && shown.iter().all(|row| rows.contains(row));
                are_ours.then_some(()).ok_or_else(|| other_quantities(name))
            }
        }
    }

    /// What a later return needs to know of an invoice: which row each line of the receipt is.
    pub(in crate::connectors::erpnext) fn detail(&self, shown: &Value) -> Value {
        let Content::Invoice(figures) = &self.content else { return Value::Null };
        let rows = shown["items"].as_array().map(Vec::as_slice).unwrap_or_default();
        let rows: Vec<Value> = figures
            .lines
            .iter()
            .zip(rows)
            .map(|(line, row)| {
                json!({ "line": line, "name": row["name"], "item": row["item_code"],
                    "rate": row["rate"] })
            })
            .collect();
        json!({ "customer": shown["customer"], "rows": rows })
    }
}

impl Figures {
    fn compare(&self, name: &str, shown: &Value) -> Result<(), Unfit> {
        let money = |amount| Money::new(amount, self.currency);
        let unbalanced = |reason: String| Err((ExceptionClass::Unbalanced, reason));
        let amount = |field: &str| minor(&shown[field], self.currency);
        let rounded = amount("rounded_total").filter(|total| *total != 0);
        let total = rounded.or_else(|| amount("grand_total"));
        let currency = shown["currency"].as_str().unwrap_or_default();
        if total != Some(self.total) || currency != self.currency.code() {
            let stated = &shown["grand_total"];
            let wanted = money(self.total);
            return unbalanced(format!(
                "{name} shows {stated} {currency}, the receipt's is {wanted}"
            ));
        }
        let (wanted, found) = (self.payments(), payments(shown, self.currency));
        if found.as_ref() != Some(&wanted) {
            let words = |payments: &BTreeMap<String, i64>| {
                let rows = payments.iter().map(|(mode, paid)| format!("{mode} {}", money(*paid)));
                rows.collect::<Vec<_>>().join(", ")
            };
            let found = found.as_ref().map(words).unwrap_or_default();
            let wanted = words(&wanted);
            return unbalanced(format!("{name} is paid by {found}, the receipt by {wanted}"));
        }
        if amount("change_amount") != Some(self.paid.change) {
            let (stated, wanted) = (&shown["change_amount"], money(self.paid.change));
            return unbalanced(format!("{name} gives {stated} change, the receipt {wanted}"));
        }
        match amount("outstanding_amount") {
            Some(0) => Ok(()),
            _ => {
                let open = &shown["outstanding_amount"];
                unbalanced(format!("{open} of {name} is outstanding; the receipt is paid"))
            }
        }
    }

    /// Payments by mode, signed, without those of nothing.
    fn payments(&self) -> BTreeMap<String, i64> {
        let sign = if self.is_return { -1 } else { 1 };
        let rows = self.paid.rows.iter().filter(|(_, amount)| *amount != 0);
        rows.map(|(mode, amount)| (mode.clone(), sign * amount)).collect()
    }
}

fn payments(shown: &Value, currency: Currency) -> Option<BTreeMap<String, i64>> {
    let mut payments: BTreeMap<String, i64> = BTreeMap::new();
    for row in shown["payments"].as_array().into_iter().flatten() {
        let mode = row["mode_of_payment"].as_str()?.to_owned();
        *payments.entry(mode).or_default() += minor(&row["amount"], currency)?;
    }
    payments.retain(|_, amount| *amount != 0);
    Some(payments)
}

fn moved(shown: &Value) -> Option<Vec<Moved>> {
    let rows = shown["items"].as_array()?.iter().map(|row| {
        let item = row["item_code"].as_str()?.to_owned();
        Some(Moved { item, quantity: decimal(&row["qty"])?.normalize() })
    });
    rows.collect()
}

fn other_quantities(name: &str) -> Unfit {
    let reason = format!("{name} shows other items or quantities than the store's document");
    (ExceptionClass::Rejected, reason)
}
