//! The journal as the agent holds it: changes go to the writing thread, reads to a few readers.
//!
//! Cheap to clone; the file is closed when the last clone is gone and what was queued is
//! committed. A simulation has both made in line. Decides nothing itself.

mod reads;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use protocol::chain::{Epoch, Position};
use protocol::downlink::DownlinkCursor;
use protocol::handshake::EpochReason;
use protocol::progress::Progress;
use tokio::sync::watch;

use crate::append::{self, Appended, NewEntry, Prepared};
use crate::epoch::{Identity, State};
use crate::error::{AcknowledgeError, AppendError, ChangeError};
use crate::file::JournalFile;
use crate::head::HeadCopy;
use crate::head::judge::Standing;
use crate::in_line::{Disk, InLine};
use crate::incident::Incident;
use crate::open::{OpenError, Options, Source, Terms};
use crate::quota::{Reserve, Room};
use crate::readers::Readers;
use crate::verify::{self, Verification, VerifyProgress};
use crate::writer::{Ended, Published, Writer};

/// An open journal.
#[derive(Debug, Clone)]
pub struct Journal {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    readers: Readers,
    // The writer goes last: its connection takes the log with it.
    changes: Changes,
    published: Arc<Published>,
    source: Arc<Source>,
    standing: Standing,
    noticed: Option<Incident>,
    copy: Arc<HeadCopy>,
    reserve: Arc<Reserve>,
}

/// Where changes are made.
#[derive(Debug)]
enum Changes {
    OnThread(Writer),
    InLine(InLine),
}

impl Changes {
    async fn append(
        &self,
        entries: Vec<Prepared>,
    ) -> Result<Vec<Result<Appended, AppendError>>, Ended> {
        match self {
            Self::OnThread(writer) => writer.append(entries).await,
            Self::InLine(file) => Ok(file.append(entries).await),
        }
    }

    async fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut JournalFile) -> T + Send + 'static,
    ) -> Result<T, Ended> {
        match self {
            Self::OnThread(writer) => writer.change(change).await,
            Self::InLine(file) => Ok(file.change(change).await),
        }
    }
}

impl Journal {
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
    /// As [`Self::open`].
    pub fn open_under(options: &Options, terms: &Terms) -> Result<Self, OpenError> {
        let file = JournalFile::open_under(options, terms)?;
        let source = Arc::clone(file.source());
        let published = Arc::new(Published::new(file.state().clone()));
        let readers = Readers::new(Arc::clone(&source));
        let (standing, noticed) = (file.standing(), file.noticed().cloned());
        let copy = Arc::clone(file.head_copy());
        let reserve = Arc::clone(file.reserve());
        let changes = Writer::start(file, Arc::clone(&published), readers.clone())?;
        let changes = Changes::OnThread(changes);
        let inner = Inner { readers, changes, published, source, standing, noticed, copy, reserve };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The journal over an open file without threads, for a simulation: whoever asks waits for
    /// the disk that is handed in and does the work itself.
    #[must_use]
    pub fn in_line(file: Arc<Mutex<JournalFile>>, disk: Disk) -> Self {
        let opened = file.lock().unwrap_or_else(PoisonError::into_inner);
        let source = Arc::clone(opened.source());
        let published = Arc::new(Published::new(opened.state().clone()));
        let (standing, noticed) = (opened.standing(), opened.noticed().cloned());
        let copy = Arc::clone(opened.head_copy());
        let reserve = Arc::clone(opened.reserve());
        drop(opened);
        let readers = Readers::in_line(Arc::clone(&source), Arc::clone(&disk));
        let changes = Changes::InLine(InLine::new(file, Arc::clone(&published), disk));
        let inner = Inner { readers, changes, published, source, standing, noticed, copy, reserve };
        Self { inner: Arc::new(inner) }
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
        let mut written = match self.inner.changes.append(ready).await {
            Ok(outcomes) => outcomes.into_iter(),
            Err(Ended) => Vec::new().into_iter(),
        };
        let mut outcome = || written.next().unwrap_or(Err(AppendError::Closed));
        prepared.into_iter().map(|prepared| prepared.and_then(|()| outcome())).collect()
    }

    /// Who this journal is and how far it is, as of one commit.
    #[must_use]
    pub fn state(&self) -> State {
        self.inner.published.state()
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

    /// How journal and head copy stood to each other when it was opened.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.inner.standing
    }

    /// Whether new events are taken, and if not, what is full.
    #[must_use]
    pub fn room(&self) -> Room {
        self.inner.reserve.room()
    }

    /// Follows it.
    #[must_use]
    pub fn room_changes(&self) -> watch::Receiver<Room> {
        self.inner.reserve.room_changes()
    }

    /// Becomes true when a page cannot be read: the journal is to be closed and opened again under
    /// terms that salvage it.
    #[must_use]
    pub fn damage(&self) -> watch::Receiver<bool> {
        self.inner.source.damage()
    }

    /// What this opening noticed of the files, and wrote down; none if all was well.
    #[must_use]
    pub fn noticed(&self) -> Option<&Incident> {
        self.inner.noticed.as_ref()
    }

    /// Brings the head copy up to the last commit; durable when it returns. To be called before
    /// entries leave this host: what the relay holds, the copy then knows of. It costs nothing if
    /// the copy is level already.
    ///
    /// # Errors
    /// It cannot be written.
    pub async fn sync_head_copy(&self) -> Result<(), ChangeError> {
        let attempt = "sync the head copy";
        if let Changes::InLine(file) = &self.inner.changes {
            let kept = file.change(|file| file.sync_head_copy()).await;
            return kept.map_err(|error| ChangeError::failed(attempt, error));
        }
        let inner = Arc::clone(&self.inner);
        let kept = tokio::task::spawn_blocking(move || inner.copy.keep(|| inner.published.state()));
        let kept = kept.await.map_err(|error| ChangeError::failed(attempt, error))?;
        kept.map_err(|error| ChangeError::failed(attempt, error))
    }

    /// Follows the head.
    #[must_use]
    pub fn head_changes(&self) -> watch::Receiver<Position> {
        self.inner.published.head.subscribe()
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
        let change = self.inner.changes.change(move |file| file.acknowledge(position, now));
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

    /// Keeps a small note under a name, in place of the one before; durable when it returns.
    ///
    /// # Errors
    /// It cannot be written.
    pub async fn put_note(&self, name: &str, value: &[u8]) -> Result<(), ChangeError> {
        let (name, value) = (name.to_owned(), value.to_owned());
        self.change("keep a note", move |file| file.put_note(&name, &value)).await
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

    /// The same, if the head is still where it is thought to be; none if an entry came meanwhile,
    /// and nothing has changed then.
    ///
    /// # Errors
    /// It cannot be written, or the epoch was begun before.
    pub async fn begin_epoch_after(
        &self,
        head: Position,
        epoch: Epoch,
        reason: EpochReason,
    ) -> Result<Option<Identity>, ChangeError> {
        let begin = move |file: &mut JournalFile| file.begin_epoch_after(head, epoch, reason);
        self.change("begin an epoch", begin).await
    }

    /// Waits until the thread that writes has done what was asked of it before. It answers whether
    /// or not the disk takes anything: it says that the thread lives, not that it can write.
    ///
    /// # Errors
    /// It has ended.
    pub async fn reach_writer(&self) -> Result<(), ChangeError> {
        self.change("reach the writer", |_file| Ok(())).await
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

    async fn change<T: Send + 'static>(
        &self,
        attempt: &'static str,
        change: impl FnOnce(&mut JournalFile) -> Result<T, ChangeError> + Send + 'static,
    ) -> Result<T, ChangeError> {
        let outcome = self.inner.changes.change(change).await;
        outcome.unwrap_or(Err(ChangeError::Closed { attempt }))
    }
}
