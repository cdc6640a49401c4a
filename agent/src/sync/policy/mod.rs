//! The bounds of sync, each with the reason for the number, and how long to wait after a failure.
//!
//! Bounds that agent and relay share stand in [`protocol::limits`]. Nothing here is a setting.

#[cfg(test)]
mod tests;

use std::time::Duration;

/// Bytes of records read for one batch. A thousand usual sales are half of it; with their JSON and
/// its compressed form in memory at the same time the agent stays within its 32 MB.
pub const RECORD_BYTES_PER_BATCH_MAX: usize = 2 * 1024 * 1024;

/// Between the beginnings of two batches that are not full. A single sale goes at once; a store
/// that sells without pause is gathered into a few batches a second.
pub const LINGER: Duration = Duration::from_millis(50);

/// For DNS, TCP and TLS together. Below the 7 s at which Linux repeats a lost SYN for the third
/// time, so that a link that is back is noticed by a fresh attempt.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(4);

/// For a batch and its answer: 1 MiB takes 17 s on a line of 512 kbit/s.
pub const BATCH_TIMEOUT: Duration = Duration::from_secs(30);

/// For a small message and its answer.
pub const MESSAGE_TIMEOUT: Duration = Duration::from_secs(10);

/// What a long poll is given beyond the time that the relay may wait.
pub const POLL_GRACE: Duration = Duration::from_secs(5);

/// Between two polls of which the first brought nothing before its time: a relay that is being
/// stopped answers at once.
pub const POLL_PAUSE: Duration = Duration::from_secs(1);

/// For bytes that were sent and not confirmed by the other side's TCP: a line that is gone while
/// something is under way is noticed by then.
pub const UNCONFIRMED_MAX: Duration = Duration::from_secs(5);

/// Between two signs of life on a connection that is idle.
pub const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Bytes of one answer. The largest, a full page of the downlink, is below 1 MiB.
pub const ANSWER_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Messages to a broker that it has not confirmed: a statement or a batch, a poll, and those of a
/// session before them whose answers nobody waits for any more.
pub const MQTT_UNCONFIRMED_MAX: u16 = 16;

/// Messages that a broker may have under way to this host: an answer each, and a few stray ones.
pub const MQTT_RECEIVE_MAX: u16 = 16;

/// Bytes that topic and properties add to a body.
pub const MQTT_ENVELOPE_BYTES_MAX: usize = 4 * 1024;

/// Characters of a reason that came from outside and is shown in the status.
pub const REASON_CHARS_MAX: usize = 300;

/// Entries whose bodies are pruned in one transaction: some milliseconds, so that no sale waits.
pub const PRUNE_ENTRIES_MAX: usize = 500;

/// Between two rounds of pruning. A day's bodies are gone within the day that they are due.
pub const PRUNE_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// Between two transactions of one round, for the sales that wait.
pub const PRUNE_PAUSE: Duration = Duration::from_millis(20);

/// The first waiting time of the ladders, before jitter.
const DELAY_BASE: Duration = Duration::from_secs(1);

/// Attempts without a connection cost a few packets and nobody's CPU. A second between them is
/// what lets the first batch go within a second after the link, or a crashed relay, is back.
const UNREACHABLE_DELAY_MAX: Duration = Duration::from_secs(1);

/// A gateway or a busy relay answered. Spread over a quarter of a minute, ten thousand stores are
/// 1,300 attempts a second, which a relay turns away without effort.
const UNAVAILABLE_DELAY_MAX: Duration = Duration::from_secs(15);

/// The relay said no, or holds the device: only a person changes that.
const REFUSED_DELAY_MAX: Duration = Duration::from_secs(300);

/// The longest wish of a relay that is followed, so that a mistaken one silences no store.
pub const RETRY_AFTER_MAX: Duration = REFUSED_DELAY_MAX;

/// What kind of failure is waited after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ladder {
    /// No connection came about.
    Unreachable,
    /// No usable answer came.
    Unavailable,
    /// The answer was no.
    Refused,
}

impl Ladder {
    const fn delay_max(self) -> Duration {
        match self {
            Self::Unreachable => UNREACHABLE_DELAY_MAX,
            Self::Unavailable => UNAVAILABLE_DELAY_MAX,
            Self::Refused => REFUSED_DELAY_MAX,
        }
    }
}

/// How long to wait after the `failures`-th failure in a row: doubling from one second up to the
/// ladder's bound, full jitter, so that stores that failed together do not come back together.
/// `random` is drawn evenly from all of `u32`.
#[must_use]
pub fn delay(ladder: Ladder, failures: u32, random: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    let ceiling = DELAY_BASE.saturating_mul(1 << doublings).min(ladder.delay_max());
    let millis = u64::try_from(ceiling.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(millis.saturating_mul(u64::from(random)) >> 32)
}
