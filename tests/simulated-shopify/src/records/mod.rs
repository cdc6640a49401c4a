//! What the shop keeps: the records behind every answer, and what its books show.
//!
//! They are written only by the operations. Everything is public and has serde, because a harness
//! compares these records with what it believes to have sent; nothing here is an answer of the API.

mod stock;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

pub use self::stock::{AdjustmentGroup, Change, Level};
use crate::ids::{Gid, Kind};
use crate::money::Amount;

/// An order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    /// Its identifier.
    pub id: Gid,
    /// The position in the shop's own numbering.
    pub number: u64,
    /// What was asked for as `name`, or `#` and the number. Not unique.
    pub name: String,
    /// The identifier at the system that it came from. Not unique.
    pub source_identifier: Option<String>,
    /// The attribution that was asked for.
    pub source_name: Option<String>,
    /// The customer's mail address.
    pub email: Option<String>,
    /// The note.
    pub note: Option<String>,
    /// The tags, sorted.
    pub tags: Vec<String>,
    /// Whether it is a test order.
    pub test: bool,
    /// The currency of the shop's amounts.
    pub currency: String,
    /// The currency of the customer's amounts.
    pub presentment_currency: String,
    /// When it was created here.
    pub created_at: Timestamp,
    /// When the sale took place.
    pub processed_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// From when on searches find it.
    pub searchable_from: Timestamp,
    /// Whether the prices include the taxes.
    pub taxes_included: bool,
    /// Attributes of the order.
    pub custom_attributes: Vec<Attribute>,
    /// The order's metafields.
    pub metafields: Vec<Metafield>,
    /// The lines.
    pub lines: Vec<Line>,
    /// Taxes stated for the whole order that no taxable line could take.
    pub tax_lines: Vec<TaxLine>,
    /// Shipping.
    pub shipping_lines: Vec<ShippingLine>,
    /// The one discount code.
    pub discount: Option<Discount>,
    /// The location that fulfilled every line, if it was created fulfilled.
    pub fulfillment: Option<Fulfillment>,
    /// `displayFulfillmentStatus`.
    pub fulfillment_status: String,
    /// The financial status that was stated; otherwise it follows from the transactions.
    pub stated_financial_status: Option<String>,
    /// Payments, change and refunds, in order.
    pub transactions: Vec<Transaction>,
    /// Refunds, in order.
    pub refunds: Vec<Refund>,
    /// The sums at creation.
    pub totals: Totals,
}

/// The sums of an order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    /// Lines after the discount.
    pub subtotal: Amount,
    /// Shipping after the discount.
    pub shipping: Amount,
    /// All taxes.
    pub tax: Amount,
    /// The discount.
    pub discounts: Amount,
    /// What the customer owes.
    pub total: Amount,
}

/// A named text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attribute {
    /// Its name.
    pub key: String,
    /// Its text.
    pub value: String,
}

/// A metafield of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metafield {
    /// Its identifier.
    pub id: Gid,
    /// Its namespace, with `$app` resolved.
    pub namespace: String,
    /// Its key.
    pub key: String,
    /// Its type, such as `id`.
    pub kind: String,
    /// Its value.
    pub value: String,
}

/// A line of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// Its identifier.
    pub id: Gid,
    /// The variant; a custom line has none.
    pub variant: Option<Gid>,
    /// The title.
    pub title: String,
    /// The stock-keeping unit that was stated, or the variant's.
    pub sku: Option<String>,
    /// The vendor that was stated.
    pub vendor: Option<String>,
    /// How many.
    pub quantity: i64,
    /// The price of one, before discounts.
    pub price: Amount,
    /// Whether it is taxable.
    pub taxable: bool,
    /// Whether it is shipped.
    pub requires_shipping: bool,
    /// Taxes on the line.
    pub tax_lines: Vec<TaxLine>,
    /// The line's properties.
    pub properties: Vec<Attribute>,
    /// How many were refunded.
    pub refunded: i64,
}

impl Line {
    /// Price times quantity.
    #[must_use]
    pub fn original_total(&self) -> Amount {
        self.price.times(Decimal::from(self.quantity))
    }

    /// The sum of its taxes.
    #[must_use]
    pub fn tax(&self) -> Amount {
        self.tax_lines.iter().map(|tax| tax.amount).sum()
    }
}

/// A tax on a line, on shipping or on the order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaxLine {
    /// The tax's name.
    pub title: String,
    /// The rate, such as 0.19.
    pub rate: Decimal,
    /// The tax.
    pub amount: Amount,
}

/// A shipping line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ShippingLine {
    /// Its position in the order, from 1.
    pub number: u64,
    /// The title.
    pub title: String,
    /// The code.
    pub code: Option<String>,
    /// The source.
    pub source: Option<String>,
    /// The price before the discount.
    pub price: Amount,
    /// Taxes on shipping.
    pub tax_lines: Vec<TaxLine>,
}

/// The discount code of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Discount {
    /// The code.
    pub code: String,
    /// What it took off the lines or off shipping.
    pub amount: Amount,
}

/// The fulfilment of every line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fulfillment {
    /// Its identifier.
    pub id: Gid,
    /// Where it was fulfilled.
    pub location: Gid,
}

/// A movement of money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Transaction {
    /// Its identifier.
    pub id: Gid,
    /// `SALE`, `CHANGE`, `REFUND` and so on.
    pub kind: String,
    /// `SUCCESS` and so on.
    pub status: String,
    /// How it was paid.
    pub gateway: String,
    /// How much; never negative.
    pub amount: Amount,
    /// The payment that is refunded.
    pub parent: Option<Gid>,
    /// When it took place.
    pub processed_at: Timestamp,
    /// Where.
    pub location: Option<Gid>,
    /// Whether it is a test.
    pub test: bool,
}

impl Transaction {
    /// Whether money moved, with one of these kinds.
    #[must_use]
    pub fn succeeded_as(&self, kinds: &[&str]) -> bool {
        self.status == "SUCCESS" && kinds.contains(&self.kind.as_str())
    }
}

/// A refund.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refund {
    /// Its identifier.
    pub id: Gid,
    /// The note.
    pub note: Option<String>,
    /// When it was created here.
    pub created_at: Timestamp,
    /// When it took place.
    pub processed_at: Timestamp,
    /// The refunded lines.
    pub lines: Vec<RefundLine>,
    /// The part for shipping.
    pub shipping: Amount,
    /// The refund's transactions among the order's.
    pub transactions: Vec<Gid>,
    /// What went back to the customer.
    pub total: Amount,
    /// The idempotency key that it was asked for with.
    pub idempotency_key: String,
}

/// A refunded line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RefundLine {
    /// Its identifier.
    pub id: Gid,
    /// The order's line.
    pub line: Gid,
    /// How many.
    pub quantity: i64,
    /// `RETURN`, `CANCEL` or `NO_RESTOCK`.
    pub restock_type: String,
    /// Where it was restocked.
    pub location: Option<Gid>,
    /// Price times quantity.
    pub subtotal: Amount,
    /// The share of the line's taxes.
    pub tax: Amount,
}

/// A definition of a metafield.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MetafieldDefinition {
    /// Its identifier.
    pub id: Gid,
    /// Its name.
    pub name: String,
    /// The namespace, with `$app` resolved.
    pub namespace: String,
    /// The key.
    pub key: String,
    /// `ORDER` and so on.
    pub owner_type: String,
    /// The type, such as `id`.
    pub kind: String,
    /// The description.
    pub description: Option<String>,
}

/// Identifiers dealt out in order, one sequence for all kinds.
#[derive(Debug)]
pub(crate) struct Numbers(u64);

impl Default for Numbers {
    fn default() -> Self {
        Self(8_800_000_000_000)
    }
}

impl Numbers {
    pub(crate) fn next(&mut self, kind: Kind) -> Gid {
        self.0 += 1;
        Gid::new(kind, self.0)
    }
}
