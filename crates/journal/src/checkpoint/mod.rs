//! Brings the log back into the file, beside the writer.
//!
//! Copying and syncing a full log takes tens of milliseconds, which no caller should wait for. So a
//! thread of its own copies most of it while the writer goes on, and the writer copies only the
//! last few pages, between two groups: a log starts again from its beginning only once nothing in
//! it is left to copy. Does not write entries.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use rusqlite::Connection;

use crate::open::{OpenError, Source};
use crate::policy;

/// How long the log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Log {
    /// Pages in it.
    pub(crate) pages: usize,
    /// Pages of those that are not in the file yet.
    pub(crate) left: usize,
}

/// What to do about the log.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing.
    Wait,
    /// Let the thread copy beside the writer.
    Beside,
    /// Copy the rest at once, so that the log starts again.
    Finish,
    /// End the reads that keep the log from starting again, and copy.
    Interrupt,
}

impl Log {
    /// Measures the log.
    pub(crate) fn measure(connection: &Connection) -> rusqlite::Result<Self> {
        checkpoint(connection, "PRAGMA wal_checkpoint(NOOP)")
    }

    /// Copies what it can without waiting for anyone.
    pub(crate) fn copy(connection: &Connection) -> rusqlite::Result<Self> {
        checkpoint(connection, "PRAGMA wal_checkpoint(PASSIVE)")
    }

    /// Decides, from the length alone.
    pub(crate) const fn step(self) -> Step {
        if self.pages < policy::CHECKPOINT_PAGES || self.left == 0 {
            return Step::Wait;
        }
        if self.pages >= policy::LOG_INTERRUPT_PAGES {
            return Step::Interrupt;
        }
        if self.left <= policy::CHECKPOINT_FINISH_PAGES { Step::Finish } else { Step::Beside }
    }
}

/// The thread that copies beside the writer.
#[derive(Debug)]
pub(crate) struct Checkpointer {
    wake: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpointer {
    /// Starts the thread, with a connection of its own.
    pub(crate) fn start(source: &Arc<Source>) -> Result<Self, OpenError> {
        let attempt = "start the checkpointing thread of journal";
        let connection = source.writer().map_err(|error| source.refused(attempt, error))?;
        // One wake-up is enough to know that there is something to do.
        let (wake, woken) = sync_channel(1);
        let kept = Arc::clone(source);
        let thread = std::thread::Builder::new()
            .name("journal-checkpoint".to_owned())
            .spawn(move || copy_whenever(&woken, &connection, &kept))
            .map_err(|error| source.failed(attempt, error))?;
        Ok(Self { wake: Some(wake), thread: Some(thread) })
    }

    /// Makes the thread copy, now or once more after what it is copying.
    pub(crate) fn wake(&self) {
        match self.wake.as_ref().map(|wake| wake.try_send(())) {
            None | Some(Ok(()) | Err(TrySendError::Full(()))) => {}
            Some(Err(TrySendError::Disconnected(()))) => {
                tracing::error!("the journal's checkpointing thread ended");
            }
        }
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        drop(self.wake.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the journal's checkpointing thread panicked");
        }
    }
}

fn copy_whenever(woken: &Receiver<()>, connection: &Connection, source: &Source) {
    while woken.recv().is_ok() {
        if let Err(error) = Log::copy(connection) {
            let file = source.file.display();
            tracing::warn!(%error, %file, "the journal's log could not be copied; it is tried again");
        }
    }
}

fn checkpoint(connection: &Connection, sql: &str) -> rusqlite::Result<Log> {
    connection.prepare_cached(sql)?.query_row([], |row| {
        // Both are -1 while nothing was ever written.
        let pages: i64 = row.get(1)?;
        let copied: i64 = row.get(2)?;
        let pages_of = |count: i64| usize::try_from(count).unwrap_or(0);
        Ok(Log { pages: pages_of(pages), left: pages_of(pages - copied) })
    })
}
