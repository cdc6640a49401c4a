//! Baskets as people fill them, after the figures of real ones ([`super::fitted`]).
//!
//! The sample has no weights: those here are made up around one kilogram. Quantity and the
//! frequency of discounts go with the price, as in the sample; nothing else hangs together.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::catalogue::Catalogue;
use super::figures::{Milli, extended, share};
use super::fitted::{self, DISCOUNT_PER_MILLE, LINES, PriceClass};

/// The weight of a weighed line, in grams.
const WEIGHT_GRAMS: std::ops::RangeInclusive<i64> = 120..=1_880;

/// One line of a basket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BasketLine {
    /// The item's place in the catalogue.
    pub item: usize,
    /// How many or how much.
    pub quantity: Milli,
    /// What is taken off the line, in minor units.
    pub discount_minor: i64,
}

/// Fills baskets, the same from the same seed.
#[derive(Debug)]
pub struct Baskets {
    chance: StdRng,
}

impl Baskets {
    /// A sequence of baskets.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { chance: StdRng::seed_from_u64(seed) }
    }

    /// A basket with as many lines as people have.
    ///
    /// # Panics
    /// Never: the table holds small numbers.
    pub fn next(&mut self, catalogue: &Catalogue) -> Vec<BasketLine> {
        let lines = LINES.draw(&mut self.chance);
        self.of_lines(catalogue, usize::try_from(lines).expect("a basket has up to 86 lines"))
    }

    /// A basket with so many lines, for measurements that want them all alike.
    pub fn of_lines(&mut self, catalogue: &Catalogue, lines: usize) -> Vec<BasketLine> {
        (0..lines).map(|_| self.line(catalogue)).collect()
    }

    fn line(&mut self, catalogue: &Catalogue) -> BasketLine {
        let place = self.chance.random_range(0..catalogue.items().len());
        let item = &catalogue.items()[place];
        let class = fitted::class(item.price_minor);
        let quantity = if item.weighed {
            Milli(self.chance.random_range(WEIGHT_GRAMS))
        } else {
            self.units(class)
        };
        let discount_minor = if self.chance.random_ratio(class.discounted_per_mille, 1_000) {
            let per_mille = DISCOUNT_PER_MILLE.draw(&mut self.chance);
            share(extended(item.price_minor, quantity), per_mille, 1_000)
        } else {
            0
        };
        BasketLine { item: place, quantity, discount_minor }
    }

    fn units(&mut self, class: &PriceClass) -> Milli {
        let place = self.chance.random_range(0..10_000);
        let found = class.up_to_units.iter().find(|(below, _)| place < *below);
        let (_, units) = found.expect("the table reaches to 10,000");
        Milli::units(*units)
    }
}
