//! The journal as the agent holds it: changes go to the writing thread, reads to a few readers.
//!
//! Cheap to clone; the file is closed when the last clone is gone and what was queued is
//! committed. Decides nothing itself.

#[cfg(test)]
mod tests;

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;
use protocol::chain::{ChainHash, Epoch, Position, Sequence};
use protocol::downlink::DownlinkCursor;
use protocol::handshake::EpochReason;
use protocol::id::EventId;
use protocol::progress::Progress;
use rusqlite::Connection;
use tokio::sync::watch;

use crate::append::{self, Appended, NewEntry, Prepared};
use crate::cursor::read::{Filter, JournaledEvent, PageEnd, StoredEntry};
use crate::cursor::stats::Stats;
use crate::cursor::{read, remember, stats};
use crate::epoch::{self, Identity, State};
use crate::error::{AcknowledgeError, AppendError, ChangeError, ReadError};
use crate::file::JournalFile;
use crate::open::{OpenError, Options, Source};
use crate::readers::Readers;
use crate::seams::Seams;
use crate::verify::{self, Verification, VerifyProgress};
use crate::writer::{Ended, Published, Writer};

/// An open journal.
#[derive(Debug, Clone)]
pub struct Journal {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    // The writer goes first: the last connection to close takes the log with it.
    writer: Writer,
    readers: Readers,
    published: Arc<Published>,
    source: Arc<Source>,
}

impl Journal {
    /// Opens a journal, or begins one.
    ///
    /// # Errors
    /// Another process has it, the key is another one, the file is damaged or needs a later
    /// version, or the file system refuses.
    pub fn open(options: &Options) -> Result<Self, OpenError> {
        Self::open_with(options, Seams::default())
    }

    /// Opens a journal as a harness wants it.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_with(options: &Options, seams: Seams) -> Result<Self, OpenError> {
        let file = JournalFile::open_with(options, seams)?;
        let source = Arc::clone(file.source());
        let state = file.state().clone();
        let head = watch::Sender::new(state.head);
        let published = Arc::new(Published { state: RwLock::new(state), head });
        let writer = Writer::start(file, Arc::clone(&published))?;
        let readers = Readers::new(Arc::clone(&source));
        Ok(Self { inner: Arc::new(Inner { writer, readers, published, source }) })
    }

    /// Appends an entry; it is durable when this returns.
    ///
    /// # Errors
    /// The entry breaks a rule, or nothing was written.
    pub async fn append(&self, entry: NewEntry) -> Result<Appended, AppendError> {
        let outcome = self.append_group(vec![entry]).await.pop();
        outcome.unwrap_or(Err(AppendError::Closed))
    }

    /// Appends entries in order, together in as few transactions as bounds allow (one, for what
    /// one local request may bring). Each has an outcome of its own.
    pub async fn append_all(&self, entries: Vec<NewEntry>) -> Vec<Result<Appended, AppendError>> {
        let mut outcomes = Vec::with_capacity(entries.len());
        for group in append::groups(entries) {
            outcomes.extend(self.append_group(group).await);
        }
        outcomes
    }

    /// Appends what fits one group. What cannot be prepared fails here; the rest is written.
    async fn append_group(&self, entries: Vec<NewEntry>) -> Vec<Result<Appended, AppendError>> {
        let mut ready = Vec::with_capacity(entries.len());
        let prepared: Vec<Result<(), AppendError>> = entries
            .into_iter()
            .map(|entry| Prepared::new(entry).map(|prepared| ready.push(prepared)))
            .collect();
        let mut written = match self.inner.writer.append(ready).await {
            Ok(outcomes) => outcomes.into_iter(),
            Err(Ended) => Vec::new().into_iter(),
        };
        let mut outcome = || written.next().unwrap_or(Err(AppendError::Closed));
        prepared.into_iter().map(|prepared| prepared.and_then(|()| outcome())).collect()
    }

    /// Who this journal is and how far it is, as of one commit.
    #[must_use]
    pub fn state(&self) -> State {
        self.inner.published.state.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Who this journal is.
    #[must_use]
    pub fn identity(&self) -> Identity {
        self.state().identity
    }

    /// The last committed entry.
    #[must_use]
    pub fn head(&self) -> Position {
        self.state().head
    }

    /// The last entry that the relay acknowledged.
    #[must_use]
    pub fn acknowledged(&self) -> Position {
        self.state().acknowledged
    }

    /// Follows the head.
    #[must_use]
    pub fn head_changes(&self) -> watch::Receiver<Position> {
        self.inner.published.head.subscribe()
    }

    /// The entries of the current epoch after a sequence, at most `count_max` and, beyond the
    /// first, `bytes_max` bytes of records.
    ///
    /// # Errors
    /// They cannot be read.
    pub async fn read_after(
        &self,
        after: Sequence,
        count_max: usize,
        bytes_max: usize,
    ) -> Result<Vec<StoredEntry>, ReadError> {
        self.read("read entries", move |connection| {
            let number = epoch::current(connection)?;
            read::after(connection, number, after, count_max, bytes_max)
        })
        .await
    }

    /// The chain hash at a sequence of the current epoch; of sequence 0, the one before the first
    /// entry; none beyond the head.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn chain_hash(&self, sequence: Sequence) -> Result<Option<ChainHash>, ReadError> {
        self.read("read a chain hash", move |connection| {
            epoch::chain_hash(connection, epoch::current(connection)?, sequence)
        })
        .await
    }

    /// Moves the acknowledged mark of the current epoch; durable when it returns. An
    /// acknowledgement at or below the mark changes nothing. `now` is what pruning goes by later.
    ///
    /// # Errors
    /// The position is not in our history, or the mark cannot be written.
    pub async fn acknowledge(
        &self,
        position: Position,
        now: Timestamp,
    ) -> Result<(), AcknowledgeError> {
        let closed = ChangeError::Closed { attempt: "write an acknowledgement" };
        let change = self.inner.writer.change(move |file| file.acknowledge(position, now));
        change.await.unwrap_or(Err(closed.into()))
    }

    /// Removes bodies acknowledged before a time, oldest first, at most `count_max` and no more
    /// than appends should wait for (500); returns how many. Identities, hashes and positions
    /// stay. Call it until it returns 0.
    ///
    /// # Errors
    /// They cannot be removed.
    pub async fn prune(
        &self,
        acknowledged_before: Timestamp,
        count_max: usize,
    ) -> Result<u64, ChangeError> {
        self.change("prune bodies", move |file| file.prune(acknowledged_before, count_max)).await
    }

    /// The entries of an event, oldest first; more than one only if it came in conflict with
    /// itself.
    ///
    /// # Errors
    /// They cannot be read.
    pub async fn by_event(&self, id: EventId) -> Result<Vec<JournaledEvent>, ReadError> {
        self.read("look for an event", move |connection| read::by_event(connection, id)).await
    }

    /// At most `count_max` entries whose natural key begins with a prefix, in the order of the keys.
    ///
    /// # Errors
    /// They cannot be read.
    pub async fn by_natural_key_prefix(
        &self,
        prefix: &str,
        count_max: usize,
    ) -> Result<Vec<JournaledEvent>, ReadError> {
        let prefix = prefix.to_owned();
        self.read("look for a natural key", move |connection| {
            read::by_natural_key_prefix(connection, &prefix, count_max)
        })
        .await
    }

    /// The newest entries, newest first; with `before`, those before the end of an earlier page.
    ///
    /// # Errors
    /// They cannot be read.
    pub async fn latest(
        &self,
        filter: Filter,
        before: Option<PageEnd>,
        count_max: usize,
    ) -> Result<Vec<JournaledEvent>, ReadError> {
        self.read("list entries", move |connection| {
            read::latest(connection, filter, before, count_max)
        })
        .await
    }

    /// Keeps the relay's last word about events, and the position after it in the downlink;
    /// durable when it returns. Items about entries that this file does not hold are passed over.
    ///
    /// # Errors
    /// It cannot be written.
    pub async fn record_progress(
        &self,
        items: Vec<Progress>,
        cursor: DownlinkCursor,
    ) -> Result<(), ChangeError> {
        self.change("record progress", move |file| file.record_progress(&items, cursor)).await
    }

    /// Where an event stands in each target, as the relay last said.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn progress_of(&self, id: EventId) -> Result<Vec<Progress>, ReadError> {
        self.read("read progress", move |connection| remember::progress_of(connection, id)).await
    }

    /// The last position read from the downlink; 0 before the first.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn downlink_cursor(&self) -> Result<DownlinkCursor, ReadError> {
        self.read("read the downlink's cursor", remember::downlink_cursor).await
    }

    /// Keeps a small note under a name, in place of the one before; durable when it returns.
    ///
    /// # Errors
    /// It cannot be written.
    pub async fn put_note(&self, name: &str, value: &[u8]) -> Result<(), ChangeError> {
        let (name, value) = (name.to_owned(), value.to_owned());
        self.change("keep a note", move |file| file.put_note(&name, &value)).await
    }

    /// The note under a name.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn note(&self, name: &str) -> Result<Option<Vec<u8>>, ReadError> {
        let name = name.to_owned();
        self.read("read a note", move |connection| remember::note(connection, &name)).await
    }

    /// Where an input stands, as written with its last entry.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn cursor(&self, input: &str) -> Result<Option<Vec<u8>>, ReadError> {
        let input = input.to_owned();
        let attempt = "read an input's cursor";
        self.read(attempt, move |connection| remember::input_cursor(connection, &input)).await
    }

    /// Begins a new epoch that names the current one as its predecessor. The entries of the old
    /// one stay readable, and their natural keys go on dropping replays.
    ///
    /// # Errors
    /// It cannot be written, or the epoch was begun before.
    pub async fn begin_epoch(
        &self,
        epoch: Epoch,
        reason: EpochReason,
    ) -> Result<Identity, ChangeError> {
        self.change("begin an epoch", move |file| file.begin_epoch(epoch, reason)).await
    }

    /// The journal in figures; its cost does not grow with the journal.
    ///
    /// # Errors
    /// They cannot be read.
    pub async fn stats(&self) -> Result<Stats, ReadError> {
        let source = Arc::clone(&self.inner.source);
        let mut stats = self.read("read the journal's figures", stats::stats).await?;
        let size = |file: &Path| match fs::metadata(file) {
            Ok(metadata) => Ok(metadata.len()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(0),
            Err(error) => Err(ReadError::new("measure the journal's files", error)),
        };
        stats.file_bytes = size(&source.file)?;
        stats.log_bytes = size(&source.log_file())?;
        Ok(stats)
    }

    /// Recomputes the whole chain while the journal is in use, up to the head of this moment.
    /// Blocks; call it off the async threads.
    ///
    /// # Errors
    /// The file cannot be read at all. What is wrong within it is in the answer.
    pub fn verify(
        &self,
        progress: &mut dyn FnMut(VerifyProgress),
    ) -> Result<Verification, OpenError> {
        verify::verify_source(&self.inner.source, progress)
    }

    async fn read<T: Send + 'static>(
        &self,
        attempt: &'static str,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, ReadError> {
        self.inner.readers.run(attempt, read).await
    }

    async fn change<T: Send + 'static>(
        &self,
        attempt: &'static str,
        change: impl FnOnce(&mut JournalFile) -> Result<T, ChangeError> + Send + 'static,
    ) -> Result<T, ChangeError> {
        let outcome = self.inner.writer.change(change).await;
        outcome.unwrap_or(Err(ChangeError::Closed { attempt }))
    }
}
