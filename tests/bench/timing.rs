//! The clock of the harness, and what several rounds come to.
//!
//! Does not wait.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::Value;

/// The clock.
#[expect(clippy::disallowed_methods, reason = "measuring is what this program is for")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// So many of something within a time, by the second.
pub(crate) fn per_second(count: u64, within: Duration) -> u64 {
    count * 1_000 / millis(within).max(1)
}

/// A figure that a probe printed.
pub(crate) fn figure(of: &Value, name: &str) -> Result<u64> {
    of[name].as_u64().with_context(|| format!("find `{name}` in {of}"))
}

/// The median of a figure over several rounds.
pub(crate) fn median(rounds: &[Value], name: &str) -> Result<u64> {
    let mut each: Vec<u64> =
        rounds.iter().map(|round| figure(round, name)).collect::<Result<_>>()?;
    each.sort_unstable();
    each.get(each.len() / 2).copied().context("measure at least once")
}
