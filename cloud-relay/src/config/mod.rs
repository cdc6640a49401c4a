//! The relay's configuration: one TOML file, read once at start.
//!
//! The doc comments below are the sample file's comments and the schema's descriptions, so they
//! are written for whoever edits the file. A change is applied by a restart. No secret stands in
//! the file: it names files. Does not watch the file and creates nothing.

mod catalogue;
mod check;
mod error;
mod places;
mod sample;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};

use broker::BrokerUrl;
use jiff::SignedDuration;
use protocol::id::{TargetId, TenantId, Text};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::dispatch::Settings;

pub use check::{check, parse};
pub use error::ConfigError;
pub use places::{default_config_file, default_data_dir};
pub use sample::{sample, schema};

/// The configuration of storekeep-relay.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The retailer that this relay serves. It is part of the key under which every document is
    /// posted: never change it once something was posted.
    #[schemars(extend("example" = "acme"))]
    pub tenant: TenantId,

    /// The address for the stores' agents, the operators' API and the console.
    #[serde(default)]
    pub listen: ListenConfig,

    /// A broker (MQTT 5) through which stores may bring their sales, besides HTTPS.
    #[serde(default)]
    pub mqtt: MqttConfig,

    /// Where everything that the relay holds is kept: a file, or a PostgreSQL database for
    /// several relays.
    #[serde(default)]
    pub store: StoreConfig,

    /// How documents are brought to the targets.
    #[serde(default)]
    pub dispatch: DispatchConfig,

    /// How the books of a store's business date are kept.
    #[serde(default)]
    pub books: BooksConfig,

    /// The operators' API and the console.
    #[serde(default)]
    pub api: ApiConfig,

    /// The log files.
    #[serde(default)]
    pub log: LogConfig,

    /// The systems that the relay posts to, each under a name of your choice, which never
    /// changes: it is part of the key under which every document is posted.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, serde_json::Map<String, serde_json::Value>>")]
    pub targets: BTreeMap<TargetId, toml::Table>,
}

/// See [`Config::listen`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ListenConfig {
    /// The address and port.
    pub address: SocketAddr,

    /// Set to true to listen on an address that other hosts can reach. Name a certificate then,
    /// or let a proxy in front of the relay end the encryption.
    pub listen_beyond_loopback: bool,

    /// The certificate with its chain (PEM). With it the relay speaks HTTPS itself.
    #[schemars(extend("example" = "/etc/storekeep/relay.pem"))]
    pub certificate_file: Option<PathBuf>,

    /// The certificate's private key (PEM), readable by the relay only.
    #[schemars(extend("example" = "/etc/storekeep/relay.key"))]
    pub key_file: Option<PathBuf>,
}

/// See [`Config::mqtt`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MqttConfig {
    /// The broker's address. Left out: no broker. `mqtt://` is accepted for this host only.
    #[schemars(extend("example" = "mqtts://broker.example.com"))]
    pub url: Option<BrokerUrl>,

    /// The name under which the broker knows the relay.
    #[schemars(extend("example" = "storekeep-relay"))]
    pub username: Option<Text<256>>,

    /// The file with the password, readable by the relay only.
    #[schemars(extend("example" = "/etc/storekeep/broker.password"))]
    pub password_file: Option<PathBuf>,

    /// Certificates (PEM) to trust besides those of the operating system.
    #[schemars(extend("example" = "/etc/storekeep/broker-ca.pem"))]
    pub ca_file: Option<PathBuf>,
}

/// See [`Config::store`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StoreConfig {
    /// The SQLite file, on a local disk. Left out: `relay.db` in the data folder.
    #[schemars(extend("example" = "/var/lib/storekeep/relay.db"))]
    pub file: Option<PathBuf>,

    /// The PostgreSQL database in place of the file, without a password. With
    /// `?sslmode=require` the connection is encrypted and the server's certificate checked. The
    /// file is then only what `storekeep-relay migrate` reads.
    #[schemars(extend("example" = "postgresql://storekeep@db.example:5432/storekeep?sslmode=require"))]
    pub postgres: Option<String>,

    /// The file with the database's password. Left out: the variable
    /// STOREKEEP_RELAY_POSTGRES_PASSWORD, or none.
    #[schemars(extend("example" = "/etc/storekeep/postgres.password"))]
    pub postgres_password_file: Option<PathBuf>,

    /// The certificates (PEM) of the authorities that the database's certificate is checked
    /// against. Left out: those that the host trusts.
    #[schemars(extend("example" = "/etc/storekeep/postgres-ca.pem"))]
    pub postgres_authorities_file: Option<PathBuf>,
}

/// See [`Config::dispatch`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DispatchConfig {
    /// Lanes (a store's ordered work towards one target) worked on at the same time.
    pub workers: NonZeroU16,

    /// Hours for which a return waits for the sale that it names before it needs a person.
    pub original_wait_hours: NonZeroU16,

    /// Hours for which a stock count waits for devices that hold unsent events before it needs a
    /// person.
    pub count_wait_hours: NonZeroU16,
}

/// See [`Config::books`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BooksConfig {
    /// Hours after 0:00 UTC of a business date at which the day is over although a register sent no
    /// closing. 36 hours are noon of the next day in UTC: past every store's night.
    pub cut_off_hours: NonZeroU16,
}

/// See [`Config::api`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ApiConfig {
    /// The file with the operators' bearer token. It is made with a random token at the first
    /// start, readable by its owner only. Left out: `operator.token` in the data folder.
    #[schemars(extend("example" = "/etc/storekeep/operator.token"))]
    pub token_file: Option<PathBuf>,
}

/// See [`Config::log`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// The least important entries to write: error, warn, info, debug or trace.
    pub level: LogLevel,

    /// The folder for log files. Left out: `logs` in the data folder.
    #[schemars(extend("example" = "/var/log/storekeep"))]
    pub directory: Option<PathBuf>,

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
    /// What the relay does, in sentences.
    #[default]
    Info,
    /// Each step.
    Debug,
    /// Everything.
    Trace,
}

impl Default for ListenConfig {
    fn default() -> Self {
        Self {
            address: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 7720),
            listen_beyond_loopback: false,
            certificate_file: None,
            key_file: None,
        }
    }
}

impl Default for DispatchConfig {
    fn default() -> Self {
        let settings = Settings::default();
        let hours = |wait: SignedDuration| {
            let hours = u16::try_from(wait.as_hours()).ok().and_then(NonZeroU16::new);
            hours.expect("the defaults are between an hour and 65,535 hours")
        };
        let workers = u16::try_from(settings.workers).ok().and_then(NonZeroU16::new);
        Self {
            workers: workers.expect("the default is between 1 and 65,535"),
            original_wait_hours: hours(settings.original_wait),
            count_wait_hours: hours(settings.count_wait),
        }
    }
}

impl Default for BooksConfig {
    fn default() -> Self {
        Self { cut_off_hours: NonZeroU16::new(36).expect("36 is not zero") }
    }
}

impl BooksConfig {
    /// How long after its beginning in UTC a business date is over without a closing.
    #[must_use]
    pub fn cut_off(&self) -> SignedDuration {
        SignedDuration::from_hours(i64::from(self.cut_off_hours.get()))
    }
}

impl Default for LogConfig {
    fn default() -> Self {
        // Two weeks: a fault that was noticed on a Monday began before the weekend.
        let files_max = NonZeroU16::new(14).expect("14 is not zero");
        Self { level: LogLevel::default(), directory: None, files_max }
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

impl DispatchConfig {
    /// The same as dispatch takes it.
    #[must_use]
    pub fn settings(&self) -> Settings {
        let hours = |hours: NonZeroU16| SignedDuration::from_hours(i64::from(hours.get()));
        Settings {
            workers: usize::from(self.workers.get()),
            original_wait: hours(self.original_wait_hours),
            count_wait: hours(self.count_wait_hours),
        }
    }
}

impl Config {
    /// The configuration of a retailer with a default everywhere else and no target: what the
    /// file `tenant = "…"` alone says.
    #[must_use]
    pub fn for_tenant(tenant: TenantId) -> Self {
        Self {
            tenant,
            listen: ListenConfig::default(),
            mqtt: MqttConfig::default(),
            store: StoreConfig::default(),
            dispatch: DispatchConfig::default(),
            books: BooksConfig::default(),
            api: ApiConfig::default(),
            log: LogConfig::default(),
            targets: BTreeMap::new(),
        }
    }

    /// Where the store's file stands.
    #[must_use]
    pub fn store_file(&self, data_dir: &Path) -> PathBuf {
        self.store.file.clone().unwrap_or_else(|| data_dir.join("relay.db"))
    }

    /// Where the operators' token stands.
    #[must_use]
    pub fn token_file(&self, data_dir: &Path) -> PathBuf {
        self.api.token_file.clone().unwrap_or_else(|| data_dir.join("operator.token"))
    }

    /// Where the log files stand.
    #[must_use]
    pub fn log_directory(&self, data_dir: &Path) -> PathBuf {
        self.log.directory.clone().unwrap_or_else(|| data_dir.join("logs"))
    }
}
