//! `storekeep.stock.v1`: stock that changes other than by a sale, and counts.
//!
//! A change is signed; a count is absolute at `countedAt`. Does not repeat what sales and returns
//! imply ([`super::moves`]).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Extensions;
use super::item::Item;
use crate::decimal::Number;
use crate::id::{Code, DocumentId, LocationId, StoreId, Text};
use crate::limits::LINES_MAX;
use crate::list::List;
use crate::money::Currency;
use crate::time::{BusinessDate, OffsetTime};

/// The kinds of stock document.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum StockKind {
    /// A correction.
    Adjustment,
    /// A count: absolute.
    Count,
    /// Goods received.
    Receipt,
    /// Goods sent to another location.
    TransferOut,
    /// Goods from another location.
    TransferIn,
    /// Goods no longer sellable.
    Damage,
    /// Goods that are gone.
    Shrinkage,
    /// Goods sent back to a vendor.
    ReturnToVendor,
}

impl StockKind {
    /// The word that stands in the event and its natural key.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Adjustment => "adjustment",
            Self::Count => "count",
            Self::Receipt => "receipt",
            Self::TransferOut => "transfer_out",
            Self::TransferIn => "transfer_in",
            Self::Damage => "damage",
            Self::Shrinkage => "shrinkage",
            Self::ReturnToVendor => "return_to_vendor",
        }
    }
}

/// The body of a stock document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StockDocument {
    /// What kind it is.
    pub kind: StockKind,
    /// The shop.
    pub store: StoreId,
    /// The place; the store's sales floor where nothing stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<LocationId>,
    /// The document's number.
    pub document: DocumentId,
    /// The trading day.
    pub business_date: BusinessDate,
    /// When it happened.
    pub occurred_at: OffsetTime,
    /// The other place of a transfer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counterpart: Option<LocationId>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Text<256>>,
    /// Who did it, by number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<Code>,
    /// The currency of costs; required where one stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// The profile and version by which it was read from the POS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Code>,
    /// The lines.
    pub lines: List<StockLine, LINES_MAX>,
    /// Vendor fields.
    #[serde(default, skip_serializing_if = "Extensions::is_empty")]
    pub extensions: Extensions,
}

/// One item of a stock document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StockLine {
    /// The number of the line.
    pub line: u32,
    /// The item.
    pub item: Item,
    /// The unit (UN/ECE Recommendation 20), `EA` where nothing stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<Code>,
    /// The signed change; every kind but a count has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Number>,
    /// What was counted; a count has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted: Option<Number>,
    /// When it was counted; a count has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted_at: Option<OffsetTime>,
    /// What one unit cost, in major units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Number>,
    /// Why this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Text<256>>,
}

impl StockDocument {
    /// The place whose stock changes.
    #[must_use]
    pub fn stock_location(&self) -> LocationId {
        self.location.clone().unwrap_or_else(|| super::place::sales_floor(&self.store))
    }
}
