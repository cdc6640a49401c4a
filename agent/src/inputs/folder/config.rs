//! The settings that every input with a folder shares.
//!
//! Does not look at the disk.

use std::num::NonZeroU32;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The folder of an input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FolderConfig {
    /// The folder into which the POS drops its files. The agent reads them when they are complete
    /// and moves them to `done` or `rejected` within it.
    #[schemars(extend("example" = "/var/pos/export"))]
    pub folder: PathBuf,

    /// The names of the files to read, with `*` and `?`. Names that begin with a dot or end in
    /// `.tmp`, `.part` or `~` are never read.
    #[serde(default = "all_files")]
    pub files: String,

    /// Seconds for which a file must not have changed before it is read. More is needed where the
    /// POS writes a file bit by bit.
    #[serde(default = "settle_seconds")]
    pub settle_seconds: NonZeroU32,

    /// Seconds between two looks at the folder. Network shares announce nothing, so that this is
    /// how soon a sale is seen there.
    #[serde(default = "poll_seconds")]
    pub poll_seconds: NonZeroU32,
}

fn all_files() -> String {
    "*".to_owned()
}

const fn settle_seconds() -> NonZeroU32 {
    NonZeroU32::new(2).expect("two is not zero")
}

const fn poll_seconds() -> NonZeroU32 {
    NonZeroU32::new(5).expect("five is not zero")
}
