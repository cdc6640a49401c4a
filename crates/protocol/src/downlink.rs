//! What comes down from the relay to a store: progress, in pages that can be resumed.
//!
//! `GET /v1/devices/{device}/downlink?after=N&wait=S&head=H&ticket=T` answers a [`DownlinkPage`], at once if there
//! is something after `N`, else after at most `wait` seconds. `head` is the journal's head
//! and `ticket` the session's. A request without a body is signed over its path and query, and every
//! answer over its body. Does no I/O.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::progress::Progress;

/// A position in one device's downlink; 0 is before the first item.
pub type DownlinkCursor = u64;

/// One item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DownlinkItem {
    /// Its position; ask for `after` this one next time.
    pub cursor: DownlinkCursor,
    /// What it says.
    pub body: DownlinkBody,
}

/// What an item says. An agent skips the kinds that it does not know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum DownlinkBody {
    /// An event came further.
    Progress(Progress),
    /// A kind from a later version.
    #[serde(other)]
    Unknown,
}

/// A page of items, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DownlinkPage {
    /// At most [`crate::limits::DOWNLINK_ITEMS_MAX`] items.
    pub items: Vec<DownlinkItem>,
    /// The relay's clock, from which the agent measures its skew.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub relay_time: Timestamp,
}
