//! The basket generator: its bounds, and the real baskets that it was fitted to.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;

use super::*;
use crate::needs;
use crate::pos::basket::Baskets;
use crate::pos::figures::{extended, share};
use crate::pos::fitted::LINES;

/// Places at which two distributions are compared, in thousandths.
const PLACES: [usize; 9] = [100, 200, 300, 400, 500, 600, 700, 800, 900];

/// One side of the comparison, each list in no order.
#[derive(Debug, Default)]
struct Figures {
    lines: Vec<i64>,
    line_totals_minor: Vec<i64>,
    /// Of discounted lines.
    discounts_per_mille: Vec<i64>,
}

impl Figures {
    fn line(&mut self, price_minor: i64, discount_minor: i64) {
        self.line_totals_minor.push(price_minor - discount_minor);
        if discount_minor > 0 {
            self.discounts_per_mille.push(share(discount_minor, 1_000, price_minor));
        }
    }

    fn discounted_per_mille(&self) -> usize {
        self.discounts_per_mille.len() * 1_000 / self.line_totals_minor.len()
    }
}

fn generated(baskets: usize) -> Figures {
    let catalogue = Catalogue::generate(1, 2_000, 0);
    let mut generator = Baskets::new(1);
    let mut found = Figures::default();
    for _ in 0..baskets {
        let basket = generator.next(&catalogue);
        found.lines.push(i64::try_from(basket.len()).unwrap());
        for line in basket {
            let price_minor = extended(catalogue.items()[line.item].price_minor, line.quantity);
            found.line(price_minor, line.discount_minor);
        }
    }
    found
}

/// Reads the sample as the generator's documentation says. Amounts have at most two decimals.
fn sample(folder: &Path) -> Figures {
    let path = folder.join("pos/baskets/completejourney_top5_stores.csv.gz");
    let file = std::fs::File::open(path).unwrap();
    let text = BufReader::new(flate2::read::GzDecoder::new(file));
    let mut found = Figures::default();
    let mut lines: BTreeMap<String, i64> = BTreeMap::new();
    for row in text.lines().skip(1) {
        let row = row.unwrap();
        let fields: Vec<_> = row.split(',').take(9).collect();
        let minor = |place: usize| {
            let amount: rust_decimal::Decimal = fields[place].parse().unwrap();
            i64::try_from((amount * rust_decimal::Decimal::ONE_HUNDRED).round()).unwrap()
        };
        let quantity: i64 = fields[4].parse().unwrap();
        let (value, discount) = (minor(5), minor(6) + minor(8));
        if (1..=24).contains(&quantity) && value + discount > 0 && value >= 0 && discount >= 0 {
            *lines.entry(fields[2].to_owned()).or_default() += 1;
            found.line(value + discount, discount);
        }
    }
    found.lines = lines.into_values().collect();
    found
}

fn quantiles(values: &[i64]) -> Vec<i64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    PLACES.iter().map(|place| sorted[sorted.len() * place / 1_000]).collect()
}

/// Whether each quantile is within an eighth of the other's, or within `least`: the generator
/// draws each figure on its own, and real ones hang together.
fn close(what: &str, made: &[i64], real: &[i64], least: i64) {
    let (made, real) = (quantiles(made), quantiles(real));
    let mut pairs = made.iter().zip(&real);
    let near = pairs.all(|(made, real)| (made - real).abs() <= (real / 8).max(least));
    assert!(near, "{what} at {PLACES:?}: made {made:?}, real {real:?}");
}

#[test]
fn baskets_are_like_those_that_people_fill() {
    let Some(samples) = needs::samples() else { return };
    let (real, made) = (sample(&samples), generated(15_000));
    close("lines of a basket", &made.lines, &real.lines, 1);
    close("total of a line", &made.line_totals_minor, &real.line_totals_minor, 10);
    close("discount", &made.discounts_per_mille, &real.discounts_per_mille, 10);
    let (made, real) = (made.discounted_per_mille(), real.discounted_per_mille());
    assert!(made.abs_diff(real) <= 20, "discounted lines of a thousand: {made}, {real}");
}

#[test]
fn every_line_has_a_quantity_and_a_discount_no_larger_than_its_price() {
    let catalogue = Catalogue::generate(2, 300, 300);
    let mut generator = Baskets::new(2);
    for _ in 0..2_000 {
        let basket = generator.next(&catalogue);
        assert!((1..=86).contains(&basket.len()), "{}", basket.len());
        for line in basket {
            let item = &catalogue.items()[line.item];
            let price_minor = extended(item.price_minor, line.quantity);
            assert!(line.quantity.0 > 0);
            assert!((0..=price_minor).contains(&line.discount_minor));
            assert!(item.weighed || line.quantity.0 % 1_000 == 0);
        }
    }
}

#[test]
fn a_distribution_begins_and_ends_with_its_table() {
    assert_eq!((LINES.at(0), LINES.at(500_000), LINES.at(1_000_000)), (1, 6, 86));
    assert!((0..1_000).all(|place| LINES.at(place * 1_000) <= LINES.at((place + 1) * 1_000)));
}

#[test]
fn a_basket_of_five_lines_has_five() {
    let catalogue = Catalogue::generate(4, 50, 0);
    assert_eq!(Baskets::new(4).of_lines(&catalogue, 5).len(), 5);
}
