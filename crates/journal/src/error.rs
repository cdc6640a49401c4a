//! What can go wrong with an open journal. Opening has errors of its own, in `open`.
//!
//! Does not log: whoever handles an error does.

use std::sync::Arc;

use protocol::chain::{ChainHash, Sequence};

/// The cause of an error, shared by all that waited for one transaction.
pub type Cause = Arc<dyn std::error::Error + Send + Sync>;

/// Why an entry was not journaled.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AppendError {
    /// The event's identity stands in the journal under another natural key.
    #[error("the event's id is known under the natural key `{natural_key}`")]
    IdReused {
        /// The natural key that has the id.
        natural_key: String,
    },
    /// The record is larger than a batch could carry.
    #[error("the record has {bytes} bytes, at most {bytes_max} are allowed")]
    TooLarge {
        /// Bytes of the record.
        bytes: usize,
        /// Bytes allowed.
        bytes_max: usize,
    },
    /// Nothing was written; the same entry may be tried again. Should the transaction turn out to
    /// be on disk after all, trying again answers as a replay.
    #[error("journal an event")]
    NotCommitted(#[source] Cause),
    /// The disk is full: nothing was written.
    #[error("journal an event: the disk is full")]
    DiskFull(#[source] Cause),
    /// The journal is being closed.
    #[error("journal an event: the journal is closed")]
    Closed,
}

/// Why another change was not made.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ChangeError {
    /// Nothing was written; it may be tried again.
    #[error("{attempt}")]
    NotCommitted {
        /// What was tried.
        attempt: &'static str,
        /// The cause.
        #[source]
        source: Cause,
    },
    /// The disk is full: nothing was written.
    #[error("{attempt}: the disk is full")]
    DiskFull {
        /// What was tried.
        attempt: &'static str,
        /// The cause.
        #[source]
        source: Cause,
    },
    /// The journal is being closed.
    #[error("{attempt}: the journal is closed")]
    Closed {
        /// What was tried.
        attempt: &'static str,
    },
}

/// Why an acknowledgement does not count.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AcknowledgeError {
    /// It names another history than ours: another chain hash, or an entry that was never written.
    #[error("the acknowledgement of entry {sequence} names another history")]
    Mismatch {
        /// The acknowledged entry.
        sequence: Sequence,
        /// Its chain hash here; none beyond the head.
        ours: Option<ChainHash>,
        /// The acknowledged chain hash.
        theirs: ChainHash,
    },
    /// It could not be written down.
    #[error(transparent)]
    Change(#[from] ChangeError),
}

/// Why something cannot be read.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{attempt}")]
pub struct ReadError {
    /// What was tried.
    pub attempt: &'static str,
    /// The cause.
    #[source]
    pub source: Cause,
}

impl ChangeError {
    pub(crate) fn new(attempt: &'static str, error: rusqlite::Error) -> Self {
        match is_disk_full(&error) {
            true => Self::DiskFull { attempt, source: Arc::new(error) },
            false => Self::NotCommitted { attempt, source: Arc::new(error) },
        }
    }
}

impl ChangeError {
    pub(crate) fn failed(
        attempt: &'static str,
        source: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        Self::NotCommitted { attempt, source: Arc::new(source) }
    }
}

impl AppendError {
    pub(crate) fn new(error: rusqlite::Error) -> Self {
        match is_disk_full(&error) {
            true => Self::DiskFull(Arc::new(error)),
            false => Self::NotCommitted(Arc::new(error)),
        }
    }
}

impl ReadError {
    pub(crate) fn new(
        attempt: &'static str,
        source: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        Self { attempt, source: Arc::new(source) }
    }
}

/// Whether a failure of SQLite means that the disk is full: also where it could not make room for the
/// log's index.
pub(crate) fn is_disk_full(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error().map(|error| error.extended_code);
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull)
        || code == Some(rusqlite::ffi::SQLITE_IOERR_SHMSIZE)
}
