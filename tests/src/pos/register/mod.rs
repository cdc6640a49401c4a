//! One register: a counter of receipts, a drawer, a memory of what it sold.
//!
//! Whatever happens is written into the store's books first and then handed out as bytes to be
//! sent, which never change again. The clock and the books are arguments. Does not send.

mod money;
mod returns;
mod sales;
mod stock;

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Map, Value};

use super::basket::{BasketLine, Baskets};
use super::books::{Entry, EntryNumber, Figures, Goods, Kind, Outcome, StoreBooks, Totals};
use super::catalogue::Catalogue;
use super::deal::Deal;
use super::json::{self, Heading, Paper};
use super::mix::{Activity, Mix, Twist};
use super::payment::{Detail, Payment, Way};
use super::place::{Identity, Place};
use super::sale::Sold;
use super::z::{self, Closing};

const TRANSACTION: &str = "storekeep.transaction.v1";
const TILL: &str = "storekeep.till.v1";

/// Sales that a register remembers for returns: a day of a busy lane.
const SALES_REMEMBERED_MAX: usize = 500;

/// What a drawer begins with, in minor units.
const FLOAT_MINOR: i64 = 20_000;

/// What a drawer may be over or short at the close, in minor units.
const OVER_SHORT_MINOR_MAX: i64 = 200;

/// What has to follow a basket that was put aside.
#[derive(Debug, Clone)]
enum Waiting {
    Resume { basket: Vec<BasketLine>, business_date: String, receipt: String },
    Sell(Vec<BasketLine>),
}

/// A gift card that was issued here.
#[derive(Debug, Clone)]
struct GiftCard {
    token: String,
    balance_minor: i64,
}

/// Goods put by against a deposit.
#[derive(Debug, Clone)]
struct Layaway {
    basket: Vec<BasketLine>,
    deposit_minor: i64,
    business_date: String,
    receipt: String,
}

/// A day of a register.
#[derive(Debug, Clone)]
struct Day {
    business_date: String,
    first_receipt: String,
    entries: Vec<EntryNumber>,
}

/// An event that was written into the books and is to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// Its entry in the store's books.
    pub entry: EntryNumber,
    /// What is sent, the same bytes however often.
    pub bytes: Vec<u8>,
}

/// A register.
#[derive(Debug)]
pub struct Register {
    place: Place,
    catalogue: Arc<Catalogue>,
    mix: Mix,
    identity: Identity,
    baskets: Baskets,
    chance: StdRng,
    day: Option<Day>,
    receipts: u32,
    documents: u32,
    closes: u32,
    grand_total_minor: i64,
    sold: VecDeque<Sold>,
    waiting: VecDeque<Waiting>,
    trainings: u32,
    gift_cards: Vec<GiftCard>,
    layaways: VecDeque<Layaway>,
}

impl Register {
    /// A register that has never sold. Everything it will do follows from the seed.
    #[must_use]
    pub fn new(
        place: Place,
        catalogue: Arc<Catalogue>,
        mix: Mix,
        identity: Identity,
        seed: u64,
    ) -> Self {
        let mut chance = StdRng::seed_from_u64(seed);
        let baskets = Baskets::new(chance.random());
        Self {
            place,
            catalogue,
            mix,
            identity,
            baskets,
            chance,
            day: None,
            receipts: 0,
            documents: 0,
            closes: 0,
            grand_total_minor: 0,
            sold: VecDeque::new(),
            waiting: VecDeque::new(),
            trainings: 0,
            gift_cards: Vec::new(),
            layaways: VecDeque::new(),
        }
    }

    /// Where it stands.
    #[must_use]
    pub const fn place(&self) -> &Place {
        &self.place
    }

    /// Whether its till is open.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.day.is_some()
    }

    /// Opens the till for a trading day.
    ///
    /// # Panics
    /// It is open.
    pub fn open(&mut self, date: Date, now: Timestamp, books: &mut StoreBooks) -> Made {
        assert!(self.day.is_none(), "the till is open already");
        let receipt = self.next_receipt();
        self.day = Some(Day {
            business_date: date.to_string(),
            first_receipt: receipt.clone(),
            entries: Vec::new(),
        });
        self.till(Kind::Open, &receipt, Map::new(), now, books)
    }

    /// Does what comes next, by chance.
    ///
    /// # Panics
    /// The till is closed.
    pub fn act(&mut self, now: Timestamp, books: &mut StoreBooks) -> Made {
        match self.waiting.pop_front() {
            Some(Waiting::Sell(basket)) => {
                return self.sell_basket(&basket, Twist::None, now, books);
            }
            Some(Waiting::Resume { basket, business_date, receipt }) => {
                let original = json::reference(&self.place, &business_date, &receipt);
                let made = self.unfinished(Kind::Resume, &basket, Some(original), now, books);
                self.waiting.push_back(Waiting::Sell(basket));
                return made;
            }
            None => {}
        }
        match self.mix.draw(&mut self.chance) {
            Activity::SellWith(twist) => self.sell_with(twist, now, books),
            Activity::TakeBack => match self.take_back(now, books) {
                Some(made) => made,
                None => self.sell(now, books),
            },
            Activity::Exchange => match self.exchange(now, books) {
                Some(made) => made,
                None => self.sell(now, books),
            },
            Activity::PostVoid => match self.post_void(now, books) {
                Some(made) => made,
                None => self.sell(now, books),
            },
            Activity::BlindReturn => self.take_back_blind(now, books),
            Activity::Void => {
                let basket = self.baskets.next(&self.catalogue);
                self.unfinished(Kind::Void, &basket, None, now, books)
            }
            Activity::Suspend => self.suspend(now, books),
            Activity::Train => self.train(now, books),
            Activity::IssueGiftCard => self.issue_gift_card(now, books),
            Activity::Redeem => self.redeem(now, books),
            Activity::Prepayment => self.prepayment(now, books),
            Activity::ExchangeTender => self.exchange_tender(now, books),
            Activity::PayAccount => self.pay_account(now, books),
            Activity::NoSale => {
                let receipt = self.next_receipt();
                self.till(Kind::NoSale, &receipt, Map::new(), now, books)
            }
            Activity::PettyCash => self.petty_cash(now, books),
            Activity::Safe => self.safe(now, books),
            Activity::Adjust => self.adjust(now, books),
            Activity::Receive => self.receive(now, books),
            Activity::Count => self.count(now, books),
        }
    }

    /// Closes the till with its Z.
    ///
    /// # Panics
    /// The till is closed.
    pub fn close(&mut self, now: Timestamp, books: &mut StoreBooks) -> Made {
        let last_receipt = receipt_text(self.receipts);
        let receipt = self.next_receipt();
        let over_short_minor = if self.chance.random_ratio(1, 3) {
            self.chance.random_range(-OVER_SHORT_MINOR_MAX..=OVER_SHORT_MINOR_MAX)
        } else {
            0
        };
        self.closes += 1;
        let day = self.day.as_ref().expect("the till is open");
        let totals = Totals::of(day.entries.iter().map(|number| books.entry(*number)));
        self.grand_total_minor += totals.figures.sold_minor;
        let closing = Closing {
            number: self.closes,
            first_receipt: &day.first_receipt,
            last_receipt: &last_receipt,
            float_minor: FLOAT_MINOR,
            over_short_minor,
            grand_total_minor: self.grand_total_minor,
        };
        let parts = Map::from_iter([("z".to_owned(), z::report(&totals, &closing))]);
        let made = self.till(Kind::Close, &receipt, parts, now, books);
        self.day = None;
        made
    }

    /// Prints what customer and store settle, and writes it into the books.
    fn conclude(
        &mut self,
        deal: &Deal,
        paper: Paper,
        now: Timestamp,
        books: &mut StoreBooks,
    ) -> Made {
        let receipt = self.next_receipt();
        let at = books.next_time(now);
        let body = json::deal(&self.heading(&receipt, at), deal, &paper);
        self.enter(deal, paper.earlier, &receipt, at, body, books)
    }

    fn enter(
        &mut self,
        deal: &Deal,
        earlier: Option<String>,
        receipt: &str,
        at: Timestamp,
        body: Value,
        books: &mut StoreBooks,
    ) -> Made {
        let mut entry = self.entry(deal.kind, receipt, at);
        entry.figures = deal.figures();
        entry.goods = deal.goods();
        entry.stock = deal.stock();
        entry.original = earlier;
        self.charge_gift_cards(&deal.payment);
        self.made(TRANSACTION, entry, body, books)
    }

    /// Keeps what is left on the gift cards that were issued here.
    fn charge_gift_cards(&mut self, payment: &Payment) {
        for tender in &payment.tenders {
            let Detail::GiftCard(token) = &tender.detail else { continue };
            let known = self.gift_cards.iter_mut().find(|card| card.token == *token);
            let card = known.expect("a register takes gift cards that it issued");
            card.balance_minor += match tender.way {
                Way::ToStore => -tender.amount_minor,
                Way::ToCustomer => tender.amount_minor,
            };
        }
    }

    fn till(
        &mut self,
        kind: Kind,
        receipt: &str,
        parts: Map<String, Value>,
        now: Timestamp,
        books: &mut StoreBooks,
    ) -> Made {
        let at = books.next_time(now);
        let body = json::till(&self.heading(receipt, at), kind.word(), parts);
        let entry = self.entry(kind, receipt, at);
        self.made(TILL, entry, body, books)
    }

    /// Writes the entry into the books and the event as bytes.
    fn made(&mut self, event: &str, entry: Entry, body: Value, books: &mut StoreBooks) -> Made {
        let id = match self.identity {
            Identity::LeftOut => None,
            Identity::Given => Some(self.draw_id(entry.at)),
        };
        let entry = books.record(entry);
        self.day.as_mut().expect("the till is open").entries.push(entry);
        Made { entry, bytes: json::event(event, id, body) }
    }

    fn draw_id(&mut self, at: Timestamp) -> uuid::Uuid {
        let millis = u64::try_from(at.as_millisecond()).expect("stores sell after 1970");
        uuid::Builder::from_unix_timestamp_millis(millis, &self.chance.random()).into_uuid()
    }

    fn heading<'a>(&'a self, receipt: &'a str, at: Timestamp) -> Heading<'a> {
        Heading { place: &self.place, business_date: self.business_date(), receipt, at }
    }

    fn entry(&self, kind: Kind, receipt: &str, at: Timestamp) -> Entry {
        Entry {
            key: self.key(self.business_date(), receipt),
            kind,
            at,
            figures: Figures::default(),
            goods: Goods::default(),
            stock: Vec::new(),
            original: None,
            outcome: Outcome::Open,
        }
    }

    fn key(&self, business_date: &str, receipt: &str) -> String {
        format!("{}/{}/{business_date}/{receipt}", self.place.store.name, self.place.register)
    }

    fn business_date(&self) -> &str {
        &self.day.as_ref().expect("the till is open").business_date
    }

    fn next_receipt(&mut self) -> String {
        self.receipts += 1;
        receipt_text(self.receipts)
    }
}

fn receipt_text(number: u32) -> String {
    format!("{number:06}")
}
