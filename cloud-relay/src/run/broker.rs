//! The broker of a configuration: its password is read at start, so that a missing one is said
//! then.
//!
//! Does not connect: a broker that is away is no reason not to serve.

use std::sync::Arc;

use anyhow::Context;
use broker::{Account, Credentials};

use crate::config::MqttConfig;
use crate::ingest::Ingest;
use crate::ingest::mqtt::run;
use crate::secret::Secret;

/// The account at the configured broker; none if there is no broker.
///
/// # Errors
/// The password cannot be read.
pub(super) fn account(config: &MqttConfig) -> anyhow::Result<Option<Account>> {
    let Some(url) = config.url.clone() else { return Ok(None) };
    let password = config.password_file.as_deref().map(Secret::from_file).transpose();
    let password = password.context("read the broker's password (`mqtt.password_file`)")?;
    let credentials = config.username.as_ref().map(|username| Credentials {
        username: username.as_str().to_owned(),
        password: password.map_or_else(String::new, |secret| secret.expose().to_owned()),
    });
    Ok(Some(Account { url, credentials, ca_file: config.ca_file.clone() }))
}

/// Begins to answer through the broker.
pub(super) fn listen(ingest: Arc<Ingest>, account: Account) -> tokio::task::JoinHandle<()> {
    tokio::spawn(run(ingest, account))
}
