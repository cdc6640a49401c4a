//! What a metered line has carried, against its budget.
//!
//! Bytes are counted before they are sent and are durable a block ahead, so that a crash never
//! forgets any; what lies between us and the provider's meter is reckoned in. A period begins anew
//! by the relay's time alone, and only forward: a host's clock that jumps gives no bytes away.
//! Writes nothing itself.

#[cfg(test)]
mod tests;

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::config::{Metered, Period};
use crate::sync::policy::Level;

/// What an exchange costs beside its bodies: headers, signatures, TLS records, and the packets
/// that confirm them.
const EXCHANGE_BYTES: u64 = 2_048;

/// What a new connection costs: name, handshakes, a chain of certificates.
const CONNECT_BYTES: u64 = 8_192;

/// An attempt to which nothing answered: a name and a few packets that connect.
const ATTEMPT_BYTES: u64 = 512;

/// Headers of the packets that carry a body: 60 bytes in 1,400, rounded up to a sixteenth.
const PACKET_SHARE: u64 = 16;

/// A connection that was idle for longer may have been closed and made anew.
const IDLE_CLOSED: Duration = Duration::from_secs(60);

/// Signs of life on an idle connection: 220 bytes in 15 s through a broker, with TLS and TCP, and
/// TCP's own beside it.
const IDLE_BYTES_PER_SECOND: u64 = 24;

/// Bytes that are durable ahead. A crash counts at most so many too much.
const AHEAD_BYTES: u64 = 64 * 1024;

/// From this share of the budget on, in percent, what is left is kept for receipts.
const NEAR_PERCENT: u64 = 80;

/// What is kept in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    /// The first day of the period; none before the relay's time was known.
    period: Option<Date>,
    /// Bytes used in it, and a block ahead.
    bytes: u64,
}

impl Kept {
    /// All of a budget is used, for all that is known.
    pub(super) fn all_of(budget: Metered) -> Self {
        Self { period: None, bytes: budget.bytes() }
    }
}

/// The meter of one line.
#[derive(Debug, Clone)]
pub(super) struct Meter {
    budget: Metered,
    period: Option<Date>,
    used: u64,
    /// So many are durable.
    kept: u64,
    last: Option<Duration>,
}

impl Meter {
    /// Goes on from what was kept.
    pub(super) fn new(budget: Metered, kept: Option<Kept>) -> Self {
        let Kept { period, bytes } = kept.unwrap_or(Kept { period: None, bytes: 0 });
        Self { budget, period, used: bytes, kept: bytes, last: None }
    }

    /// Begins a new period if the relay's time has reached one.
    pub(super) fn time_is(&mut self, relay_time: Timestamp) {
        let day = relay_time.to_zoned(TimeZone::UTC).date();
        let first = match self.budget.per {
            Period::Day => day,
            Period::Month => day.first_of_month(),
        };
        match self.period {
            Some(period) if first <= period => {}
            Some(_) => {
                self.period = Some(first);
                self.used = 0;
                self.kept = 0;
            }
            // What was used before the time was known counts into this period.
            None => self.period = Some(first),
        }
    }

    /// Counts an exchange with a body of so many bytes, which is about to be sent at `now`.
    /// Returns what is to be made durable first, if anything.
    pub(super) fn sends(&mut self, body: u64, now: Duration) -> Option<Kept> {
        let idle = self.last.map(|last| now.saturating_sub(last));
        let is_new = idle.is_none_or(|idle| idle >= IDLE_CLOSED);
        let idle_seconds = idle.map_or(0, |idle| idle.as_secs());
        let connect = if is_new { CONNECT_BYTES } else { 0 };
        self.last = Some(now);
        let around = EXCHANGE_BYTES.saturating_add(connect);
        let idle_bytes = idle_seconds.saturating_mul(IDLE_BYTES_PER_SECOND);
        self.count(on_the_line(body).saturating_add(around).saturating_add(idle_bytes))
    }

    /// Counts the body of an answer, which has come already.
    pub(super) fn received(&mut self, body: u64) -> Option<Kept> {
        self.count(on_the_line(body))
    }

    /// What was just counted was never sent: not even a connection came about.
    pub(super) const fn was_not_sent(&mut self, counted: u64) {
        self.used = self.used.saturating_sub(counted.saturating_sub(ATTEMPT_BYTES));
        self.last = None;
    }

    /// How much is left.
    pub(super) fn level(&self) -> Level {
        let budget = self.budget.bytes();
        if self.used >= budget {
            return Level::Spent;
        }
        match self.used >= budget / 100 * NEAR_PERCENT {
            true => Level::Near,
            false => Level::Plenty,
        }
    }

    pub(super) const fn used(&self) -> u64 {
        self.used
    }

    pub(super) const fn budget(&self) -> Metered {
        self.budget
    }

    fn count(&mut self, bytes: u64) -> Option<Kept> {
        self.used = self.used.saturating_add(bytes);
        if self.used <= self.kept {
            return None;
        }
        self.kept = self.used.saturating_add(AHEAD_BYTES);
        Some(Kept { period: self.period, bytes: self.kept })
    }
}

fn on_the_line(body: u64) -> u64 {
    body.saturating_add(body / PACKET_SHARE)
}
