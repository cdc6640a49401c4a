//! Removes, little by little, the content of what was relayed longer ago than the retention.
//!
//! Only while the relay's clock agrees with this host's: a clock that jumps ahead by a year would
//! otherwise remove what someone still asks for. What the relay has not acknowledged is never
//! touched; the journal sees to that.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use journal::Journal;

use crate::config::JournalConfig;
use crate::health::{Health, Skew};
use crate::seams::Seams;
use crate::sync::policy::{PRUNE_ENTRIES_MAX, PRUNE_INTERVAL, PRUNE_PAUSE};

/// The difference of the clocks up to which this host's is believed: far less than a retention.
const SKEW_MS_MAX: u64 = 24 * 60 * 60 * 1_000;

/// Until the first round: the start belongs to the sales that wait.
const FIRST_ROUND: Duration = Duration::from_secs(60);

/// Prunes for as long as the program runs.
pub(super) async fn run(journal: Journal, health: Health, seams: Seams, config: JournalConfig) {
    let days = i64::from(config.retention_days.get());
    let retention = SignedDuration::from_hours(days.saturating_mul(24));
    tokio::time::sleep(FIRST_ROUND).await;
    loop {
        if is_trusted(health.state().skew)
            && let Ok(before) = seams.now().checked_sub(retention)
        {
            round(&journal, before).await;
        }
        tokio::time::sleep(PRUNE_INTERVAL).await;
    }
}

fn is_trusted(skew: Option<Skew>) -> bool {
    skew.is_some_and(|skew| skew.ms.unsigned_abs() <= SKEW_MS_MAX)
}

async fn round(journal: &Journal, before: Timestamp) {
    let mut total: u64 = 0;
    let full = u64::try_from(PRUNE_ENTRIES_MAX).unwrap_or(u64::MAX);
    loop {
        match journal.prune(before, PRUNE_ENTRIES_MAX).await {
            Ok(pruned) => {
                total = total.saturating_add(pruned);
                if pruned < full {
                    break;
                }
            }
            Err(error) => {
                tracing::warn!(%error, "relayed events could not be pruned; the next round tries");
                break;
            }
        }
        tokio::time::sleep(PRUNE_PAUSE).await;
    }
    if total > 0 {
        tracing::info!(events = total, "the content of events relayed long ago was pruned");
    }
}

#[cfg(test)]
mod tests {
    //! When this host's clock is believed.

    use super::*;

    #[test]
    fn nothing_is_pruned_by_a_clock_that_the_relay_does_not_share() {
        let skew = |ms| Some(Skew { ms, measured_at: Timestamp::UNIX_EPOCH });
        assert!(!is_trusted(None));
        assert!(is_trusted(skew(1_500)));
        assert!(!is_trusted(skew(-365 * 24 * 60 * 60 * 1_000)));
    }
}
