//! Money: whole minor units of one ISO 4217 currency; never a float.
//!
//! Does not convert between currencies and does not round: the POS's word stands.

#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The largest amount a field may state, in minor units: below 2^53, so that every JSON reader
/// keeps it exact, and small enough that a sum over any bounded event fits an `i64`.
pub const AMOUNT_MAX: i64 = 1_000_000_000_000_000;

/// Why a number or text is not money.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// An amount below zero, where `direction` has to say which way.
    #[error("amount {0} is negative; amounts are not negative, `direction` says which way")]
    Negative(i64),
    /// An amount above [`AMOUNT_MAX`].
    #[error("amount {0} is beyond ±1,000,000,000,000,000 minor units")]
    TooLarge(i64),
    /// A sum left the range of `i64`.
    #[error("the sum of amounts overflows")]
    Overflow,
    /// A text that is not an exact decimal number in the currency's places.
    #[error("`{0}` is not an exact decimal amount in the currency's places")]
    Decimal(String),
    /// Not an ISO 4217 code of a currency with minor units.
    #[error("`{0}` is not an ISO 4217 currency code in capital letters with minor units")]
    Currency(String),
}

/// An ISO 4217 currency.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency {
    code: [u8; 3],
    exponent: u8,
}

impl Currency {
    /// Parses a code such as `EUR`.
    ///
    /// # Errors
    /// The code is unknown or has no minor units (`XXX`, `XAU`).
    pub fn new(code: &str) -> Result<Self, MoneyError> {
        let unknown = || MoneyError::Currency(code.chars().take(16).collect());
        let known = iso_currency::Currency::from_code(code).ok_or_else(unknown)?;
        let exponent = known.exponent().ok_or_else(unknown)?;
        let exponent = u8::try_from(exponent).map_err(|_| unknown())?;
        let code = code.as_bytes().try_into().map_err(|_| unknown())?;
        Ok(Self { code, exponent })
    }

    /// The three-letter code.
    #[must_use]
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.code).expect("an ISO 4217 code is ASCII")
    }

    /// The number of decimal places of the minor unit: JPY 0, EUR 2, KWD 3.
    #[must_use]
    pub const fn exponent(&self) -> u8 {
        self.exponent
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
impl FromStr for Currency {
    type Err = MoneyError;
    fn from_str(code: &str) -> Result<Self, MoneyError> {
        Self::new(code)
    }
}
impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}
impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::new(&code).map_err(de::Error::custom)
    }
}
impl JsonSchema for Currency {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Currency".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[A-Z]{3}$",
            "description": "ISO 4217 code of a currency with minor units" })
    }
}

/// An amount in minor units, never negative; a `direction` beside it says which way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Amount(i64);

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// Takes `0..=AMOUNT_MAX` minor units.
    ///
    /// # Errors
    /// Negative, or too large.
    pub const fn new(minor: i64) -> Result<Self, MoneyError> {
        match minor {
            i64::MIN..=-1 => Err(MoneyError::Negative(minor)),
            0..=AMOUNT_MAX => Ok(Self(minor)),
            _ => Err(MoneyError::TooLarge(minor)),
        }
    }

    /// The minor units.
    #[must_use]
    pub const fn minor(self) -> i64 {
        self.0
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(i64::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}
impl JsonSchema for Amount {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Amount".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 0, "maximum": AMOUNT_MAX,
            "description": "minor units of the transaction's currency" })
    }
}

/// A signed amount in minor units: rounding, over/short, a result of an equation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct SignedAmount(i64);

impl SignedAmount {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// Takes `-AMOUNT_MAX..=AMOUNT_MAX` minor units.
    ///
    /// # Errors
    /// Beyond the range.
    pub const fn new(minor: i64) -> Result<Self, MoneyError> {
        if minor < -AMOUNT_MAX || minor > AMOUNT_MAX {
            return Err(MoneyError::TooLarge(minor));
        }
        Ok(Self(minor))
    }

    /// The minor units.
    #[must_use]
    pub const fn minor(self) -> i64 {
        self.0
    }

    /// Whether it is nothing.
    #[must_use]
    pub const fn is_zero(&self) -> bool {
        self.0 == 0
    }
}

impl<'de> Deserialize<'de> for SignedAmount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(i64::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}
impl JsonSchema for SignedAmount {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SignedAmount".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": -AMOUNT_MAX, "maximum": AMOUNT_MAX,
            "description": "signed minor units of the transaction's currency" })
    }
}

/// Minor units (signed) of one currency: what a total, a difference or an amount at risk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// Minor units, signed.
    pub minor: i64,
    /// Their currency.
    pub currency: Currency,
}

impl Money {
    /// Minor units of a currency.
    #[must_use]
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// The amount in major units as an exact decimal text: `5.45`, `-0.02`, `1200` for JPY.
    #[must_use]
    pub fn decimal(&self) -> String {
        let places = usize::from(self.currency.exponent);
        let sign = if self.minor < 0 { "-" } else { "" };
        let digits = format!("{:0>width$}", self.minor.unsigned_abs(), width = places + 1);
        let (whole, fraction) = digits.split_at(digits.len() - places);
        match fraction {
            "" => format!("{sign}{whole}"),
            _ => format!("{sign}{whole}.{fraction}"),
        }
    }

    /// Reads the form that [`Money::decimal`] writes; more decimal places are accepted if zero.
    ///
    /// # Errors
    /// Not a decimal number with at most the currency's places, or out of range.
    pub fn from_decimal(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let inexact = || MoneyError::Decimal(text.chars().take(32).collect());
        let decimal: rust_decimal::Decimal = text.parse().map_err(|_| inexact())?;
        let scale = rust_decimal::Decimal::from(10_i64.pow(u32::from(currency.exponent)));
        let scaled = decimal.checked_mul(scale).ok_or_else(inexact)?.normalize();
        if scaled.scale() > 0 {
            return Err(inexact());
        }
        let minor = i64::try_from(scaled).map_err(|_| inexact())?;
        Ok(Self { minor, currency })
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.decimal(), self.currency)
    }
}
