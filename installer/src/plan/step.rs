//! The steps there are, and how each is taken back.
//!
//! Data alone: it is planned, written into the record, and done by the platform.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Whom a file or folder belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// The administrator.
    Root,
    /// The administrator; the service may read, as far as the mode lets its group.
    RootForService,
    /// The service.
    Service,
}

/// Who may do what with a file or folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// The bits of `chmod`.
    pub mode: u32,
    /// Whom it belongs to.
    pub owner: Owner,
}

/// What stands in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// This text.
    Text(String),
    /// The same as in that file, which need not be below the root.
    CopyOf(PathBuf),
    /// Nothing: it is a link to there.
    LinkTo(PathBuf),
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Stop the service.
    StopService,
    /// Refuse to go on if the journal holds unsynced entries, unless it is this number of them.
    CheckUnsynced {
        /// The number that whoever uninstalls has named.
        discard: Option<u64>,
    },
    /// Make a folder.
    MakeFolder {
        /// Where.
        path: PathBuf,
        /// Who may do what.
        access: Access,
    },
    /// Make the user that the service runs as.
    MakeUser,
    /// Put a file or link where it belongs.
    Put {
        /// Where.
        path: PathBuf,
        /// What stands in it.
        content: Content,
        /// Who may do what.
        access: Access,
        /// Whether one is there already.
        replaces: bool,
    },
    /// Take a file, a link, or a folder with everything in it away.
    TakeAway {
        /// Which.
        path: PathBuf,
    },
    /// Let the service manager read its files again.
    ReloadServices,
    /// Start the service and wait until it takes sales.
    StartService,
    /// When everything else is done: remove a folder if nothing is left in it.
    LeaveFolder {
        /// Which.
        path: PathBuf,
    },
    /// When everything else is done: remove the user that the service ran as.
    LeaveUser,
}

/// How a step is taken back. Each may be done twice, and also where the step was not begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Undo {
    /// There is nothing to take back.
    Nothing,
    /// Start the service as it was.
    StartAgain,
    /// Stop the service that was started. Where it found empty folders, what it made in them goes
    /// too, unless there is an entry in its journal.
    StopAgain {
        /// The folders that it found empty.
        empty_before: Vec<PathBuf>,
    },
    /// Remove the folder that was made, if it is empty.
    RemoveFolder(PathBuf),
    /// Remove what was put there.
    Remove(PathBuf),
    /// Put back what stood there before.
    PutBack(PathBuf),
    /// Remove the user that was made.
    RemoveUser {
        /// Files that making it brought about.
        leaves: Vec<PathBuf>,
    },
}

/// A step with its undo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// What is done.
    pub step: Step,
    /// How it is taken back.
    pub undo: Undo,
}

impl Step {
    /// The path that it changes; none if it changes none.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::MakeFolder { path, .. }
            | Self::Put { path, .. }
            | Self::TakeAway { path }
            | Self::LeaveFolder { path } => Some(path),
            Self::StopService
            | Self::CheckUnsynced { .. }
            | Self::MakeUser
            | Self::ReloadServices
            | Self::StartService
            | Self::LeaveUser => None,
        }
    }
}

/// As an error and a report name it.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StopService => f.write_str("stop the service"),
            Self::CheckUnsynced { .. } => f.write_str("count the entries that the relay lacks"),
            Self::MakeFolder { path, .. } => write!(f, "make the folder `{}`", path.display()),
            Self::MakeUser => f.write_str("make the service's user"),
            Self::Put { path, content: Content::LinkTo(_), .. } => {
                write!(f, "make the link `{}`", path.display())
            }
            Self::Put { path, .. } => write!(f, "write `{}`", path.display()),
            Self::TakeAway { path } => write!(f, "remove `{}`", path.display()),
            Self::ReloadServices => f.write_str("let the service manager read its files"),
            Self::StartService => f.write_str("start the service"),
            Self::LeaveFolder { path } => write!(f, "remove `{}` if it is empty", path.display()),
            Self::LeaveUser => f.write_str("remove the service's user"),
        }
    }
}
