//! Baskets: sold, put aside, taken up again, voided, rung up for practice.
//!
//! Does not take anything back.

use jiff::Timestamp;
use rand::RngExt;
use serde_json::{Map, Value, json};

use super::{Made, Register, SALES_REMEMBERED_MAX, TRANSACTION, Waiting, receipt_text};
use crate::pos::basket::BasketLine;
use crate::pos::books::{Kind, StoreBooks};
use crate::pos::deal::Deal;
use crate::pos::json::{self, Paper};
use crate::pos::line::{Amounts, Line, Thing};
use crate::pos::mix::Twist;
use crate::pos::payment::Payment;
use crate::pos::sale::{self, Sold, SoldLine};

/// A tip, in minor units.
const TIP_MINOR: std::ops::RangeInclusive<i64> = 50..=500;

impl Register {
    /// Sells a basket as people fill it.
    ///
    /// # Panics
    /// The till is closed.
    pub fn sell(&mut self, now: Timestamp, books: &mut StoreBooks) -> Made {
        self.sell_with(Twist::None, now, books)
    }

    /// Sells a basket of so many lines.
    ///
    /// # Panics
    /// The till is closed.
    pub fn sell_lines(&mut self, lines: usize, now: Timestamp, books: &mut StoreBooks) -> Made {
        let basket = self.baskets.of_lines(&self.catalogue, lines);
        self.sell_basket(&basket, Twist::None, now, books)
    }

    pub(super) fn sell_with(
        &mut self,
        twist: Twist,
        now: Timestamp,
        books: &mut StoreBooks,
    ) -> Made {
        let basket = self.baskets.next(&self.catalogue);
        self.sell_basket(&basket, twist, now, books)
    }

    pub(super) fn sell_basket(
        &mut self,
        basket: &[BasketLine],
        twist: Twist,
        now: Timestamp,
        books: &mut StoreBooks,
    ) -> Made {
        let (coin_minor, taxation) = (self.place.store.coin_minor, self.place.store.taxation);
        let mut lines = self.lines(1, basket, twist == Twist::Exempt);
        let next = next_line(&lines);
        match twist {
            Twist::Tip => {
                lines.push(Line::of(next, Thing::Tip, self.chance.random_range(TIP_MINOR)));
            }
            Twist::Bundle => {
                lines.extend(sale::bundle(next, &self.catalogue, taxation, &mut self.chance));
            }
            Twist::None | Twist::ForeignCash | Twist::Exempt | Twist::SeveralTenders => {}
        }
        let due_minor = sale::due_minor(&lines);
        let payment = match twist {
            Twist::ForeignCash => Payment::in_foreign_cash(due_minor, coin_minor),
            Twist::SeveralTenders => Payment::in_several(due_minor, coin_minor, &mut self.chance),
            Twist::Tip => Payment::by_card(due_minor),
            Twist::None | Twist::Exempt | Twist::Bundle => {
                Payment::of(due_minor, coin_minor, &mut self.chance)
            }
        };
        self.settle(Deal::sale(lines, payment), Paper::default(), now, books)
    }

    /// The lines of a basket from a line number on.
    pub(super) fn lines(&self, first: u32, basket: &[BasketLine], is_exempt: bool) -> Vec<Line> {
        sale::lines(first, basket, &self.catalogue, self.place.store.taxation, is_exempt)
    }

    /// Concludes what can be brought back or undone later, and remembers it.
    pub(super) fn settle(
        &mut self,
        deal: Deal,
        paper: Paper,
        now: Timestamp,
        books: &mut StoreBooks,
    ) -> Made {
        let made = self.conclude(&deal, paper, now, books);
        // What came back paid for what went out as far as it reached.
        let carried_minor = deal.out_minor().min(deal.back_minor());
        let remembered = |line| SoldLine { line, brought_back: Amounts::default() };
        self.sold.push_back(Sold {
            kind: deal.kind,
            business_date: self.business_date().to_owned(),
            receipt: receipt_text(self.receipts),
            paid: sale::paid(&deal.payment, carried_minor),
            is_mixed: !deal.back.is_empty(),
            is_undone: false,
            lines: deal.out.into_iter().map(remembered).collect(),
            payment: deal.payment,
        });
        if self.sold.len() > SALES_REMEMBERED_MAX {
            self.sold.pop_front();
        }
        made
    }

    pub(super) fn suspend(&mut self, now: Timestamp, books: &mut StoreBooks) -> Made {
        let basket = self.baskets.next(&self.catalogue);
        let made = self.unfinished(Kind::Suspend, &basket, None, now, books);
        let business_date = self.business_date().to_owned();
        let receipt = receipt_text(self.receipts);
        self.waiting.push_back(Waiting::Resume { basket, business_date, receipt });
        made
    }

    /// A basket that was voided, put aside or taken up: it has lines and a total, and no payment.
    pub(super) fn unfinished(
        &mut self,
        kind: Kind,
        basket: &[BasketLine],
        original: Option<Value>,
        now: Timestamp,
        books: &mut StoreBooks,
    ) -> Made {
        let receipt = self.next_receipt();
        let parts = original.map(|original| ("original".to_owned(), original));
        self.rung_up(kind, &receipt, basket, parts.into_iter().collect(), now, books)
    }

    /// Rings up a basket for practice, under a number of its own.
    pub(super) fn train(&mut self, now: Timestamp, books: &mut StoreBooks) -> Made {
        self.trainings += 1;
        let receipt = format!("T{}", receipt_text(self.trainings));
        let basket = self.baskets.next(&self.catalogue);
        let due_minor = sale::due_minor(&self.lines(1, &basket, false));
        let tender =
            json!({ "tender": 1, "kind": "card", "purpose": "payment", "amount": due_minor });
        let parts = [("flags", json!(["training"])), ("tenders", json!([tender]))];
        let parts = parts.map(|(name, value)| (name.to_owned(), value));
        self.rung_up(Kind::Training, &receipt, &basket, Map::from_iter(parts), now, books)
    }

    fn rung_up(
        &mut self,
        kind: Kind,
        receipt: &str,
        basket: &[BasketLine],
        parts: Map<String, Value>,
        now: Timestamp,
        books: &mut StoreBooks,
    ) -> Made {
        let lines = self.lines(1, basket, false);
        let at = books.next_time(now);
        let heading = self.heading(receipt, at);
        let written = lines.iter().map(json::sold).collect();
        let due_minor = sale::due_minor(&lines);
        let body = json::transaction(&heading, kind.word(), written, due_minor, parts);
        let entry = self.entry(kind, receipt, at);
        self.made(TRANSACTION, entry, body, books)
    }
}

/// The number of the line that follows.
pub(super) fn next_line(lines: &[Line]) -> u32 {
    lines.last().map_or(1, |line| line.number + 1)
}
