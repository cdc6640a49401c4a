//! What people see and ask for: lanes, deliveries, exceptions, replays.
//!
//! Plain data. Does not know how a row is kept.

use jiff::Timestamp;
use protocol::chain::{Epoch, Sequence};
use protocol::id::{DeviceId, EventId, StoreId, TargetId};
use protocol::money::Money;
use serde::Serialize;

use super::{DeliveryId, DeliveryState, Lane};
use crate::connectors::{ExceptionClass, Mode, Planned};

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
