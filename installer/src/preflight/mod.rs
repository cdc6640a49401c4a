//! Looks whether a host can take the agent: room, clock, way to the relay, port, neighbours.
//!
//! Changes nothing and sends no secret. What it looks at is handed in, so that a folder can stand
//! for a host.

mod host;
mod issuer;
mod network;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::Serialize;

use crate::problem::{Code, SetupError};

pub use self::network::Relay;

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As it should be.
    Good,
    /// It works, but someone should look.
    Notice,
    /// It does not work; the agent can be installed and sells all the same.
    Bad,
    /// The agent could not run here.
    Blocks,
}

/// One line of the preflight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was checked.
    pub name: &'static str,
    /// How it ended.
    pub verdict: Verdict,
    /// The code whose page says more; none if all is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
    /// What was found.
    pub found: String,
    /// What to do; none if nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

impl Check {
    fn good(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Good, code: None, found: found.into(), fix: None }
    }

    fn notice(name: &'static str, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { verdict: Verdict::Notice, fix: Some(fix.into()), ..Self::good(name, found) }
    }

    fn bad(
        name: &'static str,
        code: Code,
        found: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self { verdict: Verdict::Bad, code: Some(code), ..Self::notice(name, found, fix) }
    }

    fn blocks(
        name: &'static str,
        code: Code,
        found: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self { verdict: Verdict::Blocks, ..Self::bad(name, code, found, fix) }
    }

    /// Whether something does not work.
    #[must_use]
    pub fn is_bad(&self) -> bool {
        matches!(self.verdict, Verdict::Bad | Verdict::Blocks)
    }

    /// Why nothing can be installed here; none if it can.
    #[must_use]
    pub fn refusal(&self) -> Option<SetupError> {
        let (code, fix) = (self.code?, self.fix.as_ref()?);
        let refusal = || {
            let detail = format!("install the agent: {}: {}", self.name, self.found);
            SetupError::refused(code, detail, fix.clone())
        };
        (self.verdict == Verdict::Blocks).then(refusal)
    }
}

/// What is looked at.
pub struct Subject<'a> {
    /// The folder that stands for `/`.
    pub root: PathBuf,
    /// The folder in which the kernel shows processes; none if no process of the host runs here.
    pub processes: Option<PathBuf>,
    /// Where journal and logs will stand.
    pub data: PathBuf,
    /// Where the local API will listen; none if nothing will be started here.
    pub listen: Option<SocketAddr>,
    /// Whether the agent that this program installed is running.
    pub own_agent_runs: bool,
    /// The relay; none if there is to be none.
    pub relay: Option<Relay>,
    /// The proxy that the environment of whoever installs names.
    pub proxy: Option<String>,
    /// Reads the host's clock.
    pub clock: &'a dyn Fn() -> Timestamp,
}

/// Looks at everything, in the order in which things have to be right.
#[must_use]
pub fn check(subject: &Subject<'_>) -> Vec<Check> {
    let mut checks = vec![host::disk(&subject.data)];
    if let Some(processes) = &subject.processes {
        checks.push(host::another_agent(&subject.root, processes, subject.own_agent_runs));
    }
    if let Some(listen) = subject.listen {
        checks.push(host::port(listen, subject.own_agent_runs));
    }
    checks.push(host::scanners(&subject.root));
    checks.extend(match &subject.relay {
        Some(relay) => network::check(relay, subject.proxy.as_deref(), subject.clock),
        None => vec![Check::notice(
            "relay",
            "no relay is named: sales stay on this host, and its clock is not compared",
            "name it with --relay when there is one",
        )],
    });
    checks
}
