//! Why JSON is not an event.
//!
//! Does not answer anybody: the local API turns it into a problem document.

use crate::event::RuleError;
use crate::problem::{Code, Problem};

/// What is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// Not JSON in UTF-8.
    #[error("{message}")]
    Malformed {
        /// What is wrong, with line and column.
        message: String,
    },
    /// JSON, but not an event.
    #[error("{path}: {message}")]
    Invalid {
        /// Where, as `data.lines[2].quantity`.
        path: String,
        /// What is wrong, and what would be right.
        message: String,
    },
}

impl EventError {
    pub(super) fn invalid(path: impl Into<String>, message: &str) -> Self {
        Self::Invalid { path: path.into(), message: message.to_owned() }
    }

    /// The same error as a problem document.
    #[must_use]
    pub fn problem(&self) -> Problem {
        match self {
            Self::Malformed { message } => Problem::new(Code::MalformedJson, message.clone())
                .next("send one JSON object in UTF-8, or an array of them"),
            Self::Invalid { path, message } => {
                let problem = Problem::new(Code::InvalidEvent, message.clone())
                    .next("correct the named field; the schemas are in /openapi.json");
                if path.is_empty() { problem } else { problem.at(path.clone()) }
            }
        }
    }
}

impl From<RuleError> for EventError {
    fn from(error: RuleError) -> Self {
        Self::Invalid { path: format!("data.{}", error.path), message: error.message }
    }
}
