//! A receipt of goods sold, with what may still be brought back.
//!
//! Does not write JSON and does not count receipts.

use std::collections::BTreeMap;

use rand::rngs::StdRng;

use super::basket::BasketLine;
use super::books::{Change, Figures, Tax, TenderKind};
use super::catalogue::{Catalogue, Item, TaxCode};
use super::figures::{Milli, extended, included_tax};
use super::payment::{Payment, Purpose};

/// What of a line counts: as sold, as brought back so far, or as brought back now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Amounts {
    pub(super) quantity: Milli,
    pub(super) extended_minor: i64,
    pub(super) total_minor: i64,
    pub(super) tax_minor: i64,
}

impl Amounts {
    pub(super) const fn discount_minor(&self) -> i64 {
        self.extended_minor - self.total_minor
    }

    pub(super) const fn base_minor(&self) -> i64 {
        self.total_minor - self.tax_minor
    }
}

/// A line as it was sold.
#[derive(Debug, Clone)]
pub(super) struct SoldLine {
    pub(super) number: u32,
    pub(super) item: Item,
    pub(super) sold: Amounts,
    pub(super) brought_back: Amounts,
}

/// What a customer paid with one tender, less change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Paid {
    pub(super) tender: u32,
    pub(super) kind: TenderKind,
    /// What may still be paid back, in minor units.
    pub(super) left_minor: i64,
}

/// A sale, by its receipt.
#[derive(Debug, Clone)]
pub(super) struct Sold {
    pub(super) business_date: String,
    pub(super) receipt: String,
    pub(super) lines: Vec<SoldLine>,
    pub(super) paid: Vec<Paid>,
}

/// The lines of a basket, priced and taxed.
pub(super) fn lines(basket: &[BasketLine], catalogue: &Catalogue) -> Vec<SoldLine> {
    let numbered = (1..).zip(basket);
    numbered
        .map(|(number, line)| {
            let item = catalogue.items()[line.item].clone();
            let extended_minor = extended(item.price_minor, line.quantity);
            let total_minor = extended_minor - line.discount_minor;
            let tax_minor = included_tax(total_minor, item.tax.rate_percent());
            let sold = Amounts { quantity: line.quantity, extended_minor, total_minor, tax_minor };
            SoldLine { number, item, sold, brought_back: Amounts::default() }
        })
        .collect()
}

/// What is due for lines.
pub(super) fn due_minor(lines: &[SoldLine]) -> i64 {
    lines.iter().map(|line| line.sold.total_minor).sum()
}

/// The money side of a sale.
pub(super) fn figures(lines: &[SoldLine], payment: &Payment) -> Figures {
    let mut taxes: BTreeMap<TaxCode, Tax> = BTreeMap::new();
    for line in lines {
        let tax = taxes.entry(line.item.tax).or_default();
        tax.base_minor += line.sold.base_minor();
        tax.amount_minor += line.sold.tax_minor;
    }
    Figures {
        sold_minor: due_minor(lines) + payment.rounding_minor,
        returned_minor: 0,
        discounts_minor: lines.iter().map(|line| line.sold.discount_minor()).sum(),
        rounding_minor: payment.rounding_minor,
        taxes,
        tenders: payment.flows(),
    }
}

/// The stock side of a sale.
pub(super) fn stock(lines: &[SoldLine]) -> Vec<(String, Change)> {
    let gone = |line: &SoldLine| Change::By(Milli(-line.sold.quantity.0));
    lines.iter().map(|line| (line.item.sku.clone(), gone(line))).collect()
}

/// What each tender came to, less the change that was given on it.
pub(super) fn paid(payment: &Payment) -> Vec<Paid> {
    let change: i64 = payment
        .tenders
        .iter()
        .filter(|tender| tender.purpose == Purpose::Change)
        .map(|tender| tender.amount_minor)
        .sum();
    let payments = payment.tenders.iter().filter(|tender| tender.purpose == Purpose::Payment);
    payments
        .map(|tender| {
            let given_back = if tender.kind == TenderKind::Cash { change } else { 0 };
            let left_minor = tender.amount_minor - given_back;
            Paid { tender: tender.number, kind: tender.kind, left_minor }
        })
        .collect()
}

/// Pays for lines.
pub(super) fn pay(lines: &[SoldLine], coin_minor: i64, chance: &mut StdRng) -> Payment {
    Payment::of(due_minor(lines), coin_minor, chance)
}
