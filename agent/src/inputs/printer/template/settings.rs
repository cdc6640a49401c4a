//! A template as it is written in TOML.
//!
//! Shapes only: what they mean and whether they fit together is decided in [`super::build`].

use std::collections::BTreeMap;

use protocol::event::TenderKind;
use protocol::id::{Code, Sku};
use protocol::money::Currency;
use serde::Deserialize;

use crate::inputs::reading::number::DecimalMark;

/// A whole template.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    /// The name and version of the template, such as `corner-shop@1`; it stands in each event.
    pub(super) profile: Code,
    pub(super) currency: Currency,
    /// `point` or `comma`.
    #[serde(default)]
    pub(super) decimal: DecimalMark,
    /// The time zone of the till's clock.
    pub(super) zone: String,
    /// How what the groups `when…` caught is written, as in `strftime`.
    pub(super) time_format: String,
    /// How what the groups `day…` caught is written; ISO 8601 where nothing stands.
    pub(super) day_format: Option<String>,
    /// When the trading day begins, for receipts that print no business date.
    pub(super) day_begins: Option<String>,
    pub(super) training: Training,
    #[serde(default)]
    pub(super) receipt_number: ReceiptNumber,
    /// Whether prices include tax.
    #[serde(default = "included")]
    pub(super) tax_included: bool,
    /// Code pages by the number in `ESC t`, where this printer differs.
    #[serde(default)]
    pub(super) code_pages: BTreeMap<String, String>,
    /// One character set for everything.
    pub(super) character_set: Option<String>,
    /// The character set of two bytes that `FS &` turns on.
    pub(super) double_byte: Option<String>,
    /// Tenders by the words that the receipt prints.
    pub(super) tenders: BTreeMap<String, TenderKind>,
    /// Article numbers by the descriptions that the receipt prints.
    #[serde(default)]
    pub(super) items: BTreeMap<String, Sku>,
    /// Units (UN/ECE Recommendation 20) by what the receipt prints.
    #[serde(default)]
    pub(super) units: BTreeMap<String, Code>,
    /// The kinds of line, in the order in which they are tried.
    pub(super) line: Vec<Line>,
}

const fn included() -> bool {
    true
}

/// What tells practice from sales.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Training {
    /// The till prints none.
    NeverPrinted,
    /// A line of the kind `training` says so.
    Marked,
}

/// Where the receipt's number comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ReceiptNumber {
    /// The group `receipt`.
    #[default]
    Printed,
    /// The till prints none: the printed time to the second is its number.
    FromTime,
}

/// One kind of line.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    /// A regular expression with named groups.
    #[serde(rename = "match")]
    pub(super) pattern: String,
    /// What the line is.
    #[serde(default)]
    pub(super) is: LineIs,
}

/// What a line is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum LineIs {
    /// Says something about the whole receipt: number, time, register, cashier.
    #[default]
    Head,
    /// The description of the item below.
    Name,
    /// An item.
    Item,
    /// More about the item above: quantity, unit price.
    Detail,
    /// A discount on the item above.
    Discount,
    /// A discount on everything.
    BasketDiscount,
    Total,
    Tax,
    Tender,
    Change,
    Rounding,
    /// Marks a copy.
    Copy,
    /// Marks practice.
    Training,
    /// Marks a basket that was given up.
    Void,
    /// Marks goods that come back, with amounts that have no sign.
    Return,
    /// Marks what is no receipt: a slip of a card terminal, an order for the kitchen.
    Other,
    /// Marks the closing report.
    Z,
    /// The closing report's turnover.
    ZGross,
    /// The closing report's money of one tender.
    ZTender,
    /// Says nothing.
    Ignore,
}
