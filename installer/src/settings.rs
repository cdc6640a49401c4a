//! What a first configuration of the agent says, and what the installer needs to know of one.
//!
//! Knows four of its keys; whether a configuration can be used, the agent itself says.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use reqwest::Url;
use toml::{Table, Value};

use crate::preflight::Relay;
use crate::problem::SetupError;

/// Where the agent listens unless its configuration says otherwise.
const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 7710);

/// What somebody has to say for a first configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The store, as the POS and the relay name it.
    pub store: String,
    /// The relay's address; none to sell without one.
    pub relay: Option<String>,
    /// Certificates (PEM) to trust besides those of the operating system.
    pub ca_file: Option<PathBuf>,
}

/// What the installer needs to know of a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Where the local API listens.
    pub listen: SocketAddr,
    /// The relay; none if there is to be none.
    pub relay: Option<Relay>,
}

impl Settings {
    /// The configuration file.
    #[must_use]
    pub fn text(&self, logs: &str) -> String {
        let quoted = |text: &str| Value::from(text).to_string();
        let mut text = format!(
            "# The agent of this host. `storekeep-agent config sample` prints every key with its\n\
             # meaning and default; a change is applied by `systemctl restart storekeep-agent`.\n\n\
             store = {}\n\n[log]\ndirectory = {}\n",
            quoted(&self.store),
            quoted(logs)
        );
        if let Some(relay) = &self.relay {
            text.push_str(&format!("\n[relay]\nurl = {}\n", quoted(relay)));
            if let Some(file) = &self.ca_file {
                text.push_str(&format!("ca_file = {}\n", quoted(&file.to_string_lossy())));
            }
        }
        text
    }
}

impl Known {
    /// What a configuration says of it.
    ///
    /// # Errors
    /// It is no TOML, or an address in it is none.
    pub fn of(text: &str) -> Result<Self, SetupError> {
        let unusable = |what: String| {
            SetupError::usage(
                format!("read the configuration: {what}"),
                "`storekeep-agent config check --config FILE` says what is wrong and where",
            )
        };
        let table: Table =
            text.parse().map_err(|error: toml::de::Error| unusable(error.message().to_owned()))?;
        let text = |section: &str, key: &str| table.get(section)?.get(key)?.as_str();
        let listen = match text("local_api", "listen") {
            None => LISTEN,
            Some(listen) => {
                listen.parse().map_err(|error| unusable(format!("local_api.listen: {error}")))?
            }
        };
        let relay = match text("relay", "url") {
            None => None,
            Some(url) => Some(Relay {
                url: url_of(url)?,
                ca_file: text("relay", "ca_file").map(PathBuf::from),
            }),
        };
        Ok(Self { listen, relay })
    }
}

/// An address of a relay.
///
/// # Errors
/// It is none.
pub fn url_of(text: &str) -> Result<Url, SetupError> {
    match text.parse::<Url>() {
        Ok(url) if matches!(url.scheme(), "https" | "http") && url.has_host() => Ok(url),
        _ => Err(SetupError::usage(
            format!("`{text}` is no address of a relay"),
            "name it as https://relay.example.com",
        )),
    }
}
