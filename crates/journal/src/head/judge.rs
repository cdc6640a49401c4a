//! What the comparison of journal and head copy means: a pure function.
//!
//! Asks the database nothing; whoever opens the journal looks up [`Evidence`].

use protocol::chain::{ChainHash, Epoch, Position, Sequence};

use super::{Copied, Found, SALT_BYTES};

/// How journal and head copy stood to each other when the journal was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Neither file was there: a new journal begins.
    Begun,
    /// The journal comes from a version that kept no copy yet.
    Adopted,
    /// The journal holds everything that the copy names.
    Holds,
    /// The journal was there and the copy was not: whether its newest entries are all there, only
    /// the relay can tell.
    CopyMissing,
    /// What stood in the copy's place was not written by this journal; the same.
    CopyForged,
    /// The copy is older than it can be after a crash: somebody put it back.
    CopyOld,
    /// The journal ends before the entry that the copy names: its tail is lost, or it is an older
    /// version of itself.
    TailLost {
        /// The epoch in question.
        epoch: Epoch,
        /// The last entry of it that is there.
        last: Sequence,
        /// The last entry that was committed at least.
        copied: Position,
    },
    /// The journal holds another history than the copy names.
    Replaced {
        /// The epoch that the copy names.
        epoch: Epoch,
        /// The entry of it that the copy names.
        copied: Position,
    },
}

/// What the journal says about the copy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Evidence {
    /// Whether the journal was made by this opening, or by one that a crash ended before there was
    /// a copy.
    pub(crate) is_new: bool,
    /// Whether the journal comes from a version without a copy.
    pub(crate) is_older: bool,
    /// The salt of the journal's file; none if it cannot be read yet.
    pub(crate) salt: Option<[u8; SALT_BYTES]>,
    /// The epoch that is written.
    pub(crate) current: Epoch,
    /// The last entry of it that the relay acknowledged.
    pub(crate) acknowledged: Sequence,
    /// What the journal holds of the copy's epoch; none if it does not know it.
    pub(crate) copied_epoch: Option<CopiedEpoch>,
}

/// What the journal holds of the epoch that the copy names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CopiedEpoch {
    /// Its last entry.
    pub(crate) last: Sequence,
    /// The chain hash at the copy's sequence; none beyond the last entry.
    pub(crate) chain_hash: Option<ChainHash>,
}

impl Standing {
    /// Whether the journal cannot go on where it stands: it has lost entries that were committed.
    #[must_use]
    pub const fn is_loss(&self) -> bool {
        matches!(self, Self::TailLost { .. } | Self::Replaced { .. })
    }

    /// Whether something happened to the files that a person should know.
    #[must_use]
    pub const fn is_alarm(&self) -> bool {
        match self {
            Self::Begun | Self::Adopted | Self::Holds => false,
            Self::CopyMissing
            | Self::CopyForged
            | Self::CopyOld
            | Self::TailLost { .. }
            | Self::Replaced { .. } => true,
        }
    }
}

/// Compares.
pub(crate) fn judge(found: &Found, evidence: &Evidence) -> Standing {
    match found {
        Found::Held(copied) => judge_held(copied, evidence),
        Found::Absent if evidence.is_new => Standing::Begun,
        Found::Absent if evidence.is_older => Standing::Adopted,
        Found::Absent => Standing::CopyMissing,
        Found::Forged => Standing::CopyForged,
    }
}

fn judge_held(copied: &Copied, evidence: &Evidence) -> Standing {
    let Copied { epoch, head, .. } = *copied;
    if copied.pending == Some(evidence.current) {
        // It began as announced; what came before was compared when it was announced.
        return Standing::Holds;
    }
    // Each file has a salt of its own, also under the same key and of the same epoch.
    if evidence.salt.is_some_and(|salt| salt != copied.salt) && !evidence.is_new {
        return Standing::Replaced { epoch, copied: head };
    }
    let Some(ours) = evidence.copied_epoch else {
        return match evidence.is_new {
            true => Standing::TailLost { epoch, last: Sequence::NONE, copied: head },
            false => Standing::Replaced { epoch, copied: head },
        };
    };
    match ours.chain_hash {
        None => Standing::TailLost { epoch, last: ours.last, copied: head },
        Some(chain_hash) if chain_hash != head.chain_hash => {
            Standing::Replaced { epoch, copied: head }
        }
        // An epoch never begins unannounced, and nothing goes up before the copy knows it.
        Some(_) if epoch != evidence.current || head.sequence < evidence.acknowledged => {
            Standing::CopyOld
        }
        Some(_) => Standing::Holds,
    }
}
