//! Opens the file: the lock, the key, pragmas, and the first look at what stands there.
//!
//! Exactly one process has a journal open. A file that cannot be trusted is refused and left as
//! it is. Does not know the tables.

mod error;
#[cfg(test)]
mod tests;

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use protocol::chain::Epoch;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use tokio::sync::watch;

use crate::files::{beside, sync_folder_of};
use crate::head::SALT_BYTES;
use crate::head::judge::Standing;
use crate::key::DataKey;
use crate::policy;
use crate::quota::Quota;
use crate::salvage;
use crate::seams::Seams;

pub use self::error::OpenError;

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
    /// How much of the disk it may take.
    pub quota: Quota,
    /// Faults, for a harness alone.
    pub seams: Seams,
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
    /// Whether a page could not be read.
    damaged: watch::Sender<bool>,
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
        let damaged = watch::Sender::new(false);
        Ok(Arc::new(Self { file: file.to_owned(), key: key.clone(), seams, damaged, _lock: lock }))
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
        let connection =
            self.connect(&self.file, OpenFlags::default(), policy::WRITER_CACHE_KIB)?;
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

    /// Opens a file beside the journal that is made in one go and synced at its end; a crash before
    /// that begins it anew.
    pub(crate) fn scratch(&self, file: &Path) -> rusqlite::Result<Connection> {
        let made = private(file);
        made.map_err(|error| {
            let full = error.kind() == std::io::ErrorKind::StorageFull;
            let code =
                if full { rusqlite::ffi::SQLITE_FULL } else { rusqlite::ffi::SQLITE_CANTOPEN };
            let code = rusqlite::ffi::Error::new(code);
            rusqlite::Error::SqliteFailure(code, Some(error.to_string()))
        })?;
        let connection = self.connect(file, OpenFlags::default(), policy::WRITER_CACHE_KIB)?;
        connection.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;")?;
        Ok(connection)
    }

    /// Says whether closing the last connection leaves the log as it is, or brings it into the file.
    /// Only the writer of a journal that is known to be whole does the latter.
    pub(crate) fn keep_log(connection: &Connection, kept: bool) -> rusqlite::Result<()> {
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, kept).map(drop)
    }

    /// Whether the key opens the first page.
    pub(crate) fn key_fits(&self) -> bool {
        let looked = self.reader().and_then(|connection| {
            connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))
        });
        looked.is_ok()
    }

    /// Looks at a failure: if a page cannot be read, whoever has the journal open is told, and the
    /// next opening salvages.
    pub(crate) fn look_at(&self, error: &rusqlite::Error) {
        if !is_damage(error) || self.damaged.send_replace(true) {
            return;
        }
        let file = self.file.display();
        tracing::error!(%error, %file, "a page of the journal cannot be read; the next opening salvages");
        if let Err(error) = salvage::suspect(self) {
            tracing::error!(%error, %file, "that a page cannot be read could not be written down");
        }
    }

    /// Whether a page could not be read.
    pub(crate) fn damage(&self) -> watch::Receiver<bool> {
        self.damaged.subscribe()
    }

    /// Makes the names of a new file and its log durable.
    pub(crate) fn sync_folder(&self) -> Result<(), OpenError> {
        sync_folder_of(&self.file).map_err(|error| self.failed("sync the folder of journal", error))
    }

    /// Opens a connection that only reads.
    pub(crate) fn reader(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = self.connect(&self.file, flags, policy::READER_CACHE_KIB)?;
        connection.execute_batch("PRAGMA query_only = ON;")?;
        Ok(connection)
    }

    fn connect(
        &self,
        file: &Path,
        flags: OpenFlags,
        cache_kib: usize,
    ) -> rusqlite::Result<Connection> {
        let connection = Connection::open_with_flags(file, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        Self::keep_log(&connection, true)?;
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

/// Whether a failure means that what stands on the disk is not what was written.
fn is_damage(error: &rusqlite::Error) -> bool {
    match error {
        rusqlite::Error::FromSqlConversionFailure(..) => true,
        other => matches!(
            other.sqlite_error_code(),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
        ),
    }
}
