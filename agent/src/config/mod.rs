//! The agent's configuration: one TOML file, read once at start.
//!
//! The doc comments below are the sample file's comments and the schema's descriptions, so they
//! are written for whoever edits the file. A change is applied by a restart. No secret stands in
//! the file: it names files (or the environment does, see [`secret`]). Does not watch the file
//! and does not create anything.

mod check;
mod error;
mod journal_key;
mod places;
mod relay_url;
mod sample;
pub mod secret;
#[cfg(test)]
mod tests;
mod uplinks;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::{NonZeroU16, NonZeroU32};
use std::path::PathBuf;

use journal::Quota;
use protocol::id::{Code, RegisterId, StoreId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use check::{check, parse};
pub use error::ConfigError;
pub use journal_key::JournalKeyConfig;
pub use places::{default_config_file, default_data_dir};
pub use relay_url::{RelayUrl, RelayUrlError};
pub use sample::{sample, schema};
pub use secret::Secret;
pub use uplinks::{HttpsConfig, Metered, MqttConfig, Period, UplinkConfig};

/// The configuration of storekeep-agent, the service on one POS host of one store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The store that this host serves, as the POS and the relay name it. An event of another
    /// store is refused.
    #[schemars(extend("example" = "0042"))]
    pub store: StoreId,

    /// The registers that may hand in events; an event of another register is refused. Empty
    /// means: every register of the store.
    #[serde(default)]
    pub registers: BTreeSet<RegisterId>,

    /// The way in for the POS: local HTTP.
    #[serde(default)]
    pub local_api: LocalApiConfig,

    /// The way up to the relay. Without an address the agent keeps everything on this host.
    #[serde(default)]
    pub relay: RelayConfig,

    /// The encrypted journal in the data folder.
    #[serde(default)]
    pub journal: JournalConfig,

    /// What keeps the key that the journal is encrypted with. docs/handbook/keys.md says what each
    /// tier stops.
    #[serde(default)]
    pub journal_key: JournalKeyConfig,

    /// The log files.
    #[serde(default)]
    pub log: LogConfig,

    /// What an event may carry beyond the canonical model.
    #[serde(default)]
    pub extensions: ExtensionsConfig,

    /// What is taken for a card number.
    #[serde(default)]
    pub card_data: CardDataConfig,

    /// Further ways in, each under a name of your choice: what a POS drops into a folder or keeps
    /// in a database. The sample shows each kind.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    pub inputs: BTreeMap<InputName, toml::Table>,
}

/// The name of an input.
pub type InputName = protocol::id::TargetId;

/// See [`Config::local_api`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LocalApiConfig {
    /// The address and port to listen on.
    pub listen: SocketAddr,

    /// Set to true to listen on an address that other hosts can reach, for tills that have no
    /// agent of their own. The connection is not encrypted: do this in a network of the store's
    /// own only.
    pub listen_beyond_loopback: bool,

    /// The file with the bearer token that the POS sends. It is made with a random token at the
    /// first start, readable by its owner only. Left out: `local-api.token` in the data folder.
    /// The environment variable STOREKEEP_LOCAL_API_TOKEN goes before it.
    #[schemars(extend("example" = "/etc/storekeep/local-api.token"))]
    pub token_file: Option<PathBuf>,

    /// The names under which the POS addresses this host. A request under another name is
    /// refused, because a web page can point a name of its own at this host.
    pub allowed_hosts: BTreeSet<Code>,

    /// Web origins whose pages may call, for a POS that runs in a browser, such as
    /// `https://pos.example.com`. The agent's own page may always.
    pub allowed_origins: BTreeSet<Code>,

    /// A Unix domain socket to listen on besides. Whoever can open it still needs the token.
    #[schemars(extend("example" = "/run/storekeep/agent.sock"))]
    pub unix_socket: Option<PathBuf>,
}

/// See [`Config::relay`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RelayConfig {
    /// The relay's address. `http://` is accepted for this host only.
    #[schemars(extend("example" = "https://relay.example.com"))]
    pub url: Option<RelayUrl>,

    /// Certificates (PEM) to trust besides those of the operating system, where a proxy or a
    /// company's own authority signs.
    #[schemars(extend("example" = "/etc/storekeep/relay-ca.pem"))]
    pub ca_file: Option<PathBuf>,

    /// A broker (MQTT 5) to bring sales up through; while it does not work they go over HTTPS, and
    /// so does the first contact. `username`, `password_file` and `ca_file` may be left out.
    /// `mqtt://` is accepted for this host only.
    #[schemars(extend("example" = {
        "url": "mqtts://broker.example.com",
        "username": "store-0042",
        "password_file": "/etc/storekeep/broker.password",
        "ca_file": "/etc/storekeep/broker-ca.pem",
    }))]
    pub mqtt: Option<MqttConfig>,

    /// The ways up in order of preference, in place of `mqtt`: where one fails, the next carries
    /// on. Each is `https`, with the keys `url` and `ca_file`, or `mqtt`, with those of `relay.mqtt`.
    /// Where bytes cost money, `metered` says how many megabytes may be used in a `day` or a
    /// `month`. The first contact is at `relay.url`, or else at the first `https` of the list.
    #[schemars(extend("example" = [
        { "kind": "https", "url": "https://relay.example.com" },
        {
            "kind": "https",
            "url": "https://relay-by-lte.example.com",
            "metered": { "mb": 500, "per": "month" },
        },
    ]))]
    pub uplinks: Vec<UplinkConfig>,

    /// The file with the one-time token for the first contact. It may be deleted afterwards. The
    /// environment variable STOREKEEP_ENROLMENT_TOKEN goes before it.
    #[schemars(extend("example" = "/etc/storekeep/enrolment.token"))]
    pub enrolment_token_file: Option<PathBuf>,
}

/// See [`Config::journal`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct JournalConfig {
    /// Days for which the content of relayed events is kept on this host. What the relay has not
    /// acknowledged is kept however old it is. Not below the time that the relay's backups reach
    /// back.
    pub retention_days: NonZeroU32,

    /// MiB that the journal may take on its disk. Beyond it new events are refused until something
    /// was pruned. Left out: whatever the disk has, but for the reserve.
    #[schemars(extend("example" = 20480))]
    pub quota_mib: Option<NonZeroU32>,

    /// MiB that are kept aside in a file. When the disk is full it is given back, so that what was
    /// sold can still be relayed and pruned while new events are refused. Not below 80, the longest
    /// log and what it takes to copy it.
    pub reserve_mib: u32,
}

/// See [`Config::log`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// The folder for log files. Left out: `logs` in the data folder.
    #[schemars(extend("example" = "/var/log/storekeep"))]
    pub directory: Option<PathBuf>,

    /// The least important entries to write: error, warn, info, debug or trace.
    pub level: LogLevel,

    /// The number of daily files to keep.
    pub files_max: NonZeroU16,
}

/// How important a log entry has to be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum LogLevel {
    /// A person must act.
    Error,
    /// A person should look.
    Warn,
    /// What the agent does, in sentences.
    #[default]
    Info,
    /// Each step.
    Debug,
    /// Everything.
    Trace,
}

/// See [`Config::extensions`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ExtensionsConfig {
    /// Keys under `extensions` that become part of the record and are sent, such as
    /// `acme:campaign`. All others stay in a small file on this host.
    pub allowed: BTreeSet<Code>,
}

/// See [`Config::card_data`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CardDataConfig {
    /// The first digits (4 to 10) of the retailer's own numbers for loyalty, gift cards or orders,
    /// where these have the form of card numbers. In the fields meant for identifiers a number
    /// that begins so is let through; everywhere else it is still refused.
    #[schemars(extend("example" = ["634004"]))]
    pub own_prefixes: BTreeSet<Code>,
}

impl Default for LocalApiConfig {
    fn default() -> Self {
        let host = |name| Code::new(name).expect("a host name is a code");
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 7710),
            listen_beyond_loopback: false,
            token_file: None,
            allowed_hosts: ["localhost", "127.0.0.1", "[::1]"].into_iter().map(host).collect(),
            allowed_origins: BTreeSet::new(),
            unix_socket: None,
        }
    }
}

impl Default for JournalConfig {
    fn default() -> Self {
        // A quarter of a year: longer than chargebacks and month-end questions reach back.
        let retention_days = NonZeroU32::new(90).expect("90 is not zero");
        // The longest log, and half as much again for what is acknowledged meanwhile.
        Self { retention_days, quota_mib: None, reserve_mib: 96 }
    }
}

impl JournalConfig {
    /// How much of the disk the journal may take.
    #[must_use]
    pub fn quota(&self) -> Quota {
        const MIB: u64 = 1024 * 1024;
        Quota {
            bytes_max: self.quota_mib.map(|mib| u64::from(mib.get()) * MIB),
            reserve_bytes: u64::from(self.reserve_mib) * MIB,
        }
    }
}

impl Default for LogConfig {
    fn default() -> Self {
        // Two weeks: a fault that was noticed on a Monday began before the weekend.
        let files_max = NonZeroU16::new(14).expect("14 is not zero");
        Self { directory: None, level: LogLevel::default(), files_max }
    }
}

impl LogLevel {
    /// The word that stands in the file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

impl Config {
    /// The configuration of a store with a default everywhere else: what the file
    /// `store = "…"` alone says.
    #[must_use]
    pub fn for_store(store: StoreId) -> Self {
        Self {
            store,
            registers: BTreeSet::new(),
            local_api: LocalApiConfig::default(),
            relay: RelayConfig::default(),
            journal: JournalConfig::default(),
            journal_key: JournalKeyConfig::default(),
            log: LogConfig::default(),
            extensions: ExtensionsConfig::default(),
            card_data: CardDataConfig::default(),
            inputs: BTreeMap::new(),
        }
    }

    /// Whether events of this register are taken.
    #[must_use]
    pub fn serves(&self, register: &RegisterId) -> bool {
        self.registers.is_empty() || self.registers.contains(register)
    }
}
