//! How a command ends: its exit code, and for a failure what was tried, why it failed and what to
//! run next.
//!
//! Does not print.

use std::fmt;
use std::process::ExitCode;

use protocol::problem::{Code, Problem};

use crate::config::ConfigError;
use crate::sync::uplink::Failure;

/// The exit codes of every command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done,
    /// The check found something.
    Found,
    /// The command or the configuration cannot be used.
    Usage,
    /// Agent or relay cannot be reached.
    NotReachable,
    /// Refused.
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

/// A command that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandError {
    /// How it ends.
    pub exit: Exit,
    /// What was tried, why it failed, and what is next.
    pub problem: Problem,
}

impl CommandError {
    pub(super) fn new(
        exit: Exit,
        code: Code,
        detail: impl Into<String>,
        next: impl Into<String>,
    ) -> Self {
        Self { exit, problem: Problem::new(code, detail).next(next) }
    }

    pub(super) fn refused(problem: Problem) -> Self {
        Self { exit: Exit::Refused, problem }
    }

    /// What keeps the agent from running.
    pub(super) fn of_run(error: &anyhow::Error) -> Self {
        match error.downcast_ref::<Problem>() {
            Some(problem) => Self::refused(problem.clone()),
            None => Self::refused(
                Problem::new(Code::Internal, format!("{error:#}"))
                    .next("run `storekeep-agent doctor`, which names what is wrong and the fix"),
            ),
        }
    }

    /// What keeps the relay from answering.
    pub(super) fn of_failure(failure: &Failure) -> Self {
        let exit = match failure {
            Failure::Unreachable(_) | Failure::Unavailable { .. } => Exit::NotReachable,
            Failure::StaleSession(_) | Failure::TooLarge(_) | Failure::Refused(_) => Exit::Refused,
        };
        let reason = failure.reason();
        let next = match reason.code {
            Code::BadToken => "make a new token with `storekeep-relay token create`",
            _ => "run `storekeep-agent doctor`, which tries each step of the way to the relay",
        };
        Self::new(exit, reason.code, reason.text.clone(), next)
    }
}

impl From<ConfigError> for CommandError {
    fn from(error: ConfigError) -> Self {
        Self { exit: Exit::Usage, problem: error.problem() }
    }
}

/// Nobody reads the output any more, or its disk is full.
impl From<std::io::Error> for CommandError {
    fn from(error: std::io::Error) -> Self {
        let next = "run the command again with another place for its output";
        Self::new(Exit::Refused, Code::Internal, format!("write the output: {error}"), next)
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Problem { code, detail, path, next, .. } = &self.problem;
        write!(f, "error: {detail}")?;
        if let Some(path) = path
            && !detail.contains(path.as_str())
        {
            write!(f, " (at {path})")?;
        }
        write!(f, " [{code}]")?;
        match next {
            Some(next) => write!(f, "\nnext: {next}"),
            None => write!(f, "\nnext: read docs/errors/{code}.md"),
        }
    }
}
