//! Input: files with columns, as CSV or of fixed width, by a mapping.
//!
//! For a POS that exports its receipts as a table: a file in a folder, one row a line or a receipt.
//! What the columns mean stands in a mapping file ([`super::mapping`]); how the file is written
//! stands in it too ([`config`]). The folder is read as every folder is ([`super::folder`]). Knows
//! no vendor and guesses nothing about a file.

mod config;
mod encoding;
mod map;
mod rows;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::map::Table;
use super::Input;
use super::folder::{Folder, FolderConfig};
use super::registry::SettingsError;

/// Bytes of a mapping file: a thousand columns, each with a long map.
const MAPPING_BYTES_MAX: u64 = 1024 * 1024;

/// A folder into which the POS drops tables: CSV or fixed width, with a mapping that says what their
/// columns mean.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Settings {
    /// The folder.
    #[serde(flatten)]
    pub folder: FolderConfig,

    /// The file (TOML) that says how the tables are written and what their columns mean.
    /// docs/handbook/table.md shows how to write one; `storekeep-agent input test` tries it.
    #[schemars(extend("example" = "/etc/storekeep/tables.toml"))]
    pub mapping: PathBuf,
}

/// Makes the input.
///
/// # Errors
/// The mapping cannot be read or used, or the folder's settings cannot.
pub fn from_settings(settings: Settings) -> Result<Box<dyn Input>, SettingsError> {
    let table = mapping_text(&settings.mapping).and_then(|text| Table::parse(&text));
    let table = table.map_err(|error| SettingsError {
        key: Some("mapping".to_owned()),
        reason: format!("`{}`: {}", settings.mapping.display(), error.reason),
        next: error.next,
    })?;
    Ok(Box::new(Folder::new(settings.folder, Arc::new(table))?))
}

fn mapping_text(path: &Path) -> Result<String, SettingsError> {
    let refuse = |reason: String| SettingsError {
        key: None,
        reason,
        next: "name a mapping file that the agent's user can read".to_owned(),
    };
    let bytes = std::fs::metadata(path).map_err(|error| refuse(error.to_string()))?.len();
    if bytes > MAPPING_BYTES_MAX {
        return Err(refuse(format!("has {bytes} bytes; at most {MAPPING_BYTES_MAX} are read")));
    }
    std::fs::read_to_string(path).map_err(|error| refuse(error.to_string()))
}
