//! Why a step failed.

use std::io;
use std::path::{Path, PathBuf};

use crate::command::CommandError;
use crate::engine::RecordError;
use crate::problem::SetupError;

/// Why a step failed.
#[derive(Debug, thiserror::Error)]
pub enum ActError {
    /// The file system refuses.
    #[error("{attempt} `{path}`", path = .path.display())]
    Io {
        /// What was tried.
        attempt: &'static str,
        /// Where.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// A program of the host failed.
    #[error("{attempt}: {answer}")]
    Failed {
        /// What was tried.
        attempt: String,
        /// What it said.
        answer: String,
    },
    /// A program of the host cannot be run.
    #[error("ask the host")]
    Command(#[from] CommandError),
    /// The record cannot be written.
    #[error("write down what is under way")]
    Record(#[from] RecordError),
    /// It was refused, not failed.
    #[error("{0}")]
    Refused(Box<SetupError>),
    /// A harness killed the program here.
    #[error("the program was killed")]
    Died,
}

impl From<SetupError> for ActError {
    fn from(error: SetupError) -> Self {
        Self::Refused(Box::new(error))
    }
}

impl ActError {
    pub(crate) fn io(attempt: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { attempt, path: path.to_owned(), source }
    }

    /// What to do about it.
    pub(crate) fn next(&self) -> String {
        let kind = match self {
            Self::Io { source, .. } | Self::Record(RecordError::Io { source, .. }) => source.kind(),
            Self::Failed { .. } => {
                return "mend what it says, and run the same command again; \
                        `journalctl -u storekeep-agent` has the service's own words"
                    .to_owned();
            }
            _ => io::ErrorKind::Other,
        };
        let text = match kind {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                "make room on that disk, and run the same command again"
            }
            io::ErrorKind::PermissionDenied => "run the same command as the administrator (sudo)",
            io::ErrorKind::ReadOnlyFilesystem => {
                "mount that file system writable, and run the same command again"
            }
            _ => "mend what it says, and run the same command again",
        };
        text.to_owned()
    }
}
