//! Where an event stands: journaled, relayed, applied in each target.
//!
//! Progress is what the relay tells back to the store. It is news, not the record: losing one
//! loses no sale, and the next one says it again. Does not decide anything.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::chain::{Epoch, Sequence};
use crate::id::{EventId, TargetId, Text};

/// How far one target is with one event.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ProgressState {
    /// On its way, or waiting for something named in `detail`.
    Waiting,
    /// Everything the event calls for stands in the target.
    Applied,
    /// A person has to look at it; `detail` names the class and the reason.
    Exception,
    /// A person settled it: `detail` says how.
    Resolved,
}

impl ProgressState {
    /// The word that travels and is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Applied => "applied",
            Self::Exception => "exception",
            Self::Resolved => "resolved",
        }
    }
}

/// One step of one event towards one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Progress {
    /// The journal that the event stands in.
    pub epoch: Epoch,
    /// Its position there.
    pub sequence: Sequence,
    /// The event.
    pub event_id: EventId,
    /// The target.
    pub target: TargetId,
    /// How far it is.
    pub state: ProgressState,
    /// The target's own name for it, such as an order's number or address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Text<256>>,
    /// What it waits for, why it is an exception, or how it was settled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Text<500>>,
    /// When the relay knew, by the relay's clock.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub at: Timestamp,
}
