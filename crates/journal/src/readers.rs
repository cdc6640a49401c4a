//! A few connections that read beside the writer, each look in one short snapshot.
//!
//! Reads see every commit that was answered before they began, and never wait for the writer.
//! Writes nothing.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, InterruptHandle};
use tokio::sync::Semaphore;

use crate::error::ReadError;
use crate::in_line::Disk;
use crate::open::Source;
use crate::policy;

/// The reading connections, opened when they are first needed.
#[derive(Clone)]
pub(crate) struct Readers {
    source: Arc<Source>,
    idle: Arc<Mutex<Vec<Connection>>>,
    running: Arc<Mutex<Running>>,
    permits: Arc<Semaphore>,
    /// Reads are made in line, after this.
    in_line: Option<Disk>,
}

/// The reads under way, by a number of each.
#[derive(Default)]
struct Running {
    next: u64,
    reads: Vec<(u64, InterruptHandle)>,
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("reads", &self.reads.len()).finish_non_exhaustive()
    }
}

/// A read that is under way until this is dropped.
struct Underway<'a> {
    readers: &'a Readers,
    number: u64,
}

impl Drop for Underway<'_> {
    fn drop(&mut self) {
        self.readers.running().reads.retain(|(number, _)| *number != self.number);
    }
}

impl Readers {
    pub(crate) fn new(source: Arc<Source>) -> Self {
        let permits = Arc::new(Semaphore::new(policy::READERS_MAX));
        Self { source, idle: Arc::default(), running: Arc::default(), permits, in_line: None }
    }

    pub(crate) fn in_line(source: Arc<Source>, disk: Disk) -> Self {
        Self { in_line: Some(disk), ..Self::new(source) }
    }

    /// Runs a read in one snapshot, off the async threads.
    pub(crate) async fn run<T, F>(&self, attempt: &'static str, read: F) -> Result<T, ReadError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        if let Some(disk) = &self.in_line {
            disk().await;
            return self.run_now(read).map_err(|error| ReadError::new(attempt, error));
        }
        let permit = Arc::clone(&self.permits)
            .acquire_owned()
            .await
            .map_err(|error| ReadError::new(attempt, error))?;
        let this = self.clone();
        let task = tokio::task::spawn_blocking(move || {
            let outcome = this.run_now(read);
            drop(permit);
            outcome
        });
        let outcome = task.await.map_err(|error| ReadError::new(attempt, error))?;
        outcome.map_err(|error| ReadError::new(attempt, error))
    }

    /// Runs a read in one snapshot, here. A connection on which a read failed is not kept.
    pub(crate) fn run_now<T>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.source.reader()?,
        };
        let underway = self.underway(connection.get_interrupt_handle());
        let snapshot = connection.unchecked_transaction()?;
        let value = match read(&snapshot) {
            Ok(value) => value,
            Err(error) => {
                self.source.look_at(&error);
                return Err(error);
            }
        };
        snapshot.commit()?;
        drop(underway);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        Ok(value)
    }

    /// Ends every read that is under way; each fails, and whoever asked asks again.
    pub(crate) fn interrupt(&self) {
        let running = self.running();
        if !running.reads.is_empty() {
            let (reads, file) = (running.reads.len(), self.source.file.display());
            tracing::warn!(reads, %file, "reads were interrupted because they kept the journal's log long");
        }
        for (_, read) in &running.reads {
            read.interrupt();
        }
    }

    fn underway(&self, handle: InterruptHandle) -> Underway<'_> {
        let mut running = self.running();
        let number = running.next;
        running.next += 1;
        running.reads.push((number, handle));
        Underway { readers: self, number }
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readers").field("source", &self.source).finish_non_exhaustive()
    }
}
