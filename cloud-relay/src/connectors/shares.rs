//! Splitting an amount over lines without losing a cent.
//!
//! Whole minor units throughout. Does not know what is split.

/// Splits `total` by weights: the shares add up to it exactly, and none is larger than its weight
/// where the total is not larger than the sum of weights. Where nothing has a weight, the first
/// takes everything.
pub(super) fn shares(total: i64, weights: &[i64]) -> Vec<i64> {
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
