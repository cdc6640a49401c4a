//! The settings of a database.
//!
//! Opens nothing.

use std::collections::BTreeMap;
use std::num::{NonZeroU16, NonZeroU32};
use std::path::PathBuf;

use protocol::time::BusinessDate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::inputs::registry::SettingsError;

/// A database that the POS writes and the agent reads, by a pack that says what to ask and what the
/// answers mean.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Settings {
    /// `sqlite`; in a build with the drivers of servers also `postgresql`, or `mysql`, which is
    /// MariaDB too.
    #[schemars(extend("example" = "sqlite"))]
    pub server: Server,

    /// The pack: the name of one that comes with the agent (`opensourcepos`, `unicenta`), or a file
    /// (TOML). docs/handbook/database.md shows how to write one.
    #[schemars(extend("example" = "/etc/storekeep/pos.toml"))]
    pub pack: String,

    /// The first trading day to read. What was sold before is left where it is.
    #[schemars(with = "String", extend("example" = "2026-11-23"))]
    pub since: BusinessDate,

    /// What the pack asks of each store, such as its number, currency and time zone.
    #[serde(default)]
    #[schemars(extend("example" = { "store": "0042", "currency": "EUR", "zone": "Europe/Berlin" }))]
    pub values: BTreeMap<String, String>,

    /// SQLite: the file.
    #[serde(default)]
    #[schemars(extend("example" = "/var/pos/pos.db"))]
    pub file: Option<PathBuf>,

    /// A server: the host's name or address, or the path of its socket (of PostgreSQL, the socket's
    /// folder).
    #[serde(default = "this_host")]
    pub host: String,

    /// A server: its port. Left out: the usual one.
    #[serde(default)]
    #[schemars(extend("example" = 5432))]
    pub port: Option<NonZeroU16>,

    /// A server: the database.
    #[serde(default)]
    #[schemars(extend("example" = "pos"))]
    pub database: Option<String>,

    /// A server: the user. One that may read and nothing else.
    #[serde(default)]
    #[schemars(extend("example" = "storekeep"))]
    pub user: Option<String>,

    /// A server: the environment variable with the user's password. It goes before the file.
    #[serde(default)]
    #[schemars(extend("example" = "STOREKEEP_POS_DATABASE_PASSWORD"))]
    pub password_variable: Option<String>,

    /// A server: the file with the user's password. Left out: none is sent.
    #[serde(default)]
    #[schemars(extend("example" = "/etc/storekeep/pos-database.password"))]
    pub password_file: Option<PathBuf>,

    /// Set to true for a server on another host. The connection is not encrypted: do this in a
    /// network of the store's own only.
    #[serde(default)]
    pub unencrypted_beyond_this_host: bool,

    /// Seconds between two looks.
    #[serde(default = "poll_seconds")]
    pub poll_seconds: NonZeroU32,

    /// Seconds for which a receipt must not have changed before it is taken. More is needed where the
    /// POS writes a receipt's lines one by one.
    #[serde(default = "settle_seconds")]
    pub settle_seconds: NonZeroU32,
}

/// A kind of database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Server {
    /// A file.
    Sqlite,
    /// PostgreSQL.
    Postgresql,
    /// MySQL or MariaDB.
    Mysql,
}

impl Server {
    /// What the configuration calls it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgresql => "postgresql",
            Self::Mysql => "mysql",
        }
    }
}

pub(super) fn refuse(key: &str, reason: impl Into<String>, next: &str) -> SettingsError {
    SettingsError { key: Some(key.to_owned()), reason: reason.into(), next: next.to_owned() }
}

fn this_host() -> String {
    "127.0.0.1".to_owned()
}

const fn poll_seconds() -> NonZeroU32 {
    NonZeroU32::new(5).expect("five is not zero")
}

const fn settle_seconds() -> NonZeroU32 {
    NonZeroU32::new(3).expect("three is not zero")
}
