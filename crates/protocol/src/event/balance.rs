//! The three equations of a transaction: line, transaction, tender.
//!
//! They are checked and never repaired: what does not add up is flagged and goes on, because the
//! POS's word stands. Sums are `i128`, which no bounded event can overflow.

use super::line::Line;
use super::transaction::Transaction;
use super::{Direction, Tax};
use crate::money::Amount;
use crate::record::Equation;

/// The equations that the transaction's own figures do not satisfy, each once, in order.
#[must_use]
pub fn unbalanced(transaction: &Transaction) -> Vec<Equation> {
    if !transaction.counts() {
        return Vec::new();
    }
    let checks = [
        (Equation::Line, lines_balance(transaction)),
        (Equation::Transaction, transaction_balances(transaction)),
        (Equation::Tender, tenders_balance(transaction)),
    ];
    checks.into_iter().filter(|(_, holds)| !holds).map(|(equation, _)| equation).collect()
}

/// `total = extended − Σ discounts`, for each line that counts.
fn lines_balance(transaction: &Transaction) -> bool {
    transaction.lines.iter().filter(|line| line.counts()).all(|line| {
        let discounts: i128 = line.discounts.iter().map(|discount| wide(discount.amount)).sum();
        wide(line.total) == wide(line.extended) - discounts
    })
}

/// `total = Σ lines out − Σ lines in − Σ discounts (out − in) + Σ taxes not included (out − in)
/// + rounding`.
fn transaction_balances(transaction: &Transaction) -> bool {
    let lines: i128 = counting(transaction).map(|line| goods(line.direction, line.total)).sum();
    let discounts: i128 = transaction
        .discounts
        .iter()
        .map(|discount| goods(discount.direction, discount.amount))
        .sum();
    let rounding = i128::from(transaction.rounding.minor());
    total(transaction) == lines - discounts + added_taxes(transaction) + rounding
}

/// `total = Σ in − Σ out`, over the tenders that were not declined.
fn tenders_balance(transaction: &Transaction) -> bool {
    let counting = transaction.tenders.iter().filter(|tender| tender.counts());
    let paid: i128 = counting
        .map(|tender| match tender.direction {
            Direction::In => wide(tender.amount),
            Direction::Out => -wide(tender.amount),
        })
        .sum();
    total(transaction) == paid
}

/// Taxes that come on top of the prices. Those of the transaction replace those of the lines.
fn added_taxes(transaction: &Transaction) -> i128 {
    let added = |tax: &&Tax| !tax.included;
    if !transaction.taxes.is_empty() {
        let taxes = transaction.taxes.iter().filter(added);
        return taxes.map(|tax| goods(tax.direction, tax.amount)).sum();
    }
    counting(transaction)
        .flat_map(|line| {
            line.taxes.iter().filter(added).map(|tax| goods(line.direction, tax.amount))
        })
        .sum()
}

fn counting(transaction: &Transaction) -> impl Iterator<Item = &Line> {
    transaction.lines.iter().filter(|line| line.counts())
}

fn total(transaction: &Transaction) -> i128 {
    i128::from(transaction.signed_total().minor)
}

/// Goods to the customer raise what is due, goods back lower it.
fn goods(direction: Direction, amount: Amount) -> i128 {
    match direction {
        Direction::Out => wide(amount),
        Direction::In => -wide(amount),
    }
}

fn wide(amount: Amount) -> i128 {
    i128::from(amount.minor())
}
