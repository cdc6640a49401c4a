//! Money that is no price of goods: gift cards, deposits, money changed, accounts, the drawer.
//!
//! Does not count the drawer.

use jiff::Timestamp;
use rand::RngExt;
use serde_json::{Map, json};

use super::{GiftCard, Layaway, Made, Register, TILL, receipt_text};
use crate::pos::books::{Drawer, Kind, StoreBooks, TenderKind, Totals};
use crate::pos::deal::Deal;
use crate::pos::figures::share;
use crate::pos::json::{self, Paper};
use crate::pos::line::{Line, Thing};
use crate::pos::payment::{Payment, Purpose};
use crate::pos::refund::{BackLine, Source};
use crate::pos::sale;

/// What is on a gift card when it is issued, in tens of the currency.
const GIFT_CARD_TENS: std::ops::RangeInclusive<i64> = 1..=10;

/// What is paid of a price when goods are put by, in per cent.
const DEPOSIT_PERCENT: std::ops::RangeInclusive<i64> = 20..=60;

/// What is changed, paid to accounts, in or out, in fives of the currency.
const FIVES: std::ops::RangeInclusive<i64> = 1..=8;

/// The step in which notes go to the safe and change comes from it, in minor units.
const BUNDLE_OF_NOTES_MINOR: i64 = 5_000;

impl Register {
    pub(super) fn issue_gift_card(&mut self, now: Timestamp, books: &mut StoreBooks) -> Made {
        let minor = 1_000 * self.chance.random_range(GIFT_CARD_TENS);
        let number = self.gift_cards.len() + 1;
        let token = format!("gc-{}-{}-{number}", self.place.store.name, self.place.register);
        let line = Line::of(1, Thing::GiftCard(token.clone()), minor);
        let payment = Payment::of(minor, self.place.store.coin_minor, &mut self.chance);
        self.gift_cards.push(GiftCard { token, balance_minor: minor });
        let deal = Deal { kind: Kind::GiftCard, ..Deal::sale(vec![line], payment) };
        self.conclude(&deal, Paper::default(), now, books)
    }

    /// Sells a basket for a gift card as far as it reaches; issues one if none has anything left.
    pub(super) fn redeem(&mut self, now: Timestamp, books: &mut StoreBooks) -> Made {
        let Some(card) = self.gift_cards.iter().find(|card| card.balance_minor > 0).cloned() else {
            return self.issue_gift_card(now, books);
        };
        let basket = self.baskets.next(&self.catalogue);
        let lines = self.lines(1, &basket, false);
        let due_minor = sale::due_minor(&lines);
        let payment = Payment::with_gift_card(due_minor, &card.token, card.balance_minor);
        self.settle(Deal::sale(lines, payment), Paper::default(), now, books)
    }

    /// Puts goods by against a deposit, or hands over what was put by first.
    pub(super) fn prepayment(&mut self, now: Timestamp, books: &mut StoreBooks) -> Made {
        if self.chance.random_ratio(1, 2)
            && let Some(layaway) = self.layaways.pop_front()
        {
            return self.hand_over(&layaway, now, books);
        }
        let basket = self.baskets.next(&self.catalogue);
        let later = self.lines(2, &basket, false);
        let percent = self.chance.random_range(DEPOSIT_PERCENT);
        let deposit_minor = share(sale::due_minor(&later), percent, 100);
        let payment = Payment::of(deposit_minor, self.place.store.coin_minor, &mut self.chance);
        let line = Line::of(1, Thing::Prepayment, deposit_minor);
        let deal = Deal { kind: Kind::Layaway, ..Deal::sale(vec![line], payment) };
        let made = self.conclude(&deal, Paper { later, ..Paper::default() }, now, books);
        let business_date = self.business_date().to_owned();
        let receipt = receipt_text(self.receipts);
        self.layaways.push_back(Layaway { basket, deposit_minor, business_date, receipt });
        made
    }

    fn hand_over(&mut self, layaway: &Layaway, now: Timestamp, books: &mut StoreBooks) -> Made {
        let Layaway { basket, deposit_minor, business_date, receipt } = layaway;
        let deposit = Line::of(1, Thing::Prepayment, *deposit_minor);
        let back = vec![BackLine { line: deposit, source: Source::Deposit, is_damaged: false }];
        let out = self.lines(2, basket, false);
        let due_minor = sale::due_minor(&out) - deposit_minor;
        let payment = Payment::of(due_minor, self.place.store.coin_minor, &mut self.chance);
        let paper = Paper {
            original: Some(json::reference(&self.place, business_date, receipt)),
            earlier: Some(self.key(business_date, receipt)),
            ..Paper::default()
        };
        self.settle(Deal { kind: Kind::Sale, out, back, payment }, paper, now, books)
    }

    /// Cashes a cheque.
    pub(super) fn exchange_tender(&mut self, now: Timestamp, books: &mut StoreBooks) -> Made {
        self.change(Kind::TenderExchange, TenderKind::Cheque, TenderKind::Cash, now, books)
    }

    /// Takes cash for a customer's account.
    pub(super) fn pay_account(&mut self, now: Timestamp, books: &mut StoreBooks) -> Made {
        self.change(Kind::AccountPayment, TenderKind::Cash, TenderKind::Account, now, books)
    }

    fn change(
        &mut self,
        kind: Kind,
        given: TenderKind,
        handed_out: TenderKind,
        now: Timestamp,
        books: &mut StoreBooks,
    ) -> Made {
        let minor = self.some_fives();
        let payment = Payment::exchanged(given, handed_out, Purpose::Refund, minor);
        let deal = Deal { kind, out: Vec::new(), back: Vec::new(), payment };
        self.conclude(&deal, Paper::default(), now, books)
    }

    /// Pays a small expense out of the drawer, or puts money in.
    pub(super) fn petty_cash(&mut self, now: Timestamp, books: &mut StoreBooks) -> Made {
        let minor = self.some_fives();
        let mut drawer = Drawer::default();
        if self.chance.random_ratio(1, 3) {
            drawer.paid_in_minor = minor;
            return self.moved(Kind::PaidIn, drawer, minor, "found in the shop", now, books);
        }
        drawer.paid_out_minor = minor;
        self.moved(Kind::PaidOut, drawer, minor, "window cleaner", now, books)
    }

    /// Takes what was taken in to the safe, or fetches change where that is little.
    pub(super) fn safe(&mut self, now: Timestamp, books: &mut StoreBooks) -> Made {
        let day = self.day.as_ref().expect("the till is open");
        let figures = Totals::of(day.entries.iter().map(|number| books.entry(*number))).figures;
        let cash = figures.tenders.get(&TenderKind::Cash).copied().unwrap_or_default();
        let taken = cash.in_minor - cash.out_minor + figures.drawer.net_minor();
        let mut drawer = Drawer::default();
        if taken < BUNDLE_OF_NOTES_MINOR {
            drawer.loans_minor = BUNDLE_OF_NOTES_MINOR;
            return self.moved(Kind::Loan, drawer, BUNDLE_OF_NOTES_MINOR, "change", now, books);
        }
        let minor = taken / BUNDLE_OF_NOTES_MINOR * BUNDLE_OF_NOTES_MINOR;
        drawer.pickups_minor = minor;
        self.moved(Kind::Pickup, drawer, minor, "to the safe", now, books)
    }

    fn moved(
        &mut self,
        kind: Kind,
        drawer: Drawer,
        minor: i64,
        reason: &str,
        now: Timestamp,
        books: &mut StoreBooks,
    ) -> Made {
        let receipt = self.next_receipt();
        let at = books.next_time(now);
        let parts = [("amount", json!(minor)), ("reason", json!(reason))];
        let parts = Map::from_iter(parts.map(|(name, value)| (name.to_owned(), value)));
        let body = json::till(&self.heading(&receipt, at), kind.word(), parts);
        let mut entry = self.entry(kind, &receipt, at);
        entry.figures.drawer = drawer;
        self.made(TILL, entry, body, books)
    }

    fn some_fives(&mut self) -> i64 {
        500 * self.chance.random_range(FIVES)
    }
}
