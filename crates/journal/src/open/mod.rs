//! Opens the file: the lock, the key, pragmas, and the first look at what stands there.
//!
//! Exactly one process has a journal open. A file that cannot be trusted is refused and left as
//! it is. Does not know the tables.

#[cfg(test)]
mod tests;

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use protocol::chain::{Epoch, Sequence};
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::error::Cause;
use crate::files::beside;
use crate::head::SALT_BYTES;
use crate::head::judge::Standing;
use crate::key::DataKey;
use crate::key::file::sync_folder_of;
use crate::policy;
use crate::seams::Seams;

/// The oldest SQLite that may write: before it, a checkpoint beside a writer could reset the log
/// under it and lose commits.
const SQLITE_MIN: i32 = 3_051_003;

/// How long a connection waits for another one of this process: a checkpoint's last steps, far
/// below this, so that only a disk that hangs is given up on.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// What to open.
#[derive(Debug, Clone)]
pub struct Options {
    /// The journal's file. Beside it lie its log (`-wal`), the log's index (`-shm`), the copy of
    /// its head (`.head`) and the lock (`.lock`).
    pub file: PathBuf,
    /// The key that it is encrypted with.
    pub key: DataKey,
    /// The epoch that begins if the file is new.
    pub new_epoch: Epoch,
}

/// The terms under which a journal is opened. The default opens what can be trusted, refuses the
/// rest and leaves it as it is.
#[derive(Debug, Clone, Default)]
pub struct Terms {
    /// The host's clock, if the journal is to be salvaged when it cannot go on as it stands, and
    /// what happened to its files is to be written down in it.
    pub salvage_at: Option<Timestamp>,
    /// Faults, for a harness alone.
    pub seams: Seams,
}

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

/// Opens a file as it is, or makes an empty one that only its owner may read.
fn private(file: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)
}

/// A journal's file, held by this process until the last connection to it is gone.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) file: PathBuf,
    key: DataKey,
    seams: Seams,
    /// The operating system gives the lock back when this is closed, also after a crash.
    _lock: File,
}

impl Source {
    /// Takes the file for this process.
    pub(crate) fn take(file: &Path, key: &DataKey) -> Result<Arc<Self>, OpenError> {
        Self::take_with(file, key, Seams::default())
    }

    /// The same for a harness.
    pub(crate) fn take_with(
        file: &Path,
        key: &DataKey,
        seams: Seams,
    ) -> Result<Arc<Self>, OpenError> {
        assert!(
            rusqlite::version_number() >= SQLITE_MIN,
            "SQLite {} may lose commits",
            rusqlite::version()
        );
        let lock_file = beside(file, ".lock");
        let failed = |source: std::io::Error| OpenError::Io {
            attempt: "lock",
            file: lock_file.clone(),
            source: Arc::new(source),
        };
        let lock = private(&lock_file).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(OpenError::InUse { file: file.to_owned() });
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        Ok(Arc::new(Self { file: file.to_owned(), key: key.clone(), seams, _lock: lock }))
    }

    /// Makes the file if there is none, for its owner only. SQLite takes an empty file for a new
    /// one and gives the log the same permissions.
    pub(crate) fn create(&self) -> Result<(), OpenError> {
        let made = private(&self.file).map(drop);
        made.map_err(|source| OpenError::Io {
            attempt: "create",
            file: self.file.clone(),
            source: Arc::new(source),
        })
    }

    /// Opens the connection that writes; creates the file if there is none.
    pub(crate) fn writer(&self) -> rusqlite::Result<Connection> {
        let connection = self.connect(OpenFlags::default(), policy::WRITER_CACHE_KIB)?;
        connection.execute_batch(&format!(
            "PRAGMA journal_mode = WAL;
             PRAGMA synchronous = {};
             PRAGMA recursive_triggers = ON;
             PRAGMA wal_autocheckpoint = {};
             PRAGMA journal_size_limit = {};",
            self.seams.synchronous(),
            policy::LOG_PAGES_MAX,
            policy::LOG_BYTES_MAX
        ))?;
        Ok(connection)
    }

    /// Makes the names of a new file and its log durable.
    pub(crate) fn sync_folder(&self) -> Result<(), OpenError> {
        sync_folder_of(&self.file).map_err(|error| self.failed("sync the folder of journal", error))
    }

    /// Opens a connection that only reads.
    pub(crate) fn reader(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = self.connect(flags, policy::READER_CACHE_KIB)?;
        connection.execute_batch("PRAGMA query_only = ON;")?;
        Ok(connection)
    }

    fn connect(&self, flags: OpenFlags, cache_kib: usize) -> rusqlite::Result<Connection> {
        let connection = Connection::open_with_flags(&self.file, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.set_prepared_statement_cache_capacity(policy::STATEMENTS_MAX);
        // What SQLCipher finds comes back as an error; it shall not write to standard error too.
        let key = self.key.expose_hex();
        connection.execute_batch(&format!(
            "PRAGMA cipher_log_level = NONE;
             PRAGMA key = \"x'{key}'\";
             PRAGMA cache_size = -{cache_kib};"
        ))?;
        Ok(connection)
    }

    /// What an error of SQLite means for the file as a whole.
    pub(crate) fn refused(&self, attempt: &'static str, error: rusqlite::Error) -> OpenError {
        let file = self.file.clone();
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => OpenError::WrongKey { file },
            Some(ErrorCode::DatabaseCorrupt) => {
                OpenError::Damaged { file, what: error.to_string() }
            }
            None => {
                OpenError::Damaged { file, what: format!("a row is not what it must be: {error}") }
            }
            Some(_) => OpenError::Database { attempt, file, source: Arc::new(error) },
        }
    }

    /// What it means that committed entries are gone.
    pub(crate) fn lost(&self, standing: Standing) -> OpenError {
        let file = self.file.clone();
        match standing {
            Standing::TailLost { epoch, last, copied } => {
                OpenError::TailLost { file, epoch, last, committed: copied.sequence }
            }
            Standing::Replaced { epoch, copied } => {
                OpenError::Replaced { file, epoch, committed: copied.sequence }
            }
            other => OpenError::Damaged { file, what: format!("{other:?}") },
        }
    }

    /// What an error of the operating system means.
    pub(crate) fn failed(&self, attempt: &'static str, error: std::io::Error) -> OpenError {
        OpenError::Io { attempt, file: self.file.clone(), source: Arc::new(error) }
    }

    /// Whether there is no journal: no file, or one that nothing was ever written to.
    pub(crate) fn is_absent(&self) -> Result<bool, OpenError> {
        match std::fs::metadata(&self.file) {
            Ok(metadata) => Ok(metadata.len() == 0),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(true),
            Err(error) => Err(self.failed("look at journal", error)),
        }
    }

    /// The key.
    pub(crate) const fn key(&self) -> &DataKey {
        &self.key
    }

    /// The salt at the beginning of the file, which SQLCipher drew when it was made.
    pub(crate) fn salt(&self) -> std::io::Result<[u8; SALT_BYTES]> {
        let mut salt = [0; SALT_BYTES];
        File::open(&self.file)?.read_exact(&mut salt)?;
        Ok(salt)
    }

    /// The copy of the head.
    pub(crate) fn head_file(&self) -> PathBuf {
        beside(&self.file, ".head")
    }

    /// The log, which grows beside the file.
    pub(crate) fn log_file(&self) -> PathBuf {
        beside(&self.file, "-wal")
    }
}
