//! Where an entry stands in a journal, and the hash chain that fixes its place and content.
//!
//! `chain = SHA-256(previous (32 bytes, zeros at first) ‖ epoch (16) ‖ sequence (u64 big-endian)
//! ‖ SHA-256(record))`, over the uncompressed bytes of the record. `testdata/v1/chain.json` holds
//! vectors. Does not store anything and does not know what a record says.

#[cfg(test)]
mod tests;

use std::fmt;

use ring::digest::{Context, SHA256, digest};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::bytes::Bytes;

/// The identity of one continuous journal: 128 random bits drawn when it begins, and drawn
/// anew whenever it cannot go on where it stood (rewind, salvage).
pub type Epoch = Bytes<16>;

/// The hash over an entry and the chain hash before it.
pub type ChainHash = Bytes<32>;

/// The chain hash before the first entry of an epoch.
pub const GENESIS: ChainHash = Bytes([0; 32]);

/// The position of an entry within its epoch. The first entry has sequence 1; 0 means "none yet".
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema,
)]
#[serde(transparent)]
#[schemars(inline)]
pub struct Sequence(pub u64);

impl Sequence {
    /// Before the first entry.
    pub const NONE: Self = Self(0);

    /// The highest that is read: both sides keep sequences as signed 64-bit numbers, and what is
    /// computed from one that was read cannot run over.
    pub const MAX: Self = Self(u64::MAX >> 1);

    /// The position after this one.
    ///
    /// # Panics
    /// Never in practice: at a million entries a second `u64` lasts 584,000 years.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.checked_add(1).expect("a journal has fewer than 2^64 entries"))
    }

    /// The position after `count` more entries, if there is one.
    #[must_use]
    pub fn advanced(self, count: usize) -> Option<Self> {
        self.0.checked_add(u64::try_from(count).ok()?).map(Self)
    }

    /// How many entries stand above `earlier` up to this one; 0 if this one is not above it.
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl<'de> Deserialize<'de> for Sequence {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let sequence = Self(u64::deserialize(deserializer)?);
        if sequence > Self::MAX {
            let text = format!("{sequence} is no sequence; the highest is {}", Self::MAX);
            return Err(de::Error::custom(text));
        }
        Ok(sequence)
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A position together with the chain hash there: the whole history up to it in 40 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// The entry's sequence; 0 in an empty journal.
    pub sequence: Sequence,
    /// The chain hash at that entry; zeros in an empty journal.
    #[serde(rename = "chainHash")]
    pub chain_hash: ChainHash,
}

impl Position {
    /// The position in an empty journal.
    pub const START: Self = Self { sequence: Sequence::NONE, chain_hash: GENESIS };

    /// The position after one more record.
    #[must_use]
    pub fn extended(self, epoch: Epoch, record: &[u8]) -> Self {
        let sequence = self.sequence.next();
        Self { sequence, chain_hash: chain_hash(self.chain_hash, epoch, sequence, record) }
    }
}

/// The chain hash of the record at `sequence`, given the chain hash before it.
#[must_use]
pub fn chain_hash(
    previous: ChainHash,
    epoch: Epoch,
    sequence: Sequence,
    record: &[u8],
) -> ChainHash {
    let mut context = Context::new(&SHA256);
    context.update(previous.as_bytes());
    context.update(epoch.as_bytes());
    context.update(&sequence.0.to_be_bytes());
    context.update(digest(&SHA256, record).as_ref());
    let mut bytes = [0; 32];
    bytes.copy_from_slice(context.finish().as_ref());
    Bytes(bytes)
}
