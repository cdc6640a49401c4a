//! The records of stock: levels, and what changed them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::Gid;

/// The stock of an item at a location.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the quantities carry Shopify's own names")]
pub struct Level {
    pub item: Gid,
    pub location: Gid,
    pub available: i64,
    pub committed: i64,
    pub damaged: i64,
    pub incoming: i64,
    pub quality_control: i64,
    pub reserved: i64,
    pub safety_stock: i64,
    /// When `available` last changed.
    pub updated_at: Timestamp,
}

impl Level {
    /// The names of all quantities.
    pub(crate) const NAMES: [&'static str; 8] = [
        "available",
        "on_hand",
        "committed",
        "damaged",
        "incoming",
        "quality_control",
        "reserved",
        "safety_stock",
    ];

    /// Everything in the building: all but what is on its way.
    #[must_use]
    pub fn on_hand(&self) -> i64 {
        self.available
            + self.committed
            + self.damaged
            + self.quality_control
            + self.reserved
            + self.safety_stock
    }

    /// The quantity of this name; `None` if there is no such name.
    #[must_use]
    pub fn quantity(&self, name: &str) -> Option<i64> {
        Some(match name {
            "available" => self.available,
            "on_hand" => self.on_hand(),
            "committed" => self.committed,
            "damaged" => self.damaged,
            "incoming" => self.incoming,
            "quality_control" => self.quality_control,
            "reserved" => self.reserved,
            "safety_stock" => self.safety_stock,
            _ => return None,
        })
    }
}

/// Stock that was adjusted or set, by one call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AdjustmentGroup {
    /// Its identifier.
    pub id: Gid,
    /// The mutation.
    pub operation: String,
    /// When.
    pub created_at: Timestamp,
    /// Why.
    pub reason: String,
    /// What it refers to.
    pub reference_document_uri: Option<String>,
    /// The idempotency key that it was asked for with.
    pub idempotency_key: String,
    /// What changed.
    pub changes: Vec<Change>,
}

/// A quantity that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// The quantity's name.
    pub name: String,
    /// By how much.
    pub delta: i64,
    /// The item.
    pub item: Gid,
    /// The location.
    pub location: Gid,
    /// The document of the ledger.
    pub ledger_document_uri: Option<String>,
}
