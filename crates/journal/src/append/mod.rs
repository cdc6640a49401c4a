//! Appending: what goes in, what comes out, and the commit of a group.
//!
//! `decide` says what an entry is, given what is known (pure); `group` writes a group of entries
//! in one transaction. Neither has a thread or a clock: the writer drives them, and a simulation
//! may drive them in line through [`crate::JournalFile`].

mod decide;
mod group;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use protocol::bytes::Bytes;
use protocol::chain::{Epoch, Position, Sequence};
use protocol::id::EventId;
use protocol::record::{self, Findings};

pub(crate) use self::group::write_group;
use crate::error::AppendError;
use crate::{pack, policy};

/// What an input hands over.
#[derive(Debug, Clone)]
pub struct NewEntry {
    /// The event's identity.
    pub event_id: EventId,
    /// What makes the event the same event, however often it is read.
    pub natural_key: String,
    /// SHA-256 over the parts of the event that make it the same content.
    pub content_hash: Bytes<32>,
    /// The event's canonical JSON. The journal does not look into it.
    pub event: String,
    /// What capture noticed; `conflict_of` is the journal's to fill in.
    pub findings: Findings,
    /// The host's clock.
    pub journaled_at: Timestamp,
    /// Where the input stands after this entry, written in the same transaction.
    pub cursor: Option<InputCursor>,
    /// Extensions that stay on this host: neither chained nor sent.
    pub local: Option<String>,
}

/// Where an input stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputCursor {
    /// The input's name.
    pub input: String,
    /// Its own notion of a position; read by nobody else.
    pub value: Vec<u8>,
}

/// What became of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Appended {
    /// Journaled.
    New {
        /// Where.
        position: Position,
    },
    /// The same content was journaled before under this natural key; nothing was added.
    Replay {
        /// The identity of the first.
        event_id: EventId,
        /// The epoch of the first.
        epoch: Epoch,
        /// Its position there.
        sequence: Sequence,
        /// The event that the first is in conflict with, if it was journaled as one.
        conflict_of: Option<EventId>,
    },
    /// Journaled, but another content stands under the same natural key.
    Conflict {
        /// Where.
        position: Position,
        /// The first event with this natural key.
        conflict_of: EventId,
    },
}

/// An entry with its record sealed and packed: the work that needs no look at the journal, done
/// by the caller so that the writer only writes.
#[derive(Debug)]
pub struct Prepared {
    entry: NewEntry,
    body: Body,
}

/// A record and its stored form.
#[derive(Debug)]
struct Body {
    record: Vec<u8>,
    packed: Vec<u8>,
}

impl Prepared {
    /// Seals and packs the record.
    ///
    /// # Errors
    /// The record is too large.
    pub fn new(mut entry: NewEntry) -> Result<Self, AppendError> {
        entry.findings.conflict_of = None;
        let body = Body::seal(&entry)?;
        Ok(Self { entry, body })
    }

    /// The same, sealed as a conflict with the first event of its natural key.
    fn in_conflict_with(&self, first: EventId) -> Result<Self, AppendError> {
        let mut entry = self.entry.clone();
        entry.findings.conflict_of = Some(first);
        let body = Body::seal(&entry)?;
        Ok(Self { entry, body })
    }

    /// Bytes of the record, uncompressed.
    pub(crate) fn record_bytes(&self) -> usize {
        self.body.record.len()
    }
}

impl Body {
    fn seal(entry: &NewEntry) -> Result<Self, AppendError> {
        let record = record::seal(&entry.event, &entry.findings, entry.journaled_at);
        let (bytes, bytes_max) = (record.len(), policy::RECORD_BYTES_MAX);
        if bytes > bytes_max {
            return Err(AppendError::TooLarge { bytes, bytes_max });
        }
        let packed = pack::pack(&record);
        Ok(Self { record, packed })
    }
}

/// How large a group is; bounded, so that no transaction keeps the next callers waiting for long.
#[derive(Debug, Default)]
pub(crate) struct GroupSize {
    entries: usize,
    bytes: usize,
}

impl GroupSize {
    /// Counts entries in if they fit. The first always fit.
    pub(crate) fn take(&mut self, entries: usize, bytes: usize) -> bool {
        let (entries, bytes) = (self.entries + entries, self.bytes + bytes);
        let fits = entries <= policy::GROUP_ENTRIES_MAX && bytes <= policy::GROUP_BYTES_MAX;
        if fits || self.entries == 0 {
            *self = Self { entries, bytes };
            return true;
        }
        false
    }
}

/// Cuts entries into groups, in order.
pub(crate) fn groups(entries: Vec<NewEntry>) -> Vec<Vec<NewEntry>> {
    let mut groups = Vec::new();
    let mut size = GroupSize::default();
    for entry in entries {
        match groups.last_mut() {
            Some(group) if size.take(1, entry.event.len()) => Vec::push(group, entry),
            _ => {
                size = GroupSize { entries: 1, bytes: entry.event.len() };
                groups.push(vec![entry]);
            }
        }
    }
    groups
}
