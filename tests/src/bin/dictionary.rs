//! Trains the dictionary that batches are compressed with, and says what it saves.
//!
//! The samples are batches as an agent sends them, most with one entry, over everything that a
//! simulated till does, in stores of their own. What it is judged by are sales of a store that was
//! not among them. Writes the file only if asked to: a dictionary that is in use never changes, a
//! better one is another file with another number (`crates/protocol/src/compress`).

#![expect(clippy::print_stdout, reason = "it speaks to the person who started it")]

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::Parser;
use jiff::Timestamp;
use jiff::civil::Date;
use protocol::batch::{Batch, Entry};
use protocol::bytes::Bytes;
use protocol::chain::Position;
use protocol::envelope::Draft;
use protocol::id::{DeviceId, EventId};
use protocol::record::{self, Findings};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tests::pos::books::Books;
use tests::pos::catalogue::Catalogue;
use tests::pos::mix::Mix;
use tests::pos::place::{Identity, Place, Store, Taxation};
use tests::pos::register::Register;
use zstd::bulk::Compressor;

/// Bytes of the dictionary: half of it costs a single sale two per cent, and every program carries it.
const BYTES: usize = 32 * 1024;

/// Stores in the samples, and what each does.
const STORES: u64 = 24;
const ACTIVITIES: usize = 250;

/// A store that is not among them, and its sales.
const JUDGED: u64 = 1_000;
const JUDGED_SALES: usize = 2_000;

/// Batches that are judged at most, of a size.
const JUDGED_BATCHES_MAX: usize = 200;

/// Trains the dictionary of batches.
#[derive(Debug, Parser)]
#[command(name = "dictionary")]
struct Arguments {
    /// Writes it to this file
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let mut samples = Vec::new();
    for store in 1..=STORES {
        let host = Host::new(store)?;
        for record in host.records(Mix::MIXED_DAY, ACTIVITIES)? {
            samples.push(host.batch(vec![record])?);
        }
    }
    let dictionary = zstd::dict::from_samples(&samples, BYTES).context("train")?;
    println!("{} bytes from {} samples", dictionary.len(), samples.len());
    let host = Host::new(JUDGED)?;
    let records = host.sales(JUDGED_SALES)?;
    let raw: usize = records.iter().map(String::len).sum();
    println!("a record of five lines: {} bytes", raw / records.len());
    for level in [3, 6, 9, 12, 19] {
        for (what, dictionary) in [("without", &[][..]), ("with", &dictionary)] {
            let mut packer = Compressor::with_dictionary(level, dictionary).context("compress")?;
            let each = [1, 16, 100, 500, 1_000].map(|entries| {
                let bytes = host.packed(&mut packer, &records, entries)?;
                anyhow::Ok(format!("{entries}: {bytes}"))
            });
            let each = each.into_iter().collect::<Result<Vec<_>>>()?;
            println!("level {level} {what}, bytes a sale by sales in a batch: {}", each.join(", "));
        }
    }
    if let Some(file) = &arguments.write {
        agent::files::write_private(file, &dictionary).context("write the dictionary")?;
    }
    Ok(())
}

/// A host with a store of its own.
struct Host {
    number: u64,
    device: DeviceId,
    store: Arc<Store>,
    epoch: Bytes<16>,
}

impl Host {
    fn new(number: u64) -> Result<Self> {
        let mut chance = StdRng::seed_from_u64(number);
        let mut name = [0; 12];
        chance.fill(&mut name[..]);
        let taxation = if number.is_multiple_of(3) { Taxation::OnTop } else { Taxation::Included };
        let store = Store {
            name: format!("{:04}", chance.random_range(1..10_000)),
            currency: ["EUR", "USD", "GBP", "CHF"][chance.random_range(0..4)].to_owned(),
            coin_minor: 1,
            taxation,
        };
        let device = DeviceId::new(hex::encode(name)).context("name a device")?;
        Ok(Self { number, device, store: Arc::new(store), epoch: Bytes(chance.random()) })
    }

    fn register(&self, mix: Mix, number: u64) -> (Register, Arc<Catalogue>) {
        let catalogue = Arc::new(Catalogue::generate(self.number, 2_000, 100));
        let place = Place {
            store: Arc::clone(&self.store),
            register: number.to_string(),
            cashier: format!("c-{number}"),
        };
        let identity = if number.is_multiple_of(2) { Identity::Given } else { Identity::LeftOut };
        let register =
            Register::new(place, Arc::clone(&catalogue), mix, identity, self.number * 10 + number);
        (register, catalogue)
    }

    /// What a day of two registers is journaled as.
    fn records(&self, mix: Mix, activities: usize) -> Result<Vec<String>> {
        let mut records = Vec::new();
        for number in 1..=2 {
            let (mut register, catalogue) = self.register(mix, number);
            let mut books = Books::open(&catalogue, [self.store.name.as_str()]);
            let books = books.stores.get_mut(&self.store.name).context("find the books")?;
            let (date, now) = self.moment()?;
            let mut made = vec![register.open(date, now, books).bytes];
            made.extend((0..activities).map(|_| register.act(now, books).bytes));
            made.push(register.close(now, books).bytes);
            for bytes in made {
                records.push(self.record(&bytes, records.len())?);
            }
        }
        Ok(records)
    }

    /// Sales of five lines.
    fn sales(&self, count: usize) -> Result<Vec<String>> {
        let (mut register, catalogue) = self.register(Mix::SALES, 1);
        let mut books = Books::open(&catalogue, [self.store.name.as_str()]);
        let books = books.stores.get_mut(&self.store.name).context("find the books")?;
        let (date, now) = self.moment()?;
        register.open(date, now, books);
        (0..count)
            .map(|number| self.record(&register.sell_lines(5, now, books).bytes, number))
            .collect()
    }

    fn moment(&self) -> Result<(Date, Timestamp)> {
        let second = 1_780_000_000 + i64::try_from(self.number).context("tell the time")? * 86_413;
        let now = Timestamp::from_second(second).context("tell the time")?;
        Ok((now.to_zoned(jiff::tz::TimeZone::UTC).date(), now))
    }

    fn record(&self, bytes: &[u8], number: usize) -> Result<String> {
        let draft = Draft::parse(bytes).context("understand an event")?;
        let seed = self.number << 32 | u64::try_from(number).context("count")?;
        let mut chance = StdRng::seed_from_u64(seed);
        let (_, now) = self.moment()?;
        let millis = i64::try_from(number).context("tell the time")? * 61_003
            + chance.random_range(0..60_000);
        let at =
            Timestamp::from_millisecond(now.as_millisecond() + millis).context("tell the time")?;
        let drawn = u64::try_from(at.as_millisecond()).context("tell the time")?;
        let id = uuid::Builder::from_unix_timestamp_millis(drawn, &chance.random()).into_uuid();
        let event = match draft.id {
            Some(id) => draft.into_event(id),
            None => draft.into_event(EventId(id)),
        };
        String::from_utf8(record::seal(&event.to_json(), &Findings::default(), at))
            .context("write a record")
    }

    /// Bytes of a sale in batches of so many.
    fn packed(
        &self,
        packer: &mut Compressor<'_>,
        records: &[String],
        entries: usize,
    ) -> Result<usize> {
        let (mut bytes, mut sales) = (0, 0);
        for records in records.chunks(entries).take(JUDGED_BATCHES_MAX) {
            let json = self.batch(records.to_vec())?;
            bytes += packer.compress(&json).context("compress")?.len();
            sales += records.len();
        }
        Ok(bytes / sales)
    }

    /// The batch of these records, somewhere in the journal.
    fn batch(&self, records: Vec<String>) -> Result<Vec<u8>> {
        let mut chance = StdRng::seed_from_u64(self.number ^ u64::try_from(records[0].len())?);
        let mut position = Position::START;
        position.sequence.0 = chance.random_range(1..200_000);
        position.chain_hash = Bytes(chance.random());
        let before = position;
        let mut entries = Vec::with_capacity(records.len());
        for record in records {
            position = position.extended(self.epoch, record.as_bytes());
            entries.push(Entry { sequence: position.sequence, record });
        }
        let batch = Batch {
            device: self.device.clone(),
            epoch: self.epoch,
            first_sequence: before.sequence.next(),
            previous_chain_hash: before.chain_hash,
            head_sequence: position.sequence,
            absent: None,
            resent: None,
            entries,
        };
        serde_json::to_vec(&batch).context("write a batch")
    }
}
