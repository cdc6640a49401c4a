//! How a command ends: its exit code, and for a failure the stable code, what was tried, why it
//! failed and what to run next.
//!
//! Each code has a page `docs/errors/<code>.md`. Does not print.

use std::fmt;
use std::process::ExitCode;

use serde::{Serialize, Serializer};

/// The exit codes of every command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done,
    /// The check found something.
    Found,
    /// The command or the settings cannot be used.
    Usage,
    /// The relay or the agent cannot be reached.
    NotReachable,
    /// Refused, or failed with the host as it was.
    Refused,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Found => 1,
            Exit::Usage => 2,
            Exit::NotReachable => 3,
            Exit::Refused => 4,
        })
    }
}

/// Every error that whoever installs can meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// It takes the rights of an administrator.
    Rights,
    /// Another installation is under way on this host.
    UnderWay,
    /// A step failed; the host is as it was.
    StepFailed,
    /// A step failed, and not everything could be undone.
    NotUndone,
    /// The journal holds what the relay does not have.
    Unsynced,
    /// What the journal holds cannot be found out.
    JournalUnknown,
    /// A program that is to be installed is missing or does not run.
    Program,
    /// A setting is missing or cannot be used.
    Settings,
    /// The agent is not installed here.
    NotInstalled,
    /// A file of an earlier attempt is in the way.
    InTheWay,
    /// There is too little room on the disk.
    Disk,
    /// The host's clock is wrong.
    Clock,
    /// The port of the local API is taken.
    Port,
    /// Somebody opens the encrypted connection to the relay.
    Intercepted,
    /// The relay cannot be reached.
    Unreachable,
    /// Another agent is on this host.
    AnotherAgent,
    /// The relay did not take the device.
    NotEnrolled,
}

impl Code {
    /// The stable number; `docs/errors` explains it.
    #[must_use]
    pub const fn number(self) -> &'static str {
        match self {
            Self::Rights => "SK0100",
            Self::UnderWay => "SK0101",
            Self::StepFailed => "SK0102",
            Self::NotUndone => "SK0103",
            Self::Unsynced => "SK0104",
            Self::JournalUnknown => "SK0105",
            Self::Program => "SK0106",
            Self::Settings => "SK0107",
            Self::NotInstalled => "SK0108",
            Self::InTheWay => "SK0109",
            Self::Disk => "SK0110",
            Self::Clock => "SK0111",
            Self::Port => "SK0112",
            Self::Intercepted => "SK0113",
            Self::Unreachable => "SK0114",
            Self::AnotherAgent => "SK0115",
            Self::NotEnrolled => "SK0116",
        }
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.number())
    }
}

/// A command that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SetupError {
    /// How it ends.
    #[serde(skip)]
    pub exit: Exit,
    /// The stable number.
    pub code: Code,
    /// What was tried and why it failed.
    pub detail: String,
    /// What to do next.
    pub next: String,
}

impl SetupError {
    /// Refused.
    #[must_use]
    pub fn refused(code: Code, detail: impl Into<String>, next: impl Into<String>) -> Self {
        Self { exit: Exit::Refused, code, detail: detail.into(), next: next.into() }
    }

    /// The command cannot be used so.
    #[must_use]
    pub fn usage(detail: impl Into<String>, next: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, ..Self::refused(Code::Settings, detail, next) }
    }
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, detail, next, .. } = self;
        write!(f, "error: {detail} [{}]\nnext: {next}", code.number())
    }
}

impl std::error::Error for SetupError {}

/// An error with its causes, on one line.
#[must_use]
pub fn in_full(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
