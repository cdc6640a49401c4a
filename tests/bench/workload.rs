//! The sales that are measured with: five lines each, about a kilobyte, fitted to real baskets.
//!
//! Four registers of one store, who sell in turn. Does not send.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tests::pos::books::{Books, StoreBooks};
use tests::pos::catalogue::Catalogue;
use tests::pos::mix::Mix;
use tests::pos::place::{Identity, Place, Store, Taxation};
use tests::pos::register::Register;

/// The store.
pub(crate) const STORE: &str = "0042";

const REGISTERS: usize = 4;
const LINES: usize = 5;
const SEED: u64 = 1;
const ITEMS: u32 = 2_000;
const WEIGHED_PER_MILLE: u32 = 100;

/// Writes so many sales of today, one a line.
pub(crate) fn write(file: &Path, count: usize) -> Result<()> {
    #[expect(clippy::disallowed_methods, reason = "an agent takes sales of today")]
    let now = Timestamp::now();
    let mut shop = Shop::open(now)?;
    let mut out = BufWriter::new(File::create(file).context("make the file of sales")?);
    for number in 0..count {
        let sale = shop.sell(number, now);
        out.write_all(&sale).context("write a sale")?;
        out.write_all(b"\n").context("write a sale")?;
    }
    out.flush().context("write the sales")
}

struct Shop {
    registers: Vec<Register>,
    books: StoreBooks,
}

impl Shop {
    fn open(now: Timestamp) -> Result<Self> {
        let catalogue = Arc::new(Catalogue::generate(SEED, ITEMS, WEIGHED_PER_MILLE));
        let mut books = Books::open(&catalogue, [STORE]);
        let mut books = books.stores.remove(STORE).context("find the store's books")?;
        let store = Arc::new(Store {
            name: STORE.to_owned(),
            currency: "EUR".to_owned(),
            coin_minor: 1,
            taxation: Taxation::Included,
        });
        let date = now.to_zoned(TimeZone::UTC).date();
        let register = |number: usize, seed| {
            let place = Place {
                store: Arc::clone(&store),
                register: number.to_string(),
                cashier: format!("c-{number}"),
            };
            Register::new(place, Arc::clone(&catalogue), Mix::SALES, Identity::LeftOut, seed)
        };
        let mut registers: Vec<_> =
            (1..=REGISTERS).zip(SEED..).map(|(number, seed)| register(number, seed)).collect();
        for register in &mut registers {
            register.open(date, now, &mut books);
        }
        Ok(Self { registers, books })
    }

    fn sell(&mut self, number: usize, now: Timestamp) -> Vec<u8> {
        self.registers[number % REGISTERS].sell_lines(LINES, now, &mut self.books).bytes
    }
}
