//! One side of a transaction, priced: the goods to the customer, or the goods that came back.
//!
//! Discounts of the basket are spread over the lines, because Shopify takes one discount code and
//! none on a line. Taxes stay as the POS computed them: on the lines, or on the basket where the
//! POS put them there, never both. Computes no tax.

use protocol::event::balance::unbalanced;
use protocol::event::line::Discount;
use protocol::event::{Direction, Line, Tax, Transaction};
use protocol::money::Money;
use protocol::record::Equation;

use super::Unfit;
use crate::connectors::ExceptionClass;
use crate::connectors::shares::shares;

/// One side of a transaction.
#[derive(Debug)]
pub(super) struct Side<'a> {
    /// Its lines that count.
    pub(super) lines: Vec<Priced<'a>>,
    /// The taxes of the basket, where the POS put them there.
    pub(super) taxes: Vec<&'a Tax>,
    /// Whether the prices include the taxes.
    pub(super) taxes_included: bool,
}

/// A line with what it costs.
#[derive(Debug)]
pub(super) struct Priced<'a> {
    /// The line.
    pub(super) line: &'a Line,
    /// The price of all its pieces after every discount, with the taxes only if the side's prices
    /// include them.
    pub(super) price: i64,
    /// What it comes to with all taxes.
    pub(super) gross: i64,
}

impl<'a> Side<'a> {
    /// The lines of one direction, priced.
    pub(super) fn of(transaction: &'a Transaction, direction: Direction) -> Self {
        let lines: Vec<&Line> = transaction
            .lines
            .iter()
            .filter(|line| line.counts() && line.direction == direction)
            .collect();
        let totals: Vec<i64> = lines.iter().map(|line| line.total.minor()).collect();
        let discounts: &[Discount] = &transaction.discounts;
        let discounts = discounts.iter().filter(|discount| discount.direction == direction);
        let discount: i64 = discounts.map(|discount| discount.amount.minor()).sum();
        let net: Vec<i64> = totals
            .iter()
            .zip(shares(discount, &totals))
            .map(|(total, discount)| total - discount)
            .collect();

        let on_basket = !transaction.taxes.is_empty();
        let taxes: Vec<&Tax> =
            transaction.taxes.iter().filter(|tax| tax.direction == direction).collect();
        let (included, added) = if on_basket {
            (shares(sum(&taxes, true), &net), shares(sum(&taxes, false), &net))
        } else {
            let by_line = |included| lines.iter().map(|line| sum_of(line, included)).collect();
            (by_line(true), by_line(false))
        };
        // Shopify knows one way for the whole order: where some taxes come on top, the prices are
        // stated without those that they include.
        let is_added = added.iter().any(|tax| *tax > 0);
        let priced = |(index, line)| {
            let without = if is_added { included[index] } else { 0 };
            Priced { line, price: net[index] - without, gross: net[index] + added[index] }
        };
        Self {
            taxes_included: !is_added && included.iter().any(|tax| *tax > 0),
            lines: lines.into_iter().enumerate().map(priced).collect(),
            taxes: if on_basket { taxes } else { Vec::new() },
        }
    }

    /// What the side comes to.
    pub(super) fn total(&self) -> i64 {
        self.lines.iter().map(|line| line.gross).sum()
    }

    /// The taxes that stand on a line.
    pub(super) fn taxes_of(&self, line: &'a Line) -> &'a [Tax] {
        if self.taxes.is_empty() { &line.taxes } else { &[] }
    }
}

fn sum(taxes: &[&Tax], included: bool) -> i64 {
    taxes.iter().filter(|tax| tax.included == included).map(|tax| tax.amount.minor()).sum()
}

fn sum_of(line: &Line, included: bool) -> i64 {
    let taxes: Vec<&Tax> = line.taxes.iter().collect();
    sum(&taxes, included)
}

/// Refuses a transaction whose total is not what its parts add up to: Shopify would show another
/// total than the receipt.
pub(super) fn require_balance(transaction: &Transaction) -> Result<(), Unfit> {
    if !unbalanced(transaction).contains(&Equation::Transaction) {
        return Ok(());
    }
    let sides = [Direction::Out, Direction::In].map(|way| Side::of(transaction, way).total());
    let added_up = sides[0] - sides[1] + transaction.rounding.minor();
    let reason = format!(
        "the receipt says {}, its lines, discounts, taxes and rounding add up to {}: Shopify would \
         show another total than the receipt, so nothing was sent",
        transaction.signed_total(),
        Money::new(added_up, transaction.currency),
    );
    Err((ExceptionClass::Unbalanced, reason))
}
