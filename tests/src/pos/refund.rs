//! Goods brought back on an earlier receipt of the same register, whole or in part.
//!
//! Never more than was sold, and never more money than was paid. A line that comes back in parts
//! comes back at exactly what it was sold for: each part is the difference of two shares.
//! Does not write JSON.

use rand::RngExt;
use rand::rngs::StdRng;

use super::books::TenderKind;
use super::figures::{Milli, in_coins, share};
use super::line::{Amounts, Line, Part, Thing};
use super::payment::{Detail, Payment, Purpose, Tender, Way, next_number};
use super::sale::{Sold, SoldLine};

/// One in how many lines comes back damaged and does not return to the shelf.
const DAMAGED_ONE_IN: u32 = 10;

/// Where a line that comes back is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// This line of the receipt that is named.
    Receipt(u32),
    /// Nobody knows.
    Blind,
    /// A deposit that is set against the goods.
    Deposit,
    /// The receipt that a post void undoes.
    Undone,
}

/// A line that comes back.
#[derive(Debug, Clone)]
pub(super) struct BackLine {
    pub(super) line: Line,
    pub(super) source: Source,
    pub(super) is_damaged: bool,
}

impl Sold {
    /// Whether anything is left to be brought back.
    pub(super) fn is_returnable(&self) -> bool {
        !self.is_undone && self.lines.iter().any(SoldLine::is_returnable)
    }

    /// Takes some of the goods back, on lines from a number on; none if nothing is left.
    pub(super) fn take_back(&mut self, first_number: u32, chance: &mut StdRng) -> Vec<BackLine> {
        let mut returnable: Vec<_> =
            self.lines.iter_mut().filter(|line| line.is_returnable()).collect();
        if returnable.is_empty() {
            return Vec::new();
        }
        let first = chance.random_range(0..returnable.len());
        let count = chance.random_range(1..=returnable.len() - first);
        let chosen = &mut returnable[first..first + count];
        let numbered = (first_number..).zip(chosen);
        numbered.map(|(number, line)| line.take_back(number, chance)).collect()
    }

    /// Pays back as the receipt was paid, cash last. Rounding is counted as in the transaction's
    /// equation: `−paid back = −due + rounding`.
    pub(super) fn pay_back(&mut self, due_minor: i64, coin_minor: i64) -> Payment {
        let mut tenders: Vec<Tender> = Vec::new();
        let mut open_minor = due_minor;
        let mut paid: Vec<_> = self.paid.iter_mut().collect();
        paid.sort_by_key(|paid| paid.kind == TenderKind::Cash);
        for paid in paid {
            let amount_minor = match paid.kind {
                // Whole coins of what is left, which foreign notes do not leave.
                TenderKind::Cash => {
                    in_coins(open_minor, coin_minor).min(paid.left_minor) / coin_minor * coin_minor
                }
                _ => open_minor.min(paid.left_minor),
            };
            if amount_minor <= 0 {
                continue;
            }
            paid.left_minor -= amount_minor;
            open_minor -= amount_minor;
            tenders.push(Tender {
                number: next_number(&tenders),
                kind: paid.kind,
                purpose: Purpose::Refund,
                way: Way::ToCustomer,
                amount_minor,
                original: paid.tender,
                detail: paid.card.clone().map_or(Detail::Nothing, Detail::GiftCard),
            });
        }
        Payment { rounding_minor: open_minor, tenders }
    }

    /// Every line, as a post void undoes it.
    pub(super) fn undone(&self) -> Vec<BackLine> {
        let lines = self.lines.iter().map(|sold| BackLine {
            line: sold.line.clone(),
            source: Source::Undone,
            is_damaged: false,
        });
        lines.collect()
    }
}

impl SoldLine {
    const fn left(&self) -> Milli {
        Milli(self.line.amounts.quantity.0 - self.brought_back.quantity.0)
    }

    /// Goods come back; a bundle only with a post void of the whole receipt.
    fn is_returnable(&self) -> bool {
        let is_goods = matches!(self.line.thing, Thing::Item(_)) && self.line.part == Part::Whole;
        is_goods && self.left().0 > 0
    }

    /// Takes back some pieces, or all that was weighed.
    fn take_back(&mut self, number: u32, chance: &mut StdRng) -> BackLine {
        let left = self.left();
        let is_weighed = self.line.thing.item().is_some_and(|item| item.weighed);
        let quantity =
            if is_weighed { left } else { Milli::units(chance.random_range(1..=left.0 / 1_000)) };
        let afterwards = self.share_of(Milli(self.brought_back.quantity.0 + quantity.0));
        let until_now = std::mem::replace(&mut self.brought_back, afterwards.clone());
        let before = |place: usize| until_now.taxes.get(place).map_or(0, |(_, amount)| *amount);
        let taxes = afterwards.taxes.iter().enumerate();
        let amounts = Amounts {
            quantity,
            extended_minor: afterwards.extended_minor - until_now.extended_minor,
            total_minor: afterwards.total_minor - until_now.total_minor,
            taxes: taxes.map(|(place, (code, amount))| (*code, amount - before(place))).collect(),
        };
        let is_damaged = chance.random_ratio(1, DAMAGED_ONE_IN);
        let source = Source::Receipt(self.line.number);
        BackLine { line: Line { number, amounts, ..self.line.clone() }, source, is_damaged }
    }

    /// What so much of the line was sold for.
    fn share_of(&self, quantity: Milli) -> Amounts {
        let sold = &self.line.amounts;
        let of = |amount_minor| share(amount_minor, quantity.0, sold.quantity.0);
        let total_minor = of(sold.total_minor);
        Amounts {
            quantity,
            // The discount is shared, not the price, so that no part has a negative one.
            extended_minor: total_minor + of(sold.discount_minor()),
            total_minor,
            taxes: sold.taxes.iter().map(|(code, amount)| (*code, of(*amount))).collect(),
        }
    }
}
