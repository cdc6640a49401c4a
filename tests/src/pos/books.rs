//! What the stores themselves wrote down: the truth that every other system is held against.
//!
//! One entry for each event, in the order in which it happened at the store, with what the agent
//! answered. Sums are taken from the entries, never kept beside them. Does not know how an event
//! is written or sent.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

pub use super::sums::{Drawer, Figures, Flow, Goods, Tax, Totals};
pub use super::words::{Kind, TenderKind};

use super::catalogue::Catalogue;
use super::figures::Milli;

/// The books of all stores, shared by their registers.
pub type SharedBooks = Arc<Mutex<Books>>;

/// The books of all stores.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Books {
    /// By store.
    pub stores: BTreeMap<String, StoreBooks>,
}

/// The books of one store.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreBooks {
    /// What it had at first, by SKU.
    pub first_stock: BTreeMap<String, Milli>,
    /// What happened, in order.
    pub entries: Vec<Entry>,
    /// What stands on the shelves now.
    on_hand: BTreeMap<String, Milli>,
}

/// What an entry does to the stock of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// So much more, or less if negative.
    By(Milli),
    /// Counted: so much now.
    To(Milli),
}

/// One event of a store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// `store/register/business date/receipt`, or `store/document` for stock: what people know
    /// it by, unique in the store.
    pub key: String,
    /// What it is about.
    pub kind: Kind,
    /// When; later than the entry before.
    pub at: Timestamp,
    /// The money side.
    pub figures: Figures,
    /// What went over the counter, which is what other systems keep documents of.
    pub goods: Goods,
    /// The stock side, by SKU; an item may stand on several lines.
    pub stock: Vec<(String, Change)>,
    /// For what comes back, is undone or completed: the key of the earlier receipt.
    pub original: Option<String>,
    /// What the agent answered.
    pub outcome: Outcome,
}

/// What became of an event at the agent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// No answer yet, or the POS was stopped before one: it may have arrived or not.
    #[default]
    Open,
    /// Durable, says the agent.
    Acknowledged(Acknowledgement),
    /// The agent wants none of it.
    Refused {
        /// The HTTP status.
        status: u16,
        /// What it said.
        answer: String,
    },
}

/// The agent's word that an event is durable.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledgement {
    /// 201 for the first, 200 for a replay of what it had.
    pub status: u16,
    /// The event's identity.
    pub id: Option<String>,
    /// The position in the journal.
    pub sequence: Option<u64>,
    /// The event that has the same natural key and other content.
    pub conflict_of: Option<String>,
}

/// An entry's place in its store's books.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryNumber(usize);

impl Books {
    /// Opens the books of these stores.
    #[must_use]
    pub fn open<'a>(catalogue: &Catalogue, stores: impl IntoIterator<Item = &'a str>) -> Self {
        let opened = stores.into_iter().map(|store| {
            let first_stock = catalogue.first_stock(store);
            let on_hand = first_stock.clone();
            (store.to_owned(), StoreBooks { first_stock, entries: Vec::new(), on_hand })
        });
        Self { stores: opened.collect() }
    }

    /// Every entry of every store.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.stores.values().flat_map(|store| &store.entries)
    }
}

impl StoreBooks {
    /// The time of the next entry: `now`, or just after the last entry if the clock has not moved
    /// on, so that a count and a sale never fall together.
    #[must_use]
    pub fn next_time(&self, now: Timestamp) -> Timestamp {
        const STEP: SignedDuration = SignedDuration::from_micros(1);
        let now = Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now);
        match self.entries.last() {
            Some(last) if last.at >= now => last.at.saturating_add(STEP).unwrap_or(now),
            _ => now,
        }
    }

    /// Writes an entry.
    pub fn record(&mut self, entry: Entry) -> EntryNumber {
        for (sku, change) in &entry.stock {
            let level = self.on_hand.entry(sku.clone()).or_default();
            *level = change.applied_to(*level);
        }
        self.entries.push(entry);
        EntryNumber(self.entries.len() - 1)
    }

    /// Writes what the agent answered.
    ///
    /// # Panics
    /// The number is of other books.
    pub fn settle(&mut self, number: EntryNumber, outcome: Outcome) {
        self.entries[number.0].outcome = outcome;
    }

    /// One entry.
    ///
    /// # Panics
    /// The number is of other books.
    #[must_use]
    pub fn entry(&self, number: EntryNumber) -> &Entry {
        &self.entries[number.0]
    }

    /// What stands on the shelves now.
    #[must_use]
    pub fn on_hand(&self, sku: &str) -> Milli {
        self.on_hand.get(sku).copied().unwrap_or_default()
    }

    /// What every other system should have of each item, once it holds everything acknowledged.
    #[must_use]
    pub fn expected_stock(&self) -> BTreeMap<&str, Expected> {
        let first = self.first_stock.iter();
        let mut expected: BTreeMap<&str, Expected> =
            first.map(|(sku, level)| (sku.as_str(), Expected::exactly(*level))).collect();
        for entry in &self.entries {
            let certain = match entry.outcome {
                Outcome::Acknowledged(_) => true,
                Outcome::Open => false,
                Outcome::Refused { .. } => continue,
            };
            for (sku, change) in &entry.stock {
                expected.entry(sku).or_default().apply(*change, certain);
            }
        }
        expected
    }
}

impl Change {
    /// The level that a level becomes.
    #[must_use]
    pub const fn applied_to(self, level: Milli) -> Milli {
        match self {
            Self::By(change) => Milli(level.0 + change.0),
            Self::To(counted) => counted,
        }
    }
}

/// A level of stock, between two bounds where an event may have arrived or not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expected {
    /// The least.
    pub low: Milli,
    /// The most.
    pub high: Milli,
}

impl Expected {
    const fn exactly(level: Milli) -> Self {
        Self { low: level, high: level }
    }

    /// Whether a level lies within.
    #[must_use]
    pub fn holds(&self, level: Milli) -> bool {
        (self.low..=self.high).contains(&level)
    }

    fn apply(&mut self, change: Change, certain: bool) {
        let (low, high) = (change.applied_to(self.low), change.applied_to(self.high));
        if certain {
            *self = Self { low, high };
        } else {
            *self = Self { low: self.low.min(low), high: self.high.max(high) };
        }
    }
}
