//! How long things took, in whole microseconds.
//!
//! Does not compare.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// The clock of a measurement.
#[expect(clippy::disallowed_methods, reason = "measuring is what this program is for")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// The figures of `count` things that took `elapsed` together.
pub(crate) fn rate(count: usize, elapsed: Duration) -> Value {
    json!({ "count": count, "elapsed_us": micros(elapsed), "per_s": per_second(count, elapsed) })
}

/// The figures of calls that each took so long and were made within `elapsed`.
pub(crate) fn latencies(mut each: Vec<Duration>, elapsed: Duration) -> Value {
    each.sort_unstable();
    let mut figures = rate(each.len(), elapsed);
    figures["p50_us"] = json!(micros(at_per_mille(&each, 500)));
    figures["p99_us"] = json!(micros(at_per_mille(&each, 990)));
    figures
}

fn at_per_mille(sorted: &[Duration], per_mille: usize) -> Duration {
    let place = (sorted.len() * per_mille / 1_000).min(sorted.len().saturating_sub(1));
    sorted.get(place).copied().unwrap_or_default()
}

fn per_second(count: usize, elapsed: Duration) -> u128 {
    let count = u128::try_from(count).unwrap_or(u128::MAX);
    count * 1_000_000 / elapsed.as_micros().max(1)
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    //! Places in a list, and rates.

    use super::*;

    #[test]
    fn percentiles_are_taken_from_the_sorted_list() {
        let each = (1..=100).rev().map(Duration::from_micros).collect();
        let figures = latencies(each, Duration::from_secs(2));
        assert_eq!(figures["p50_us"], 51);
        assert_eq!(figures["p99_us"], 100);
        assert_eq!(figures["per_s"], 50);
    }

    #[test]
    fn nothing_took_no_time() {
        assert_eq!(latencies(Vec::new(), Duration::ZERO)["p99_us"], 0);
    }
}
