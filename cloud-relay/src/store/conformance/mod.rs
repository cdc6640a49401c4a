//! What every store has to do, whatever stands behind it: run by each store's tests.
//!
//! A claim is a function; its name is what holds. Every claim gets a store of its own by name,
//! and opening the same name again reopens it. Does not look behind the seam.

mod books;
#[cfg(unix)]
mod carried;
mod copies;
mod devices;
mod dispatch;
mod fixtures;
mod ingest;
mod people;
mod replicas;

use futures_util::future::BoxFuture;

use super::SharedStore;

#[cfg(unix)]
pub(crate) use carried::{Standing, goes_on, used};
#[cfg(unix)]
pub(crate) use fixtures::at;

/// Opens the store with a name; a second time, what the first left there.
pub type Make<'a> = &'a (dyn Fn(&'static str) -> BoxFuture<'static, SharedStore> + Sync);

/// Runs every claim.
pub async fn run(make: Make<'_>) {
    devices::run(make).await;
    copies::run(make).await;
    ingest::run(make).await;
    dispatch::run(make).await;
    people::run(make).await;
    books::run(make).await;
    replicas::run(make).await;
}
