//! Prices of single pieces that come to an amount without losing a cent.
//!
//! Whole minor units throughout. Does not know what is sold.

/// So many pieces at one price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::connectors::shopify) struct Pieces {
    /// How many.
    pub(in crate::connectors::shopify) count: i32,
    /// The price of one, in minor units.
    pub(in crate::connectors::shopify) price: i64,
}

impl Pieces {
    /// What they cost together.
    pub(in crate::connectors::shopify) fn total(self) -> i64 {
        self.price * i64::from(self.count)
    }
}

/// `count` pieces that cost `total` together: one price if it divides, else two prices one minor
/// unit apart.
pub(in crate::connectors::shopify) fn pieces(total: i64, count: i32) -> Vec<Pieces> {
    let price = total.div_euclid(i64::from(count));
    let dearer = total.rem_euclid(i64::from(count));
    let dearer = i32::try_from(dearer).expect("a remainder is smaller than its divisor");
    [Pieces { count: count - dearer, price }, Pieces { count: dearer, price: price + 1 }]
        .into_iter()
        .filter(|pieces| pieces.count > 0)
        .collect()
}
