//! The lines of a transaction: goods, services, deposits, gift cards, tips.
//!
//! Amounts are not negative; `direction` says which way. A line number is the POS's own and not
//! dense. Does not add anything up ([`super::balance`]).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::item::Item;
use super::tax::Tax;
use super::{Direction, Extensions};
use crate::decimal::Number;
use crate::id::{Code, Receipt, RegisterId, StoreId, Text};
use crate::limits::ENTRIES_PER_LIST_MAX;
use crate::list::List;
use crate::money::Amount;
use crate::time::{BusinessDate, OffsetTime};

/// What a line sells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum LineKind {
    /// Goods; moves stock unless `stock` says otherwise.
    Item,
    /// A service.
    Service,
    /// A fee.
    Fee,
    /// The deposit on a bottle or crate.
    ContainerDeposit,
    /// Money taken before the goods (`out`), or applied to the final sale (`in`).
    Prepayment,
    /// A gift card issued or topped up: a liability, no revenue.
    GiftCard,
    /// A tip.
    Tip,
    /// A donation.
    Donation,
}

/// When the customer gets what the line sells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Fulfil {
    /// Later: the line counts in no equation and moves no stock yet.
    Later,
}

/// What becomes of goods that come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Disposition {
    /// Back on the shelf.
    Restock,
    /// Kept, but not for sale.
    Damaged,
    /// Thrown away.
    Dispose,
    /// Nothing came back.
    None,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Line {
    /// The POS's number of the line.
    pub line: u32,
    /// What it sells.
    pub kind: LineKind,
    /// The line that this one belongs to: a bundle's header, the goods of a tare or deposit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<u32>,
    /// Voided before the basket was finished: stays for the gaps, counts nowhere.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub void: bool,
    /// `out` is goods to the customer, `in` is goods back.
    #[serde(
        default = "Direction::goods_default",
        skip_serializing_if = "Direction::is_goods_default"
    )]
    pub direction: Direction,
    /// The item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<Item>,
    /// How many or how much, in `unit`.
    pub quantity: Number,
    /// The unit (UN/ECE Recommendation 20), `EA` where nothing stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<Code>,
    /// The weight of the packing, already taken off `quantity`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tare: Option<Number>,
    /// The price of one unit, in major units.
    pub unit_price: Number,
    /// The price before an override or promotion, in major units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regular_unit_price: Option<Number>,
    /// The version of the price list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_book: Option<Code>,
    /// A price that somebody keyed in.
    #[serde(default, rename = "override", skip_serializing_if = "Option::is_none")]
    pub price_override: Option<Override>,
    /// Quantity times price as the POS rounded it, before the discounts below.
    pub extended: Amount,
    /// What is taken off.
    #[serde(default, skip_serializing_if = "List::is_empty")]
    pub discounts: List<Discount, ENTRIES_PER_LIST_MAX>,
    /// `extended` less the discounts.
    pub total: Amount,
    /// The taxes on it.
    #[serde(default, skip_serializing_if = "List::is_empty")]
    pub taxes: List<Tax, ENTRIES_PER_LIST_MAX>,
    /// Whether it moves stock; goods do, unless another line of goods names this one as parent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stock: Option<bool>,
    /// Handed over later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fulfil: Option<Fulfil>,
    /// For goods that come back: where they were sold, or why nobody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original: Option<Original>,
    /// For goods that come back: what becomes of them; back on the shelf where nothing stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disposition: Option<Disposition>,
    /// For goods that come back: why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_reason: Option<Text<256>>,
    /// Serial numbers.
    #[serde(default, skip_serializing_if = "List::is_empty")]
    pub serials: List<Code, ENTRIES_PER_LIST_MAX>,
    /// Lot numbers.
    #[serde(default, skip_serializing_if = "List::is_empty")]
    pub lots: List<Code, ENTRIES_PER_LIST_MAX>,
    /// The best-before or expiry date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<BusinessDate>,
    /// A check of age, without a birth date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_check: Option<AgeCheck>,
    /// The number of the gift card that is issued, masked or as a token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gift_card: Option<Code>,
    /// Who sold it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seller: Option<Code>,
    /// When it was entered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entered_at: Option<OffsetTime>,
    /// Vendor fields.
    #[serde(default, skip_serializing_if = "Extensions::is_empty")]
    pub extensions: Extensions,
}

impl Line {
    /// Whether it takes part in equations, stock and ledgers.
    #[must_use]
    pub const fn counts(&self) -> bool {
        !self.void && self.fulfil.is_none()
    }
}

/// A discount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Discount {
    /// The kind, such as `promotion`, `coupon`, `employee` or `manual`.
    pub kind: Code,
    /// The promotion or coupon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Code>,
    /// What is taken off.
    pub amount: Amount,
    /// Which way; on a line it follows the line.
    #[serde(
        default = "Direction::goods_default",
        skip_serializing_if = "Direction::is_goods_default"
    )]
    pub direction: Direction,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Text<256>>,
    /// Who allowed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approver: Option<Code>,
}

/// A price that somebody keyed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Override {
    /// Why.
    pub reason: Text<256>,
    /// Who allowed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approver: Option<Code>,
}

/// A check of age: the rule and its result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AgeCheck {
    /// The rule, such as `18`.
    pub rule: Code,
    /// The result.
    pub result: Code,
}

/// A line of an earlier receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LineReference {
    /// The store that sold.
    pub store: StoreId,
    /// The register that sold.
    pub register: RegisterId,
    /// The trading day.
    pub business_date: BusinessDate,
    /// The receipt.
    pub receipt: Receipt,
    /// The line; the whole receipt where nothing stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The register's counter cycle, if it legally began again.
    #[serde(default, skip_serializing_if = "super::key::is_first_cycle")]
    pub counter_cycle: u32,
}

/// Where goods that come back were sold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "OriginalShape", into = "OriginalShape")]
pub enum Original {
    /// On a receipt of a store.
    Receipt(LineReference),
    /// In an order of a target.
    Order {
        /// The order's name, such as `#1042`.
        order: Code,
        /// The target's identifier of the line.
        line_item: Option<Code>,
    },
    /// Nobody knows.
    Blind(Blind),
}

/// A return without a receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Blind {
    /// Why it was taken.
    pub reason: Text<256>,
    /// Who allowed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approver: Option<Code>,
}

/// An original as it is written: one of three forms.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct OriginalShape {
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<StoreId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    register: Option<RegisterId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    business_date: Option<BusinessDate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<Receipt>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    #[serde(skip_serializing_if = "super::key::is_first_cycle")]
    counter_cycle: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<Code>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line_item: Option<Code>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blind: Option<Blind>,
}

/// None of the three forms, or parts of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "`original` is either {{store, register, businessDate, receipt, line}}, or {{order, lineItem}}, or {{blind: {{reason}}}}"
)]
struct OriginalError;

impl TryFrom<OriginalShape> for Original {
    type Error = OriginalError;
    fn try_from(shape: OriginalShape) -> Result<Self, OriginalError> {
        let OriginalShape { line, counter_cycle, line_item, .. } = shape;
        match (shape.store, shape.register, shape.business_date, shape.receipt) {
            (Some(store), Some(register), Some(business_date), Some(receipt))
                if shape.order.is_none() && line_item.is_none() && shape.blind.is_none() =>
            {
                let reference =
                    LineReference { store, register, business_date, receipt, line, counter_cycle };
                Ok(Self::Receipt(reference))
            }
            (None, None, None, None) if line.is_none() && counter_cycle == 0 => {
                match (shape.order, shape.blind) {
                    (Some(order), None) => Ok(Self::Order { order, line_item }),
                    (None, Some(blind)) if line_item.is_none() => Ok(Self::Blind(blind)),
                    _ => Err(OriginalError),
                }
            }
            _ => Err(OriginalError),
        }
    }
}
impl From<Original> for OriginalShape {
    fn from(original: Original) -> Self {
        match original {
            Original::Receipt(reference) => Self {
                store: Some(reference.store),
                register: Some(reference.register),
                business_date: Some(reference.business_date),
                receipt: Some(reference.receipt),
                line: reference.line,
                counter_cycle: reference.counter_cycle,
                ..Self::default()
            },
            Original::Order { order, line_item } => {
                Self { order: Some(order), line_item, ..Self::default() }
            }
            Original::Blind(blind) => Self { blind: Some(blind), ..Self::default() },
        }
    }
}
