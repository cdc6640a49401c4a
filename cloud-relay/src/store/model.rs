//! The rows of the store as the rest of the relay sees them.
//!
//! Plain data without a database's types. Does not know how a row is kept.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use protocol::bytes::Bytes;
use protocol::chain::{ChainHash, Epoch, Position, Sequence};
use protocol::handshake::judge::SessionRow;
use protocol::handshake::{HoldReason, InstanceId, Predecessor};
use protocol::id::{Code, DeviceId, EventId, StoreId, TargetId};
use protocol::money::Money;
use protocol::sign::VerifyingKey;
use serde::{Deserialize, Serialize, Serializer};
use uuid::Uuid;

use crate::connectors::{Class, ExceptionClass, Mode, Planned, TargetRef};

/// A one-time enrolment token, by its SHA-256.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// What people call it.
    pub label: Code,
    /// SHA-256 of the token's text.
    pub hash: Bytes<32>,
    /// The only store it admits, if any.
    pub store: Option<StoreId>,
    /// How many devices it admits.
    pub uses: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// A token as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Token {
    /// What people call it.
    pub label: Code,
    /// The only store it admits, if any.
    pub store: Option<StoreId>,
    /// How many devices it still admits.
    pub uses_left: u32,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Whether it was revoked.
    pub revoked: bool,
}

/// A device that asks to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDevice {
    /// The name the relay gives it.
    pub device: DeviceId,
    /// Its store.
    pub store: StoreId,
    /// Its key.
    pub public_key: VerifyingKey,
    /// SHA-256 of the token it shows.
    pub token_hash: Bytes<32>,
    /// Its program's version.
    pub agent_version: String,
    /// Now.
    pub now: Timestamp,
}

/// Whether a device may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum DeviceState {
    /// It may.
    Active,
    /// A person or time has to release it; what it sends goes nowhere.
    Held {
        /// Why.
        reason: HoldReason,
        /// Since when.
        since: Timestamp,
    },
    /// Its key is no longer accepted.
    Revoked {
        /// Since when.
        since: Timestamp,
    },
}

/// A known device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Device {
    /// Its name.
    pub device: DeviceId,
    /// Its store.
    pub store: StoreId,
    /// Its key.
    pub public_key: VerifyingKey,
    /// Whether it may send.
    pub state: DeviceState,
    /// Its program's version.
    pub agent_version: String,
    /// When it was added.
    pub enrolled_at: Timestamp,
    /// When it was last heard of.
    pub seen_at: Option<Timestamp>,
    /// When it last held nothing unsent.
    pub level_at: Option<Timestamp>,
    /// How many entries of its journals are held.
    pub entries: u64,
    /// The journal of its session.
    pub epoch: Option<Epoch>,
    /// The ticket of its session, which its polls have to show.
    #[serde(skip)]
    pub ticket: Option<Bytes<16>>,
}

/// What a statement led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionChange {
    /// The device.
    pub device: DeviceId,
    /// The epoch it stated.
    pub epoch: Epoch,
    /// A new epoch to begin, with its predecessor if it has one.
    pub begin: Option<Option<Predecessor>>,
    /// The session that is now current; the former one's instance becomes superseded.
    pub current: Option<SessionRow>,
    /// A challenge to a superseded instance.
    pub challenge: Option<SessionRow>,
    /// The instance that stated, for the list of those superseded.
    pub instance: InstanceId,
    /// A hold that begins.
    pub hold: Option<HoldReason>,
    /// The program's version it stated.
    pub agent_version: String,
    /// Now.
    pub now: Timestamp,
}

/// One entry on its way into the inbox, with what it calls for.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchEntry {
    /// Its position after it.
    pub position: Position,
    /// The exact bytes of the record.
    pub record: Vec<u8>,
    /// The event.
    pub event_id: EventId,
    /// Its natural key.
    pub natural_key: String,
    /// Its content hash.
    pub content_hash: ChainHash,
    /// When it happened, by the host's clock.
    pub occurred_at: Timestamp,
    /// The movements of stock that it means.
    pub moves: Vec<StockMoveRow>,
    /// The documents that it calls for, by target.
    pub deliveries: Vec<(TargetId, Planned)>,
    /// Why a person has to see it before anything is sent: the agent flagged a conflict, or the
    /// event cannot be read. The store adds the conflicts that it finds itself.
    pub exception: Option<(ExceptionClass, String)>,
}

/// Whether an overlap with what is held is recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dedupe {
    /// Always, but in the control that shows what happens otherwise.
    #[default]
    On,
    /// Everything that arrives counts as new.
    Off,
}

/// A batch whose signature, chain and shape were checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// The device.
    pub device: DeviceId,
    /// Its store.
    pub store: StoreId,
    /// The epoch.
    pub epoch: Epoch,
    /// The position before the first entry.
    pub before: Position,
    /// The entries.
    pub entries: Vec<BatchEntry>,
    /// Whether the device holds nothing beyond this batch.
    pub level: bool,
    /// Whether an overlap is recognised.
    pub dedupe: Dedupe,
    /// Now.
    pub now: Timestamp,
}

/// What came of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchOutcome {
    /// Everything up to the batch's end is committed, now or before; the head may be beyond it.
    Committed {
        /// The batch's last position.
        end: Position,
        /// How many of its entries were new.
        new: usize,
    },
    /// It begins beyond the head.
    Beyond {
        /// The head.
        head: Position,
    },
    /// It does not continue what is held, or overlaps it with other content.
    Broken {
        /// The head.
        head: Position,
    },
    /// The epoch is unknown: a session has to come first.
    NoSession,
}

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

/// A lane as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LaneView {
    /// The lane.
    pub lane: Lane,
    /// Deliveries not done, exceptions apart.
    pub waiting: u64,
    /// Exceptions.
    pub exceptions: u64,
    /// Deliveries done.
    pub done: u64,
    /// When the oldest of the waiting ones entered.
    pub oldest_at: Option<Timestamp>,
    /// Until when the target is paused, and why.
    pub paused: Option<(Timestamp, String)>,
}

/// A delivery as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryView {
    /// Its place.
    pub id: DeliveryId,
    /// Its lane.
    pub lane: Lane,
    /// The event.
    pub event_id: EventId,
    /// Its natural key.
    pub natural_key: String,
    /// The connector's action.
    pub action: String,
    /// How it is retried.
    pub mode: Mode,
    /// Where it stands.
    pub state: DeliveryState,
    /// The amount at risk.
    pub amount: Option<Money>,
    /// Attempts so far.
    pub attempts: u32,
    /// When it entered the lane.
    pub created_at: Timestamp,
    /// Its attempts, newest last, at most the last twenty; only for a single delivery.
    pub history: Vec<AttemptView>,
}

/// One attempt as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AttemptView {
    /// When it began.
    pub at: Timestamp,
    /// When its answer had to be there.
    pub deadline: Option<Timestamp>,
    /// What the target said.
    pub said: Option<String>,
}

/// Which deliveries to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeliveryFilter {
    /// Only exceptions that nobody settled.
    pub open_exceptions: bool,
    /// Only this store.
    pub store: Option<StoreId>,
    /// Only this target.
    pub target: Option<TargetId>,
    /// Only this class of exception.
    pub class: Option<ExceptionClass>,
    /// Only this event.
    pub event_id: Option<EventId>,
    /// Only this natural key.
    pub natural_key: Option<String>,
    /// Only after this one.
    pub after: Option<DeliveryId>,
    /// At most so many.
    pub count_max: usize,
}

/// Which events to replay.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReplayFilter {
    /// Only this store.
    pub store: Option<StoreId>,
    /// Only towards this target.
    pub target: Option<TargetId>,
    /// Only events that happened from here on.
    pub from: Option<Timestamp>,
    /// Only events that happened before.
    pub until: Option<Timestamp>,
}

/// An event in the inbox.
#[derive(Debug, Clone, PartialEq)]
pub struct HeldEvent {
    /// The device.
    pub device: DeviceId,
    /// The epoch.
    pub epoch: Epoch,
    /// The sequence.
    pub sequence: Sequence,
    /// Its store.
    pub store: StoreId,
    /// Its natural key.
    pub natural_key: String,
    /// The record.
    pub record: Vec<u8>,
    /// The documents it calls for, filled in by the caller.
    pub deliveries: Vec<(TargetId, Planned)>,
}

/// What a replay did or would do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ReplayCount {
    /// Events looked at.
    pub events: u64,
    /// Deliveries that exist already and stay as they are.
    pub existing: u64,
    /// Deliveries that were, or would be, added.
    pub added: u64,
}
