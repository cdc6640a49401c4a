//! The bounds of sync, each with the reason for the number, and how long to wait after a failure.
//!
//! Bounds that agent and relay share stand in [`protocol::limits`]. Nothing here is a setting.

#[cfg(test)]
mod tests;

use std::time::Duration;

pub use crate::health::Level;

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

/// Between two statements of a device that is held, at most: a person who has released it watches
/// what happens, and a store that waits costs the relay two small messages a minute.
const HELD_DELAY_MAX: Duration = Duration::from_secs(30);

/// How long a device that is held waits before it states again: the upper half of the bound by
/// chance. `random` is drawn evenly from all of `u32`.
#[must_use]
pub fn held_delay(random: u32) -> Duration {
    let half = HELD_DELAY_MAX / 2;
    let millis = u64::try_from(half.as_millis()).unwrap_or(u64::MAX);
    half.saturating_add(Duration::from_millis(millis.saturating_mul(u64::from(random)) >> 32))
}

/// The longest wish of a relay that is followed, so that a mistaken one silences no store.
pub const RETRY_AFTER_MAX: Duration = REFUSED_DELAY_MAX;

/// Between two looks at a way that answers and is to be taken again.
pub const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// The longest time between two looks at a way that fails: a line that is back is in use again
/// within a minute, and a look a minute costs nobody anything.
pub const LOOK_DELAY_MAX: Duration = Duration::from_secs(30);

/// Between two looks at a way that stands by, so that the status knows before it is needed.
pub const STANDBY_LOOK: Duration = Duration::from_secs(600);

/// How long a better way has to answer before it is taken again: longer than a line that is being
/// mended comes and goes.
pub const RETURN_AFTER: Duration = Duration::from_secs(15);

/// A way that fails within this after it was taken again has relapsed, and is waited for twice as
/// long next time.
pub const RELAPSE_WITHIN: Duration = Duration::from_secs(600);

/// Relapses that count: the longest wait is 64 times the first, a quarter of an hour.
pub const RELAPSES_MAX: u32 = 6;

/// The longest time between two looks at the clock of a budget.
pub const WATCH_PAUSE: Duration = Duration::from_secs(10);

/// Between two batches over a line whose budget is spent. A batch and its answer are some 3 KiB
/// beside the receipts: 300 KiB a day, and a store's sales are never older than this at the relay.
pub const SPENT_PAUSE: Duration = Duration::from_secs(15 * 60);

/// What goes up and down, in order of importance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Batches: what was sold.
    Receipts,
    /// The long poll of the downlink: what became of it.
    News,
}

/// When something may go over a metered line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leave {
    /// At once.
    Now,
    /// Together with what comes within [`SPENT_PAUSE`], unless it is a full batch.
    Gathered,
    /// Not while the budget stands as it does.
    Never,
}

/// What of a budget is for whom. Receipts are never held back for it: bytes cost cents, and a store
/// whose sales are nowhere but on its own disk is worth more.
#[must_use]
pub const fn leave(class: Class, level: Level) -> Leave {
    match (class, level) {
        (Class::Receipts, Level::Plenty | Level::Near) | (Class::News, Level::Plenty) => Leave::Now,
        (Class::Receipts, Level::Spent) => Leave::Gathered,
        (Class::News, Level::Near | Level::Spent) => Leave::Never,
    }
}

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
    pub(super) const fn delay_max(self) -> Duration {
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
    spread(ladder.delay_max(), failures, random)
}

/// How long a way that failed is left alone after the `failures`-th failure in a row, where another
/// one works. It grows beyond what the ladder of an agent without any connection would allow.
#[must_use]
pub fn look_delay(ladder: Ladder, failures: u32, random: u32) -> Duration {
    spread(ladder.delay_max().max(LOOK_DELAY_MAX), failures, random)
}

fn spread(delay_max: Duration, failures: u32, random: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    let ceiling = DELAY_BASE.saturating_mul(1 << doublings).min(delay_max);
    let millis = u64::try_from(ceiling.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(millis.saturating_mul(u64::from(random)) >> 32)
}
