//! One transaction: statements on it, what it tells others, and the rows it locks.
//!
//! Whoever changes a store's journal, outbox or news locks the store's own row first, several of
//! them in the order of their names, and lanes after that: so within a store everything happens
//! one after another, as in SQLite, and no two transactions wait for each other. A claim takes
//! one lane and waits for none. Does not know what the operations do.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use protocol::id::{DeviceId, StoreId};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::codec::{Fault, parsed, unknown};

/// The values of a statement.
pub(super) type Values<'a> = &'a [&'a (dyn ToSql + Sync)];

/// An open transaction.
pub(super) struct Transaction<'t> {
    inner: deadpool_postgres::Transaction<'t>,
    news: Mutex<BTreeSet<DeviceId>>,
    work: AtomicBool,
}

/// What a committed transaction tells whoever waits.
#[derive(Debug, Default)]
pub(super) struct Hint {
    /// Devices with news.
    pub(super) devices: BTreeSet<DeviceId>,
    /// Whether a lane became due.
    pub(super) work: bool,
}

impl<'t> Transaction<'t> {
    pub(super) fn new(inner: deadpool_postgres::Transaction<'t>) -> Self {
        Self { inner, news: Mutex::default(), work: AtomicBool::new(false) }
    }

    /// Every row of a query.
    pub(super) async fn rows(&self, query: &str, values: Values<'_>) -> Result<Vec<Row>, Fault> {
        let statement = self.inner.prepare_cached(query).await?;
        Ok(self.inner.query(&statement, values).await?)
    }

    /// The only row of a query, if there is one.
    pub(super) async fn row(&self, query: &str, values: Values<'_>) -> Result<Option<Row>, Fault> {
        let statement = self.inner.prepare_cached(query).await?;
        Ok(self.inner.query_opt(&statement, values).await?)
    }

    /// Runs a statement; how many rows it changed.
    pub(super) async fn run(&self, statement: &str, values: Values<'_>) -> Result<u64, Fault> {
        let statement = self.inner.prepare_cached(statement).await?;
        Ok(self.inner.execute(&statement, values).await?)
    }

    /// News for a device goes out with this transaction.
    pub(super) fn news_for(&self, device: DeviceId) {
        self.news.lock().unwrap_or_else(PoisonError::into_inner).insert(device);
    }

    /// A lane becomes due with this transaction.
    pub(super) fn has_work(&self) {
        self.work.store(true, Ordering::Relaxed);
    }

    /// Waits for every other change of a store's journal, outbox or news.
    pub(super) async fn lock_store(&self, store: &StoreId) -> Result<(), Fault> {
        self.row("SELECT 1 FROM stores WHERE store_id = $1 FOR UPDATE", &[&store.as_str()]).await?;
        Ok(())
    }

    /// The same for several stores, in one order for everybody.
    pub(super) async fn lock_stores(&self, stores: &BTreeSet<StoreId>) -> Result<(), Fault> {
        for store in stores {
            self.lock_store(store).await?;
        }
        Ok(())
    }

    /// Locks the store of a device, which has to exist.
    pub(super) async fn lock_device(&self, device: &DeviceId) -> Result<StoreId, Fault> {
        let store = self.store_of(device).await?;
        self.lock_store(&store).await?;
        Ok(store)
    }

    /// The store of a device, which has to exist. It never changes.
    pub(super) async fn store_of(&self, device: &DeviceId) -> Result<StoreId, Fault> {
        let query = "SELECT store_id FROM devices WHERE device = $1 LIMIT 1";
        let found = self.row(query, &[&device.as_str()]).await?;
        parsed(&found.ok_or_else(|| unknown("device", device))?, 0)
    }

    /// The store of a lane, which has to exist. It never changes.
    pub(super) async fn store_of_lane(&self, lane_id: i64) -> Result<StoreId, Fault> {
        let query = "SELECT store_id FROM lanes WHERE lane_id = $1 LIMIT 1";
        let found = self.row(query, &[&lane_id]).await?;
        parsed(&found.ok_or_else(|| unknown("delivery of lane", &lane_id))?, 0)
    }

    /// Makes it durable; what there is to tell others.
    pub(super) async fn commit(self) -> Result<Hint, Fault> {
        self.inner.commit().await?;
        let devices = self.news.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(Hint { devices, work: self.work.into_inner() })
    }
}
