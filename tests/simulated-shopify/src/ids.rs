//! Global identifiers as Shopify writes them: `gid://shopify/Order/1001`.
//!
//! Knows the kinds that this shop holds. Deliberately does not know whether a thing exists.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// What an identifier names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are Shopify's own type names")]
pub enum Kind {
    AppInstallation,
    Fulfillment,
    InventoryAdjustmentGroup,
    InventoryItem,
    LineItem,
    Location,
    Metafield,
    MetafieldDefinition,
    Order,
    OrderTransaction,
    Product,
    ProductVariant,
    Refund,
    RefundLineItem,
    Shop,
}

impl Kind {
    const ALL: [Self; 15] = [
        Self::AppInstallation,
        Self::Fulfillment,
        Self::InventoryAdjustmentGroup,
        Self::InventoryItem,
        Self::LineItem,
        Self::Location,
        Self::Metafield,
        Self::MetafieldDefinition,
        Self::Order,
        Self::OrderTransaction,
        Self::Product,
        Self::ProductVariant,
        Self::Refund,
        Self::RefundLineItem,
        Self::Shop,
    ];

    /// The type's name in the schema.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::AppInstallation => "AppInstallation",
            Self::Fulfillment => "Fulfillment",
            Self::InventoryAdjustmentGroup => "InventoryAdjustmentGroup",
            Self::InventoryItem => "InventoryItem",
            Self::LineItem => "LineItem",
            Self::Location => "Location",
            Self::Metafield => "Metafield",
            Self::MetafieldDefinition => "MetafieldDefinition",
            Self::Order => "Order",
            Self::OrderTransaction => "OrderTransaction",
            Self::Product => "Product",
            Self::ProductVariant => "ProductVariant",
            Self::Refund => "Refund",
            Self::RefundLineItem => "RefundLineItem",
            Self::Shop => "Shop",
        }
    }
}

/// A global identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Gid {
    /// What it names.
    pub kind: Kind,
    /// Its number; unique within the kind.
    pub number: u64,
}

impl Gid {
    /// The identifier of the thing of this kind with this number.
    #[must_use]
    pub fn new(kind: Kind, number: u64) -> Self {
        Self { kind, number }
    }
}

impl fmt::Display for Gid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "gid://shopify/{}/{}", self.kind.name(), self.number)
    }
}

/// The text is no identifier of a kind that this shop holds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("read `{0}` as a global identifier")]
pub struct NotAGid(String);

impl FromStr for Gid {
    type Err = NotAGid;

    fn from_str(text: &str) -> Result<Self, NotAGid> {
        let refuse = || NotAGid(text.to_owned());
        let rest = text.strip_prefix("gid://shopify/").ok_or_else(refuse)?;
        let (name, number) = rest.split_once('/').ok_or_else(refuse)?;
        let kind = Kind::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(refuse)?;
        Ok(Self { kind, number: number.parse().map_err(|_| refuse())? })
    }
}

impl Serialize for Gid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Gid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}
