//! A post void: the body of an earlier transaction with every direction reversed.
//!
//! Does not look the earlier one up.

use super::transaction::{Total, Transaction, TransactionKind};
use super::{Direction, LineReference};
use crate::money::SignedAmount;

impl Transaction {
    /// What names this transaction as an original.
    #[must_use]
    pub fn reference(&self) -> LineReference {
        LineReference {
            store: self.store.clone(),
            register: self.register.clone(),
            business_date: self.business_date,
            receipt: self.receipt.clone(),
            line: None,
            counter_cycle: self.counter_cycle,
        }
    }

    /// Whether it is a post void that only names what it undoes.
    #[must_use]
    pub fn is_bare_post_void(&self) -> bool {
        let is_bare = self.lines.is_empty() && self.tenders.is_empty() && self.total.is_none();
        self.kind == TransactionKind::PostVoid && is_bare
    }

    /// Fills a bare post void with the body of the transaction that it undoes, reversed. A post
    /// void that carries a body of its own stays as it is.
    pub fn fill_from_original(&mut self, original: &Self) {
        if !self.is_bare_post_void() {
            return;
        }
        self.lines = original.lines.clone();
        self.discounts = original.discounts.clone();
        self.taxes = original.taxes.clone();
        self.tenders = original.tenders.clone();
        self.location = self.location.take().or_else(|| original.location.clone());
        self.customer = self.customer.take().or_else(|| original.customer.clone());
        for line in self.lines.iter_mut() {
            line.direction = line.direction.reversed();
        }
        for discount in self.discounts.iter_mut() {
            discount.direction = discount.direction.reversed();
        }
        for tax in self.taxes.iter_mut() {
            tax.direction = tax.direction.reversed();
        }
        for tender in self.tenders.iter_mut() {
            tender.direction = tender.direction.reversed();
        }
        let rounding = SignedAmount::new(-original.rounding.minor());
        self.rounding = rounding.expect("the range of signed amounts is symmetric");
        self.total = original.total.map(reversed);
    }
}

/// Zero is `in`, whichever way it is turned.
fn reversed(total: Total) -> Total {
    let direction = match total.amount.minor() {
        0 => Direction::In,
        _ => total.direction.reversed(),
    };
    Total { direction, ..total }
}
