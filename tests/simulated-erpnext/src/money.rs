//! Numbers: decimals inside, JSON numbers outside, and the site's rounding.
//!
//! Frappe computes with binary floats and rounds each result; decimals rounded at the same places
//! give what it gives, without its last-bit noise. Source: frappe/utils/data.py (`flt`,
//! `rounded`), whose default since version 15 is banker's rounding.

use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::Value;

use crate::limits::{CURRENCY_PLACES, QUANTITY_PLACES, STORED_PLACES};

/// Reads a number as `flt` does: what is no number is zero.
pub(crate) fn decimal(value: &Value) -> Decimal {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.replace(',', ""),
        Value::Bool(true) => return Decimal::ONE,
        _ => return Decimal::ZERO,
    };
    let text = text.trim();
    text.parse().or_else(|_| Decimal::from_scientific(text)).unwrap_or_default()
}

/// Writes a number as Python's `json` writes a float: at least one decimal place.
pub(crate) fn number(number: Decimal) -> Value {
    let number = number.normalize();
    let text = if number.scale() == 0 { format!("{number}.0") } else { number.to_string() };
    serde_json::from_str(&text).expect("a decimal is written as a JSON number")
}

/// Rounds an amount.
pub(crate) fn rounded(amount: Decimal) -> Decimal {
    amount.round_dp_with_strategy(CURRENCY_PLACES, RoundingStrategy::MidpointNearestEven)
}

/// Rounds what is not rounded to the cent, as the database stores it.
pub(crate) fn stored(amount: Decimal) -> Decimal {
    amount.round_dp_with_strategy(STORED_PLACES, RoundingStrategy::MidpointNearestEven)
}

/// Rounds a quantity.
pub(crate) fn quantity(quantity: Decimal) -> Decimal {
    quantity.round_dp_with_strategy(QUANTITY_PLACES, RoundingStrategy::MidpointNearestEven)
}

/// Rounds to the smallest coin; without one to a whole unit (frappe/utils/data.py,
/// `round_based_on_smallest_currency_fraction`).
pub(crate) fn to_smallest_coin(amount: Decimal, coin: Option<Decimal>) -> Decimal {
    let coin = coin.filter(|coin| *coin > Decimal::ZERO).unwrap_or(Decimal::ONE);
    let coins = (amount / coin).round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero);
    rounded(coins * coin)
}
