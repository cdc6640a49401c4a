//! How an item of the POS is looked for among Shopify's variants.
//!
//! Neither SKU nor barcode is unique at Shopify, and its search goes by words: what it finds has
//! to be compared exactly. Does not search.

use protocol::event::Item;
use protocol::event::item::Gtin;
use protocol::id::{Code, Sku};

use crate::connectors::shopify::config::ItemKey;

/// The lengths of a GTIN as people write it.
const GTIN_LENGTHS: [usize; 4] = [8, 12, 13, 14];

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::connectors::shopify) enum ItemName {
    /// A variant with this SKU.
    Sku(String),
    /// A variant with this barcode.
    Barcode(String),
}

impl ItemName {
    /// The name of an item; every item has one.
    pub(in crate::connectors::shopify) fn of(item: &Item, key: ItemKey) -> Option<Self> {
        let sku = || item.sku.as_ref().map(Sku::as_str).map(str::to_owned).map(Self::Sku);
        let gtin = item.gtin.as_ref().map(Gtin::as_str);
        let barcode = || {
            let barcode = gtin.or_else(|| item.scanned.as_ref().map(Code::as_str));
            barcode.map(|text| Self::Barcode(text.to_owned()))
        };
        match key {
            ItemKey::Sku => sku().or_else(barcode),
            ItemKey::Barcode => barcode().or_else(sku),
        }
    }

    /// The number itself.
    pub(in crate::connectors::shopify) fn number(&self) -> &str {
        match self {
            Self::Sku(number) | Self::Barcode(number) => number,
        }
    }

    /// The terms of a search that finds it, among others.
    pub(in crate::connectors::shopify) fn search(&self) -> String {
        match self {
            Self::Sku(sku) => format!("sku:{}", quoted(sku)),
            Self::Barcode(barcode) => {
                let forms = barcode_forms(barcode);
                let terms: Vec<_> =
                    forms.iter().map(|form| format!("barcode:{}", quoted(form))).collect();
                terms.join(" OR ")
            }
        }
    }

    /// Whether a variant with these numbers is it, exactly.
    pub(in crate::connectors::shopify) fn is(
        &self,
        sku: Option<&str>,
        barcode: Option<&str>,
    ) -> bool {
        match self {
            Self::Sku(wanted) => sku == Some(wanted),
            Self::Barcode(wanted) => {
                barcode.is_some_and(|text| barcode_forms(wanted).iter().any(|form| form == text))
            }
        }
    }
}

impl std::fmt::Display for ItemName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sku(sku) => write!(f, "SKU {sku}"),
            Self::Barcode(barcode) => write!(f, "barcode {barcode}"),
        }
    }
}

/// A text between quotation marks, as Shopify's search takes it.
pub(in crate::connectors::shopify) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A GTIN of 14 digits is written with fewer where it begins with zeros.
fn barcode_forms(barcode: &str) -> Vec<String> {
    let is_number = barcode.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number || !GTIN_LENGTHS.contains(&barcode.len()) {
        return vec![barcode.to_owned()];
    }
    let digits = barcode.trim_start_matches('0');
    let lengths = GTIN_LENGTHS.into_iter().filter(|length| *length >= digits.len());
    lengths.map(|length| format!("{digits:0>length$}")).collect()
}
