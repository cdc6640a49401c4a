//! Decimal numbers as vendors write them, and minor units from them.
//!
//! Exact throughout: what has more places than its currency is reported as inexact, and whoever
//! asked decides. Does not guess which sign separates decimals.

use protocol::money::Currency;
use rust_decimal::{Decimal, RoundingStrategy};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Characters of a number: 28 digits, which `Decimal` holds, their grouping and a sign.
const CHARS_MAX: usize = 40;

/// The sign between whole number and fraction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DecimalMark {
    /// `1234.50`, with `,` or a space allowed between thousands.
    #[default]
    Point,
    /// `1234,50`, with `.` or a space allowed between thousands.
    Comma,
}

/// Reads a number: `12`, `-1.50`, `1.50-`, `+3`, `.5`, `1.`, `1,234.50`; none if it is no number.
#[must_use]
pub fn decimal(text: &str, mark: DecimalMark) -> Option<Decimal> {
    let text = text.trim();
    if text.len() > CHARS_MAX {
        return None;
    }
    let (text, negative) = sign(text)?;
    let (mark, grouping) = match mark {
        DecimalMark::Point => ('.', ','),
        DecimalMark::Comma => (',', '.'),
    };
    let mut plain = String::with_capacity(text.len() + 1);
    let (mut digits, mut marks) = (0, 0);
    for character in text.chars() {
        match character {
            '0'..='9' => {
                plain.push(character);
                digits += 1;
            }
            _ if character == mark => {
                plain.push('.');
                marks += 1;
            }
            // A thousands separator stands between digits and before the fraction only.
            _ if digits > 0 && marks == 0 && (character == grouping || is_space(character)) => {}
            _ => return None,
        }
    }
    if digits == 0 || marks > 1 {
        return None;
    }
    if plain.starts_with('.') {
        plain.insert(0, '0');
    }
    let value = Decimal::from_str_exact(plain.trim_end_matches('.')).ok()?;
    Some(if negative { -value } else { value })
}

/// A number whose last `places` digits are the fraction, as fixed-width files write them: `0001250`
/// with two places is 12.50.
#[must_use]
pub fn implied(text: &str, places: u32) -> Option<Decimal> {
    let mut value = decimal(text, DecimalMark::Point)?;
    if value.scale() > 0 {
        return None;
    }
    value.set_scale(places).ok()?;
    Some(value)
}

/// A number as programs print floating point, `0.30000000000000004` or `-6.9e-17`, of which only
/// what was meant is exact: whoever reads it rounds it. None if it is no number.
#[must_use]
pub fn floating(text: &str) -> Option<Decimal> {
    let text = text.trim();
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let mantissa: Decimal = mantissa.parse().ok()?;
    let exponent: i32 = exponent.parse().ok()?;
    let places = exponent.unsigned_abs();
    match exponent {
        0 => Some(mantissa),
        1.. => mantissa.checked_mul(Decimal::from(10_i128.checked_pow(places)?)),
        // So small that nothing of it is left once it is rounded.
        _ if places > Decimal::MAX_SCALE => Some(Decimal::ZERO),
        _ => mantissa.checked_mul(Decimal::new(1, places)),
    }
}

fn sign(text: &str) -> Option<(&str, bool)> {
    if let Some(rest) = text.strip_prefix('-') {
        return Some((rest.trim_start(), true));
    }
    if let Some(rest) = text.strip_suffix('-') {
        return Some((rest.trim_end(), true));
    }
    Some((text.strip_prefix('+').unwrap_or(text), false))
}

const fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\u{a0}' | '\u{202f}')
}

/// A number in minor units of a currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Minor {
    /// The units, signed; rounded half away from zero where the number has more places.
    pub units: i64,
    /// Whether nothing had to be rounded.
    pub is_exact: bool,
}

/// The minor units of a number in major units; none beyond the range of an amount.
#[must_use]
pub fn minor(value: Decimal, currency: Currency) -> Option<Minor> {
    let places = u32::from(currency.exponent());
    let rounded = value.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero);
    let scaled = rounded.checked_mul(Decimal::from(10_i64.pow(places)))?;
    let units = i64::try_from(scaled).ok()?;
    Some(Minor { units, is_exact: rounded == value })
}
