//! The simulated POS against the documentation, its own promises, and an agent that misbehaves.

mod books;
mod events;
mod fit;
mod kinds;
mod ledger;
mod owed;
mod sending;

use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use jiff::civil::Date;

use super::books::{Acknowledgement, Books, EntryNumber, Outcome, SharedBooks, StoreBooks};
use super::catalogue::{Catalogue, TaxCode};
use super::mix::Mix;
use super::place::{Identity, Place, Store, Taxation};
use super::register::{Made, Register};

const DAY: Date = Date::constant(2026, 11, 23);

fn noon() -> Timestamp {
    "2026-11-23T11:00:00Z".parse().unwrap()
}

/// A store with one register, and its books.
struct Shop {
    register: Register,
    books: StoreBooks,
}

impl Shop {
    fn new(seed: u64, mix: Mix, coin_minor: i64) -> Self {
        let catalogue = Arc::new(Catalogue::generate(seed, 200, 150));
        let books = Books::open(&catalogue, ["0042"]).stores.remove("0042").unwrap();
        let register = register(&catalogue, "0042", "2", coin_minor, mix, seed);
        Self { register, books }
    }

    /// A store elsewhere, where taxes may come on top of prices.
    fn taxed(seed: u64, coin_minor: i64, taxation: Taxation) -> Self {
        let Self { register, books } = Self::new(seed, Mix::MIXED_DAY, coin_minor);
        let Place { store, .. } = register.place().clone();
        let store = Arc::new(Store { taxation, ..(*store).clone() });
        let place = Place { store, ..register.place().clone() };
        let catalogue = Arc::new(Catalogue::generate(seed, 200, 150));
        let register = Register::new(place, catalogue, Mix::MIXED_DAY, Identity::LeftOut, seed);
        Self { register, books }
    }

    fn open(seed: u64, mix: Mix, coin_minor: i64) -> (Self, Made) {
        let mut shop = Self::new(seed, mix, coin_minor);
        let opened = shop.register.open(DAY, noon(), &mut shop.books);
        (shop, opened)
    }

    fn act(&mut self) -> Made {
        self.register.act(noon(), &mut self.books)
    }

    /// Opens, does so much, closes; everything that was made.
    fn whole_day(seed: u64, activities: usize, coin_minor: i64) -> (Self, Vec<Made>) {
        let (mut shop, opened) = Self::open(seed, Mix::EVERYDAY, coin_minor);
        let mut made = vec![opened];
        made.extend((0..activities).map(|_| shop.act()).collect::<Vec<_>>());
        made.push(shop.register.close(noon(), &mut shop.books));
        (shop, made)
    }

    fn acknowledge(&mut self, number: EntryNumber) {
        let acknowledged = Acknowledgement { status: 201, ..Acknowledgement::default() };
        self.books.settle(number, Outcome::Acknowledged(acknowledged));
    }
}

fn register(
    catalogue: &Arc<Catalogue>,
    store: &str,
    register: &str,
    coin_minor: i64,
    mix: Mix,
    seed: u64,
) -> Register {
    let store = Store {
        name: store.to_owned(),
        currency: "EUR".to_owned(),
        coin_minor,
        taxation: Taxation::Included,
    };
    let place = Place {
        store: Arc::new(store),
        register: register.to_owned(),
        cashier: format!("c-{register}"),
    };
    Register::new(place, Arc::clone(catalogue), mix, Identity::LeftOut, seed)
}

fn shared(catalogue: &Catalogue, stores: &[&str]) -> SharedBooks {
    Arc::new(Mutex::new(Books::open(catalogue, stores.iter().copied())))
}
