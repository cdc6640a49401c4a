//! A few connections that read beside the writer, each look in one snapshot.
//!
//! Reads see every commit that was answered before they began. Writes nothing.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::codec::Fault;
use super::open::open_reader;
use super::writer::Disk;
use crate::store::StoreError;

/// Reads at the same time. They run on the cores that ingest and dispatch need as well.
const READERS_MAX: usize = 4;

/// The reading connections.
#[derive(Clone)]
pub(super) struct Readers {
    path: Arc<PathBuf>,
    idle: Arc<Mutex<Vec<Connection>>>,
    permits: Arc<Semaphore>,
    /// Reads are done where they are asked for, after this.
    in_line: Option<Disk>,
}

impl Readers {
    /// Connections to a file, opened when they are first needed.
    pub(super) fn new(path: PathBuf) -> Self {
        let permits = Arc::new(Semaphore::new(READERS_MAX));
        Self { path: Arc::new(path), idle: Arc::default(), permits, in_line: None }
    }

    /// The same, without threads.
    pub(super) fn in_line(path: PathBuf, disk: Disk) -> Self {
        Self { in_line: Some(disk), ..Self::new(path) }
    }

    /// Runs a read in one snapshot.
    pub(super) async fn run<T, F>(&self, attempt: &'static str, read: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    {
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| StoreError::Database {
            attempt,
            source,
        };
        if let Some(disk) = &self.in_line {
            disk().await;
            return self.run_now(read).map_err(|fault| fault.during(attempt));
        }
        let permit =
            Arc::clone(&self.permits).acquire_owned().await.map_err(|e| failed(e.into()))?;
        let this = self.clone();
        let task = tokio::task::spawn_blocking(move || {
            let outcome = this.run_now(read);
            drop(permit);
            outcome
        });
        task.await.map_err(|e| failed(e.into()))?.map_err(|fault| fault.during(attempt))
    }

    fn run_now<T>(&self, read: impl FnOnce(&Connection) -> Result<T, Fault>) -> Result<T, Fault> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => open_reader(&self.path)?,
        };
        let snapshot = connection.unchecked_transaction()?;
        let value = read(&snapshot)?;
        snapshot.commit()?;
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        Ok(value)
    }
}

impl fmt::Debug for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readers").field("path", &self.path).finish_non_exhaustive()
    }
}
