//! Moments as Frappe writes them: dates and times without an offset, in the site's own time zone.
//!
//! Sources: frappe/utils/data.py (`now_datetime`, `formatdate`). Reads no clock.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

/// The site's local time.
pub(crate) fn local(moment: Timestamp, zone: &TimeZone) -> DateTime {
    zone.to_datetime(moment)
}

/// `2026-11-23 10:00:00.000000`, as `creation` and `modified` are written.
pub(crate) fn stamp(moment: DateTime) -> String {
    moment.strftime("%Y-%m-%d %H:%M:%S.%6f").to_string()
}

/// `10:00:00.000000`, as `posting_time` is set by the server.
pub(crate) fn clock(moment: DateTime) -> String {
    moment.strftime("%H:%M:%S.%6f").to_string()
}

/// Reads a date; `None` if it is none.
pub(crate) fn date(text: &str) -> Option<Date> {
    text.get(..10)?.parse().ok()
}

/// Reads a time of day; `None` if it is none.
pub(crate) fn time(text: &str) -> Option<Time> {
    text.parse().ok()
}

/// `23-11-2026`, as dates stand in sentences by default (System Settings, `dd-mm-yyyy`).
pub(crate) fn in_words(date: Date) -> String {
    date.strftime("%d-%m-%Y").to_string()
}
