//! Which store the configuration means, and opening it.
//!
//! A database's password comes from a file or the environment, never from the configuration
//! itself. Does not know what a store does.

use std::env::{self, VarError};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};

use crate::config::{Config, ConfigError};
use crate::files;
use crate::secret::Secret;
use crate::store::SharedStore;
use crate::store::postgres::{Address, PostgresStore, WhenEmpty};
use crate::store::sqlite::SqliteStore;

/// Holds the database's password where no file is named.
pub const POSTGRES_PASSWORD: &str = "STOREKEEP_RELAY_POSTGRES_PASSWORD";

/// Opens the store, or makes it.
///
/// # Errors
/// The folder cannot be made, the file not opened, or the database not reached.
pub async fn open_store(config: &Config, data_dir: &Path) -> anyhow::Result<SharedStore> {
    match address(config)? {
        Some(address) => Ok(Arc::new(open_database(&address, WhenEmpty::Make).await?)),
        None => open_file(&config.store_file(data_dir)),
    }
}

/// Opens a store that is there: a command that only looks makes none.
///
/// # Errors
/// As [`open_store`], or there is none.
pub async fn existing_store(config: &Config, data_dir: &Path) -> anyhow::Result<SharedStore> {
    if let Some(address) = address(config)? {
        return Ok(Arc::new(open_database(&address, WhenEmpty::Refuse).await?));
    }
    let file = config.store_file(data_dir);
    if !file.exists() {
        bail!(
            "open the store `{}`: there is none (next: start the relay with `storekeep-relay all`, \
             or name its folder by --data-dir)",
            file.display()
        );
    }
    open_file(&file)
}

/// How to reach the configured database; none if the store is a file.
///
/// # Errors
/// The password cannot be read.
pub fn address(config: &Config) -> anyhow::Result<Option<Address>> {
    let Some(url) = &config.store.postgres else { return Ok(None) };
    let password = match &config.store.postgres_password_file {
        Some(file) => Some(Secret::from_file(file).map_err(|error| {
            let next = "write the database's password into it, as one line";
            ConfigError::new(error.to_string(), next).of_key("store.postgres_password_file")
        })?),
        None => match env::var(POSTGRES_PASSWORD) {
            Ok(text) => Some(Secret::new(&text, POSTGRES_PASSWORD)?),
            Err(VarError::NotPresent) => None,
            Err(error) => {
                return Err(error).context(format!("read the variable {POSTGRES_PASSWORD}"));
            }
        },
    };
    let authorities = config.store.postgres_authorities_file.clone();
    Ok(Some(Address { url: url.clone(), password, authorities }))
}

/// Opens a database, or makes its schema.
///
/// # Errors
/// It is not reached, refuses, or has a schema of a later version.
pub async fn open_database(
    address: &Address,
    when_empty: WhenEmpty,
) -> anyhow::Result<PostgresStore> {
    PostgresStore::open(address, when_empty).await.with_context(|| {
        format!(
            "open the store `{}` (next: `psql` with the same address says whether the database \
             answers; docs/handbook/relay.md says what it needs)",
            address.url
        )
    })
}

fn open_file(file: &Path) -> anyhow::Result<SharedStore> {
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        files::make_private_folder(folder)
            .with_context(|| format!("make the folder `{}`", folder.display()))?;
    }
    files::make_private_file(file)
        .with_context(|| format!("make the store `{}`", file.display()))?;
    let store = SqliteStore::open(file).with_context(|| {
        format!("open the store `{}` (next: docs/errors/SK0052.md)", file.display())
    })?;
    Ok(Arc::new(store))
}
