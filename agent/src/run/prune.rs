//! Removes, little by little, the content of what was relayed longer ago than the retention.
//!
//! Ages are told by the relay's time, carried forward by a clock that nobody can set, and only while
//! it agrees with this host's: whichever of the two jumps ahead by a year would otherwise remove
//! what someone still asks for. What the relay has not acknowledged is never touched; the journal
//! sees to that.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use journal::Journal;

use crate::clock::{Reading, SKEW_MS_TRUSTED};
use crate::config::JournalConfig;
use crate::health::Health;
use crate::seams::Seams;
use crate::sync::policy::{PRUNE_ENTRIES_MAX, PRUNE_INTERVAL, PRUNE_PAUSE};

/// Until the first round: the start belongs to the sales that wait.
const FIRST_ROUND: Duration = Duration::from_secs(60);

/// What is removed, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pruning {
    /// How long a content stays after its acknowledgement.
    pub retention: SignedDuration,
    /// Until the first round.
    pub first_round: Duration,
    /// Between two rounds.
    pub interval: Duration,
}

impl Pruning {
    /// As it is configured.
    #[must_use]
    pub fn of(config: &JournalConfig) -> Self {
        let days = i64::from(config.retention_days.get());
        let retention = SignedDuration::from_hours(days.saturating_mul(24));
        Self { retention, first_round: FIRST_ROUND, interval: PRUNE_INTERVAL }
    }
}

/// Prunes for as long as the program runs.
pub async fn run(journal: Journal, health: Health, seams: Seams, pruning: Pruning) {
    tokio::time::sleep(pruning.first_round).await;
    loop {
        if seams.prune_by_age_only {
            count_as_relayed(&journal, seams.now()).await;
        }
        if let Some(before) = acknowledged_before(&health, seams.reading(), pruning.retention) {
            round(&journal, before).await;
        }
        tokio::time::sleep(pruning.interval).await;
    }
}

/// The fault: from here on only its age keeps an entry.
async fn count_as_relayed(journal: &Journal, now: Timestamp) {
    if let Err(error) = journal.acknowledge(journal.head(), now).await {
        tracing::warn!(%error, "the journal's head could not be marked, on purpose, as relayed");
    }
}

/// What was acknowledged before then may go; none while no time can be believed.
fn acknowledged_before(
    health: &Health,
    now: Reading,
    retention: SignedDuration,
) -> Option<Timestamp> {
    let skew = health.state(now).skew?;
    let agrees = skew.ms.unsigned_abs() <= SKEW_MS_TRUSTED;
    let earlier = health.time(now).min(now.host);
    agrees.then(|| earlier.checked_sub(retention).ok()).flatten()
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
    //! Which clocks are believed.

    use super::*;
    use crate::clock::Reckoning;
    use crate::health::Link;

    const DAY: SignedDuration = SignedDuration::from_hours(24);

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn before(relay: Option<&str>, host: &str) -> Option<Timestamp> {
        let health = Health::new(Link::NoRelay);
        let now = Reading { host: at(host), steady: Duration::ZERO };
        if let Some(relay) = relay {
            health.measured(Reckoning::measured(at(relay), now, now), now.host);
        }
        acknowledged_before(&health, now, DAY)
    }

    #[test]
    fn nothing_is_pruned_by_a_clock_that_the_relay_does_not_share() {
        let host = "2026-11-23T10:00:00Z";
        assert_eq!(before(None, host), None);
        assert_eq!(before(Some("2036-11-23T10:00:00Z"), host), None);
        assert_eq!(before(Some("2016-11-23T10:00:00Z"), host), None);
    }

    #[test]
    fn the_earlier_of_two_clocks_that_agree_says_what_is_old_enough() {
        let expected = Some(at("2026-11-22T09:00:00Z"));
        assert_eq!(before(Some("2026-11-23T09:00:00Z"), "2026-11-23T10:00:00Z"), expected);
        assert_eq!(before(Some("2026-11-23T10:00:00Z"), "2026-11-23T09:00:00Z"), expected);
    }

    #[test]
    fn a_host_that_jumps_after_its_session_prunes_nothing_until_its_clock_is_right() {
        let health = Health::new(Link::NoRelay);
        let reading = |host: &str, steady| Reading { host: at(host), steady };
        let session = reading("2026-11-23T10:00:00Z", Duration::ZERO);
        health.measured(Reckoning::measured(session.host, session, session), session.host);
        let hour = Duration::from_secs(60 * 60);
        for jumped in ["2016-11-23T11:00:00Z", "2026-11-26T11:00:00Z"] {
            assert_eq!(acknowledged_before(&health, reading(jumped, hour), DAY), None, "{jumped}");
        }
        let right = reading("2026-11-23T11:00:00Z", hour);
        let expected = Some(at("2026-11-22T11:00:00Z"));
        assert_eq!(acknowledged_before(&health, right, DAY), expected);
    }
}
