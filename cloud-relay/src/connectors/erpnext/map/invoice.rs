//! The body of a Sales Invoice: a POS invoice that is paid, or a credit note that is paid out.
//!
//! ERPNext computes every total from rows, so rows carry what a line costs without tax, and each
//! tax of the receipt is a row of the kind `Actual` with the POS's own amount. What quantity times
//! price misses of a line is a row of its own, and so is cash rounding: the total is the receipt's
//! to the minor unit, always. Refuses a receipt whose own figures do not add up.

use std::collections::BTreeMap;

use protocol::event::balance::unbalanced;
use protocol::event::{Line, Transaction};
use protocol::money::Money;
use protocol::record::Equation;
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::amounts::{minor, money, number, rate};
use super::basket::{Priced, TaxName};
use super::expected::{Content, Expected, Figures};
use super::groups::{Group, Origin, groups, sold_line};
use super::moment::Moment;
use super::settlement::{Paid, settle};
use super::{Action, Document, Unfit, key_text, remarks};
use crate::connectors::erpnext::config::{Settings, StockMover, Store};
use crate::connectors::{Call, ExceptionClass, TargetRef};

/// What the original invoice's row was sold as.
struct Sold {
    row: String,
    item: String,
    rate: i64,
}

/// One row, priced.
struct Row {
    body: Value,
    /// What ERPNext makes of quantity times price, in minor units.
    amount: i64,
}

/// What all rows of one invoice share.
pub(super) struct Frame<'a> {
    pub(super) transaction: &'a Transaction,
    pub(super) settings: &'a Settings,
    store: &'a Store,
    /// Where its stock moves.
    pub(super) place: &'a Store,
    /// The lines that move stock by the event's own rule.
    pub(super) moving: Vec<u32>,
    /// The invoice that a return refers to.
    original: Option<&'a TargetRef>,
    is_return: bool,
}

/// The invoice of a call.
pub(in crate::connectors::erpnext) fn document(
    call: &Call,
    transaction: &Transaction,
    settings: &Settings,
) -> Result<Document, Unfit> {
    require_balance(transaction)?;
    let groups = groups(transaction);
    let index = place_of(call, &groups)
        .ok_or_else(|| (ExceptionClass::Rejected, "the event has no such part".to_owned()))?;
    let group = &groups[index];
    let frame = frame(call, transaction, group, settings)?;
    let paid = settle(transaction, &groups, index, settings)?;
    let rows = group.lines.iter().map(|line| frame.row(line)).collect::<Result<Vec<_>, _>>()?;
    let moment = Moment::of_trading_day(transaction.business_date, call.event.time);
    let mut body = Map::new();
    frame.head(&mut body, call, moment);
    body.insert("taxes".to_owned(), Value::Array(frame.taxes(group, &rows)?));
    body.insert("payments".to_owned(), frame.payments(&paid));
    let rows = rows.into_iter().map(|row| row.body).collect();
    body.insert("items".to_owned(), Value::Array(rows));
    let figures = Figures {
        currency: transaction.currency,
        total: frame.signed(group.total()),
        paid,
        is_return: frame.is_return,
        lines: group.lines.iter().map(|line| line.line.line).collect(),
    };
    Ok(Document {
        doctype: Action::InvoiceSale.doctype(),
        body: Value::Object(body),
        expected: Expected { moment, content: Content::Invoice(figures) },
    })
}

/// Which of the groups a call is about: the sale, or the return of its part.
fn place_of(call: &Call, groups: &[Group<'_>]) -> Option<usize> {
    let is_sale = Action::of(&call.planned) == Some(Action::InvoiceSale);
    let fitting = groups.iter().enumerate().filter(|(_, group)| group.is_return() != is_sale);
    let part = usize::try_from(call.planned.part).ok()?;
    fitting.map(|(index, _)| index).nth(part)
}

/// Refuses a receipt that ERPNext would show with another total, or as not paid.
fn require_balance(transaction: &Transaction) -> Result<(), Unfit> {
    let failed = unbalanced(transaction);
    let what = if failed.contains(&Equation::Transaction) {
        "its lines, discounts, taxes and rounding"
    } else if failed.contains(&Equation::Tender) {
        "its tenders"
    } else {
        return Ok(());
    };
    let total = transaction.signed_total();
    let reason =
        format!("the receipt says {total}, {what} add up to another sum: nothing was sent");
    Err((ExceptionClass::Unbalanced, reason))
}

fn frame<'a>(
    call: &'a Call,
    transaction: &'a Transaction,
    group: &Group<'_>,
    settings: &'a Settings,
) -> Result<Frame<'a>, Unfit> {
    let unlisted = |name: &str| {
        let reason = format!(
            "`{name}` is not listed under `stores` in the settings of the target: add its warehouse"
        );
        (ExceptionClass::UnknownLocation, reason)
    };
    let store = settings.store(&transaction.store);
    let store = store.ok_or_else(|| unlisted(transaction.store.as_str()))?;
    let moving: Vec<u32> = call.event.stock_moves().iter().map(|moved| moved.line).collect();
    let location = transaction.stock_location();
    let place = settings.place(&location).ok_or_else(|| unlisted(location.as_str()))?;
    let original = match &group.origin {
        Origin::Sale | Origin::Unknown => None,
        Origin::Receipt(natural_key) => {
            let original = call.originals.iter().find(|o| o.natural_key == *natural_key);
            let missing = || {
                let reason = format!("the invoice of {natural_key} is not in ERPNext");
                (ExceptionClass::MissingOriginal, reason)
            };
            Some(&original.ok_or_else(missing)?.reference)
        }
        Origin::Nothing => {
            let reason = "the post void names a receipt and carries no lines, and that receipt \
                          was not in the store's journal: enter the credit note by hand";
            return Err((ExceptionClass::MissingOriginal, reason.to_owned()));
        }
    };
    let is_return = group.is_return();
    Ok(Frame { transaction, settings, store, place, moving, original, is_return })
}

impl Frame<'_> {
    /// An amount as ERPNext signs it: a return's is negative.
    const fn signed(&self, amount: i64) -> i64 {
        if self.is_return { -amount } else { amount }
    }

    fn amount(&self, amount: i64) -> Value {
        money(self.signed(amount), self.transaction.currency)
    }

    /// Everything but the tables.
    fn head(&self, body: &mut Map<String, Value>, call: &Call, moment: Moment) {
        let Self { settings, store, .. } = self;
        let moves_stock = settings.stock_mover == StockMover::Erp;
        let customer = self.original.and_then(|original| original.detail["customer"].as_str());
        let mut set = |field: &str, value: Value| body.insert(field.to_owned(), value);
        set(&settings.key_field, key_text(call.key).into());
        set("company", settings.company.as_str().into());
        set("customer", customer.unwrap_or(&settings.customer).into());
        set("currency", self.transaction.currency.code().into());
        set("is_pos", 1.into());
        set("set_posting_time", 1.into());
        set("posting_date", moment.posting_date());
        set("posting_time", moment.posting_time());
        set("due_date", moment.posting_date());
        set("update_stock", u8::from(moves_stock).into());
        set("disable_rounded_total", 1.into());
        set("ignore_pricing_rule", 1.into());
        let remarks = remarks(self.transaction, &call.event.natural_key());
        set("remarks", remarks.into());
        if let Some(profile) = &store.pos_profile {
            set("pos_profile", profile.as_str().into());
        }
        if let Some(center) = &store.cost_center {
            set("cost_center", center.as_str().into());
        }
        if self.is_return {
            set("is_return", 1.into());
        }
        if let Some(original) = self.original {
            set("return_against", original.id.as_str().into());
        }
    }

    /// A line as a row.
    fn row(&self, priced: &Priced<'_>) -> Result<Row, Unfit> {
        let line = priced.line;
        let sold = self.sold_as(line)?;
        let item = match &sold {
            Some(sold) => sold.item.clone(),
            None => self.item(line)?,
        };
        let quantity = self.quantity(line)?;
        let dearest = sold.as_ref().map(|sold| sold.rate);
        let price = rate(priced.goods, quantity, dearest).ok_or_else(|| {
            let reason = format!("line {} has no price that ERPNext can hold", line.line);
            (ExceptionClass::Rejected, reason)
        })?;
        self.require_near(priced, price.all, quantity, dearest.is_some())?;
        let currency = self.transaction.currency;
        let warehouse = self.warehouse(line)?;
        let signed = if self.is_return { -quantity } else { quantity };
        let mut row = json!({
            "item_code": item, "qty": number(&signed.to_string()), "warehouse": warehouse,
            "rate": money(price.one, currency), "price_list_rate": money(price.one, currency),
        });
        if price.one == 0 {
            // Without it ERPNext takes a price of nothing for one that was left out.
            row["discount_percentage"] = 100.into();
        }
        let description = line.item.as_ref().and_then(|item| item.description.as_ref());
        if let Some(description) = description {
            row["description"] = description.as_str().into();
        }
        if let Some(center) = &self.store.cost_center {
            row["cost_center"] = center.as_str().into();
        }
        if let Some(sold) = sold {
            // Only a row that names the one it gives back is checked against what was sold.
            row["sales_invoice_item"] = sold.row.into();
        }
        Ok(Row { body: row, amount: price.all })
    }

    /// A line may miss quantity times price by its rounding, not by money: one minor unit each
    /// piece, and one for the product.
    fn require_near(
        &self,
        priced: &Priced<'_>,
        all: i64,
        quantity: Decimal,
        is_linked: bool,
    ) -> Result<(), Unfit> {
        let missed = Decimal::from((priced.goods - all).unsigned_abs());
        if missed <= quantity.ceil() + Decimal::ONE {
            return Ok(());
        }
        let number = priced.line.line;
        let worth = Money::new(priced.goods, self.transaction.currency);
        if is_linked {
            let reason = format!("line {number} brings back {worth}, more than it was sold for");
            return Err((ExceptionClass::OverReturn, reason));
        }
        let reason = format!("line {number} comes to {worth} without tax, which no price makes");
        Err((ExceptionClass::Unbalanced, reason))
    }

    /// The row of the original invoice that a line was sold as.
    fn sold_as(&self, line: &Line) -> Result<Option<Sold>, Unfit> {
        let Some(original) = self.original else { return Ok(None) };
        let number = sold_line(self.transaction, line);
        let item = number.is_none().then(|| self.item(line)).transpose()?;
        let rows = original.detail["rows"].as_array().map(Vec::as_slice).unwrap_or_default();
        let row = rows.iter().find(|row| match number {
            Some(number) => row["line"] == number,
            None => row["item"].as_str() == item.as_deref(),
        });
        let sold = row.and_then(|row| {
            let rate = minor(&row["rate"], self.transaction.currency)?;
            let text = |field: &str| row[field].as_str().map(str::to_owned);
            Some(Sold { row: text("name")?, item: text("item")?, rate })
        });
        let missing = || {
            let reason = format!(
                "line {} comes back from {}, which has no such row",
                line.line, original.name
            );
            (ExceptionClass::MissingOriginal, reason)
        };
        Ok(Some(sold.ok_or_else(missing)?))
    }

    /// The rows that bring rows to the receipt's total: taxes, cents, cash rounding.
    fn taxes(&self, group: &Group<'_>, rows: &[Row]) -> Result<Vec<Value>, Unfit> {
        let mut sums: BTreeMap<&TaxName, i64> = BTreeMap::new();
        for (name, amount) in group.lines.iter().flat_map(|line| &line.taxes) {
            *sums.entry(name).or_default() += amount;
        }
        let mut taxes = Vec::new();
        for (name, amount) in sums.into_iter().filter(|(_, amount)| *amount != 0) {
            let account = self.settings.tax_accounts.get(&name.code).ok_or_else(|| {
                let reason = format!(
                    "tax code `{}` has no account: name it under `tax_accounts` in the settings \
                     of the target",
                    name.code
                );
                (ExceptionClass::Rejected, reason)
            })?;
            taxes.push(self.charge(account, &name.to_string(), self.signed(amount)));
        }
        let goods: i64 = group.lines.iter().map(|line| line.goods).sum();
        let cents = goods - rows.iter().map(|row| row.amount).sum::<i64>();
        let rounding = &self.settings.rounding_account;
        if cents != 0 {
            taxes.push(self.charge(rounding, "Cents of prices", self.signed(cents)));
        }
        if group.rounding != 0 {
            // Signed in the receipt already, for sales and returns alike.
            taxes.push(self.charge(rounding, "Cash rounding", group.rounding));
        }
        Ok(taxes)
    }

    /// A row of a stated amount, signed as ERPNext signs it.
    fn charge(&self, account: &str, description: &str, amount: i64) -> Value {
        let mut charge = json!({
            "charge_type": "Actual", "account_head": account, "description": description,
            "tax_amount": money(amount, self.transaction.currency),
        });
        if let Some(center) = &self.store.cost_center {
            charge["cost_center"] = center.as_str().into();
        }
        charge
    }

    fn payments(&self, paid: &Paid) -> Value {
        let rows = paid.rows.iter().map(
            |(mode, amount)| json!({ "mode_of_payment": mode, "amount": self.amount(*amount) }),
        );
        rows.collect()
    }
}
