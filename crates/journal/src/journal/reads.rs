//! What is read from an open journal, each look in one short snapshot beside the writer.
//!
//! Changes nothing.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use protocol::chain::{ChainHash, Position, Sequence};
use protocol::downlink::DownlinkCursor;
use protocol::id::EventId;
use protocol::progress::Progress;
use rusqlite::Connection;

use super::Journal;
use crate::cursor::read::{Filter, JournaledEvent, PageEnd, StoredEntry};
use crate::cursor::stats::Stats;
use crate::cursor::{read, remember, stats};
use crate::epoch;
use crate::error::ReadError;
use crate::incident::{self, Incident, Missing};
use crate::quota;

impl Journal {
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

    /// Entries of every epoch oldest first, after the end of an earlier page; at most `count_max`
    /// and, beyond the first, `bytes_max` bytes of records.
    ///
    /// # Errors
    /// They cannot be read.
    pub async fn forward(
        &self,
        after: Option<PageEnd>,
        count_max: usize,
        bytes_max: usize,
    ) -> Result<Vec<JournaledEvent>, ReadError> {
        self.read("export entries", move |connection| {
            read::forward(connection, after, count_max, bytes_max)
        })
        .await
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

    /// What happened to the journal's files, newest first, at most `count_max`.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn incidents(&self, count_max: usize) -> Result<Vec<Incident>, ReadError> {
        let attempt = "read what happened to the files";
        self.read(attempt, move |connection| incident::latest(connection, count_max)).await
    }

    /// Every entry that this host is known to have lost.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn missing(&self) -> Result<Vec<Missing>, ReadError> {
        self.read("read which entries are gone", incident::missing_everywhere).await
    }

    /// The last of the entries of the current epoch that directly follow a sequence and whose
    /// content was pruned; none if the next one has its content.
    ///
    /// # Errors
    /// They cannot be read.
    pub async fn pruned_after(&self, after: Sequence) -> Result<Option<Position>, ReadError> {
        self.read("look for pruned entries", move |connection| {
            read::pruned_after(connection, epoch::current(connection)?, after)
        })
        .await
    }

    /// Where the entries of the current epoch after a sequence, up to another one, stand in
    /// targets, as the relay last said.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn progress_between(
        &self,
        after: Sequence,
        up_to: Sequence,
    ) -> Result<Vec<Progress>, ReadError> {
        self.read("read progress", move |connection| {
            let number = epoch::current(connection)?;
            remember::progress_between(connection, number, after, up_to)
        })
        .await
    }

    /// The journal in figures; its cost does not grow with the journal.
    ///
    /// # Errors
    /// They cannot be read.
    pub async fn stats(&self) -> Result<Stats, ReadError> {
        let source = Arc::clone(&self.inner.source);
        let log = source.log_file();
        let figures = move |connection: &Connection| {
            let used_bytes = quota::used(connection, &log)?;
            Ok(Stats { used_bytes, ..stats::stats(connection)? })
        };
        let mut stats = self.read("read the journal's figures", figures).await?;
        let size = |file: &Path| match fs::metadata(file) {
            Ok(metadata) => Ok(metadata.len()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(0),
            Err(error) => Err(ReadError::new("measure the journal's files", error)),
        };
        stats.quota_left_bytes = self.inner.reserve.quota_left(stats.used_bytes);
        let folder = source.file.parent().filter(|folder| !folder.as_os_str().is_empty());
        let free = fs4::available_space(folder.unwrap_or(Path::new(".")));
        stats.disk_free_bytes = free.map_err(|error| ReadError::new("measure the disk", error))?;
        stats.file_bytes = size(&source.file)?;
        stats.log_bytes = size(&source.log_file())?;
        Ok(stats)
    }

    async fn read<T: Send + 'static>(
        &self,
        attempt: &'static str,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, ReadError> {
        self.inner.readers.run(attempt, read).await
    }
}
