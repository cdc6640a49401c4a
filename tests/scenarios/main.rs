//! Stories about the whole product, one file each: real processes, real sockets, the vendor's own
//! books.
//!
//! Each test starts a world of its own on free ports. A story that is told with a promise broken
//! on purpose shows that the story would notice. Does not look inside any program.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "in a test a panic is the message, also in what tests share"
)]

mod books;
mod broker;
mod broker_hostile;
mod clients;
mod commands;
mod erp;
mod exceptions;
mod failover;
mod identity;
mod kinds;
mod mixed_day;
mod newcomer;
mod outage;
mod pages;

use tests::world::{Plan, World};

/// A world in a folder of its own, which goes with it.
async fn world(change: impl FnOnce(&mut Plan)) -> (World, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let mut plan = Plan::new(folder.path().join("world"));
    change(&mut plan);
    (World::start(plan).await.unwrap(), folder)
}
