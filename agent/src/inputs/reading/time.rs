//! Times and dates as vendors write them.
//!
//! A time without an offset is one of the store's clock, whose zone has to be known; in the hour
//! that a clock repeats, the first of the two is meant. Reads no clock.

use jiff::civil;
use jiff::tz::{Offset, TimeZone};
use protocol::time::{BusinessDate, OffsetTime};

/// The time zone with this name: `system`, an IANA name such as `Europe/Stockholm`, or a fixed
/// offset such as `+03:00`; none if there is no such zone.
#[must_use]
pub fn zone(name: &str) -> Option<TimeZone> {
    match name {
        "system" => Some(TimeZone::system()),
        _ if name.starts_with(['+', '-']) => offset(name).map(TimeZone::fixed),
        _ => TimeZone::get(name).ok(),
    }
}

/// Reads `2026-11-23T17:04:11`, with or without fraction and offset. Without one the clock that
/// showed it is in `zone`.
#[must_use]
pub fn moment(text: &str, zone: &TimeZone) -> Option<OffsetTime> {
    let text = text.trim();
    // A day alone would be read as its midnight, which nobody said.
    if !text.contains(':') {
        return None;
    }
    text.parse().ok().or_else(|| local(text.parse().ok()?, zone))
}

/// Reads a time by a `strftime` pattern without a zone, such as `%d.%m.%Y %H:%M:%S`.
#[must_use]
pub fn moment_by(text: &str, pattern: &str, zone: &TimeZone) -> Option<OffsetTime> {
    local(civil::DateTime::strptime(pattern, text.trim()).ok()?, zone)
}

/// The moment at which a clock in `zone` showed this.
#[must_use]
pub fn local(shown: civil::DateTime, zone: &TimeZone) -> Option<OffsetTime> {
    let zoned = zone.to_ambiguous_zoned(shown).compatible().ok()?;
    Some(OffsetTime::from(&zoned))
}

/// Reads a trading day: `2026-11-23`, also where an offset or a time stands after it.
#[must_use]
pub fn date(text: &str) -> Option<BusinessDate> {
    let text = text.trim();
    let day = text.get(..10)?;
    let rest = &text[10..];
    let is_date = rest.is_empty() || rest.starts_with(['T', 'Z', '+', '-', ' ']);
    is_date.then(|| day.parse().ok()).flatten()
}

/// Reads a trading day by a `strftime` pattern, such as `%Y%m%d`.
#[must_use]
pub fn date_by(text: &str, pattern: &str) -> Option<BusinessDate> {
    civil::Date::strptime(pattern, text.trim()).ok().map(BusinessDate)
}

/// Reads `+01:00`, `-0330` or `Z`.
#[must_use]
pub fn offset(text: &str) -> Option<Offset> {
    let text = text.trim();
    if text == "Z" {
        return Some(Offset::UTC);
    }
    let (sign, digits) = match text.as_bytes().first()? {
        b'+' => (1, &text[1..]),
        b'-' => (-1, &text[1..]),
        _ => return None,
    };
    let digits: String = digits.chars().filter(|c| *c != ':').collect();
    let is_plain = digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_digit());
    let (hours, minutes) = is_plain.then(|| digits.split_at(2))?;
    let seconds = hours.parse::<i32>().ok()? * 3600 + minutes.parse::<i32>().ok()? * 60;
    Offset::from_seconds(sign * seconds).ok()
}
