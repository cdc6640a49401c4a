//! What a person asks of the journal: the newest entries, one entry, everything under a receipt,
//! and whether the chain holds.
//!
//! The running agent answers these over the local API, a command answers them from the file when
//! no agent runs; both say the same, because both ask here. Changes nothing.

mod export;

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

use journal::{Fault, FaultKind, Filter, Journal, JournaledEvent, ReadError, Verification};
use protocol::bytes::Bytes;
use protocol::chain::{Epoch, Sequence};
use protocol::id::EventId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::local_api::EventProgress;

pub use self::export::{ExportPage, Exported, export};

/// Entries of one page: some 200 KiB of JSON.
pub const PAGE_ENTRIES_MAX: usize = 500;

/// Which entries a page shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Which {
    /// Every entry.
    #[default]
    All,
    /// Those that the relay does not have yet.
    Unsent,
    /// Those whose receipt had other content before.
    Conflicts,
}

impl From<Which> for Filter {
    fn from(which: Which) -> Self {
        match which {
            Which::All => Self::All,
            Which::Unsent => Self::Unsent,
            Which::Conflicts => Self::Conflicts,
        }
    }
}

/// Where an entry stands: its journal and its position there, as `EPOCH.SEQUENCE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The journal.
    pub epoch: Epoch,
    /// The position.
    pub sequence: Sequence,
}

/// A text is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a place is an epoch of 32 hexadecimal digits, a full stop and a number")]
pub struct PlaceError;

/// What names one entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reference {
    /// A position in the current journal.
    Sequence(Sequence),
    /// An event.
    Event(EventId),
}

/// A text names no entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an entry is named by its number or by the event's id, a UUID")]
pub struct ReferenceError;

/// Entries, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "JournalPage")]
pub struct Page {
    /// The entries.
    pub entries: Vec<EventProgress>,
    /// What to ask for as `before` to read on; none at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub next: Option<Place>,
}

/// One entry with its record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "JournalEntry")]
pub struct Entry {
    /// Where it stands.
    pub progress: EventProgress,
    /// The hash of its content.
    pub content_hash: Bytes<32>,
    /// The record; none once it was pruned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<serde_json::Value>,
}

/// What verifying says, one line at a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum Verifying {
    /// How far it is.
    Progress {
        /// Entries looked at.
        entries: u64,
        /// Entries there are.
        entries_total: u64,
    },
    /// It is done.
    Done(Verified),
    /// The journal cannot be read at all.
    Failed {
        /// Why.
        detail: String,
    },
}

/// What verifying found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Verified {
    /// Entries looked at.
    pub entries: u64,
    /// Entries among them whose content is on this host.
    pub records: u64,
    /// Entries that this host is known to have lost; the status names them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<NonZeroU64>,
    /// The first entry that is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Wrong>,
}

/// An entry that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Wrong {
    /// The journal.
    pub epoch: Epoch,
    /// The position there.
    pub sequence: Sequence,
    /// What is wrong with it.
    pub what: String,
}

/// The newest entries before a place.
///
/// # Errors
/// The journal cannot be read.
pub async fn page(
    journal: &Journal,
    which: Which,
    before: Option<Place>,
    count: usize,
) -> Result<Page, ReadError> {
    let count = count.clamp(1, PAGE_ENTRIES_MAX);
    let before = before.map(|place| (place.epoch, place.sequence));
    let found = journal.latest(which.into(), before, count).await?;
    let is_full = found.len() == count;
    let last = found.last().map(|last| Place { epoch: last.epoch, sequence: last.sequence });
    let mut entries = Vec::with_capacity(found.len());
    for event in found {
        entries.push(EventProgress::of(journal, event).await?);
    }
    Ok(Page { entries, next: last.filter(|_| is_full) })
}

/// One entry; none if there is none. Of an event with several contents, the first.
///
/// # Errors
/// The journal cannot be read.
pub async fn entry(journal: &Journal, reference: Reference) -> Result<Option<Entry>, ReadError> {
    let found = match reference {
        Reference::Event(id) => journal.by_event(id).await?.into_iter().next(),
        Reference::Sequence(sequence) => at(journal, sequence).await?,
    };
    let Some(event) = found else { return Ok(None) };
    let content_hash = event.content_hash;
    // The journal's own bytes: what is not JSON there is shown as text.
    let record = event.record.as_deref().map(|record| {
        serde_json::from_slice(record)
            .unwrap_or_else(|_| String::from_utf8_lossy(record).into_owned().into())
    });
    let progress = EventProgress::of(journal, event).await?;
    Ok(Some(Entry { progress, content_hash, record }))
}

async fn at(journal: &Journal, sequence: Sequence) -> Result<Option<JournaledEvent>, ReadError> {
    let Some(above) = sequence.advanced(1) else { return Ok(None) };
    let before = Some((journal.identity().epoch, above));
    let found = journal.latest(Filter::All, before, 1).await?;
    Ok(found.into_iter().find(|event| event.sequence == sequence))
}

impl From<Verification> for Verified {
    fn from(found: Verification) -> Self {
        let Verification { entries, records, missing, fault } = found;
        let missing = NonZeroU64::new(missing);
        Self { entries, records, missing, fault: fault.map(Wrong::from) }
    }
}

impl From<Fault> for Wrong {
    fn from(fault: Fault) -> Self {
        let what = match fault.kind {
            FaultKind::Missing => "is missing".to_owned(),
            FaultKind::Unreadable(reason) => format!("cannot be read: {reason}"),
            FaultKind::Broken => "is not what the chain hash covers".to_owned(),
            FaultKind::BodyMissing => "has lost its content before it was relayed".to_owned(),
            FaultKind::BeyondHead => "was acknowledged, but is beyond the last entry".to_owned(),
        };
        Self { epoch: fault.epoch, sequence: fault.sequence, what }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.epoch, self.sequence)
    }
}
impl FromStr for Place {
    type Err = PlaceError;
    fn from_str(text: &str) -> Result<Self, PlaceError> {
        let (epoch, sequence) = text.split_once('.').ok_or(PlaceError)?;
        let epoch = epoch.parse().map_err(|_| PlaceError)?;
        let sequence = sequence.parse().map(Sequence).map_err(|_| PlaceError)?;
        Ok(Self { epoch, sequence })
    }
}
impl Serialize for Place {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for Place {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;
    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        if let Ok(sequence) = text.parse() {
            return Ok(Self::Sequence(Sequence(sequence)));
        }
        text.parse().map(|id| Self::Event(EventId(id))).map_err(|_| ReferenceError)
    }
}
impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sequence(sequence) => sequence.fmt(f),
            Self::Event(id) => id.fmt(f),
        }
    }
}
