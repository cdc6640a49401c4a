//! The arithmetic of the simulated POS: whole minor units, thousandths of a unit, no floats.
//!
//! Halves are rounded away from zero, as tills do. Does not know lines or receipts.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A quantity in thousandths of its unit: pieces or kilograms.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Milli(pub i64);

impl Milli {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// So many whole units.
    #[must_use]
    pub const fn units(units: i64) -> Self {
        Self(units * 1_000)
    }
}

impl fmt::Display for Milli {
    /// As events want it: a decimal text without superfluous zeros.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, part) = (self.0.unsigned_abs() / 1_000, self.0.unsigned_abs() % 1_000);
        let digits = format!("{part:03}");
        match digits.trim_end_matches('0') {
            "" => write!(f, "{sign}{whole}"),
            digits => write!(f, "{sign}{whole}.{digits}"),
        }
    }
}

/// `amount × part ÷ whole`, rounded.
///
/// # Panics
/// `whole` is not positive, or the result does not fit: both are faults of the simulation.
#[must_use]
pub fn share(amount: i64, part: i64, whole: i64) -> i64 {
    assert!(whole > 0, "a share of nothing");
    let (product, whole) = (i128::from(amount) * i128::from(part), i128::from(whole));
    let rounded = (product.abs() * 2 + whole) / (whole * 2) * product.signum();
    i64::try_from(rounded).expect("amounts of a till fit 64 bits")
}

/// Price times quantity.
#[must_use]
pub fn extended(price_minor: i64, quantity: Milli) -> i64 {
    share(price_minor, quantity.0, 1_000)
}

/// The tax that a price with this rate in it includes.
#[must_use]
pub fn included_tax(gross_minor: i64, rate_percent: i64) -> i64 {
    share(gross_minor, rate_percent, 100 + rate_percent)
}

/// The tax that comes on top of a price at this rate.
#[must_use]
pub fn added_tax(net_minor: i64, rate_percent: i64) -> i64 {
    share(net_minor, rate_percent, 100)
}

/// An amount as it can be paid in coins, the smallest of which is `step_minor`.
#[must_use]
pub fn in_coins(amount_minor: i64, step_minor: i64) -> i64 {
    share(amount_minor, 1, step_minor) * step_minor
}

/// An amount in major units of a currency with two decimals.
#[must_use]
pub fn major(minor: i64) -> String {
    let sign = if minor < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", minor.unsigned_abs() / 100, minor.unsigned_abs() % 100)
}
