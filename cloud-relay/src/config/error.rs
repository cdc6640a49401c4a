//! What is wrong with a configuration file, where, and what to do about it.
//!
//! Does not decide what is wrong.

use std::fmt;
use std::path::{Path, PathBuf};

use protocol::problem::{Code, Problem};

/// A configuration that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The file; none for a text that came from elsewhere.
    pub file: Option<PathBuf>,
    /// The line in it, counted from 1.
    pub line: Option<usize>,
    /// The key with its section, such as `listen.address`.
    pub key: Option<String>,
    /// What is wrong.
    pub reason: String,
    /// What to do.
    pub next: String,
}

impl ConfigError {
    pub(crate) fn new(reason: impl Into<String>, next: impl Into<String>) -> Self {
        Self { file: None, line: None, key: None, reason: reason.into(), next: next.into() }
    }

    pub(super) fn at(self, line: Option<usize>) -> Self {
        Self { line, ..self }
    }

    pub(crate) fn of_key(self, key: impl Into<String>) -> Self {
        Self { key: Some(key.into()), ..self }
    }

    pub(crate) fn in_file(self, file: &Path) -> Self {
        Self { file: Some(file.to_owned()), ..self }
    }

    /// The same as a problem document with its stable code.
    #[must_use]
    pub fn problem(&self) -> Problem {
        let problem = Problem::new(Code::Configuration, self.to_string()).next(&self.next);
        match &self.key {
            Some(key) => problem.at(key),
            None => problem,
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("configuration")?;
        if let Some(file) = &self.file {
            write!(f, " `{}`", file.display())?;
        }
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        if let Some(key) = &self.key {
            write!(f, ", key `{key}`")?;
        }
        write!(f, ": {}", self.reason)
    }
}

impl std::error::Error for ConfigError {}
