//! One side of a transaction, priced: the goods to the customer, or the goods that came back.
//!
//! Discounts of the basket are spread over the lines. Taxes stay as the POS computed them: on the
//! lines, or those of the basket, spread by code. What a line costs without any tax goes to its
//! row, each tax to a row of its own. Computes no tax.

use std::collections::BTreeMap;

use protocol::decimal::Number;
use protocol::event::line::Discount;
use protocol::event::{Direction, Line, Tax, Transaction};

use crate::connectors::shares::shares;

/// A tax as the receipt names it: its code, and its rate in per cent where there is one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TaxName {
    /// The POS's code.
    pub(super) code: String,
    /// The rate.
    pub(super) rate: Option<Number>,
}

impl TaxName {
    fn of(tax: &Tax) -> Self {
        Self { code: tax.code.as_str().to_owned(), rate: tax.rate }
    }
}

impl std::fmt::Display for TaxName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.rate {
            Some(rate) => write!(f, "{} {rate} %", self.code),
            None => f.write_str(&self.code),
        }
    }
}

/// A line with what it comes to, in minor units.
#[derive(Debug, Clone)]
pub(super) struct Priced<'a> {
    /// The line.
    pub(super) line: &'a Line,
    /// After every discount and without any tax.
    pub(super) goods: i64,
    /// Its taxes.
    pub(super) taxes: BTreeMap<TaxName, i64>,
}

impl Priced<'_> {
    /// With all taxes.
    pub(super) fn gross(&self) -> i64 {
        self.goods + self.taxes.values().sum::<i64>()
    }
}

/// The lines of one direction that count, priced.
pub(super) fn side(transaction: &Transaction, direction: Direction) -> Vec<Priced<'_>> {
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
    let mut priced: Vec<Priced<'_>> = lines
        .into_iter()
        .zip(&net)
        .map(|(line, goods)| Priced { line, goods: *goods, taxes: BTreeMap::new() })
        .collect();
    if transaction.taxes.is_empty() {
        for line in &mut priced {
            let taxes: &[Tax] = &line.line.taxes;
            for tax in taxes {
                line.levy(tax, tax.amount.minor());
            }
        }
        return priced;
    }
    for tax in transaction.taxes.iter().filter(|tax| tax.direction == direction) {
        for (line, share) in priced.iter_mut().zip(shares(tax.amount.minor(), &net)) {
            line.levy(tax, share);
        }
    }
    priced
}

impl Priced<'_> {
    fn levy(&mut self, tax: &Tax, amount: i64) {
        *self.taxes.entry(TaxName::of(tax)).or_default() += amount;
        if tax.included {
            self.goods -= amount;
        }
    }
}
