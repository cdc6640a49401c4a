//! One register: a counter of receipts, a drawer, a memory of what it sold.
//!
//! Whatever happens is written into the store's books first and then handed out as bytes to be
//! sent, which never change again. The clock and the books are arguments. Does not send.

mod stock;

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Map, Value};

use super::basket::{BasketLine, Baskets};
use super::books::{Entry, EntryNumber, Figures, Kind, Outcome, StoreBooks, Totals};
use super::catalogue::Catalogue;
use super::json::{self, Heading};
use super::mix::{Activity, Mix};
use super::place::{Identity, Place};
use super::sale::{self, Sold};
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
            Some(Waiting::Sell(basket)) => return self.sell_basket(&basket, now, books),
            Some(Waiting::Resume { basket, business_date, receipt }) => {
                let original = json::reference(&self.place, &business_date, &receipt);
                let made = self.unfinished(Kind::Resume, &basket, Some(original), now, books);
                self.waiting.push_back(Waiting::Sell(basket));
                return made;
            }
            None => {}
        }
        match self.mix.draw(&mut self.chance) {
            Activity::Sell => self.sell(now, books),
            Activity::TakeBack => match self.take_back(now, books) {
                Some(made) => made,
                None => self.sell(now, books),
            },
            Activity::Void => {
                let basket = self.baskets.next(&self.catalogue);
                self.unfinished(Kind::Void, &basket, None, now, books)
            }
            Activity::Suspend => self.suspend(now, books),
            Activity::NoSale => {
                let receipt = self.next_receipt();
                self.till(Kind::NoSale, &receipt, Map::new(), now, books)
            }
            Activity::Adjust => self.adjust(now, books),
            Activity::Receive => self.receive(now, books),
            Activity::Count => self.count(now, books),
        }
    }

    /// Sells a basket as people fill it.
    ///
    /// # Panics
    /// The till is closed.
    pub fn sell(&mut self, now: Timestamp, books: &mut StoreBooks) -> Made {
        let basket = self.baskets.next(&self.catalogue);
        self.sell_basket(&basket, now, books)
    }

    /// Sells a basket of so many lines.
    ///
    /// # Panics
    /// The till is closed.
    pub fn sell_lines(&mut self, lines: usize, now: Timestamp, books: &mut StoreBooks) -> Made {
        let basket = self.baskets.of_lines(&self.catalogue, lines);
        self.sell_basket(&basket, now, books)
    }

    /// Takes goods back on one of its own earlier receipts; none if it remembers nothing that
    /// could come back.
    ///
    /// # Panics
    /// The till is closed.
    pub fn take_back(&mut self, now: Timestamp, books: &mut StoreBooks) -> Option<Made> {
        let returnable: Vec<_> =
            (0..self.sold.len()).filter(|place| self.sold[*place].is_returnable()).collect();
        if returnable.is_empty() {
            return None;
        }
        let place = returnable[self.chance.random_range(0..returnable.len())];
        let sold = &mut self.sold[place];
        let back = sold.take_back(self.place.store.coin_minor, &mut self.chance)?;
        let (sold_on, sold_as) = (sold.business_date.clone(), sold.receipt.clone());
        let original = json::reference(&self.place, &sold_on, &sold_as);
        let numbered = (1..).zip(&back.lines);
        let lines =
            numbered.map(|(number, line)| json::brought_back(number, line, &original)).collect();
        let receipt = self.next_receipt();
        let at = books.next_time(now);
        let heading = self.heading(&receipt, at);
        let parts = json::paid(&back.payment);
        let body =
            json::transaction(&heading, Kind::Return.word(), lines, -back.paid_back_minor, parts);
        let mut entry = self.entry(Kind::Return, &receipt, at);
        entry.figures = back.figures();
        entry.stock = back.stock();
        entry.original = Some(self.key(&sold_on, &sold_as));
        Some(self.made(TRANSACTION, entry, body, books))
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

    fn sell_basket(
        &mut self,
        basket: &[BasketLine],
        now: Timestamp,
        books: &mut StoreBooks,
    ) -> Made {
        let lines = sale::lines(basket, &self.catalogue);
        let payment = sale::pay(&lines, self.place.store.coin_minor, &mut self.chance);
        let receipt = self.next_receipt();
        let at = books.next_time(now);
        let heading = self.heading(&receipt, at);
        let figures = sale::figures(&lines, &payment);
        let written = lines.iter().map(json::sold).collect();
        let parts = json::paid(&payment);
        let kind = Kind::Sale;
        let body = json::transaction(&heading, kind.word(), written, figures.sold_minor, parts);
        let mut entry = self.entry(kind, &receipt, at);
        entry.figures = figures;
        entry.stock = sale::stock(&lines);
        let business_date = self.business_date().to_owned();
        let paid = sale::paid(&payment);
        self.sold.push_back(Sold { business_date, receipt, lines, paid });
        if self.sold.len() > SALES_REMEMBERED_MAX {
            self.sold.pop_front();
        }
        self.made(TRANSACTION, entry, body, books)
    }

    fn suspend(&mut self, now: Timestamp, books: &mut StoreBooks) -> Made {
        let basket = self.baskets.next(&self.catalogue);
        let made = self.unfinished(Kind::Suspend, &basket, None, now, books);
        let business_date = self.business_date().to_owned();
        let receipt = receipt_text(self.receipts);
        self.waiting.push_back(Waiting::Resume { basket, business_date, receipt });
        made
    }

    /// A basket that was voided, put aside or taken up: it has lines and a total, and no payment.
    fn unfinished(
        &mut self,
        kind: Kind,
        basket: &[BasketLine],
        original: Option<Value>,
        now: Timestamp,
        books: &mut StoreBooks,
    ) -> Made {
        let lines = sale::lines(basket, &self.catalogue);
        let receipt = self.next_receipt();
        let at = books.next_time(now);
        let heading = self.heading(&receipt, at);
        let parts = original.map(|original| ("original".to_owned(), original));
        let due_minor = sale::due_minor(&lines);
        let written = lines.iter().map(json::sold).collect();
        let parts = parts.into_iter().collect();
        let body = json::transaction(&heading, kind.word(), written, due_minor, parts);
        let entry = self.entry(kind, &receipt, at);
        self.made(TRANSACTION, entry, body, books)
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
