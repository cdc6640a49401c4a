//! Amounts in whole minor units, and how ERPNext multiplies.
//!
//! Does not know what is shared or sold.

use protocol::money::{Currency, Money};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde_json::Value;

/// A price of one unit, and what ERPNext makes of it for all units; both in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rate {
    /// The price of one.
    pub(super) one: i64,
    /// One times the quantity, rounded as ERPNext rounds it.
    pub(super) all: i64,
}

/// The price, not above `one_max`, that comes nearest to `wanted` for the whole quantity; nothing
/// if the figures leave the range of amounts.
///
/// ERPNext keeps prices in minor units and rounds quantity times price. How it rounds a half is
/// the site's choice, so a price whose product ends in a half is never taken; of two neighbouring
/// prices at most one is of that kind.
pub(super) fn rate(wanted: i64, quantity: Decimal, one_max: Option<i64>) -> Option<Rate> {
    let below = Decimal::from(wanted).checked_div(quantity)?.floor().to_i64()?.max(0);
    let below = one_max.map_or(below, |most| below.min(most.max(0)));
    let candidates = [Some(below), below.checked_add(1), below.checked_sub(1)];
    let usable = candidates.into_iter().flatten().filter(|one| *one >= 0);
    let usable = usable.filter(|one| one_max.is_none_or(|most| *one <= most.max(0)));
    let rates = usable.filter_map(|one| {
        let product = Decimal::from(one).checked_mul(quantity)?;
        let is_half = product.fract().abs() == Decimal::new(5, 1);
        let all = product.round().to_i64()?;
        (!is_half).then_some(Rate { one, all })
    });
    rates.min_by_key(|rate| (rate.all - wanted).unsigned_abs())
}

/// An amount as a JSON number, exact to the minor unit.
pub(super) fn money(minor: i64, currency: Currency) -> Value {
    number(&Money::new(minor, currency).decimal())
}

/// A decimal text as a JSON number.
pub(super) fn number(text: &str) -> Value {
    serde_json::from_str(text).expect("a decimal text is a JSON number")
}

/// The decimal in a JSON number (or a text); zero where nothing stands.
pub(in crate::connectors::erpnext) fn decimal(value: &Value) -> Option<Decimal> {
    match value {
        Value::Null => Some(Decimal::ZERO),
        Value::Number(number) => {
            let text = number.to_string();
            text.parse().ok().or_else(|| Decimal::from_scientific(&text).ok())
        }
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// The minor units in a JSON number; zero where nothing stands.
pub(in crate::connectors::erpnext) fn minor(value: &Value, currency: Currency) -> Option<i64> {
    let text = decimal(value)?.to_string();
    Some(Money::from_decimal(&text, currency).ok()?.minor)
}
