//! Amounts in two currencies, and how Shopify writes them.
//!
//! A `MoneyBag` holds what the shop counts in and what the customer saw. This shop converts
//! nothing: where a request states only the shop's amount, the customer's is the same number.

use std::iter::Sum;
use std::ops::{Add, Neg, Sub};

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Decimal places that computed taxes and percentages are rounded to.
const COMPUTED_PLACES: u32 = 2;

/// An amount in the shop's and in the customer's currency.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Amount {
    /// In the order's shop currency.
    pub shop: Decimal,
    /// In the order's presentment currency.
    pub presentment: Decimal,
}

impl Amount {
    /// The same number in both currencies.
    #[must_use]
    pub fn same(number: Decimal) -> Self {
        Self { shop: number, presentment: number }
    }

    /// So many times this amount.
    #[must_use]
    pub fn times(self, factor: Decimal) -> Self {
        Self { shop: self.shop * factor, presentment: self.presentment * factor }
    }

    /// The share `part / whole` of this amount, rounded half away from zero; all of it if `whole`
    /// is zero.
    #[must_use]
    pub fn share(self, part: Decimal, whole: Decimal) -> Self {
        if whole.is_zero() {
            return self;
        }
        self.each(|number| rounded(number * part / whole))
    }

    fn each(self, change: impl Fn(Decimal) -> Decimal) -> Self {
        Self { shop: change(self.shop), presentment: change(self.presentment) }
    }

    /// Never below zero.
    pub(crate) fn floored(self) -> Self {
        self.each(|number| number.max(Decimal::ZERO))
    }

    /// The amount of a `MoneyBagInput` that was checked against the schema.
    pub(crate) fn from_input(bag: &Value) -> Self {
        let read = |side: &str| bag.get(side).and_then(|money| decimal(money.get("amount")?));
        let shop = read("shopMoney").unwrap_or_default();
        Self { shop, presentment: read("presentmentMoney").unwrap_or(shop) }
    }
}

impl Add for Amount {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { shop: self.shop + other.shop, presentment: self.presentment + other.presentment }
    }
}

impl Neg for Amount {
    type Output = Self;

    fn neg(self) -> Self {
        self.each(|number| -number)
    }
}

impl Sub for Amount {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl Sum for Amount {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::default(), Add::add)
    }
}

/// Rounds what was computed, half away from zero.
pub(crate) fn rounded(number: Decimal) -> Decimal {
    number.round_dp_with_strategy(COMPUTED_PLACES, RoundingStrategy::MidpointAwayFromZero)
}

/// A `Decimal` or `Money` of a request: text or number. `None` if it is absent or blank.
pub(crate) fn decimal(value: &Value) -> Option<Decimal> {
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => number.to_string().parse().ok(),
        _ => None,
    }
}

/// A number as Shopify writes it in `MoneyV2.amount`: no trailing zeros, but one decimal place at
/// least (README, R68).
pub(crate) fn text(number: Decimal) -> String {
    let number = number.normalize();
    if number.scale() == 0 { format!("{number}.0") } else { number.to_string() }
}

/// A number as Shopify writes it in a sentence: `$999.00` (README, R68).
pub(crate) fn in_sentence(number: Decimal, currency: &str) -> String {
    let symbol = match currency {
        "USD" | "CAD" | "AUD" | "NZD" => "$",
        "EUR" => "€",
        "GBP" => "£",
        _ => "",
    };
    format!("{symbol}{:.2}", rounded(number))
}

/// A `MoneyBag`.
pub(crate) fn bag(amount: Amount, shop_currency: &str, presentment_currency: &str) -> Value {
    json!({
        "shopMoney": { "amount": text(amount.shop), "currencyCode": shop_currency },
        "presentmentMoney": {
            "amount": text(amount.presentment),
            "currencyCode": presentment_currency,
        },
    })
}
