//! Why a journal cannot be opened.
//!
//! Does not decide what follows from it.

use std::path::PathBuf;

use protocol::chain::{Epoch, Sequence};

use crate::error::{Cause, is_disk_full};
use crate::quota;

/// Why a journal cannot be opened. It is left as it is.
#[derive(Debug, Clone, thiserror::Error)]
pub enum OpenError {
    /// Another process has it open: the agent itself, as a rule.
    #[error("open journal `{file}`: another process has it open")]
    InUse {
        /// The journal's file.
        file: PathBuf,
    },
    /// The key does not open it. A file whose first page is damaged looks the same.
    #[error("open journal `{file}`: the key does not open it, or its first page is damaged")]
    WrongKey {
        /// The journal's file.
        file: PathBuf,
    },
    /// What stands in it cannot be a journal.
    #[error("open journal `{file}`: damaged: {what}")]
    Damaged {
        /// The journal's file.
        file: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// It ends before an entry that was committed: its tail is lost, or it is an older version of
    /// itself.
    #[error(
        "open journal `{file}`: it ends at entry {last} of epoch {epoch}, but entry {committed} was \
         committed"
    )]
    TailLost {
        /// The journal's file.
        file: PathBuf,
        /// The epoch.
        epoch: Epoch,
        /// The last entry of it that is there.
        last: Sequence,
        /// The last entry that the head copy names.
        committed: Sequence,
    },
    /// It holds another history than the one that was committed.
    #[error(
        "open journal `{file}`: entry {committed} of epoch {epoch} was committed, and what stands in \
         the file is another history"
    )]
    Replaced {
        /// The journal's file.
        file: PathBuf,
        /// The epoch.
        epoch: Epoch,
        /// The last entry that the head copy names.
        committed: Sequence,
    },
    /// It was written by a later version that this one cannot read.
    #[error("open journal `{file}`: it needs a reader of version {found}, this is version {known}")]
    Newer {
        /// The journal's file.
        file: PathBuf,
        /// The reader that it needs.
        found: u32,
        /// The reader that this program is.
        known: u32,
    },
    /// The file system refuses.
    #[error("{attempt} `{file}`")]
    Io {
        /// What was tried.
        attempt: &'static str,
        /// The file.
        file: PathBuf,
        /// The cause.
        #[source]
        source: Cause,
    },
    /// SQLite refuses.
    #[error("{attempt} `{file}`")]
    Database {
        /// What was tried.
        attempt: &'static str,
        /// The journal's file.
        file: PathBuf,
        /// The cause.
        #[source]
        source: Cause,
    },
}

impl OpenError {
    /// Whether a full disk is the cause.
    pub(crate) fn is_disk_full(&self) -> bool {
        let (Self::Io { source, .. } | Self::Database { source, .. }) = self else { return false };
        let database = source.downcast_ref::<rusqlite::Error>();
        let system = source.downcast_ref::<std::io::Error>();
        database.is_some_and(is_disk_full) || system.is_some_and(quota::is_full)
    }
}
