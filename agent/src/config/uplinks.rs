//! The ways up to the relay, in order of preference: one list, whether the file is written long or
//! short.
//!
//! Does not connect and does not choose between them.

use std::fmt;
use std::num::NonZeroU32;
use std::path::PathBuf;

use broker::BrokerUrl;
use protocol::id::Text;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ConfigError, RelayConfig, RelayUrl};

/// Ways up in one list: two lines, each over HTTPS and through a broker, and as many to come.
const UPLINKS_MAX: usize = 8;

/// One way up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
#[schemars(inline)]
pub enum UplinkConfig {
    /// Straight to the relay.
    Https(HttpsConfig),
    /// Through a broker (MQTT 5).
    Mqtt(MqttConfig),
}

/// See [`UplinkConfig::Https`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct HttpsConfig {
    /// The relay's address on this way.
    pub url: RelayUrl,

    /// Certificates (PEM) to trust besides those of the operating system. Left out: those of
    /// `relay.ca_file`.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,

    /// Set where bytes cost money.
    #[serde(default)]
    pub metered: Option<Metered>,
}

/// See [`RelayConfig::mqtt`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct MqttConfig {
    /// The broker's address.
    pub url: BrokerUrl,

    /// The name under which the broker knows this host.
    #[serde(default)]
    pub username: Option<Text<256>>,

    /// The file with the password, readable by the agent's user only.
    #[serde(default)]
    pub password_file: Option<PathBuf>,

    /// Certificates (PEM) to trust besides those of the operating system.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,

    /// Set where bytes cost money.
    #[serde(default)]
    pub metered: Option<Metered>,
}

/// What a line on which bytes cost money may carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct Metered {
    /// Megabytes (1,000,000 bytes) that may be used, up and down together.
    pub mb: NonZeroU32,
    /// In which time: `day` or `month`, both by the calendar of UTC.
    pub per: Period,
}

/// The time that a budget is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Period {
    /// A day of UTC.
    Day,
    /// A month of the calendar.
    Month,
}

impl UplinkConfig {
    /// What bytes may be used, if they cost money.
    #[must_use]
    pub const fn metered(&self) -> Option<Metered> {
        match self {
            Self::Https(https) => https.metered,
            Self::Mqtt(mqtt) => mqtt.metered,
        }
    }
}

/// The name that people and the journal know a way by: its address.
impl fmt::Display for UplinkConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Https(https) => https.url.fmt(f),
            Self::Mqtt(mqtt) => mqtt.url.fmt(f),
        }
    }
}

impl HttpsConfig {
    /// A relay's address and nothing else.
    #[must_use]
    pub const fn at(url: RelayUrl) -> Self {
        Self { url, ca_file: None, metered: None }
    }
}

impl Metered {
    /// The budget in bytes.
    #[must_use]
    pub fn bytes(self) -> u64 {
        u64::from(self.mb.get()).saturating_mul(1_000_000)
    }
}

impl Period {
    /// The word that stands in the file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Month => "month",
        }
    }
}

impl RelayConfig {
    /// Where a device makes its first contact, which is over HTTPS; none if no relay is
    /// configured.
    #[must_use]
    pub fn first_contact(&self) -> Option<HttpsConfig> {
        let ca_file = self.ca_file.clone();
        let stated = self.url.clone().map(|url| HttpsConfig { ca_file, ..HttpsConfig::at(url) });
        stated.or_else(|| {
            self.ways_up().into_iter().find_map(|uplink| match uplink {
                UplinkConfig::Https(https) => Some(https),
                UplinkConfig::Mqtt(_) => None,
            })
        })
    }

    /// The ways up in order of preference. The short form is a list too: the broker, if there is
    /// one, and then the relay's own address.
    #[must_use]
    pub fn ways_up(&self) -> Vec<UplinkConfig> {
        let broker = || self.mqtt.clone().map(UplinkConfig::Mqtt);
        let https = || self.url.clone().map(|url| UplinkConfig::Https(HttpsConfig::at(url)));
        let mut ways = match self.uplinks.is_empty() {
            true => broker().into_iter().chain(https()).collect(),
            false => self.uplinks.clone(),
        };
        for way in &mut ways {
            if let UplinkConfig::Https(https) = way
                && https.ca_file.is_none()
            {
                https.ca_file.clone_from(&self.ca_file);
            }
        }
        ways
    }
}

/// Rules that concern more than one key.
pub(super) fn rules(relay: &RelayConfig) -> Result<(), ConfigError> {
    let refused = |reason: &str, next: &str, key: &str| {
        Err(ConfigError::new(reason, next).of_key(format!("relay.{key}")))
    };
    if !relay.uplinks.is_empty() && relay.mqtt.is_some() {
        let next = "write the broker as an entry of relay.uplinks: { kind = \"mqtt\", … }";
        return refused("stands beside relay.uplinks, which says the same", next, "mqtt");
    }
    let ways = relay.ways_up();
    if !ways.is_empty() && relay.first_contact().is_none() {
        let key = if relay.mqtt.is_some() { "mqtt" } else { "uplinks" };
        let next = "set relay.url: a device makes its first contact over HTTPS";
        return refused("names no way over HTTPS", next, key);
    }
    if ways.len() > UPLINKS_MAX {
        let reason = format!("has {} entries; at most {UPLINKS_MAX} are tried", ways.len());
        return refused(&reason, "leave out those that never carry anything", "uplinks");
    }
    let names: Vec<_> = ways.iter().map(ToString::to_string).collect();
    if let Some((_, twice)) =
        names.iter().enumerate().find(|(index, name)| names[..*index].contains(name))
    {
        let reason = format!("names `{twice}` twice");
        return refused(&reason, "name each way once, the preferred one first", "uplinks");
    }
    Ok(())
}
