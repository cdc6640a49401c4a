//! Builds a batch from journal entries: the JSON that is signed, and the compressed form that is
//! sent.
//!
//! The chain is computed anew over what was read, so that a journal that was changed on disk is
//! noticed before it is uploaded. Reads no journal and signs nothing.

#[cfg(test)]
mod tests;

use journal::StoredEntry;
use protocol::batch::{Absent, Batch, BatchError, Entry, Resent};
use protocol::chain::{Epoch, Position, Sequence};
use protocol::compress;
use protocol::id::DeviceId;
use protocol::limits::{BATCH_BYTES_MAX, BATCH_COMPRESSED_BYTES_MAX};

/// Whose entries they are and how far the journal is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// The device.
    pub device: DeviceId,
    /// The journal.
    pub epoch: Epoch,
    /// Its head.
    pub head: Sequence,
}

/// Where a batch begins, and what is said of it beside its entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beginning {
    /// The position before the first entry.
    pub after: Position,
    /// What is not there between what the relay holds and the first entry.
    pub absent: Option<Absent>,
    /// What the relay acknowledged before it was restored.
    pub resent: Option<Resent>,
}

impl From<Position> for Beginning {
    fn from(after: Position) -> Self {
        Self { after, absent: None, resent: None }
    }
}

/// A batch as it is signed and sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    /// The JSON that the signature covers.
    pub json: Vec<u8>,
    /// The same, compressed.
    pub packed: Vec<u8>,
    /// The position after its last entry.
    pub end: Position,
    /// How many entries it has.
    pub entries: usize,
}

/// Why entries cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// A body is missing behind one that is there, which pruning never leaves.
    #[error("entry {0} has no content, and the one before it has")]
    Pruned(Sequence),
    /// What was read is not what was journaled.
    #[error("entry {0} is not what was journaled: the journal was changed on disk")]
    Changed(Sequence),
    /// One entry alone is more than a batch may hold.
    #[error("entry {0} alone is larger than a batch may be")]
    TooLarge(Sequence),
    /// The entries are none, too many or not consecutive.
    #[error("read the entries of a batch")]
    Shape(#[source] BatchError),
}

/// Builds the batch of the entries after a beginning, of as many as fit.
///
/// # Errors
/// An entry is missing, changed or too large.
pub fn build(
    sender: &Sender,
    beginning: impl Into<Beginning>,
    entries: Vec<StoredEntry>,
) -> Result<Packed, BuildError> {
    let Beginning { after, absent, resent } = beginning.into();
    let hashes: Vec<_> = entries.iter().map(|entry| entry.chain_hash).collect();
    let entries = entries.into_iter().map(readable).collect::<Result<_, _>>()?;
    let mut batch = Batch {
        device: sender.device.clone(),
        epoch: sender.epoch,
        first_sequence: after.sequence.next(),
        previous_chain_hash: after.chain_hash,
        head_sequence: sender.head,
        absent,
        resent,
        entries,
    };
    let positions = batch.positions().map_err(BuildError::Shape)?;
    let changed = positions.iter().zip(&hashes).find(|(own, stored)| own.chain_hash != **stored);
    if let Some((position, _)) = changed {
        return Err(BuildError::Changed(position.sequence));
    }
    // A sale may have been committed after the head was read and before the entries were.
    let last = positions.last().map_or(sender.head, |position| position.sequence);
    batch.head_sequence = sender.head.max(last);
    loop {
        let json = serde_json::to_vec(&batch).expect("a batch is plain data");
        let packed = compress::pack_batch(&json);
        let count = batch.entries.len();
        if json.len() <= BATCH_BYTES_MAX && packed.len() <= BATCH_COMPRESSED_BYTES_MAX {
            let end = positions[..count].last().copied().unwrap_or(after);
            return Ok(Packed { json, packed, end, entries: count });
        }
        if count == 1 {
            return Err(BuildError::TooLarge(batch.first_sequence));
        }
        batch.entries.truncate(count / 2);
    }
}

fn readable(entry: StoredEntry) -> Result<Entry, BuildError> {
    let StoredEntry { sequence, record, .. } = entry;
    let record = record.ok_or(BuildError::Pruned(sequence))?;
    let record = String::from_utf8(record).map_err(|_| BuildError::Changed(sequence))?;
    Ok(Entry { sequence, record })
}
