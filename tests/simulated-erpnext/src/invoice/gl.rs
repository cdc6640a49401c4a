//! What a submitted invoice posts to the general ledger.
//!
//! Source: erpnext/accounts/doctype/sales_invoice/sales_invoice.py (`get_gl_entries` and the
//! `make_*` functions it calls) and erpnext/accounts/general_ledger.py (`merge_similar_entries`,
//! `toggle_debit_credit_if_negative`, `round_off_debit_credit`). Inventory is not perpetual, so
//! stock posts nothing.

use rust_decimal::Decimal;

use crate::document::{Document, checked, decimal, rows, text};
use crate::invoice::round_off_account;
use crate::money::rounded;
use crate::refusal::Refusal;
use crate::state::{Posting, State};

/// The largest difference that is rounded off in silence (`round_off_debit_credit`).
const DIFFERENCE_MAX: Decimal = Decimal::from_parts(5, 0, 0, false, 1);

pub(crate) fn postings(document: &Document, state: &State) -> Result<Vec<Posting>, Refusal> {
    let party = (text(document, "customer").to_owned(), against(document).to_owned());
    let receivable = text(document, "debit_to");
    let customer = |debit: Decimal| Posting {
        account: receivable.to_owned(),
        debit,
        credit: Decimal::ZERO,
        party: Some(party.clone()),
    };
    let adjustment = decimal(document, "rounding_adjustment");
    let whole = decimal(document, "rounded_total");
    let total = if adjustment.is_zero() || whole.is_zero() {
        decimal(document, "grand_total")
    } else {
        whole
    };
    let mut lines = vec![customer(total)];
    for row in rows(document, "taxes") {
        lines.push(plain(text(row, "account_head"), -decimal(row, "base_tax_amount")));
    }
    for row in rows(document, "items") {
        lines.push(plain(text(row, "income_account"), -decimal(row, "base_net_amount")));
    }
    let mut lines = merged(lines);
    if checked(document, "is_pos") {
        // The tender's base amount is computed with the draft; without it nothing is posted.
        for row in rows(document, "payments") {
            let amount = decimal(row, "base_amount");
            lines.push(customer(-amount));
            lines.push(plain(text(row, "account"), amount));
        }
        let change = decimal(document, "base_change_amount");
        lines.push(customer(change));
        lines.push(plain(text(document, "account_for_change_amount"), -change));
        let written_off = decimal(document, "base_write_off_amount");
        lines.push(customer(-written_off));
        lines.push(plain(text(document, "write_off_account"), written_off));
    }
    lines.push(plain(&round_off_account(&state.setup), -adjustment));
    lines.retain(|line| !(line.debit - line.credit).is_zero());
    for line in &mut lines {
        toggle(line);
    }
    balance(document, state, &mut lines)?;
    Ok(lines)
}

fn against(document: &Document) -> &str {
    let original = text(document, "return_against");
    if checked(document, "is_return") && !original.is_empty() {
        original
    } else {
        text(document, "name")
    }
}

/// A line of an account without a party: a debit, or a credit if it is negative.
fn plain(account: &str, debit: Decimal) -> Posting {
    Posting { account: account.to_owned(), debit, credit: Decimal::ZERO, party: None }
}

/// One line per account.
fn merged(lines: Vec<Posting>) -> Vec<Posting> {
    let mut merged: Vec<Posting> = Vec::new();
    for line in lines {
        match merged
            .iter_mut()
            .find(|other| other.account == line.account && other.party == line.party)
        {
            Some(other) => other.debit += line.debit,
            None => merged.push(line),
        }
    }
    merged
}

fn toggle(line: &mut Posting) {
    if line.debit < Decimal::ZERO {
        line.credit = -line.debit;
        line.debit = Decimal::ZERO;
    }
    line.debit = rounded(line.debit);
    line.credit = rounded(line.credit);
}

fn balance(document: &Document, state: &State, lines: &mut Vec<Posting>) -> Result<(), Refusal> {
    let difference: Decimal = lines.iter().map(|line| line.debit - line.credit).sum();
    if difference.abs() > DIFFERENCE_MAX {
        return Err(Refusal::validation(format!(
            "Debit and Credit not equal for Sales Invoice #{}. Difference is {difference}.",
            text(document, "name")
        )));
    }
    if !difference.is_zero() {
        let mut line = plain(&round_off_account(&state.setup), -difference);
        toggle(&mut line);
        lines.push(line);
    }
    Ok(())
}
