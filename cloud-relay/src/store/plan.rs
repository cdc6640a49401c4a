//! An entry that is kept aside: its plan as JSON, apart from its record.
//!
//! Both databases keep the same text, so that it can be carried over. Does not decide what is
//! kept aside.

use std::collections::BTreeMap;

use jiff::Timestamp;
use protocol::chain::{ChainHash, Position};
use protocol::id::{EventId, TargetId};
use serde::{Deserialize, Serialize};

use super::model::{BatchEntry, DeliveryState, REVIEW_ACTION, StockMoveRow};
use crate::connectors::{Class, ExceptionClass, Mode, Planned, TargetRef};
use crate::reconcile::figures::Addition;

/// Entries that are released at once: bounds what is in memory, not what is released.
pub(in crate::store) const RELEASE_CHUNK: usize = 500;

/// An entry without its record, as it will go into inbox and outbox.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::store) struct Plan {
    event_id: EventId,
    natural_key: String,
    content_hash: ChainHash,
    occurred_at: Timestamp,
    moves: Vec<StockMoveRow>,
    #[serde(default)]
    figures: Option<Addition>,
    deliveries: Vec<(TargetId, Planned)>,
    exception: Option<(ExceptionClass, String)>,
    #[serde(default)]
    relayed_before: Option<BTreeMap<TargetId, String>>,
}

impl Plan {
    pub(in crate::store) fn of(entry: &BatchEntry) -> Self {
        Self {
            event_id: entry.event_id,
            natural_key: entry.natural_key.clone(),
            content_hash: entry.content_hash,
            occurred_at: entry.occurred_at,
            moves: entry.moves.clone(),
            figures: entry.figures.clone(),
            deliveries: entry.deliveries.clone(),
            exception: entry.exception.clone(),
            relayed_before: entry.relayed_before.clone(),
        }
    }

    /// The entry again, with its place and its record.
    pub(in crate::store) fn entry(self, position: Position, record: Vec<u8>) -> BatchEntry {
        BatchEntry {
            position,
            record,
            event_id: self.event_id,
            natural_key: self.natural_key,
            content_hash: self.content_hash,
            occurred_at: self.occurred_at,
            moves: self.moves,
            figures: self.figures,
            deliveries: self.deliveries,
            exception: self.exception,
            relayed_before: self.relayed_before,
        }
    }
}

/// Where a document begins: due, unless the relay may have sent it before it was restored. Then it
/// is looked for first; a change of a quantity, which cannot be found, is done if the store was
/// told so and otherwise becomes a person's to settle.
pub(in crate::store) fn first_state(
    entry: &BatchEntry,
    target: &TargetId,
    planned: &Planned,
    now: Timestamp,
) -> DeliveryState {
    let Some(applied) = &entry.relayed_before else { return DeliveryState::Due { at: now } };
    match (planned.mode, applied.get(target)) {
        (Mode::Delta | Mode::Count, Some(name)) => DeliveryState::Done {
            reference: TargetRef {
                id: String::new(),
                name: name.clone(),
                detail: serde_json::Value::Null,
            },
        },
        (Mode::Document, _) | (Mode::Delta | Mode::Count, None) => {
            DeliveryState::Unknown { deadline: now, at: now }
        }
    }
}

/// The delivery of an event that calls for none but needs a person.
pub(in crate::store) fn review() -> Planned {
    Planned {
        class: Class::History,
        action: REVIEW_ACTION.to_owned(),
        part: 0,
        mode: Mode::Document,
        depends_on: Vec::new(),
        amount: None,
    }
}
