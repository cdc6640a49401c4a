//! Sales Invoice: what the site fills in and checks at every save, and what a submission moves.
//!
//! Source: erpnext/accounts/doctype/sales_invoice/sales_invoice.py (`validate`, `set_pos_fields`,
//! `on_submit`). One company, one currency; discounts on the whole invoice, loyalty, advances and
//! instalments are not simulated.

pub(crate) mod gl;
mod returns;
mod totals;

use rust_decimal::Decimal;
use serde_json::json;

use crate::document::{
    Document, checked, decimal, default_text, rows, rows_mut, set_decimal, set_text, text,
};
use crate::lifecycle::{Saving, items, returns_of};
use crate::money;
use crate::refusal::Refusal;
use crate::setup::Setup;
use crate::state::State;
use crate::stock::{Effect, Move};
use crate::time;

/// Checks an invoice and fills in what the site fills in.
pub(crate) fn validate(document: &mut Document, saving: &Saving<'_>) -> Result<(), Refusal> {
    let state = saving.state;
    let setup = &state.setup;
    defaults(document, state)?;
    if checked(document, "is_pos") {
        pos_defaults(document, state)?;
    }
    fill_rows(document, state)?;
    totals::compute(document, saving)?;
    if checked(document, "is_return") {
        returns::validate(document, state)?;
    }
    check_due_date(document)?;
    if !decimal(document, "write_off_amount").is_zero() {
        if setup.company.write_off_account {
            default_text(document, "write_off_account", &setup.full("Write Off"));
        }
        if text(document, "write_off_account").is_empty() {
            return Err(Refusal::validation("Please enter Write Off Account"));
        }
    }
    check_payments(document)?;
    if saving.submits {
        check_submission(document)?;
        let kept = |row: &serde_json::Value| {
            row.as_object().is_some_and(|row| !decimal(row, "amount").is_zero())
        };
        if let Some(table) = document.get_mut("payments").and_then(|rows| rows.as_array_mut()) {
            table.retain(kept);
        }
    }
    let status = status(document, saving);
    set_text(document, "status", &status);
    Ok(())
}

fn defaults(document: &mut Document, state: &State) -> Result<(), Refusal> {
    let setup = &state.setup;
    default_text(document, "currency", &setup.company.currency);
    if text(document, "currency") != setup.company.currency {
        return Err(Refusal::not_simulated("an invoice in a foreign currency"));
    }
    set_decimal(document, "conversion_rate", Decimal::ONE);
    default_text(document, "debit_to", &setup.full("Debtors"));
    let account = state.store.find("Account", text(document, "debit_to"));
    if account.is_none_or(|account| text(account, "account_type") != "Receivable") {
        return Err(Refusal::validation(
            "Please ensure <strong>Debit To</strong> account is a Receivable account.",
        ));
    }
    let customer = text(document, "customer").to_owned();
    default_text(document, "customer_name", &customer);
    default_text(document, "title", &customer);
    Ok(())
}

/// What a POS invoice takes from its profile and from its modes of payment. What the client set
/// stays (`set_pos_fields` with `for_validate`).
fn pos_defaults(document: &mut Document, state: &State) -> Result<(), Refusal> {
    let setup = &state.setup;
    let profile = state.store.find("POS Profile", text(document, "pos_profile"));
    default_text(document, "account_for_change_amount", &setup.full("Cash"));
    if let Some(profile) = profile {
        default_text(document, "write_off_account", text(profile, "write_off_account"));
        let warehouse = text(profile, "warehouse").to_owned();
        for row in rows_mut(document, "items") {
            default_text(row, "warehouse", &warehouse);
        }
    }
    for row in rows_mut(document, "payments") {
        let name = text(row, "mode_of_payment").to_owned();
        let Some(mode) = state.store.find("Mode of Payment", &name) else { continue };
        set_text(row, "type", text(mode, "type"));
        if let Some(account) = rows(mode, "accounts").next() {
            default_text(row, "account", text(account, "default_account"));
        }
        if text(row, "account").is_empty() {
            return Err(Refusal::validation(format!(
                "Please set default Cash or Bank account in Mode of Payment {name}"
            )));
        }
    }
    Ok(())
}

fn fill_rows(document: &mut Document, state: &State) -> Result<(), Refusal> {
    let income = state.setup.full("Sales");
    let warehouse = text(document, "set_warehouse").to_owned();
    let updates_stock = checked(document, "update_stock");
    for (at, row) in rows_mut(document, "items").enumerate() {
        let number = at + 1;
        let code = text(row, "item_code").to_owned();
        if code.is_empty() {
            return Err(Refusal::not_simulated("a row without an item"));
        }
        let item = items::find(state, &code)?;
        items::fill(row, item, number)?;
        default_text(row, "income_account", &income);
        default_text(row, "warehouse", &warehouse);
        if updates_stock && checked(item, "is_stock_item") && text(row, "warehouse").is_empty() {
            return Err(Refusal::validation(format!("Warehouse required for stock Item {code}")));
        }
        let quantity = money::quantity(decimal(row, "qty"));
        if quantity.is_zero() {
            return Err(Refusal::thrown(
                417,
                "erpnext.controllers.accounts_controller",
                "InvalidQtyError",
                format!("Row #{number}: Quantity for Item {code} cannot be zero."),
            ));
        }
        set_decimal(row, "qty", quantity);
        set_decimal(row, "stock_qty", quantity);
        let template = state.store.find("Item Tax Template", text(row, "item_tax_template"));
        let rates: serde_json::Map<String, serde_json::Value> = template
            .into_iter()
            .flat_map(|template| rows(template, "taxes"))
            .map(|rate| (text(rate, "tax_type").to_owned(), json!(rate.get("tax_rate"))))
            .collect();
        // Whatever the client sends here is replaced by what the template says.
        set_text(row, "item_tax_rate", &json!(rates).to_string());
    }
    Ok(())
}

/// A POS invoice is due at once; others not before they were posted
/// (erpnext/controllers/accounts_controller.py, `validate_due_date`).
fn check_due_date(document: &mut Document) -> Result<(), Refusal> {
    let posted = text(document, "posting_date").to_owned();
    if checked(document, "is_pos") {
        set_text(document, "due_date", &posted);
    }
    default_text(document, "due_date", &posted);
    let due = time::date(text(document, "due_date"));
    if due.is_none() || due < time::date(&posted) {
        return Err(Refusal::validation("Due Date cannot be before Posting Date"));
    }
    Ok(())
}

/// `verify_payment_amount_is_positive`, `verify_payment_amount_is_negative`, `validate_pos`,
/// `validate_pos_return`, `validate_account_for_change_amount`.
fn check_payments(document: &Document) -> Result<(), Refusal> {
    if !checked(document, "is_pos") {
        return Ok(());
    }
    let returns = checked(document, "is_return");
    for (at, row) in rows(document, "payments").enumerate() {
        let amount = decimal(row, "amount");
        let (wrong, word) = if returns {
            (amount > Decimal::ZERO, "negative")
        } else {
            (amount < Decimal::ZERO, "positive")
        };
        if wrong {
            let number = at + 1;
            return Err(Refusal::validation(format!(
                "Row #{number} (Payment Table): Amount must be {word}"
            )));
        }
    }
    let total = totals::payable(document);
    if returns {
        let paid: Decimal = rows(document, "payments").map(|row| decimal(row, "amount")).sum();
        if money::rounded(paid) < total {
            return Err(Refusal::validation(format!(
                "Total payments amount can't be greater than {}",
                -total
            )));
        }
        let settled = decimal(document, "paid_amount") + decimal(document, "write_off_amount");
        if settled - total > Decimal::new(1, 3) {
            return Err(Refusal::validation(
                "Paid amount + Write Off Amount can not be greater than Grand Total",
            ));
        }
    }
    let change = decimal(document, "change_amount");
    if !change.is_zero() && text(document, "account_for_change_amount").is_empty() {
        return Err(Refusal::validation("Please enter Account for Change Amount"));
    }
    Ok(())
}

/// What only a submission checks (`validate_pos_paid_amount`; erpnext/controllers/
/// status_updater.py, `validate_qty`).
fn check_submission(document: &Document) -> Result<(), Refusal> {
    let unpaid = rows(document, "payments").next().is_none();
    if checked(document, "is_pos") && unpaid && decimal(document, "grand_total") > Decimal::ZERO {
        return Err(Refusal::validation(
            "At least one mode of payment is required for POS invoice.",
        ));
    }
    let returns = checked(document, "is_return");
    for row in rows(document, "items") {
        let negative = decimal(row, "qty") < Decimal::ZERO;
        if negative != returns {
            let word = if returns { "negative" } else { "positive" };
            return Err(Refusal::validation(format!(
                "For an item {}, quantity must be {word} number",
                text(row, "item_code")
            )));
        }
    }
    Ok(())
}

/// `set_status`, with `is_overdue`: underpaid today is "Partly Paid" (observed), underpaid and
/// backdated is "Overdue".
fn status(document: &Document, saving: &Saving<'_>) -> String {
    if !saving.submits {
        return "Draft".to_owned();
    }
    let outstanding = decimal(document, "outstanding_amount");
    let overdue = time::date(text(document, "due_date")).is_some_and(|due| due < saving.now.date());
    let total = totals::payable(document);
    let status = if outstanding > Decimal::ZERO && overdue {
        "Overdue"
    } else if outstanding > Decimal::ZERO && outstanding < total {
        "Partly Paid"
    } else if outstanding > Decimal::ZERO {
        "Unpaid"
    } else if checked(document, "is_return") {
        "Return"
    } else if returns_of(saving.state, text(document, "name")).next().is_some() {
        "Credit Note Issued"
    } else {
        "Paid"
    };
    status.to_owned()
}

/// What a submitted invoice moves: stocked items only, and only with `update_stock`.
pub(crate) fn moves(document: &Document, state: &State) -> Result<Vec<Move>, Refusal> {
    if !checked(document, "update_stock") {
        return Ok(Vec::new());
    }
    let mut moves = Vec::new();
    for row in rows(document, "items") {
        let item = items::find(state, text(row, "item_code"))?;
        if checked(item, "is_stock_item") {
            moves.push(Move {
                item: text(row, "item_code").to_owned(),
                warehouse: text(row, "warehouse").to_owned(),
                effect: Effect::Change(-decimal(row, "stock_qty")),
            });
        }
    }
    Ok(moves)
}

/// The account that a company posts roundings to.
pub(crate) fn round_off_account(setup: &Setup) -> String {
    setup.full("Round Off")
}
