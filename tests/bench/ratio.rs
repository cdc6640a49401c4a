//! One figure against another, in thousandths.
//!
//! No floating point: what is compared are whole microseconds, bytes and events.

use std::fmt;

use serde_json::{Number, Value};

/// How often one figure goes into another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ratio {
    thousandths: u64,
}

impl Ratio {
    pub(crate) const fn of(measured: u64, baseline: u64) -> Self {
        let baseline = if baseline == 0 { 1 } else { baseline };
        Self { thousandths: measured.saturating_mul(1_000) / baseline }
    }

    pub(crate) const fn hundredths(hundredths: u64) -> Self {
        Self { thousandths: hundredths * 10 }
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.thousandths / 1_000, self.thousandths % 1_000 / 10)
    }
}

impl From<Ratio> for Value {
    fn from(ratio: Ratio) -> Self {
        let number: Number = ratio.to_string().parse().expect("digits, a point, two digits");
        Self::Number(number)
    }
}
