//! The journal in one thread: every change, one transaction each.
//!
//! [`Journal`](crate::Journal) puts this on a thread of its own; a simulation may drive it in line.
//! A failed transaction costs the connection: the file is opened again, what the log holds is
//! made durable, and the head is read anew, because after a failed sync nobody knows what is on
//! disk. Starts no thread, reads no clock and draws nothing.

mod opening;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use protocol::chain::{ChainHash, Epoch, Position, Sequence};
use protocol::downlink::DownlinkCursor;
use protocol::handshake::{EpochReason, Predecessor};
use protocol::progress::Progress;
use rusqlite::Connection;

use crate::append::{Appended, Prepared, write_group};
use crate::checkpoint::Log;
use crate::cursor::acknowledge::{Verdict, acknowledge};
use crate::cursor::read::StoredEntry;
use crate::cursor::{prune, read, remember};
use crate::epoch::{self, Identity, State, Tail};
use crate::error::{AcknowledgeError, AppendError, ChangeError, ReadError, is_disk_full};
use crate::head::HeadCopy;
use crate::head::judge::Standing;
use crate::incident::{self, Incident};
use crate::open::Source;
use crate::quota::Reserve;

pub(crate) use self::opening::evidence;
use self::opening::settle;

/// The file with its one writing connection.
#[derive(Debug)]
pub struct JournalFile {
    source: Arc<Source>,
    /// None after a failed transaction, until the file could be opened again.
    connection: Option<Connection>,
    tail: Tail,
    standing: Standing,
    noticed: Option<Incident>,
    head_copy: Arc<HeadCopy>,
    reserve: Arc<Reserve>,
}

impl JournalFile {
    /// How journal and head copy stood to each other when it was opened.
    #[must_use]
    pub const fn standing(&self) -> Standing {
        self.standing
    }

    /// Brings the head copy up to the last commit; durable when it returns.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn sync_head_copy(&self) -> std::io::Result<()> {
        self.head_copy.keep(|| self.tail.state.clone())
    }

    pub(crate) const fn head_copy(&self) -> &Arc<HeadCopy> {
        &self.head_copy
    }

    /// Where it stands, as of the last commit.
    #[must_use]
    pub const fn state(&self) -> &State {
        &self.tail.state
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.source.file
    }

    /// Appends entries in one transaction; an entry that breaks a rule fails alone. All of it is
    /// durable when this returns.
    pub fn append(&mut self, entries: &[Prepared]) -> Vec<Result<Appended, AppendError>> {
        let (connection, log) = (self.connection.as_ref(), self.source.log_file());
        if let Some(refusal) = self.reserve.refusal(connection, &log) {
            return vec![Err(refusal); entries.len()];
        }
        let written = self.transact(|connection, tail| write_group(connection, tail, entries));
        written.unwrap_or_else(|error| vec![Err(AppendError::new(error)); entries.len()])
    }

    /// Moves the acknowledged mark. An acknowledgement at or below it changes nothing.
    ///
    /// # Errors
    /// The position is not in our history, or the mark cannot be written.
    pub fn acknowledge(
        &mut self,
        position: Position,
        now: Timestamp,
    ) -> Result<(), AcknowledgeError> {
        let verdict =
            self.change("write an acknowledgement", |c, tail| acknowledge(c, tail, position, now))?;
        match verdict {
            Verdict::Moved | Verdict::Known => Ok(()),
            Verdict::Mismatch(ours) => Err(AcknowledgeError::Mismatch {
                sequence: position.sequence,
                ours,
                theirs: position.chain_hash,
            }),
        }
    }

    /// Removes bodies acknowledged before a time, oldest first, at most `count_max` and no more
    /// than appends should wait for (500); returns how many.
    ///
    /// # Errors
    /// The bodies cannot be removed.
    pub fn prune(
        &mut self,
        acknowledged_before: Timestamp,
        count_max: usize,
    ) -> Result<u64, ChangeError> {
        self.change("prune bodies", |connection, tail| {
            prune::prune(connection, tail, acknowledged_before, count_max)
        })
    }

    /// Keeps the last word about events, and the position after it in the downlink.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn record_progress(
        &mut self,
        items: &[Progress],
        cursor: DownlinkCursor,
    ) -> Result<(), ChangeError> {
        self.change("record progress", |connection, _| {
            remember::record_progress(connection, items, cursor)
        })
    }

    /// Keeps a note under a name, in place of the one before.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn put_note(&mut self, name: &str, value: &[u8]) -> Result<(), ChangeError> {
        self.change("keep a note", |connection, _| remember::put_note(connection, name, value))
    }

    /// Begins a new epoch that names the current one as its predecessor, announced in the head
    /// copy before. The entries of the old one stay.
    ///
    /// # Errors
    /// It cannot be written, or the epoch was begun before.
    pub fn begin_epoch(
        &mut self,
        epoch: Epoch,
        reason: EpochReason,
    ) -> Result<Identity, ChangeError> {
        let attempt = "begin an epoch";
        let announced = self.head_copy.announce(&self.tail.state, epoch);
        announced.map_err(|error| ChangeError::failed(attempt, error))?;
        self.change(attempt, |connection, tail| {
            let before = &tail.state;
            let predecessor =
                Predecessor { epoch: before.identity.epoch, head: before.head, reason };
            epoch::begin(connection, epoch, Some(&predecessor))?;
            *tail = Tail::load(connection)?;
            Ok(tail.state.identity.clone())
        })
    }

    /// The same, if the head is still where it is thought to be; none if an entry came meanwhile,
    /// and nothing has changed then. So no entry is left behind in an epoch that was given up.
    ///
    /// # Errors
    /// It cannot be written, or the epoch was begun before.
    pub fn begin_epoch_after(
        &mut self,
        head: Position,
        epoch: Epoch,
        reason: EpochReason,
    ) -> Result<Option<Identity>, ChangeError> {
        if self.tail.state.head != head {
            return Ok(None);
        }
        self.begin_epoch(epoch, reason).map(Some)
    }

    /// The entries of the current epoch after a sequence, at most `count_max` and, beyond the
    /// first, `bytes_max` bytes of records.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn read_after(
        &self,
        after: Sequence,
        count_max: usize,
        bytes_max: usize,
    ) -> Result<Vec<StoredEntry>, ReadError> {
        self.read("read entries", |connection| {
            read::after(connection, self.tail.number, after, count_max, bytes_max)
        })
    }

    /// The chain hash at a sequence of the current epoch; none beyond the head.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn chain_hash(&self, sequence: Sequence) -> Result<Option<ChainHash>, ReadError> {
        self.read("read a chain hash", |connection| {
            epoch::chain_hash(connection, self.tail.number, sequence)
        })
    }

    /// The note under a name.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn note(&self, name: &str) -> Result<Option<Vec<u8>>, ReadError> {
        self.read("read a note", |connection| remember::note(connection, name))
    }

    /// Where an input stands, as written with its last entry.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn cursor(&self, input: &str) -> Result<Option<Vec<u8>>, ReadError> {
        self.read("read an input's cursor", |connection| remember::input_cursor(connection, input))
    }

    /// What happened to the files, newest first.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn incidents(&self, count_max: usize) -> Result<Vec<Incident>, ReadError> {
        self.read("read what happened to the files", |connection| {
            incident::latest(connection, count_max)
        })
    }

    /// Looks whether a disk that was full has room again, and takes events again if so. The thread
    /// that a [`Journal`](crate::Journal) has for it does so by itself.
    pub fn look_for_room(&self) {
        self.reserve.restore();
    }

    pub(crate) const fn reserve(&self) -> &Arc<Reserve> {
        &self.reserve
    }

    /// Bytes that the journal takes.
    #[cfg(test)]
    pub(crate) fn used_bytes(&self) -> Result<u64, ReadError> {
        let log = self.source.log_file();
        self.read("measure the journal", |connection| crate::quota::used(connection, &log))
    }

    /// How long the log is.
    pub(crate) fn log(&self) -> Result<Log, ReadError> {
        self.read("measure the log", Log::measure)
    }

    /// Copies the log into the file, as far as no reader needs it.
    pub(crate) fn copy_log(&self) -> Result<Log, ReadError> {
        self.read("copy the log into the file", Log::copy)
    }

    fn read<T>(
        &self,
        attempt: &'static str,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, ReadError> {
        let connection = self.connection.as_ref().ok_or_else(|| ReadError::new(attempt, Shut))?;
        read(connection).map_err(|error| {
            self.source.look_at(&error);
            ReadError::new(attempt, error)
        })
    }

    pub(crate) const fn source(&self) -> &Arc<Source> {
        &self.source
    }

    fn change<T>(
        &mut self,
        attempt: &'static str,
        operation: impl FnOnce(&Connection, &mut Tail) -> rusqlite::Result<T>,
    ) -> Result<T, ChangeError> {
        self.transact(operation).map_err(|error| ChangeError::new(attempt, error))
    }

    /// Runs one transaction. The head and the mark move only with its commit.
    fn transact<T>(
        &mut self,
        operation: impl FnOnce(&Connection, &mut Tail) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.reopen()?,
        };
        let mut tail = self.tail.clone();
        match in_transaction(&connection, &mut tail, operation) {
            Ok(value) => {
                self.tail = tail;
                self.connection = Some(connection);
                Ok(value)
            }
            Err(error) => {
                self.source.look_at(&error);
                if is_disk_full(&error) {
                    self.reserve.release();
                }
                drop(connection);
                match self.reopen() {
                    Ok(connection) => self.connection = Some(connection),
                    Err(again) => tracing::warn!(
                        error = %again,
                        file = %self.source.file.display(),
                        "the journal could not be opened again after a failed transaction; the next one tries"
                    ),
                }
                Err(error)
            }
        }
    }

    fn reopen(&mut self) -> rusqlite::Result<Connection> {
        let connection = self.source.writer()?;
        settle(&connection)?;
        Source::keep_log(&connection, false)?;
        self.tail = Tail::load(&connection)?;
        Ok(connection)
    }
}

/// The file is shut after a failed transaction and could not be opened again yet.
#[derive(Debug, thiserror::Error)]
#[error("the file is shut after a failed transaction")]
struct Shut;

fn in_transaction<T>(
    connection: &Connection,
    tail: &mut Tail,
    operation: impl FnOnce(&Connection, &mut Tail) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    let value = operation(connection, tail)?;
    connection.prepare_cached("COMMIT")?.execute([])?;
    Ok(value)
}
