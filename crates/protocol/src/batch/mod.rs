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
use crate::id::{DeviceId, TargetId, Text};
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

/// Why a host does not send entries that its chain goes through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum AbsentReason {
    /// They were acknowledged once and their content was pruned: the relay that asks for them was
    /// restored from an older state.
    Pruned,
    /// They are another device's: this host was a copy of it until then.
    Inherited {
        /// That device.
        device: DeviceId,
    },
}

/// The entries between what the relay holds and the first of a batch, which the sender declares
/// not to have. Their last chain hash is the batch's `previousChainHash`, which outlives pruning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Absent {
    /// The position before the first of them.
    pub after: Position,
    /// Why.
    pub reason: AbsentReason,
}

/// That an event stands in a target, as the relay once told the sender.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Applied {
    /// The entry.
    pub sequence: Sequence,
    /// The target.
    pub target: TargetId,
    /// The target's own name for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Text<256>>,
}

/// What a relay that was restored has to know of entries that it acknowledged before: they may
/// have been posted, so targets are asked first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Resent {
    /// Entries up to here were acknowledged before.
    pub acknowledged: Sequence,
    /// What stood in targets already.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub applied: Vec<Applied>,
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
    /// What the sender declares not to have before the first entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub absent: Option<Absent>,
    /// Set if the batch repeats what was acknowledged before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resent: Option<Resent>,
    /// The entries, without a gap; none only if all that was left is declared absent.
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
    /// The device is held: everything up to here is kept aside and posted nowhere. It does not
    /// count as relayed, and the sender keeps it.
    Aside(Acknowledgement),
}

impl BatchAnswer {
    /// The position that it names.
    #[must_use]
    pub const fn stated(&self) -> &Acknowledgement {
        let (Self::Acknowledgement(stated) | Self::Head(stated) | Self::Aside(stated)) = self;
        stated
    }
}

/// Why a batch is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// No entries.
    #[error("the batch is empty")]
    Empty,
    /// What is declared absent is nothing.
    #[error("entries are declared absent after {after}, and the batch begins with {first}")]
    NothingAbsent {
        /// The position before them.
        after: Sequence,
        /// The first entry of the batch.
        first: Sequence,
    },
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
    /// Empty, too many entries, not consecutive, or an absence of nothing.
    pub fn positions(&self) -> Result<Vec<Position>, BatchError> {
        if self.entries.is_empty() && self.absent.is_none() {
            return Err(BatchError::Empty);
        }
        if let Some(Absent { after, .. }) = &self.absent
            && after.sequence.next() >= self.first_sequence
        {
            let (after, first) = (after.sequence, self.first_sequence);
            return Err(BatchError::NothingAbsent { after, first });
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
