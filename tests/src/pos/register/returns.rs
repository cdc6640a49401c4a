//! What comes back: with a receipt, without one, for other goods, or because the receipt was wrong.
//!
//! Does not sell anything but what goods are exchanged for.

use jiff::Timestamp;
use rand::RngExt;

use super::{Made, Register};
use crate::pos::books::{Kind, StoreBooks};
use crate::pos::deal::{Deal, back_minor};
use crate::pos::json::{self, Paper};
use crate::pos::payment::Payment;
use crate::pos::refund::{BackLine, Source};
use crate::pos::sale::{self, Sold};

/// Lines that goods are exchanged for, or that come back without a receipt, at most.
const FEW_LINES_MAX: usize = 3;

impl Register {
    /// Takes goods back on one of its own earlier receipts; none if it remembers nothing that
    /// could come back.
    ///
    /// # Panics
    /// The till is closed.
    pub fn take_back(&mut self, now: Timestamp, books: &mut StoreBooks) -> Option<Made> {
        let place = self.any_sold(Sold::is_returnable)?;
        let sold = &mut self.sold[place];
        let back = sold.take_back(1, &mut self.chance);
        let payment = sold.pay_back(back_minor(&back), self.place.store.coin_minor);
        let paper = self.naming(place);
        let deal = Deal { kind: Kind::Return, out: Vec::new(), back, payment };
        Some(self.conclude(&deal, paper, now, books))
    }

    /// Takes goods back on an earlier receipt and hands out others; the difference is paid by
    /// whoever owes it.
    pub(super) fn exchange(&mut self, now: Timestamp, books: &mut StoreBooks) -> Option<Made> {
        let place = self.any_sold(Sold::is_returnable)?;
        let count = self.chance.random_range(1..=FEW_LINES_MAX);
        let basket = self.baskets.of_lines(&self.catalogue, count);
        let back = self.sold[place].take_back(1, &mut self.chance);
        let next = back.last().map_or(1, |back| back.line.number + 1);
        let out = self.lines(next, &basket, false);
        let due_minor = sale::due_minor(&out) - back_minor(&back);
        let coin_minor = self.place.store.coin_minor;
        let payment = if due_minor < 0 {
            self.sold[place].pay_back(-due_minor, coin_minor)
        } else {
            Payment::of(due_minor, coin_minor, &mut self.chance)
        };
        let paper = self.naming(place);
        Some(self.settle(Deal { kind: Kind::Exchange, out, back, payment }, paper, now, books))
    }

    /// Undoes an earlier receipt, whole or by naming it only; none if there is none that it could.
    pub(super) fn post_void(&mut self, now: Timestamp, books: &mut StoreBooks) -> Option<Made> {
        let place = self.any_sold(Sold::is_voidable)?;
        let Paper { lines_of, earlier, .. } = self.naming(place);
        let sold = &mut self.sold[place];
        sold.is_undone = true;
        let (back, payment) = (sold.undone(), sold.payment.reversed());
        let deal = Deal { kind: Kind::PostVoid, out: Vec::new(), back, payment };
        if self.chance.random_ratio(1, 2) {
            let paper = Paper { original: lines_of, earlier, ..Paper::default() };
            return Some(self.conclude(&deal, paper, now, books));
        }
        let receipt = self.next_receipt();
        let at = books.next_time(now);
        let original = lines_of.unwrap_or_default();
        let body = json::bare_post_void(&self.heading(&receipt, at), original);
        Some(self.enter(&deal, earlier, &receipt, at, body, books))
    }

    /// Takes back what nobody has a receipt of.
    pub(super) fn take_back_blind(&mut self, now: Timestamp, books: &mut StoreBooks) -> Made {
        let count = self.chance.random_range(1..=FEW_LINES_MAX);
        let basket = self.baskets.of_lines(&self.catalogue, count);
        let lines = self.lines(1, &basket, false).into_iter();
        let blind = |line| BackLine { line, source: Source::Blind, is_damaged: false };
        let back: Vec<_> = lines.map(blind).collect();
        let payment = Payment::back_in_cash(back_minor(&back), self.place.store.coin_minor);
        let deal = Deal { kind: Kind::Return, out: Vec::new(), back, payment };
        self.conclude(&deal, Paper::default(), now, books)
    }

    fn any_sold(&mut self, fits: impl Fn(&Sold) -> bool) -> Option<usize> {
        let fitting: Vec<_> =
            (0..self.sold.len()).filter(|place| fits(&self.sold[*place])).collect();
        if fitting.is_empty() {
            return None;
        }
        Some(fitting[self.chance.random_range(0..fitting.len())])
    }

    /// Names a receipt as the one that goods were sold on.
    fn naming(&self, place: usize) -> Paper {
        let Sold { business_date, receipt, .. } = &self.sold[place];
        Paper {
            lines_of: Some(json::reference(&self.place, business_date, receipt)),
            earlier: Some(self.key(business_date, receipt)),
            ..Paper::default()
        }
    }
}
