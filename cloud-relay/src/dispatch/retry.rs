//! When to try again.
//!
//! Pure: chance is an argument, drawn by the caller from all `u64`. Does not decide whether.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::policy::{BACKOFF_BASE, BACKOFF_CEILING, WAITING_LOOK_MAX, WAITING_LOOK_MIN};

/// The latest moment that a `Timestamp` holds stands in for what lies beyond it.
pub(super) fn after(now: Timestamp, wait: impl Into<Wait>) -> Timestamp {
    now.saturating_add(wait.into().0).unwrap_or(Timestamp::MAX)
}

/// A wait, from either of the two kinds of duration.
pub(super) struct Wait(SignedDuration);

impl From<SignedDuration> for Wait {
    fn from(wait: SignedDuration) -> Self {
        Self(wait)
    }
}
impl From<Duration> for Wait {
    fn from(wait: Duration) -> Self {
        Self(SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX))
    }
}

/// Exponential back-off with full jitter: anywhere between nothing and the ceiling, which doubles
/// with each attempt, so that lanes that failed together do not come back together. Never earlier
/// than `least`.
pub(super) fn back_off(attempts: u32, least: Option<Duration>, chance: u64) -> Duration {
    let doublings = attempts.saturating_sub(1).min(16);
    let ceiling = BACKOFF_BASE.saturating_mul(1 << doublings).min(BACKOFF_CEILING);
    let share = (ceiling.as_millis() * u128::from(chance)) >> u64::BITS;
    let jittered = Duration::from_millis(u64::try_from(share).unwrap_or(u64::MAX));
    least.map_or(jittered, |least| least.saturating_add(jittered))
}

/// When a document that waits for another looks again: a tenth of its age, within bounds, so that
/// a return behind its sale by seconds follows within seconds, and one behind by days costs
/// nothing.
pub(super) fn look_again(created_at: Timestamp, now: Timestamp) -> Timestamp {
    let age = now.duration_since(created_at);
    after(now, (age / 10).clamp(WAITING_LOOK_MIN, WAITING_LOOK_MAX))
}

#[cfg(test)]
mod tests {
    //! Waits stay within their bounds.

    use proptest::prelude::{any, prop_assert, proptest};

    use super::*;

    proptest! {
        #[test]
        fn a_back_off_is_never_below_the_least_nor_above_its_ceiling(
            attempts in any::<u32>(), chance in any::<u64>(), least_ms in 0_u64..100_000,
        ) {
            let least = Duration::from_millis(least_ms);
            let wait = back_off(attempts, Some(least), chance);
            prop_assert!(wait >= least);
            prop_assert!(wait <= least + BACKOFF_CEILING);
        }
    }

    #[test]
    fn full_jitter_spans_from_nothing_to_the_doubled_ceiling() {
        assert_eq!(back_off(1, None, 0), Duration::ZERO);
        assert_eq!(back_off(1, None, u64::MAX), Duration::from_millis(999));
        assert_eq!(back_off(4, None, u64::MAX), Duration::from_millis(7_999));
        assert_eq!(back_off(99, None, u64::MAX), Duration::from_millis(299_999));
    }

    #[test]
    fn a_wait_beyond_the_calendar_is_its_end() {
        assert_eq!(after(Timestamp::MAX, Duration::from_secs(1)), Timestamp::MAX);
    }
}
