//! Where configuration and data stand unless the command line says otherwise.
//!
//! Creates nothing. A packaged service names both itself, because it runs as a user without a
//! home.

use std::path::PathBuf;

use directories::ProjectDirs;

/// The configuration file of whoever runs the program; none without a home.
#[must_use]
pub fn default_config_file() -> Option<PathBuf> {
    dirs().map(|dirs| dirs.config_dir().join("relay.toml"))
}

/// The data folder of whoever runs the program; none without a home.
#[must_use]
pub fn default_data_dir() -> Option<PathBuf> {
    dirs().map(|dirs| dirs.data_local_dir().join("relay"))
}

fn dirs() -> Option<ProjectDirs> {
    ProjectDirs::from("", "", "storekeep")
}
