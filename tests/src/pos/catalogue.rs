//! What the simulated stores sell, the same from the same seed.
//!
//! Prices follow the shelf prices of real baskets ([`super::fitted`]). Item numbers are those that
//! GS1 leaves to stores (prefix 20, General Specifications 2.1.11), so that no company's article
//! is named. Does not change while stores sell.

use std::collections::BTreeMap;

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};

use super::figures::Milli;
use super::fitted::UNIT_PRICE_MINOR;

/// One in how many items has the reduced rate: three of four, as in a food shop.
const REDUCED_RATE_PER_MILLE: u32 = 750;

/// What a store has of an item at first, in units.
const FIRST_STOCK_UNITS: std::ops::RangeInclusive<i64> = 40..=400;

const QUALITIES: [&str; 10] =
    ["Fresh", "Fine", "Large", "Small", "Mild", "Dark", "Light", "Plain", "Spiced", "Dried"];
const GOODS: [&str; 20] = [
    "apples",
    "bread",
    "butter",
    "candles",
    "cheese",
    "coffee",
    "crackers",
    "envelopes",
    "flour",
    "honey",
    "jam",
    "milk",
    "noodles",
    "pencils",
    "rice",
    "salt",
    "soap",
    "soup",
    "tea",
    "yoghurt",
];

/// A tax that a receipt prints as a letter. The rates of A and B are Germany's, those of S and C
/// made up like those of a state and a city in North America.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum TaxCode {
    /// The full rate.
    A,
    /// The reduced rate.
    B,
    /// The state's.
    S,
    /// The city's.
    C,
}

impl TaxCode {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::A, Self::B, Self::S, Self::C];

    /// The letter on the receipt.
    #[must_use]
    pub const fn letter(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::B => "B",
            Self::S => "S",
            Self::C => "C",
        }
    }

    /// The rate in per cent.
    #[must_use]
    pub const fn rate_percent(self) -> i64 {
        match self {
            Self::A => 19,
            Self::B => 7,
            Self::S => 6,
            Self::C => 2,
        }
    }

    /// Whether prices include it; otherwise it comes on top of them.
    #[must_use]
    pub const fn is_included(self) -> bool {
        matches!(self, Self::A | Self::B)
    }

    /// Who levies it, where several do.
    #[must_use]
    pub const fn authority(self) -> Option<&'static str> {
        match self {
            Self::A | Self::B => None,
            Self::S => Some("state"),
            Self::C => Some("city"),
        }
    }
}

/// One item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// The retailer's number.
    pub sku: String,
    /// The trade item number, 14 digits.
    pub gtin: String,
    /// What the receipt says.
    pub description: String,
    /// The price of a piece or a kilogram, in minor units.
    pub price_minor: i64,
    /// The tax that the price includes where prices include one.
    pub tax: TaxCode,
    /// Whether it is sold by weight, in kilograms.
    pub weighed: bool,
}

impl Item {
    /// The unit (UN/ECE Recommendation 20).
    #[must_use]
    pub const fn unit(&self) -> &'static str {
        if self.weighed { "KGM" } else { "EA" }
    }
}

/// The items of all stores.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Catalogue {
    seed: u64,
    items: Vec<Item>,
}

impl Catalogue {
    /// Makes `items` items, `weighed_per_mille` of a thousand sold by weight. A target that keeps
    /// whole units of stock only is tried with none of those.
    ///
    /// # Panics
    /// No items are asked for, or more than a 32-bit number counts.
    #[must_use]
    pub fn generate(seed: u64, items: u32, weighed_per_mille: u32) -> Self {
        assert!(items > 0, "a store sells something");
        let mut chance = StdRng::seed_from_u64(seed);
        // Evenly along the distribution: a uniform choice of items then has its prices.
        let mut prices: Vec<i64> = (0..items)
            .map(|index| {
                let place = (u64::from(index) * 2 + 1) * 500_000 / u64::from(items);
                let place = u32::try_from(place).expect("a place is at most a million");
                UNIT_PRICE_MINOR.at(place).max(1)
            })
            .collect();
        prices.shuffle(&mut chance);
        let numbered = (1..).zip(prices);
        let items = numbered
            .map(|(number, price_minor)| item(number, price_minor, weighed_per_mille, &mut chance))
            .collect();
        Self { seed, items }
    }

    /// The items, by number.
    #[must_use]
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// What a store has at first, by SKU; the same for the same seed and store.
    #[must_use]
    pub fn first_stock(&self, store: &str) -> BTreeMap<String, Milli> {
        let mixed = store.bytes().fold(self.seed, |mixed, byte| {
            mixed.wrapping_mul(1_099_511_628_211).wrapping_add(u64::from(byte))
        });
        let mut chance = StdRng::seed_from_u64(mixed);
        let stocked = self.items.iter().map(|item| {
            let units = chance.random_range(FIRST_STOCK_UNITS);
            (item.sku.clone(), Milli::units(units))
        });
        stocked.collect()
    }
}

fn item(number: u32, price_minor: i64, weighed_per_mille: u32, chance: &mut StdRng) -> Item {
    let weighed = chance.random_ratio(weighed_per_mille.min(1_000), 1_000);
    let reduced = chance.random_ratio(REDUCED_RATE_PER_MILLE, 1_000);
    let quality = QUALITIES[chance.random_range(0..QUALITIES.len())];
    let goods = GOODS[chance.random_range(0..GOODS.len())];
    let tax = if weighed || reduced { TaxCode::B } else { TaxCode::A };
    Item {
        sku: (100_000 + u64::from(number)).to_string(),
        gtin: with_check_digit(&format!("020{number:010}")),
        description: format!("{quality} {goods} {number}"),
        price_minor,
        tax,
        weighed,
    }
}

/// Appends the check digit (GS1 General Specifications 7.9): weights of 3 and 1 in turn, three
/// for the last.
fn with_check_digit(digits: &str) -> String {
    let weighted = digits.bytes().rev().zip([3, 1].into_iter().cycle());
    let sum: u32 = weighted.map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    format!("{digits}{}", (10 - sum % 10) % 10)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_check_digit_is_that_of_a_known_number() {
        assert_eq!(with_check_digit("0400638133393"), "04006381333931");
        assert_eq!(with_check_digit("0003600029145"), "00036000291452");
    }

    #[test]
    fn the_same_seed_makes_the_same_catalogue_and_stock() {
        let (one, two) = (Catalogue::generate(7, 300, 100), Catalogue::generate(7, 300, 100));
        assert_eq!(one, two);
        assert_eq!(one.first_stock("0042"), two.first_stock("0042"));
        assert_ne!(one.first_stock("0042"), one.first_stock("0043"));
        assert_ne!(one.items(), Catalogue::generate(8, 300, 100).items());
    }

    #[test]
    fn numbers_are_unique_and_prices_positive() {
        let catalogue = Catalogue::generate(1, 1_000, 100);
        let skus: BTreeSet<_> = catalogue.items().iter().map(|item| &item.sku).collect();
        let gtins: BTreeSet<_> = catalogue.items().iter().map(|item| &item.gtin).collect();
        assert_eq!((skus.len(), gtins.len()), (1_000, 1_000));
        assert!(catalogue.items().iter().all(|item| item.price_minor > 0 && item.gtin.len() == 14));
    }

    #[test]
    fn no_item_is_weighed_where_none_is_wanted() {
        let catalogue = Catalogue::generate(1, 500, 0);
        assert!(catalogue.items().iter().all(|item| !item.weighed));
    }
}
