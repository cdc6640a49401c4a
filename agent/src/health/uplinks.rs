//! How each way up stands, and what a metered one has used, for everyone who shows it.
//!
//! Sync writes it. Decides nothing.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Reason;
use crate::config::Period;

/// One way up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UplinkState {
    /// Its address.
    pub uplink: String,
    /// How it stands.
    pub standing: UplinkStanding,
    /// What it has used, where bytes cost money.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metered: Option<MeteredState>,
}

/// How a way up stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum UplinkStanding {
    /// Everything goes over it.
    InUse,
    /// It answered when it was last asked, and a better one is in use, or it is not yet trusted
    /// again.
    StandsBy,
    /// Nothing was asked over it yet.
    NotTried,
    /// It does not work.
    Failed {
        /// Why.
        reason: Reason,
    },
}

/// What a metered line has used of its budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MeteredState {
    /// Bytes used in this day or month, counted generously.
    pub used_bytes: u64,
    /// Bytes that may be used.
    pub budget_bytes: u64,
    /// In which time.
    pub per: Period,
    /// How much is left.
    pub level: Level,
}

/// How much of a budget is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Enough for everything.
    Plenty,
    /// The last fifth: receipts go, news wait.
    Near,
    /// Nothing: receipts go gathered, news wait.
    Spent,
}

impl UplinkState {
    /// Whether everything goes over it.
    #[must_use]
    pub fn is_in_use(&self) -> bool {
        self.standing == UplinkStanding::InUse
    }

    /// Whether it is in use although its budget is spent.
    #[must_use]
    pub fn is_spared(&self) -> bool {
        self.is_in_use() && self.metered.is_some_and(|metered| metered.level == Level::Spent)
    }
}

impl fmt::Display for UplinkState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.uplink)?;
        match &self.standing {
            UplinkStanding::InUse => f.write_str("in use")?,
            UplinkStanding::StandsBy => f.write_str("stands by")?,
            UplinkStanding::NotTried => f.write_str("not tried yet")?,
            UplinkStanding::Failed { reason } => write!(f, "fails: {reason}")?,
        }
        match &self.metered {
            Some(metered) => write!(f, "; {metered}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for MeteredState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let megabytes = |bytes: u64| bytes.div_ceil(1_000_000);
        let (used, budget) = (megabytes(self.used_bytes), megabytes(self.budget_bytes));
        write!(f, "{used} of {budget} MB used this {}", self.per.as_str())?;
        f.write_str(match self.level {
            Level::Plenty => "",
            Level::Near => ", the rest is kept for sales; news wait",
            Level::Spent => ", all of it; sales go every quarter of an hour, news wait",
        })
    }
}
