//! Goods brought back on an earlier receipt of the same register, whole or in part.
//!
//! Never more than was sold, and never more money than was paid. A line that comes back in parts
//! comes back at exactly what it was sold for: each part is the difference of two shares.
//! Does not write JSON.

use std::collections::BTreeMap;

use rand::RngExt;
use rand::rngs::StdRng;

use super::books::{Change, Figures, Tax, TenderKind};
use super::catalogue::{Item, TaxCode};
use super::figures::{Milli, in_coins, share};
use super::payment::{Payment, Purpose, Tender, next_number};
use super::sale::{Amounts, Sold, SoldLine};

/// One in how many lines comes back damaged and does not return to the shelf.
const DAMAGED_ONE_IN: u32 = 10;

/// A line that comes back.
#[derive(Debug, Clone)]
pub(super) struct BackLine {
    /// The line of the sale.
    pub(super) original: u32,
    pub(super) item: Item,
    pub(super) back: Amounts,
    pub(super) damaged: bool,
}

/// What comes back on one receipt.
#[derive(Debug, Clone)]
pub(super) struct Back {
    pub(super) lines: Vec<BackLine>,
    pub(super) payment: Payment,
    pub(super) paid_back_minor: i64,
}

impl Sold {
    /// Whether anything is left to be brought back.
    pub(super) fn is_returnable(&self) -> bool {
        self.lines.iter().any(SoldLine::is_returnable)
    }

    /// Takes some of the goods back; none if nothing is left.
    pub(super) fn take_back(&mut self, coin_minor: i64, chance: &mut StdRng) -> Option<Back> {
        let mut returnable: Vec<_> =
            self.lines.iter_mut().filter(|line| line.is_returnable()).collect();
        if returnable.is_empty() {
            return None;
        }
        let first = chance.random_range(0..returnable.len());
        let count = chance.random_range(1..=returnable.len() - first);
        let chosen = &mut returnable[first..first + count];
        let lines: Vec<_> = chosen.iter_mut().map(|line| line.take_back(chance)).collect();
        let due_minor = lines.iter().map(|line| line.back.total_minor).sum();
        let payment = self.pay_back(due_minor, coin_minor);
        let paid_back_minor = payment.tenders.iter().map(|tender| tender.amount_minor).sum();
        Some(Back { lines, payment, paid_back_minor })
    }

    /// Pays back on the tenders of the sale, cash last. Rounding is counted as in the
    /// transaction's equation: `−paid back = −due + rounding`.
    fn pay_back(&mut self, due_minor: i64, coin_minor: i64) -> Payment {
        let mut tenders: Vec<Tender> = Vec::new();
        let mut open_minor = due_minor;
        let mut paid: Vec<_> = self.paid.iter_mut().collect();
        paid.sort_by_key(|paid| paid.kind == TenderKind::Cash);
        for paid in paid {
            let wanted = match paid.kind {
                TenderKind::Cash => in_coins(open_minor, coin_minor),
                _ => open_minor,
            };
            let amount_minor = wanted.min(paid.left_minor);
            if amount_minor == 0 {
                continue;
            }
            paid.left_minor -= amount_minor;
            open_minor -= amount_minor;
            tenders.push(Tender {
                number: next_number(&tenders),
                kind: paid.kind,
                purpose: Purpose::Refund,
                amount_minor,
                original: Some(paid.tender),
            });
        }
        Payment { rounding_minor: open_minor, tenders }
    }
}

impl SoldLine {
    const fn left(&self) -> Milli {
        Milli(self.sold.quantity.0 - self.brought_back.quantity.0)
    }

    const fn is_returnable(&self) -> bool {
        self.left().0 > 0
    }

    /// Takes back some pieces, or all that was weighed.
    fn take_back(&mut self, chance: &mut StdRng) -> BackLine {
        let left = self.left();
        let quantity = if self.item.weighed {
            left
        } else {
            Milli::units(chance.random_range(1..=left.0 / 1_000))
        };
        let until_now = self.brought_back;
        let afterwards = self.share_of(Milli(until_now.quantity.0 + quantity.0));
        self.brought_back = afterwards;
        let back = Amounts {
            quantity,
            extended_minor: afterwards.extended_minor - until_now.extended_minor,
            total_minor: afterwards.total_minor - until_now.total_minor,
            tax_minor: afterwards.tax_minor - until_now.tax_minor,
        };
        let damaged = chance.random_ratio(1, DAMAGED_ONE_IN);
        BackLine { original: self.number, item: self.item.clone(), back, damaged }
    }

    /// What so much of the line was sold for.
    fn share_of(&self, quantity: Milli) -> Amounts {
        let of = |amount_minor| share(amount_minor, quantity.0, self.sold.quantity.0);
        let total_minor = of(self.sold.total_minor);
        Amounts {
            quantity,
            // The discount is shared, not the price, so that no part has a negative one.
            extended_minor: total_minor + of(self.sold.discount_minor()),
            total_minor,
            tax_minor: of(self.sold.tax_minor),
        }
    }
}

impl Back {
    /// The money side.
    pub(super) fn figures(&self) -> Figures {
        let mut taxes: BTreeMap<TaxCode, Tax> = BTreeMap::new();
        for line in &self.lines {
            let tax = taxes.entry(line.item.tax).or_default();
            tax.base_minor -= line.back.base_minor();
            tax.amount_minor -= line.back.tax_minor;
        }
        Figures {
            sold_minor: 0,
            returned_minor: self.paid_back_minor,
            discounts_minor: 0,
            rounding_minor: self.payment.rounding_minor,
            taxes,
            tenders: self.payment.flows(),
        }
    }

    /// The stock side: what is damaged does not go back on the shelf.
    pub(super) fn stock(&self) -> Vec<(String, Change)> {
        let sellable = self.lines.iter().filter(|line| !line.damaged);
        sellable.map(|line| (line.item.sku.clone(), Change::By(line.back.quantity))).collect()
    }
}
