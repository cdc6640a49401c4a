//! What all servers need to be reached: address, user and password.
//!
//! Connections are not encrypted, so that another host has to be wanted.

use std::net::IpAddr;

use super::super::config::{Settings, refuse};
use crate::config::Secret;
use crate::inputs::registry::SettingsError;

/// A server's address and who asks.
#[derive(Debug, Clone)]
pub(super) struct Address {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) database: String,
    pub(super) user: String,
    pub(super) password: Option<Secret>,
}

/// The address in an input's settings; the port of its kind where none is named.
pub(super) fn of_settings(settings: &Settings, usual_port: u16) -> Result<Address, SettingsError> {
    let host = settings.host.clone();
    if !is_this_host(&host) && !settings.unencrypted_beyond_this_host {
        let next = "run the agent beside the database, or set `unencrypted_beyond_this_host = true` \
                    in a network of the store's own";
        let reason = format!("`{host}` is another host, and the connection is not encrypted");
        return Err(refuse("host", reason, next));
    }
    let needed = |key: &str, value: &Option<String>| {
        let next = format!("add `{key} = \"…\"`");
        value.clone().ok_or_else(|| refuse(key, "is needed for a server", &next))
    };
    Ok(Address {
        host,
        port: settings.port.map_or(usual_port, std::num::NonZeroU16::get),
        database: needed("database", &settings.database)?,
        user: needed("user", &settings.user)?,
        password: password(settings)?,
    })
}

fn password(settings: &Settings) -> Result<Option<Secret>, SettingsError> {
    if let Some(name) = &settings.password_variable
        && let Ok(text) = std::env::var(name)
    {
        let secret = Secret::new(&text, name);
        return secret.map(Some).map_err(|error| {
            refuse("password_variable", error.to_string(), "put the password into it, on one line")
        });
    }
    let Some(file) = &settings.password_file else { return Ok(None) };
    Secret::from_file(file).map(Some).map_err(|error| {
        let next = "write the password into it, on one line";
        refuse("password_file", error.to_string(), next)
    })
}

/// Whether a name is of this host: a socket's folder, `localhost` or a loopback address.
fn is_this_host(host: &str) -> bool {
    let is_loopback = host.parse().is_ok_and(|address: IpAddr| address.is_loopback());
    host.starts_with('/') || host == "localhost" || is_loopback
}
