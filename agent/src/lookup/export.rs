//! Every entry with its record, oldest first, page by page: for an archive, or for another system.
//!
//! The record is the exact text that the hash chain covers. Changes nothing.

use jiff::Timestamp;
use journal::{Journal, JournaledEvent, ReadError};
use protocol::bytes::Bytes;
use protocol::chain::{Epoch, Sequence};
use protocol::id::EventId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{PAGE_ENTRIES_MAX, Place};
use crate::local_api::Stage;

/// Bytes of records of one page, beyond its first entry.
const PAGE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ExportedEntry")]
pub struct Exported {
    /// The journal that it stands in.
    pub epoch: Epoch,
    /// Its position there.
    pub sequence: Sequence,
    /// The event.
    pub event_id: EventId,
    /// What makes it the same event whoever sends it.
    pub natural_key: String,
    /// The hash of its content.
    pub content_hash: Bytes<32>,
    /// When it was journaled, by the host's clock.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub journaled_at: Timestamp,
    /// How far it has come.
    pub state: Stage,
    /// The first event with the same natural key and other content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conflict_of: Option<EventId>,
    /// The record as the chain covers it; none once it was pruned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<String>,
}

/// Entries, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ExportPage")]
pub struct ExportPage {
    /// The entries.
    pub entries: Vec<Exported>,
    /// What to ask for as `after` to read on; none at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub next: Option<Place>,
}

/// The entries after a place.
///
/// # Errors
/// The journal cannot be read.
pub async fn export(journal: &Journal, after: Option<Place>) -> Result<ExportPage, ReadError> {
    let after = after.map(|place| (place.epoch, place.sequence));
    let found = journal.forward(after, PAGE_ENTRIES_MAX, PAGE_BYTES_MAX).await?;
    let next = found.last().map(|last| Place { epoch: last.epoch, sequence: last.sequence });
    Ok(ExportPage { entries: found.into_iter().map(Exported::from).collect(), next })
}

impl From<JournaledEvent> for Exported {
    fn from(event: JournaledEvent) -> Self {
        Self {
            epoch: event.epoch,
            sequence: event.sequence,
            event_id: event.event_id,
            natural_key: event.natural_key,
            content_hash: event.content_hash,
            journaled_at: event.journaled_at,
            state: if event.acknowledged { Stage::Relayed } else { Stage::Journaled },
            conflict_of: event.conflict_of,
            record: event.record.map(|record| String::from_utf8_lossy(&record).into_owned()),
        }
    }
}
