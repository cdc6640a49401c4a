//! Room on the disk: how much the journal may take, and a reserve that keeps it going when the disk
//! is full.
//!
//! The reserve is a file of allocated bytes. When a write finds the disk full, the file is removed:
//! what was sold can then still be acknowledged, pruned and copied out of the log, while new events
//! are refused. Once the reserve can be made again, with a margin, they are taken again. Removes
//! nothing that was journaled.

#[cfg(test)]
mod tests;

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fs4::FileExt;
use rusqlite::Connection;
use tokio::sync::watch;

use crate::codec;
use crate::error::AppendError;
use crate::files::{beside, remove_if_there};
use crate::policy;

/// How much of the disk a journal may take. The default is all of it, without a reserve.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Quota {
    /// Bytes of file and log together; none for whatever the disk has.
    pub bytes_max: Option<u64>,
    /// Bytes that are kept aside. A full log should fit, so that it can be copied into the file.
    pub reserve_bytes: u64,
}

/// Whether new events are taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Room {
    /// They are.
    #[default]
    Enough,
    /// The disk is full up to the reserve: they are refused until it can be made again.
    DiskFull,
    /// The journal has reached its quota: they are refused until something was pruned.
    QuotaReached,
}

/// Why an event is refused.
#[derive(Debug, Clone, Copy, thiserror::Error)]
enum NoRoom {
    #[error("the disk is full up to the journal's reserve")]
    Disk,
    #[error("the journal has reached its quota of {0} bytes")]
    Quota(u64),
}

/// The quota and the reserve of an open journal.
#[derive(Debug)]
pub(crate) struct Reserve {
    file: PathBuf,
    quota: Quota,
    room: watch::Sender<Room>,
}

impl Reserve {
    /// The reserve of a journal; it is not made yet.
    pub(crate) fn new(journal: &Path, quota: Quota) -> Self {
        let room = watch::Sender::new(Room::Enough);
        Self { file: beside(journal, ".reserve"), quota, room }
    }

    /// Whether new events are taken.
    pub(crate) fn room(&self) -> Room {
        *self.room.borrow()
    }

    /// Follows it.
    pub(crate) fn room_changes(&self) -> watch::Receiver<Room> {
        self.room.subscribe()
    }

    /// Makes the reserve, if it is not there whole.
    pub(crate) fn prepare(&self) {
        let bytes = self.quota.reserve_bytes;
        let is_made = fs::metadata(&self.file).is_ok_and(|metadata| metadata.len() == bytes);
        if bytes > 0 && !is_made {
            self.restore();
        }
    }

    /// Gives the reserve back to the disk, which is full.
    pub(crate) fn release(&self) {
        if let Err(error) = remove_if_there(&self.file) {
            let file = self.file.display();
            tracing::error!(%error, %file, "the disk is full and the reserve cannot be released");
        }
        self.show(Room::DiskFull);
    }

    /// Makes the reserve again if the disk has room for it and a margin.
    pub(crate) fn restore(&self) {
        match self.allocate() {
            Ok(()) => self.show(Room::Enough),
            Err(error) if is_full(&error) => self.show(Room::DiskFull),
            Err(error) => {
                // A file system that cannot allocate: what is full is then found by writing.
                let file = self.file.display();
                tracing::warn!(%error, %file, "the journal's reserve cannot be made");
                self.show(Room::Enough);
            }
        }
    }

    fn allocate(&self) -> io::Result<()> {
        let bytes = self.quota.reserve_bytes;
        let made = private(&self.file).and_then(|file| {
            FileExt::allocate(&file, bytes.saturating_add(policy::ROOM_MARGIN_BYTES))?;
            file.set_len(bytes)?;
            file.sync_all()
        });
        if made.is_err() || bytes == 0 {
            remove_if_there(&self.file)?;
        }
        made
    }

    /// Why a new event is refused; none if it is taken.
    pub(crate) fn refusal(&self, journal: Option<&Connection>, log: &Path) -> Option<AppendError> {
        if self.room() == Room::DiskFull {
            return Some(AppendError::DiskFull(Arc::new(NoRoom::Disk)));
        }
        let bytes_max = self.quota.bytes_max?;
        // What cannot be measured is found by writing.
        let used = used(journal?, log).ok()?;
        let is_reached = used >= bytes_max;
        self.show(if is_reached { Room::QuotaReached } else { Room::Enough });
        is_reached.then(|| AppendError::DiskFull(Arc::new(NoRoom::Quota(bytes_max))))
    }

    /// Bytes that the journal may still take of its quota; none without one.
    pub(crate) fn quota_left(&self, used: u64) -> Option<u64> {
        self.quota.bytes_max.map(|bytes_max| bytes_max.saturating_sub(used))
    }

    fn show(&self, room: Room) {
        self.room.send_if_modified(|shown| std::mem::replace(shown, room) != room);
    }
}

/// Bytes of the file that hold something, and of its log. Pages that pruning emptied are used again
/// before the file grows.
pub(crate) fn used(journal: &Connection, log: &Path) -> rusqlite::Result<u64> {
    let count = |pragma| journal.pragma_query_value(None, pragma, |row| codec::number(row, 0));
    let (pages, free) = (count("page_count")?, count("freelist_count")?);
    let log = fs::metadata(log).map_or(0, |metadata| metadata.len());
    Ok(pages.saturating_sub(free).saturating_mul(policy::PAGE_BYTES).saturating_add(log))
}

/// Whether an error of the operating system means that the disk is full.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}

fn private(file: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)
}
