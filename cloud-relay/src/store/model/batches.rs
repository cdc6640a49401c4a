//! A batch on its way in, and what came of it.
//!
//! Plain data. Does not know how a row is kept.

use std::collections::BTreeMap;

use jiff::Timestamp;
use protocol::chain::{ChainHash, Epoch, Position};
use protocol::id::{DeviceId, EventId, StoreId, TargetId};

use super::StockMoveRow;
use crate::connectors::{ExceptionClass, Planned};
use crate::reconcile::figures::Addition;

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
    /// What it adds to its register's day; nothing if it is none of a register's business.
    pub figures: Option<Addition>,
    /// The documents that it calls for, by target.
    pub deliveries: Vec<(TargetId, Planned)>,
    /// Why a person has to see it before anything is sent: the agent flagged a conflict, or the
    /// event cannot be read. The store adds the conflicts that it finds itself.
    pub exception: Option<(ExceptionClass, String)>,
    /// Set if the relay acknowledged it once and lost it since: the targets in which everything
    /// stood, with what they called it. Nothing is posted before the target was asked.
    pub relayed_before: Option<BTreeMap<TargetId, String>>,
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
    /// The device is held: everything up to the batch's end is kept aside.
    Aside {
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
