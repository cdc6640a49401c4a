//! Lines, taxes, rounding and tenders of an invoice.
//!
//! Source: erpnext/controllers/taxes_and_totals.py. The site computes every total anew from rates,
//! quantities and tax rows; what the client sends as totals is overwritten. Paid amount, change,
//! write-off and outstanding are computed for drafts only: an invoice that is created with
//! `docstatus` 1 never gets them (observed: accepted with nothing paid and nothing outstanding).
//! A row's amount is rounded to the cent, its net amount is not; a tax is rounded once, over all
//! rows. So the rounded net amounts that are posted may be a cent off, which the ledger rounds off.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::document::{Document, checked, decimal, rows, rows_mut, set_decimal, text};
use crate::lifecycle::Saving;
use crate::money::{self, rounded};
use crate::refusal::Refusal;

/// The largest difference between included taxes and the total that becomes a rounding adjustment:
/// five in the last place of a tax amount (`manipulate_grand_total_for_inclusive_tax`).
const INCLUDED_DIFFERENCE_MAX: Decimal = Decimal::from_parts(5, 0, 0, false, 2);

/// A tax row as it was sent.
struct Tax {
    account: String,
    rate: Decimal,
    included: bool,
    /// The stated amount of charge type `Actual`.
    actual: Option<Decimal>,
}

impl Tax {
    /// The share that it adds to a row's net amount: the row's own rate for this account, or the
    /// tax row's.
    fn share(&self, row: &Document) -> Decimal {
        let own = serde_json::from_str::<Value>(text(row, "item_tax_rate")).ok();
        let own = own.as_ref().and_then(|rates| rates.get(&self.account)).map(money::decimal);
        own.unwrap_or(self.rate) / Decimal::ONE_HUNDRED
    }
}

/// Computes everything.
pub(super) fn compute(document: &mut Document, saving: &Saving<'_>) -> Result<(), Refusal> {
    let taxes = taxes(document)?;
    compute_rows(document, &taxes)?;
    let sum = |document: &Document, field| -> Decimal {
        rows(document, "items").map(|row| decimal(row, field)).sum()
    };
    let (quantity, total) = (sum(document, "qty"), sum(document, "amount"));
    let (net, posted) = (rounded(sum(document, "net_amount")), sum(document, "base_net_amount"));
    set_decimal(document, "total_qty", quantity);
    set_both(document, "total", total);
    set_decimal(document, "net_total", net);
    set_decimal(document, "base_net_total", posted);
    let (last, added) = compute_taxes(document, &taxes, net);
    let mut adjustment = Decimal::ZERO;
    if taxes.iter().any(|tax| tax.included) {
        let difference = rounded(total + added - last);
        if difference.abs() <= INCLUDED_DIFFERENCE_MAX {
            adjustment = difference;
        }
    }
    let grand = last + adjustment;
    set_both(document, "total_taxes_and_charges", grand - net - adjustment);
    set_both(document, "grand_total", grand);
    let settings = &saving.state.setup.settings;
    let mut whole = Decimal::ZERO;
    if !settings.disable_rounded_total && !checked(document, "disable_rounded_total") {
        whole = money::to_smallest_coin(grand, settings.smallest_coin);
        adjustment += whole - grand;
    }
    set_both(document, "rounded_total", whole);
    set_both(document, "rounding_adjustment", rounded(adjustment));
    if !saving.submits {
        compute_tenders(document);
    }
    Ok(())
}

/// What is to be paid: the rounded total, or the grand total where there is none.
pub(super) fn payable(document: &Document) -> Decimal {
    let whole = decimal(document, "rounded_total");
    if whole.is_zero() { decimal(document, "grand_total") } else { whole }
}

fn set_both(document: &mut Document, field: &str, amount: Decimal) {
    set_decimal(document, field, amount);
    set_decimal(document, &format!("base_{field}"), amount);
}

fn taxes(document: &Document) -> Result<Vec<Tax>, Refusal> {
    let mut taxes = Vec::new();
    for (at, row) in rows(document, "taxes").enumerate() {
        let number = at + 1;
        let included = checked(row, "included_in_print_rate");
        let actual = match text(row, "charge_type") {
            "Actual" if included => {
                return Err(Refusal::validation(format!(
                    "Charge of type 'Actual' in row {number} cannot be included in Item Rate or Paid Amount"
                )));
            }
            "Actual" => Some(rounded(decimal(row, "tax_amount"))),
            other @ ("On Previous Row Amount" | "On Previous Row Total" | "On Item Quantity") => {
                return Err(Refusal::not_simulated(format!("a tax {other}")));
            }
            _ => None,
        };
        taxes.push(Tax {
            account: text(row, "account_head").to_owned(),
            rate: decimal(row, "rate"),
            included,
            actual,
        });
    }
    Ok(taxes)
}

fn compute_rows(document: &mut Document, taxes: &[Tax]) -> Result<(), Refusal> {
    for row in rows_mut(document, "items") {
        let listed = rounded(decimal(row, "price_list_rate"));
        let mut rate = rounded(decimal(row, "rate"));
        let percentage = decimal(row, "discount_percentage");
        if percentage == Decimal::ONE_HUNDRED {
            rate = Decimal::ZERO;
        } else if listed > Decimal::ZERO && rate.is_zero() {
            rate = rounded(listed * (Decimal::ONE - percentage / Decimal::ONE_HUNDRED));
        } else if !row.contains_key("rate") {
            return Err(Refusal::not_simulated("a row without a rate, priced by a price list"));
        }
        if listed > Decimal::ZERO {
            set_decimal(row, "discount_amount", listed - rate);
        }
        let quantity = decimal(row, "qty");
        let amount = rounded(rate * quantity);
        let included: Decimal =
            taxes.iter().filter(|tax| tax.included).map(|tax| tax.share(row)).sum();
        let net = money::stored(amount / (Decimal::ONE + included));
        let net_rate = if included.is_zero() { rate } else { rounded(net / quantity) };
        set_decimal(row, "rate", rate);
        set_decimal(row, "base_rate", rate);
        set_decimal(row, "net_rate", net_rate);
        set_both(row, "amount", amount);
        set_decimal(row, "net_amount", net);
        set_decimal(row, "base_net_amount", rounded(net));
    }
    Ok(())
}

/// Computes the tax rows. Gives the running total after the last, and the sum of those that are
/// not included.
fn compute_taxes(document: &mut Document, taxes: &[Tax], net: Decimal) -> (Decimal, Decimal) {
    let amounts: Vec<Decimal> = taxes
        .iter()
        .map(|tax| match tax.actual {
            Some(stated) => stated,
            None => rounded(
                rows(document, "items")
                    .map(|row| tax.share(row) * decimal(row, "net_amount"))
                    .sum(),
            ),
        })
        .collect();
    let mut last = net;
    let mut added = Decimal::ZERO;
    for ((tax, amount), row) in taxes.iter().zip(amounts).zip(rows_mut(document, "taxes")) {
        last += amount;
        if !tax.included {
            added += amount;
        }
        set_both(row, "tax_amount", amount);
        set_decimal(row, "tax_amount_after_discount_amount", amount);
        set_both(row, "total", last);
    }
    (last, added)
}

/// `calculate_paid_amount`, `calculate_change_amount`, `calculate_outstanding_amount`,
/// `calculate_write_off_amount`. Only cash gives change; without any, what was paid too much leaves
/// a negative outstanding amount.
fn compute_tenders(document: &mut Document) {
    let returns = checked(document, "is_return");
    let mut paid = Decimal::ZERO;
    let mut cash = false;
    if checked(document, "is_pos") {
        for row in rows_mut(document, "payments") {
            let amount = rounded(decimal(row, "amount"));
            set_decimal(row, "amount", amount);
            set_decimal(row, "base_amount", amount);
            paid += amount;
            cash |= text(row, "type") == "Cash";
        }
    } else if !returns {
        document.insert("payments".to_owned(), json!([]));
    }
    set_both(document, "paid_amount", paid);
    let total = payable(document);
    let change = if paid > total && cash && !returns { paid - total } else { Decimal::ZERO };
    set_both(document, "change_amount", change);
    let automatic = checked(document, "write_off_outstanding_amount_automatically");
    let mut written_off = rounded(decimal(document, "write_off_amount"));
    if automatic {
        written_off = total - paid + change;
    }
    set_both(document, "write_off_amount", written_off);
    set_decimal(document, "outstanding_amount", total - written_off - paid + change);
}
