//! When a document counts in ERPNext: a date and a time without an offset.
//!
//! Date and time are those of the store's own clock, because a warehouse belongs to one store and
//! its ledger is kept in the order of these moments. Reads no clock.

use jiff::civil::{Date, DateTime, Time};
use protocol::time::{BusinessDate, OffsetTime};
use serde_json::Value;

/// The last moment of a day: where a sale after midnight stands that belongs to the day before.
const DAY_END: Time = Time::constant(23, 59, 59, 0);

/// Characters of `2026-11-23T17:04:11`.
const CLOCK_CHARS: usize = 19;

/// A posting date and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::connectors::erpnext) struct Moment {
    /// `posting_date`.
    pub(in crate::connectors::erpnext) date: Date,
    /// `posting_time`, in whole seconds.
    pub(in crate::connectors::erpnext) time: Time,
}

impl Moment {
    /// On a trading day: its date, at the time of the store's clock. What happened after midnight
    /// stands at the day's end, what happened before it at its beginning, so that neither jumps
    /// over the day's other documents.
    pub(super) fn of_trading_day(day: BusinessDate, at: OffsetTime) -> Self {
        let clock = clock(at);
        let time = match clock.date().cmp(&day.0) {
            std::cmp::Ordering::Less => Time::midnight(),
            std::cmp::Ordering::Equal => clock.time(),
            std::cmp::Ordering::Greater => DAY_END,
        };
        Self { date: day.0, time }
    }

    /// As the store's clock showed it.
    pub(super) fn on_the_clock(at: OffsetTime) -> Self {
        let clock = clock(at);
        Self { date: clock.date(), time: clock.time() }
    }

    /// `posting_date`.
    pub(super) fn posting_date(self) -> Value {
        self.date.to_string().into()
    }

    /// `posting_time`.
    pub(super) fn posting_time(self) -> Value {
        self.time.strftime("%H:%M:%S").to_string().into()
    }

    /// Whether a document stands at this moment, to the second. ERPNext writes times as `9:05:00`
    /// and `17:04:11.000000` alike.
    pub(super) fn is(self, date: &str, time: &str) -> bool {
        let mut parts = time.split(':').map(|part| part.split('.').next().unwrap_or_default());
        let mut part = || parts.next().and_then(|part| part.parse::<i8>().ok());
        let (hour, minute, second) = (part(), part(), part());
        let is_time = (hour, minute, second)
            == (Some(self.time.hour()), Some(self.time.minute()), Some(self.time.second()));
        is_time && date.parse::<Date>().is_ok_and(|date| date == self.date)
    }
}

impl std::fmt::Display for Moment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.date, self.time.strftime("%H:%M:%S"))
    }
}

/// What the store's clock showed, in whole seconds.
fn clock(at: OffsetTime) -> DateTime {
    let text = at.to_string();
    let clock = text.get(..CLOCK_CHARS).and_then(|clock| clock.parse().ok());
    clock.expect("a time is shown with the clock's date and time first")
}
