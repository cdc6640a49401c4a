//! A few connections that read beside the writer, each look in one short snapshot.
//!
//! Reads see every commit that was answered before they began, and never wait for the writer.
//! Writes nothing.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use crate::error::ReadError;
use crate::open::Source;
use crate::policy;

/// The reading connections, opened when they are first needed.
#[derive(Debug, Clone)]
pub(crate) struct Readers {
    source: Arc<Source>,
    idle: Arc<Mutex<Vec<Connection>>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    pub(crate) fn new(source: Arc<Source>) -> Self {
        let permits = Arc::new(Semaphore::new(policy::READERS_MAX));
        Self { source, idle: Arc::default(), permits }
    }

    /// Runs a read in one snapshot, off the async threads.
    pub(crate) async fn run<T, F>(&self, attempt: &'static str, read: F) -> Result<T, ReadError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
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
        let snapshot = connection.unchecked_transaction()?;
        let value = read(&snapshot)?;
        snapshot.commit()?;
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        Ok(value)
    }
}
