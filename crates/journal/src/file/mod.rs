//! The journal in one thread: every change, one transaction each.
//!
//! [`Journal`](crate::Journal) puts this on a thread of its own; a simulation may drive it in line.
//! A failed transaction costs the connection: the file is opened again, what the log holds is
//! made durable, and the head is read anew, because after a failed sync nobody knows what is on
//! disk. Starts no thread, reads no clock and draws nothing.

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
use crate::error::{AcknowledgeError, AppendError, ChangeError, ReadError};
use crate::head::judge::{CopiedEpoch, Evidence, Standing, judge};
use crate::head::{self, Copied, HeadCopy};
use crate::incident::{self, Incident, IncidentKind};
use crate::open::{OpenError, Options, Source, Terms};
use crate::schema;

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
}

impl JournalFile {
    /// Opens a journal, or begins one.
    ///
    /// # Errors
    /// Another process has it, the key is another one, the file is damaged or needs a later
    /// version, or the file system refuses.
    pub fn open(options: &Options) -> Result<Self, OpenError> {
        Self::open_under(options, &Terms::default())
    }

    /// Opens a journal under terms, or begins one.
    ///
    /// # Errors
    /// As [`JournalFile::open`].
    pub fn open_under(options: &Options, terms: &Terms) -> Result<Self, OpenError> {
        let source = Source::take_with(&options.file, &options.key, terms.seams)?;
        let found = head::find(&source)?;
        if let Some(copied) = found.held()
            && !terms.seams.ignore_head_copy
            && source.is_absent()?
        {
            let Copied { epoch, head, .. } = *copied;
            let lost = Standing::TailLost { epoch, last: Sequence::NONE, copied: head };
            return Err(source.lost(lost));
        }
        source.create()?;
        let failed = |error| source.refused("open journal", error);
        let connection = source.writer().map_err(failed)?;
        let version = schema::prepare(&source, &connection, options.new_epoch)?;
        source.sync_folder()?;
        settle(&connection).map_err(failed)?;
        let tail = Tail::load(&connection).map_err(failed)?;
        let evidence = evidence(&connection, &tail, version, found.held()).map_err(failed)?;
        let standing = match terms.seams.ignore_head_copy {
            true => Standing::Holds,
            false => judge(&found, &evidence),
        };
        if standing.is_loss() {
            return Err(source.lost(standing));
        }
        let is_kept = !standing.is_alarm() || terms.salvage_at.is_some();
        let head_copy = Arc::new(HeadCopy::new(&source, found, is_kept)?);
        let connection = Some(connection);
        let mut file = Self { source, connection, tail, standing, noticed: None, head_copy };
        if let Some(at) = terms.salvage_at {
            file.write_down(at)?;
        }
        file.sync_head_copy()
            .map_err(|error| file.source.failed("write the head copy of", error))?;
        Ok(file)
    }

    /// Writes down what the opening found, before the next one finds it in order.
    fn write_down(&mut self, at: Timestamp) -> Result<(), OpenError> {
        let Some(kind) = IncidentKind::of(self.standing) else { return Ok(()) };
        let epoch = self.tail.state.identity.epoch;
        let incident = Incident { at, kind, epoch, set_aside: None, missing: Vec::new() };
        let recorded = self.transact(|connection, _| incident::record(connection, &incident));
        recorded.map_err(|error| self.source.refused("write down what happened to", error))?;
        self.noticed = Some(incident);
        Ok(())
    }

    /// What this opening noticed of the files, and wrote down.
    #[must_use]
    pub const fn noticed(&self) -> Option<&Incident> {
        self.noticed.as_ref()
    }

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
        read(connection).map_err(|error| ReadError::new(attempt, error))
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
        self.tail = Tail::load(&connection)?;
        Ok(connection)
    }
}

/// What the journal says about the copy.
fn evidence(
    connection: &Connection,
    tail: &Tail,
    version: u32,
    copied: Option<&Copied>,
) -> rusqlite::Result<Evidence> {
    let number = copied.map(|copied| read::number_of(connection, copied.epoch)).transpose()?;
    let copied_epoch = match (copied, number.flatten()) {
        (Some(copied), Some(number)) => Some(CopiedEpoch {
            last: epoch::last_entry(connection, number)?.sequence,
            chain_hash: epoch::chain_hash(connection, number, copied.head.sequence)?,
        }),
        _ => None,
    };
    Ok(Evidence {
        is_new: version == 0,
        is_older: version < schema::WITH_HEAD_COPY,
        current: tail.state.identity.epoch,
        acknowledged: tail.state.acknowledged.sequence,
        copied_epoch,
    })
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

/// Makes durable whatever the log holds. A crash may have left a commit that was written but not
/// synced; it must not be answered as a replay before it is.
fn settle(connection: &Connection) -> rusqlite::Result<()> {
    let busy: bool = connection.query_row("PRAGMA wal_checkpoint(FULL)", [], |row| row.get(0))?;
    match busy {
        false => Ok(()),
        true => Err(rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY),
            Some("the log could not be made durable".to_owned()),
        )),
    }
}
