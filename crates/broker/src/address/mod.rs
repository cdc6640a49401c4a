//! A broker's address: encrypted, except towards this very host.
//!
//! Does not resolve names and does not connect.

#[cfg(test)]
mod tests;

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The port of MQTT over TLS.
const ENCRYPTED_PORT: u16 = 8883;

/// The port of MQTT without.
const PLAIN_PORT: u16 = 1883;

/// Why a text is not a broker's address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BrokerUrlError {
    /// Not a scheme, a host and perhaps a port.
    #[error("this is not an address such as `mqtts://broker.example.com:8883`, by name or IPv4")]
    Malformed,
    /// `mqtt://` to another host.
    #[error("`{0}` is not encrypted; use mqtts:// (mqtt:// is accepted for this host only)")]
    Unencrypted(String),
}

/// A broker's address.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(with = "String", inline)]
pub struct BrokerUrl {
    is_encrypted: bool,
    host: String,
    port: u16,
}

impl BrokerUrl {
    /// The host to look up.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port to connect to.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Whether the way there is encrypted.
    #[must_use]
    pub const fn is_encrypted(&self) -> bool {
        self.is_encrypted
    }
}

impl FromStr for BrokerUrl {
    type Err = BrokerUrlError;

    fn from_str(text: &str) -> Result<Self, BrokerUrlError> {
        // The text is never shown as a whole: it may hold a password.
        let (scheme, rest) = text.split_once("://").ok_or(BrokerUrlError::Malformed)?;
        let is_encrypted = match scheme {
            "mqtts" => true,
            "mqtt" => false,
            _ => return Err(BrokerUrlError::Malformed),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = match rest.split_once(':') {
            Some((host, port)) => (host, port.parse().map_err(|_| BrokerUrlError::Malformed)?),
            None if is_encrypted => (rest, ENCRYPTED_PORT),
            None => (rest, PLAIN_PORT),
        };
        let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
        if host.is_empty() || !host.chars().all(is_host) {
            return Err(BrokerUrlError::Malformed);
        }
        let url = Self { is_encrypted, host: host.to_owned(), port };
        if !is_encrypted && !is_loopback(host) {
            return Err(BrokerUrlError::Unencrypted(url.to_string()));
        }
        Ok(url)
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}

impl fmt::Display for BrokerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_encrypted { "mqtts" } else { "mqtt" };
        write!(f, "{scheme}://{}:{}", self.host, self.port)
    }
}
impl Serialize for BrokerUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for BrokerUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}
