//! Exact decimal numbers as text: quantities, unit prices, rates.
//!
//! Read from a JSON string (never from a JSON number, which other programs turn into a float) and
//! kept in one canonical form, so that `3`, `3.0` and `3.000` are one content. Does no rounding.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The most decimal places a number may have.
pub const PLACES_MAX: u32 = 6;

/// The most digits before the decimal point.
const WHOLE_DIGITS_MAX: usize = 15;

/// Why a text is not an exact decimal number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a decimal number such as `-2` or `0.523` (at most 15 digits before the point, 6 after)"
)]
pub struct NumberError(String);

/// An exact decimal number of up to 15 digits before and 6 after the point.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Number(Decimal);

impl Number {
    /// The number zero.
    pub const ZERO: Self = Self(Decimal::ZERO);

    /// The value for computing with.
    #[must_use]
    pub const fn value(&self) -> Decimal {
        self.0
    }
}

impl TryFrom<Decimal> for Number {
    type Error = NumberError;
    fn try_from(value: Decimal) -> Result<Self, NumberError> {
        value.to_string().parse()
    }
}
impl From<u32> for Number {
    fn from(value: u32) -> Self {
        Self(Decimal::from(value))
    }
}
impl FromStr for Number {
    type Err = NumberError;
    fn from_str(text: &str) -> Result<Self, NumberError> {
        let refuse = || NumberError(text.chars().take(40).collect());
        let digits = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let plain = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !plain(whole) || !plain(fraction) || whole.len() > WHOLE_DIGITS_MAX {
            return Err(refuse());
        }
        let value: Decimal = text.parse().map_err(|_| refuse())?;
        let value = value.normalize();
        if value.scale() > PLACES_MAX {
            return Err(refuse());
        }
        Ok(Self(if value.is_zero() { Decimal::ZERO } else { value }))
    }
}
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}
impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}
impl JsonSchema for Number {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Number".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": r"^-?[0-9]{1,15}(\.[0-9]+)?$",
            "description": "exact decimal number as text, at most 6 places" })
    }
}
