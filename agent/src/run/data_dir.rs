//! What lies where in the agent's data folder.
//!
//! Does not create or read anything.

use std::path::{Path, PathBuf};

use crate::config::Config;

/// The data folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataDir(PathBuf);

impl DataDir {
    /// A data folder.
    #[must_use]
    pub const fn new(folder: PathBuf) -> Self {
        Self(folder)
    }

    /// The folder itself.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// The journal.
    #[must_use]
    pub fn journal(&self) -> PathBuf {
        self.0.join("journal.db")
    }

    /// The key that the journal is encrypted with.
    #[must_use]
    pub fn journal_key(&self) -> PathBuf {
        self.0.join("journal.key")
    }

    /// The key that the device signs with.
    #[must_use]
    pub fn device_key(&self) -> PathBuf {
        self.0.join("device.key")
    }

    /// Where `enroll` leaves a token for the running agent.
    #[must_use]
    pub fn enrolment_token(&self) -> PathBuf {
        self.0.join("enrolment.token")
    }

    /// The token that the POS sends.
    #[must_use]
    pub fn local_api_token(&self, config: &Config) -> PathBuf {
        let named = config.local_api.token_file.clone();
        named.unwrap_or_else(|| self.0.join("local-api.token"))
    }

    /// Where the running agent leaves the address of its local API, for a configuration that lets
    /// the system choose the port.
    #[must_use]
    pub fn local_api_address(&self) -> PathBuf {
        self.0.join("local-api.address")
    }

    /// The log files.
    #[must_use]
    pub fn logs(&self, config: &Config) -> PathBuf {
        config.log.directory.clone().unwrap_or_else(|| self.0.join("logs"))
    }
}
