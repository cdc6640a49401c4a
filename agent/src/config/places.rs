//! Where the configuration and the data stand unless the command line says otherwise.
//!
//! Does not create a folder. A packaged service names both itself, because it runs as a user
//! without a home.

use std::path::PathBuf;

use directories::ProjectDirs;

/// The configuration file of the user who runs the program; none if that user has no home.
#[must_use]
pub fn default_config_file() -> Option<PathBuf> {
    project().map(|project| project.config_dir().join("agent.toml"))
}

/// The data folder of the user who runs the program; none if that user has no home.
#[must_use]
pub fn default_data_dir() -> Option<PathBuf> {
    project().map(|project| project.data_local_dir().join("agent"))
}

fn project() -> Option<ProjectDirs> {
    ProjectDirs::from("", "", "storekeep")
}
