//! What time it is: the relay's signed word, carried forward by a clock that nobody can set.
//!
//! A host's clock jumps: an empty battery puts it back by years, a hand forward by days. The
//! difference to the relay is therefore measured once a session and then followed on the steady
//! clock, so that a jump is seen the moment it happens. Order comes from epoch and sequence and
//! business dates from the POS, never from here. Reads no clock itself and sets none.

#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A difference that people do not notice on a receipt. A clock that is off by more is shown, and
/// one whose difference changes by more has been set.
pub const SKEW_MS_NOTICE: u64 = 5_000;

/// From here on certificates and the order of counts and sales begin to suffer (SK0047).
pub const SKEW_MS_BAD: u64 = 5 * 60 * 1_000;

/// The difference up to which a host's clock may decide what is old enough to be pruned: far less
/// than a retention.
pub const SKEW_MS_TRUSTED: u64 = 24 * 60 * 60 * 1_000;

/// A steady clock gains or loses at most one in so many: 100 parts in a million, twice what the
/// worst crystals of mainboards do.
const DRIFT_DIVISOR: u32 = 10_000;

/// Both clocks of the host, read together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// The host's clock, which somebody may have set.
    pub host: Timestamp,
    /// Time that has passed since the program's start.
    pub steady: Duration,
}

/// The relay's time as it was measured, to be carried forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reckoning {
    /// The relay's time at the reading.
    relay: Timestamp,
    reading: Reading,
    /// How wrong that can be, either way: half of the round trip.
    uncertainty: Duration,
}

/// How far the host's clock is from the relay's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Skew {
    /// Relay time minus host time, in milliseconds.
    pub ms: i64,
    /// How wrong that can be, either way, in milliseconds: half of the round trip, and what has
    /// drifted since.
    pub uncertainty_ms: u64,
    /// When it was measured, by the host's clock.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub measured_at: Timestamp,
    /// Whether the host's clock has gone evenly since it was measured. False once it was set.
    pub even: bool,
}

impl Reckoning {
    /// What follows from an answer that tells the relay's time. The relay read its clock at some
    /// point between the two readings.
    #[must_use]
    pub fn measured(relay: Timestamp, asked: Reading, answered: Reading) -> Self {
        let round_trip = answered.steady.saturating_sub(asked.steady);
        let uncertainty = round_trip / 2;
        let relay = later(relay, uncertainty);
        Self { relay, reading: answered, uncertainty }
    }

    /// The relay's time now.
    #[must_use]
    pub fn relay_time(&self, now: Reading) -> Timestamp {
        later(self.relay, self.elapsed(now))
    }

    /// The host's difference now.
    #[must_use]
    pub fn skew(&self, now: Reading) -> Skew {
        let difference = |relay: Timestamp, host: Timestamp| {
            relay.as_millisecond().saturating_sub(host.as_millisecond())
        };
        let ms = difference(self.relay_time(now), now.host);
        let changed = ms.abs_diff(difference(self.relay, self.reading.host));
        Skew {
            ms,
            uncertainty_ms: millis(self.uncertainty_at(now)),
            measured_at: self.reading.host,
            even: changed <= SKEW_MS_NOTICE,
        }
    }

    /// The better of two: `other` sharpens what is known if it agrees and is more certain. One
    /// that does not agree is not believed: an answer that repeats no question of ours may be an
    /// old one that somebody plays again.
    #[must_use]
    pub fn sharpened_by(self, other: Self) -> Self {
        let now = other.reading;
        let apart = self.relay_time(now).duration_since(other.relay).unsigned_abs();
        let agrees = apart <= self.uncertainty_at(now).saturating_add(other.uncertainty);
        match agrees && other.uncertainty < self.uncertainty_at(now) {
            true => other,
            false => self,
        }
    }

    fn elapsed(&self, now: Reading) -> Duration {
        now.steady.saturating_sub(self.reading.steady)
    }

    fn uncertainty_at(&self, now: Reading) -> Duration {
        self.uncertainty.saturating_add(self.elapsed(now) / DRIFT_DIVISOR)
    }
}

impl Skew {
    /// What a store has to be told; none while the difference does not matter.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        let is_bad = self.ms.unsigned_abs() > SKEW_MS_BAD;
        is_bad.then(|| format!("The clock of this machine is {}; tell your IT.", self.roughly()))
    }

    /// The difference as people say it.
    fn roughly(&self) -> String {
        let minutes = self.ms.unsigned_abs() / 60_000;
        let (days, hours) = (minutes / (24 * 60), minutes / 60 % 24);
        let span = match (days, hours) {
            (0, 0) => format!("{minutes} m"),
            (0, hours) => format!("{hours} h {} m", minutes % 60),
            (days, hours) => format!("{days} d {hours} h"),
        };
        format!("{span} {}", self.side())
    }

    const fn side(&self) -> &'static str {
        if self.ms < 0 { "ahead" } else { "behind" }
    }
}

impl fmt::Display for Skew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = if self.ms < 0 { "ahead of" } else { "behind" };
        write!(f, "{} ms {side} the relay", self.ms.unsigned_abs())?;
        if self.uncertainty_ms > 0 {
            write!(f, ", to within {} ms", self.uncertainty_ms)?;
        }
        match self.even {
            true => Ok(()),
            false => f.write_str("; it was set since the last session"),
        }
    }
}

/// A time so much later, or the last that can be told.
fn later(time: Timestamp, by: Duration) -> Timestamp {
    let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
    time.checked_add(by).unwrap_or(Timestamp::MAX)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
