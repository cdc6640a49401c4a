//! Lanes, deliveries and bundles: what is on its way to a target, and where it stands.
//!
//! Plain data. Does not know how a row is kept.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use protocol::chain::{Epoch, Sequence};
use protocol::id::{DeviceId, StoreId, TargetId};
use serde::{Deserialize, Serialize, Serializer};
use uuid::Uuid;

use crate::connectors::{Class, ExceptionClass, Planned, TargetRef};

/// A lane: the ordered work of one store, target and class.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Lane {
    /// The store.
    pub store: StoreId,
    /// The target.
    pub target: TargetId,
    /// The class.
    pub class: Class,
}

/// A worker's hold on a lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The lane.
    pub lane: Lane,
    /// Its row.
    pub lane_id: i64,
    /// Rises with every claim; a write with an older one is refused.
    pub fence: u64,
    /// When the hold ends by itself.
    pub lease_until: Timestamp,
    /// Whether the fence is shown with each write.
    pub fencing: Fencing,
}

/// Whether a write has to show that its lane is still held under the same fence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fencing {
    /// Always, but in the control that shows what happens otherwise.
    #[default]
    On,
    /// Whoever once held the lane may write.
    Off,
}

/// A delivery: its lane's row and its place in the lane; `LANE-NUMBER` in text and JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeliveryId {
    /// The lane's row.
    pub lane_id: i64,
    /// The place in it.
    pub number: i64,
}

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.lane_id, self.number)
    }
}

/// A text is not a delivery's identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a delivery is named by two numbers, as `12-345`")]
pub struct DeliveryIdError;

impl FromStr for DeliveryId {
    type Err = DeliveryIdError;
    fn from_str(text: &str) -> Result<Self, DeliveryIdError> {
        let (lane, number) = text.split_once('-').ok_or(DeliveryIdError)?;
        let parse = |part: &str| part.parse().map_err(|_| DeliveryIdError);
        Ok(Self { lane_id: parse(lane)?, number: parse(number)? })
    }
}

impl Serialize for DeliveryId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The target under which an exception stands that belongs to no configured target: a conflict
/// or an unreadable event that calls for no document. No configured target may bear this name.
pub const RELAY_TARGET: &str = "relay";

/// The action of such an exception: a person looks at it, nothing is sent.
pub const REVIEW_ACTION: &str = "review";

/// Where a delivery stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum DeliveryState {
    /// Not attempted, or definitely not applied; due at a time.
    Due {
        /// When.
        at: Timestamp,
    },
    /// Attempted, and nobody knows yet what came of it.
    Unknown {
        /// The latest moment at which the attempt can have reached the target.
        deadline: Timestamp,
        /// When to look next.
        at: Timestamp,
    },
    /// A draft stands in the target.
    Draft {
        /// The draft.
        reference: TargetRef,
        /// When to go on.
        at: Timestamp,
    },
    /// Waits for an earlier event.
    Waiting {
        /// The natural key.
        for_key: String,
        /// When to look again.
        at: Timestamp,
    },
    /// Tied to a stored bundle.
    Bundled {
        /// The bundle.
        key: Uuid,
    },
    /// It stands in the target.
    Done {
        /// Where.
        reference: TargetRef,
    },
    /// A person has to look at it.
    Exception {
        /// The class.
        class: ExceptionClass,
        /// Why.
        reason: String,
        /// Since when.
        since: Timestamp,
    },
    /// A person settled it.
    Resolved {
        /// How.
        resolution: Resolution,
    },
}

/// How a person settled an exception.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolution {
    /// What it means for the target.
    pub kind: ResolutionKind,
    /// Who.
    pub by: String,
    /// Why, in the person's words.
    pub note: String,
    /// The document in the target, if it was entered by hand.
    pub reference: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// What a resolution means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResolutionKind {
    /// It was entered by hand.
    PostedByHand,
    /// It is not to be posted.
    NotToBePosted,
    /// The second event of a conflict repeats the first.
    Duplicate,
    /// The second event of a conflict is a sale of its own: its documents are planned now.
    SecondSale,
}

/// One open delivery with its event.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// Its place.
    pub id: DeliveryId,
    /// The device whose journal holds the event.
    pub device: DeviceId,
    /// The epoch.
    pub epoch: Epoch,
    /// The sequence.
    pub sequence: Sequence,
    /// The event's natural key; with a conflict's second sale, with its own counter cycle.
    pub natural_key: String,
    /// The record's bytes.
    pub record: Vec<u8>,
    /// What was planned.
    pub planned: Planned,
    /// Where it stands.
    pub state: DeliveryState,
    /// Attempts so far.
    pub attempts: u32,
    /// When it entered the lane.
    pub created_at: Timestamp,
}

/// An attempt that begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The delivery.
    pub id: DeliveryId,
    /// When its answer has to be there.
    pub deadline: Timestamp,
    /// Now.
    pub now: Timestamp,
}

/// What came of a delivery's step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transition {
    /// The delivery.
    pub id: DeliveryId,
    /// Where it stands now.
    pub state: DeliveryState,
    /// What the target said, for the attempt's row.
    pub said: String,
    /// Now.
    pub now: Timestamp,
}

/// A stored bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// Its key, sent with every repetition.
    pub key: Uuid,
    /// Its exact body.
    pub body: String,
    /// Its members in order.
    pub members: Vec<DeliveryId>,
    /// When it was first sent, if it was; the repeat window counts from here.
    pub first_sent_at: Option<Timestamp>,
    /// The deadline of the last attempt.
    pub deadline: Option<Timestamp>,
    /// When it is due again.
    pub due_at: Timestamp,
    /// How often it was sent.
    pub attempts: u32,
}

/// What is known at a target of an earlier event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OriginalState {
    /// The relay never received it.
    NeverSeen,
    /// It is on its way.
    OnItsWay,
    /// It needs a person itself.
    Exception,
    /// It stands there.
    Standing(TargetRef),
    /// A person settled it without a document, or it calls for none at this target.
    WithoutDocument,
}

/// One movement of stock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockMoveRow {
    /// The location.
    pub location: String,
    /// The item: SKU, or GTIN where there is none.
    pub item: String,
    /// Signed quantity as decimal text.
    pub quantity: protocol::decimal::Number,
    /// When it happened.
    pub occurred_at: Timestamp,
}
