//! Starting and stopping the service: by systemd on a running host, not at all elsewhere.
//!
//! Whether the service starts at boot is a link, which is put and taken away like any file.

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use super::{ActError, layout};
use crate::command::{self, last_words};

/// For the start: the agent is ready within a second, but for a damaged journal, which it reads
/// page by page first.
const START_TIMEOUT: Duration = Duration::from_secs(10 * 60);

/// For everything else; stopping takes at most the unit's half a minute.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(90);

/// Lines of the service's log that an error carries.
const LOG_LINES: &str = "--lines=5";

/// Who starts and stops the service.
pub trait Services {
    /// Whether there is anything to start and stop.
    fn is_live(&self) -> bool;
    /// Whether the service runs.
    ///
    /// # Errors
    /// The service manager does not answer.
    fn is_active(&self) -> Result<bool, ActError>;
    /// Lets the service manager read its files again.
    ///
    /// # Errors
    /// It refuses.
    fn reload(&self) -> Result<(), ActError>;
    /// Starts the service and waits until it takes sales.
    ///
    /// # Errors
    /// It does not start.
    fn start(&self) -> Result<(), ActError>;
    /// Stops the service and waits for its end.
    ///
    /// # Errors
    /// It does not stop.
    fn stop(&self) -> Result<(), ActError>;
}

/// systemd on the running host.
#[derive(Debug, Clone, Copy)]
pub struct Systemd;

/// A folder that is no running host.
#[derive(Debug, Clone, Copy)]
pub struct Offline;

/// The one for a root folder.
#[must_use]
pub fn of(root: &Path) -> Box<dyn Services> {
    // As sd_booted(3) tells it.
    match root == Path::new("/") && Path::new("/run/systemd/system").is_dir() {
        true => Box::new(Systemd),
        false => Box::new(Offline),
    }
}

impl Services for Systemd {
    fn is_live(&self) -> bool {
        true
    }

    fn is_active(&self) -> Result<bool, ActError> {
        Ok(systemctl(&["is-active", "--quiet", layout::UNIT], ANSWER_TIMEOUT)?.status.success())
    }

    fn reload(&self) -> Result<(), ActError> {
        done("let systemd read its files", &systemctl(&["daemon-reload"], ANSWER_TIMEOUT)?)
    }

    fn start(&self) -> Result<(), ActError> {
        let output = systemctl(&["start", layout::UNIT], START_TIMEOUT)?;
        if output.status.success() {
            return Ok(());
        }
        // What it says itself is worth more than that it failed.
        let arguments = ["status", "--no-pager", "--full", LOG_LINES, layout::UNIT];
        let status = systemctl(&arguments, ANSWER_TIMEOUT)?;
        done("start the service", &Output { stdout: status.stdout, stderr: Vec::new(), ..output })
    }

    fn stop(&self) -> Result<(), ActError> {
        done("stop the service", &systemctl(&["stop", layout::UNIT], ANSWER_TIMEOUT)?)
    }
}

impl Services for Offline {
    fn is_live(&self) -> bool {
        false
    }

    fn is_active(&self) -> Result<bool, ActError> {
        Ok(false)
    }

    fn reload(&self) -> Result<(), ActError> {
        Ok(())
    }

    fn start(&self) -> Result<(), ActError> {
        Ok(())
    }

    fn stop(&self) -> Result<(), ActError> {
        Ok(())
    }
}

fn systemctl(arguments: &[&str], within: Duration) -> Result<Output, ActError> {
    Ok(command::run(Command::new("systemctl").args(arguments), within)?)
}

fn done(attempt: &str, output: &Output) -> Result<(), ActError> {
    match output.status.success() {
        true => Ok(()),
        false => Err(ActError::Failed { attempt: attempt.to_owned(), answer: last_words(output) }),
    }
}
