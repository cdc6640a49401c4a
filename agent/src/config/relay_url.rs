//! The relay's address: encrypted, except towards this very host.
//!
//! Does not resolve names and does not connect.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use reqwest::Url;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Why a text is not a relay's address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RelayUrlError {
    /// Not an absolute address with a host.
    #[error("`{0}` is not an address such as `https://relay.example.com`")]
    Malformed(String),
    /// `http://` to another host.
    #[error("`{0}` is not encrypted; use https:// (http:// is accepted for this host only)")]
    Unencrypted(String),
    /// The address holds a password, a query or a fragment.
    #[error("the relay's address has no user, password, query or fragment")]
    Superfluous,
}

/// The relay's address, without a slash at its end.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(with = "String", inline)]
pub struct RelayUrl(Url);

impl RelayUrl {
    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }

    /// The host to look up and the port to connect to.
    #[must_use]
    pub fn host_and_port(&self) -> (&str, u16) {
        let host = self.0.host_str().expect("a relay's address has a host");
        let port = self.0.port_or_known_default().expect("http and https have a port");
        (host.trim_start_matches('[').trim_end_matches(']'), port)
    }

    /// Whether the way there is encrypted.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// Whether the relay runs on this very host.
    #[must_use]
    pub fn is_this_host(&self) -> bool {
        self.0.host_str().is_some_and(is_loopback)
    }

    /// The address of something at the relay, where `path` begins with a slash.
    #[must_use]
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.as_str())
    }
}

impl FromStr for RelayUrl {
    type Err = RelayUrlError;
    fn from_str(text: &str) -> Result<Self, RelayUrlError> {
        let shown = || text.chars().take(80).collect::<String>();
        let url = Url::parse(text).map_err(|_| RelayUrlError::Malformed(shown()))?;
        let host = url.host_str().ok_or_else(|| RelayUrlError::Malformed(shown()))?;
        let plain = url.username().is_empty() && url.password().is_none();
        if !plain || url.query().is_some() || url.fragment().is_some() {
            // The text is not shown: it may hold a password.
            return Err(RelayUrlError::Superfluous);
        }
        match url.scheme() {
            "https" => Ok(Self(url)),
            "http" if is_loopback(host) => Ok(Self(url)),
            "http" => Err(RelayUrlError::Unencrypted(shown())),
            _ => Err(RelayUrlError::Malformed(shown())),
        }
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

impl fmt::Display for RelayUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
impl Serialize for RelayUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
impl<'de> Deserialize<'de> for RelayUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}
