//! The store in PostgreSQL: for several replicas and for chains of more than some fifty stores.
//!
//! Every replica may do everything at any time; what may not happen twice is kept apart by row
//! locks (`transaction`) and fences (`lanes`), never by a process's memory. Events stand in
//! partitions by day (`days`), natural keys in a table of their own that is never partitioned by
//! time. `store_id` leads every key, so that the schema distributes on Citus. Does not decide
//! anything that `ingest` or `dispatch` decide.

mod books;
mod bundles;
mod carry;
mod codec;
mod copies;
mod days;
mod deliveries;
mod devices;
mod hints;
mod holding;
mod ingest;
mod lanes;
mod open;
mod people;
mod progress;
mod records;
mod schema;
mod seam;
mod sessions;
#[cfg(test)]
pub(crate) mod tests;
mod transaction;
mod views;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use deadpool_postgres::{Client, Pool};
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use protocol::chain::Sequence;
use tokio_postgres::IsolationLevel;

use self::codec::Fault;
use self::days::{Day, Days};
use self::hints::Hints;
use self::transaction::Transaction;
use super::model::{Batch, Dedupe};
use super::wake::Wakes;
use super::{Store, StoreError};

pub use carry::Carried;
pub use open::{Address, AddressError, parse};
pub use schema::WhenEmpty;

/// The store in a database.
pub struct PostgresStore {
    pool: Pool,
    days: Days,
    wakes: Arc<Wakes>,
    hints: Hints,
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").field("hints", &self.hints).finish_non_exhaustive()
    }
}

/// What a transaction does.
type Outcome<'c, T> = BoxFuture<'c, Result<T, Fault>>;

impl PostgresStore {
    /// Connects, checks that the server keeps what it acknowledges, and brings the schema up to
    /// date.
    ///
    /// # Errors
    /// The address cannot be used, the database not reached, or it is of a later version.
    pub async fn open(address: &Address, when_empty: WhenEmpty) -> Result<Self, StoreError> {
        let attempt = "connect to the database";
        let failed = |source: AddressError| StoreError::Database {
            attempt: "read how to reach the database",
            source: Box::new(source),
        };
        let connector = open::connector(address).map_err(failed)?;
        let pool = open::pool(&connector).map_err(|fault| fault.during(attempt))?;
        let mut client = connected(&pool, attempt).await?;
        schema::check_server(&client).await.map_err(|fault| fault.during(attempt))?;
        let migrated = schema::migrate(&mut client, when_empty).await;
        migrated.map_err(|fault| fault.during("bring the store's schema up to date"))?;
        let wakes = Arc::new(Wakes::default());
        let hints = Hints::start(connector, Arc::clone(&wakes));
        Ok(Self { pool, days: Days::default(), wakes, hints })
    }

    /// Carries a SQLite store over, all or nothing: the database has to be empty, and no process
    /// may have the file open meanwhile. The file is left as it is.
    ///
    /// # Errors
    /// The file is in use or cannot be read, the database is not empty, or what arrived there is
    /// not what stands in the file; the database is as empty as before then.
    pub async fn carry_over(&self, file: &Path, now: Timestamp) -> Result<Carried, StoreError> {
        let attempt = "carry the store over";
        self.ready_for(attempt, now).await?;
        let mut client = connected(&self.pool, attempt).await?;
        carry::carry(&mut client, file, Day::of(now)).await.map_err(|fault| fault.during(attempt))
    }

    /// Looks at several rows as of one moment.
    async fn read<T, F>(&self, attempt: &'static str, look: F) -> Result<T, StoreError>
    where
        F: for<'c> FnOnce(&'c Transaction<'_>) -> Outcome<'c, T> + Send,
    {
        let mut client = connected(&self.pool, attempt).await?;
        let look = async {
            let begun = client
                .build_transaction()
                .isolation_level(IsolationLevel::RepeatableRead)
                .read_only(true)
                .start();
            let transaction = Transaction::new(begun.await?);
            let found = look(&transaction).await?;
            transaction.commit().await?;
            Ok(found)
        };
        look.await.map_err(|fault: Fault| fault.during(attempt))
    }

    /// Changes something, all or nothing; says hints once it is durable.
    async fn write<T, F>(&self, attempt: &'static str, change: F) -> Result<T, StoreError>
    where
        F: for<'c> FnOnce(&'c Transaction<'_>) -> Outcome<'c, T> + Send,
    {
        let mut client = connected(&self.pool, attempt).await?;
        let change = async {
            // Each statement sees what was committed before it: what a lock waited for included.
            let begun = client.build_transaction().isolation_level(IsolationLevel::ReadCommitted);
            let transaction = Transaction::new(begun.start().await?);
            let outcome = change(&transaction).await?;
            Ok((outcome, transaction.commit().await?))
        };
        let (outcome, hint) = change.await.map_err(|fault: Fault| fault.during(attempt))?;
        // Before the answer, so that a caller who was answered can rely on the hint.
        hint.devices.iter().for_each(|device| self.wakes.news_arrived(device));
        if hint.work {
            self.wakes.work_arrived();
        }
        self.hints.say(hint);
        Ok(outcome)
    }

    /// Makes sure that what comes now has a partition.
    async fn ready_for(&self, attempt: &'static str, now: Timestamp) -> Result<(), StoreError> {
        let day = Day::of(now);
        if self.days.are_ready(day) {
            return Ok(());
        }
        let mut client = connected(&self.pool, attempt).await?;
        self.days.make(&mut client, day).await.map_err(|fault| fault.during(attempt))
    }

    /// How many entries of a batch are held already, as far as can be seen before the lock: they
    /// need no packing.
    async fn held_of(&self, batch: &Batch) -> Result<usize, StoreError> {
        if batch.dedupe == Dedupe::Off {
            return Ok(0);
        }
        let head = match self.head(&batch.device, batch.epoch).await? {
            Some(head) => head.sequence,
            None => Sequence::NONE,
        };
        Ok(batch.entries.partition_point(|entry| entry.position.sequence <= head))
    }
}

async fn connected(pool: &Pool, attempt: &'static str) -> Result<Client, StoreError> {
    pool.get().await.map_err(|error| StoreError::Database { attempt, source: Box::new(error) })
}
