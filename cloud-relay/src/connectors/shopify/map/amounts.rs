//! Splitting amounts without losing a cent.
//!
//! Whole minor units throughout. Does not know what is split.

/// Splits `total` by weights: the shares add up to it exactly, and none is larger than its weight
/// where the total is not larger than the sum of weights. Where nothing has a weight, the first
/// takes everything.
pub(in crate::connectors::shopify) fn shares(total: i64, weights: &[i64]) -> Vec<i64> {
    let sum: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
    if sum == 0 {
        return weights.iter().enumerate().map(|(i, _)| if i == 0 { total } else { 0 }).collect();
    }
    // Each share is the difference of two rounded cumulative sums, so that errors never add up.
    let mut passed = 0_i128;
    let mut given = 0_i128;
    weights
        .iter()
        .map(|weight| {
            passed += i128::from(*weight);
            let until_here = (i128::from(total) * passed).div_euclid(sum);
            let share = until_here - given;
            given = until_here;
            i64::try_from(share).expect("a share is not larger than what is shared")
        })
        .collect()
}

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
