//! The relay's promise: what was acknowledged to a store is held, with what it calls for.
//!
//! `subject` is the program that loses its power, `ledger` what it was told and the comparison
//! afterwards. The store is the relay's own, in SQLite.

mod ledger;
mod register;
mod subject;

use std::path::Path;

use anyhow::{Context, Result};
use cloud_relay::store::sqlite::SqliteStore;

pub(crate) use self::ledger::Ledger;
pub(crate) use self::subject::live;

/// The store's file in the folder.
const FILE: &str = "relay.db";

/// Opens the store in a folder, or makes one.
fn open(folder: &Path) -> Result<SqliteStore> {
    agent::files::make_private_folder(folder).context("make the store's folder")?;
    Ok(SqliteStore::open(&folder.join(FILE))?)
}
