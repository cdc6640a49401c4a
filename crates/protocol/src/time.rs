//! Points in time as the POS wrote them, and the trading day.
//!
//! Times keep their offset, because the store's wall clock is part of what happened. Order never
//! comes from them: it comes from (epoch, sequence). Does not read a clock.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::fmt::temporal::Pieces;
use jiff::tz::Offset;
use jiff::{Timestamp, Zoned};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Why a text is not a point in time or a day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// Not RFC 3339 with an offset.
    #[error("`{0}` is not a time as in RFC 3339 with offset, such as `2026-11-23T17:04:11+01:00`")]
    Time(String),
    /// Not a calendar date.
    #[error("`{0}` is not a date such as `2026-11-23`")]
    Date(String),
}

/// A point in time with the offset of the clock that showed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OffsetTime {
    instant: Timestamp,
    offset: Offset,
}

impl OffsetTime {
    /// An instant as a clock with this offset shows it.
    #[must_use]
    pub const fn new(instant: Timestamp, offset: Offset) -> Self {
        Self { instant, offset }
    }

    /// The instant, without the offset.
    #[must_use]
    pub const fn instant(&self) -> Timestamp {
        self.instant
    }
}

impl FromStr for OffsetTime {
    type Err = TimeError;
    fn from_str(text: &str) -> Result<Self, TimeError> {
        let refuse = || TimeError::Time(text.chars().take(40).collect());
        let pieces = Pieces::parse(text).map_err(|_| refuse())?;
        if pieces.time_zone_annotation().is_some() {
            return Err(refuse());
        }
        let time = pieces.time().ok_or_else(refuse)?;
        let offset = pieces.to_numeric_offset().ok_or_else(refuse)?;
        let instant = offset.to_timestamp(pieces.date().to_datetime(time)).map_err(|_| refuse())?;
        Ok(Self { instant, offset })
    }
}
impl fmt::Display for OffsetTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.instant.display_with_offset(self.offset).fmt(f)
    }
}
impl Serialize for OffsetTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for OffsetTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}
impl JsonSchema for OffsetTime {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "OffsetTime".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time" })
    }
}
impl From<&Zoned> for OffsetTime {
    fn from(zoned: &Zoned) -> Self {
        Self { instant: zoned.timestamp(), offset: zoned.offset() }
    }
}

/// The trading day that the POS assigned; never derived from a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BusinessDate(pub Date);

impl FromStr for BusinessDate {
    type Err = TimeError;
    fn from_str(text: &str) -> Result<Self, TimeError> {
        let refuse = || TimeError::Date(text.chars().take(40).collect());
        let date = (text.len() == 10).then(|| text.parse().ok()).flatten();
        date.map(Self).ok_or_else(refuse)
    }
}
impl fmt::Display for BusinessDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
impl Serialize for BusinessDate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for BusinessDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}
impl JsonSchema for BusinessDate {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "BusinessDate".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date" })
    }
}
