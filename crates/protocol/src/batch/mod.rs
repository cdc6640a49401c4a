//! A batch: consecutive entries of one epoch on their way up, and the relay's answer.
//!
//! As JSON, compressed with zstd, signed over the uncompressed JSON; at most
//! [`limits::BATCH_ENTRIES_MAX`] entries and [`limits::BATCH_COMPRESSED_BYTES_MAX`] bytes, one in
//! flight. Only the [`Acknowledgement`] lets the agent count an entry as relayed: neither an
//! HTTP 200 without it nor an MQTT PUBACK. Does no I/O.

#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::chain::{ChainHash, Epoch, Position, Sequence};
use crate::id::DeviceId;
use crate::limits;

/// One entry as it travels: the record byte for byte, as a JSON string.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its position in the epoch.
    pub sequence: Sequence,
    /// The exact bytes of the record, which are UTF-8.
    pub record: String,
}

/// Consecutive entries of one epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Batch {
    /// The sender.
    pub device: DeviceId,
    /// The journal that the entries stand in.
    pub epoch: Epoch,
    /// The sequence of the first entry.
    pub first_sequence: Sequence,
    /// The chain hash before the first entry.
    pub previous_chain_hash: ChainHash,
    /// The journal's head when the batch was made: tells the relay what is still to come.
    pub head_sequence: Sequence,
    /// The entries, without a gap.
    pub entries: Vec<Entry>,
}

/// The relay's word that everything up to this position is committed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Acknowledgement {
    /// The device whose entries these are.
    pub device: DeviceId,
    /// The journal they stand in.
    pub epoch: Epoch,
    /// The last committed entry.
    pub sequence: Sequence,
    /// The chain hash there. It counts only if it equals the agent's own at that sequence.
    pub chain_hash: ChainHash,
}

impl Acknowledgement {
    /// The acknowledged position.
    #[must_use]
    pub const fn position(&self) -> Position {
        Position { sequence: self.sequence, chain_hash: self.chain_hash }
    }
}

/// What the relay says to a batch that is well formed and signed. The answer itself is signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BatchAnswer {
    /// Committed, now or before.
    Acknowledgement(Acknowledgement),
    /// The batch begins beyond the relay's head; send from here on.
    Head(Acknowledgement),
}

/// Why a batch is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// No entries.
    #[error("the batch is empty")]
    Empty,
    /// More entries than allowed.
    #[error("the batch has {0} entries, at most {max} are allowed", max = limits::BATCH_ENTRIES_MAX)]
    TooMany(usize),
    /// An entry does not follow the one before.
    #[error("entry {found} stands where {expected} is due")]
    Gap {
        /// The sequence that is due.
        expected: Sequence,
        /// The sequence that stands there.
        found: Sequence,
    },
}

impl Batch {
    /// Checks that the entries are consecutive and computes the position after each.
    ///
    /// # Errors
    /// Empty, too many entries, or not consecutive.
    pub fn positions(&self) -> Result<Vec<Position>, BatchError> {
        if self.entries.is_empty() {
            return Err(BatchError::Empty);
        }
        if self.entries.len() > limits::BATCH_ENTRIES_MAX {
            return Err(BatchError::TooMany(self.entries.len()));
        }
        let first = self.first_sequence;
        let before = Sequence(
            first
                .0
                .checked_sub(1)
                .ok_or(BatchError::Gap { expected: Sequence(1), found: first })?,
        );
        let mut position = Position { sequence: before, chain_hash: self.previous_chain_hash };
        let mut positions = Vec::with_capacity(self.entries.len());
        for entry in &self.entries {
            let expected = position.sequence.next();
            if entry.sequence != expected {
                return Err(BatchError::Gap { expected, found: entry.sequence });
            }
            position = position.extended(self.epoch, entry.record.as_bytes());
            positions.push(position);
        }
        Ok(positions)
    }
}
