//! The item that a line names.
//!
//! Does not look anything up: what a target calls the item is the connector's business.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{Code, IdError, Sku, Text};

/// An item, by at least one of `sku`, `gtin` and `scanned`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Item {
    /// The retailer's own number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<Sku>,
    /// The GS1 trade item number, padded to 14 digits (GS1 General Specifications 3.3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gtin: Option<Gtin>,
    /// What the scanner read, byte for byte.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scanned: Option<Code>,
    /// What the receipt says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Text<256>>,
    /// The merchandise group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Code>,
}

impl Item {
    /// What stock is kept under: the SKU, else the GTIN, else what was scanned.
    #[must_use]
    pub fn stock_name(&self) -> Option<&str> {
        let sku = self.sku.as_ref().map(Sku::as_str);
        let gtin = || self.gtin.as_ref().map(Gtin::as_str);
        sku.or_else(gtin).or_else(|| self.scanned.as_ref().map(Code::as_str))
    }
}

/// A GTIN of 8, 12, 13 or 14 digits, kept with 14.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(inline, extend("pattern" = "^([0-9]{8}|[0-9]{12,14})$"))]
pub struct Gtin(#[schemars(with = "String")] Box<str>);

/// A text is not a GTIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a GTIN has 8, 12, 13 or 14 digits; put any other code into `scanned`")]
pub struct GtinError;

impl Gtin {
    /// Takes 8, 12, 13 or 14 digits. The check digit is not verified: a POS that sold under a
    /// wrong number sold under that number.
    ///
    /// # Errors
    /// Another length, or not digits.
    pub fn new(text: &str) -> Result<Self, GtinError> {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        match text.len() {
            8 | 12 | 13 | 14 if digits => Ok(Self(format!("{text:0>14}").into())),
            _ => Err(GtinError),
        }
    }

    /// The 14 digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Gtin {
    type Error = GtinError;
    fn try_from(text: String) -> Result<Self, GtinError> {
        Self::new(&text)
    }
}
impl From<Gtin> for String {
    fn from(gtin: Gtin) -> Self {
        gtin.0.into()
    }
}

/// An item by its SKU alone.
impl TryFrom<&str> for Item {
    type Error = IdError;
    fn try_from(sku: &str) -> Result<Self, IdError> {
        let sku = Some(Sku::new(sku)?);
        Ok(Self { sku, gtin: None, scanned: None, description: None, group: None })
    }
}
