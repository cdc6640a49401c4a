//! The leaky bucket of points.
//!
//! An operation is let in if what it may cost at most is there, and is charged what it cost in
//! fact (README, R14). Reckoned in thousandths of a point, so that
//! every millisecond counts without a float. Does not know what an operation costs.

#[cfg(test)]
mod tests;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::setup::BucketSize;

const MILLI: u64 = 1_000;

/// The bucket with its level.
#[derive(Debug)]
pub(crate) struct Bucket {
    size: BucketSize,
    milli: u64,
    at: Timestamp,
}

impl Bucket {
    pub(crate) fn full(size: BucketSize, now: Timestamp) -> Self {
        Self { size, milli: u64::from(size.maximum) * MILLI, at: now }
    }

    /// Lets time pass. `restore_per_second` replaces the plan's rate, as in a throttle storm.
    pub(crate) fn restore(&mut self, now: Timestamp, restore_per_second: Option<u32>) {
        let passed = now.duration_since(self.at).as_millis();
        let passed = u64::try_from(passed.max(0)).unwrap_or(u64::MAX);
        let rate = u64::from(restore_per_second.unwrap_or(self.size.restore_per_second));
        let full = u64::from(self.size.maximum) * MILLI;
        self.milli = self.milli.saturating_add(passed.saturating_mul(rate)).min(full);
        self.at = now.max(self.at);
    }

    pub(crate) fn holds(&self, points: u64) -> bool {
        self.milli >= points.saturating_mul(MILLI)
    }

    pub(crate) fn take(&mut self, points: u64) {
        self.milli = self.milli.saturating_sub(points.saturating_mul(MILLI));
    }

    pub(crate) fn empty(&mut self) {
        self.milli = 0;
    }

    /// `throttleStatus`.
    pub(crate) fn status(&self, restore_per_second: Option<u32>) -> Value {
        json!({
            "maximumAvailable": self.size.maximum,
            "currentlyAvailable": self.milli / MILLI,
            "restoreRate": restore_per_second.unwrap_or(self.size.restore_per_second),
        })
    }
}
