//! Asks `storekeep-agent` about what only it knows: its configuration, its journal, its enrolment.
//!
//! Reads no file of the agent's. What it is asked for runs as the service's user, so that nothing
//! that it makes belongs to somebody else.

use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::Duration;

use serde::Deserialize;

use crate::command::{self, CommandError, last_words};
use crate::problem::{Code, Exit, SetupError, in_full};

/// For a question. The agent waits ten seconds for its own answer, and half a minute for the
/// relay's word on a token; opening a journal of ten million entries takes a second.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(120);

/// The code of the agent's "there is none".
const NONE_THERE: &str = "[SK0010]";

/// A file that is not written yet is checked from there.
const STANDARD_INPUT: &str = "/dev/stdin";

/// The variable by which a token is handed over: an argument could be read by everyone.
const TOKEN_VARIABLE: &str = "STOREKEEP_ENROLMENT_TOKEN";

/// The agent's program, and with which files it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// The program.
    pub program: PathBuf,
    /// Its configuration file.
    pub config: PathBuf,
    /// Its data folder.
    pub data_dir: PathBuf,
    /// The numbers of the user and group that it runs as; none: those of whoever asks.
    pub runs_as: Option<(u32, u32)>,
}

/// What the journal holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Held {
    /// Entries of all epochs.
    pub entries: u64,
    /// Entries that the relay does not have.
    pub unsent: u64,
    /// What happened to its files.
    #[serde(default)]
    pub incidents: Vec<Incident>,
}

/// Something that happened to the journal's files.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Incident {
    /// The file in the data folder that was set aside.
    pub set_aside: Option<String>,
}

#[derive(Deserialize)]
struct Enrolled {
    device: String,
}

impl Agent {
    /// Whether a configuration can be used.
    ///
    /// # Errors
    /// It cannot: what the agent says about it.
    pub fn check_config(&self, text: &str) -> Result<(), SetupError> {
        let mut command = Command::new(&self.program);
        command.args(["config", "check", "--config", STANDARD_INPUT]).arg("--data-dir");
        command.arg(&self.data_dir).current_dir("/");
        let output = command::run_with(&mut command, text, ANSWER_TIMEOUT)
            .map_err(|error| unusable(&self.program, &in_full(&error)))?;
        match output.status.success() {
            true => Ok(()),
            false => {
                let (detail, next) = said(&output);
                let detail = detail.replace(STANDARD_INPUT, "agent.toml");
                Err(SetupError::usage(format!("check the configuration: {detail}"), next))
            }
        }
    }

    /// Its version, as it says it.
    ///
    /// # Errors
    /// It does not run here.
    pub fn version(&self) -> Result<String, SetupError> {
        let output = self.ask(&["--version"], None)?;
        match output.status.success() {
            true => {
                let text = String::from_utf8_lossy(&output.stdout);
                Ok(text.split_whitespace().last().unwrap_or_default().to_owned())
            }
            false => Err(unusable(&self.program, &last_words(&output))),
        }
    }

    /// What the journal holds; nothing if there is none.
    ///
    /// # Errors
    /// It cannot be found out.
    pub fn journal(&self) -> Result<Held, SetupError> {
        if is_empty(&self.data_dir) {
            return Ok(Held::default());
        }
        let unknown = |detail: &str| {
            let detail = format!("ask what the journal holds: {detail}");
            let next = "run `storekeep-agent doctor`, which names what is wrong and the fix";
            SetupError::refused(Code::JournalUnknown, detail, next)
        };
        let output = self
            .ask(&["journal", "stats", "--json"], None)
            .map_err(|error| unknown(&error.detail))?;
        if output.status.success() {
            return serde_json::from_slice(&output.stdout)
                .map_err(|error| unknown(&format!("its answer is no figures: {error}")));
        }
        match String::from_utf8_lossy(&output.stderr).contains(NONE_THERE) {
            true => Ok(Held::default()),
            false => Err(unknown(&said(&output).0)),
        }
    }

    /// Makes the device known to the relay; returns the name that it has there.
    ///
    /// # Errors
    /// The relay does not answer or does not take the token.
    pub fn enroll(&self, token: &str) -> Result<String, SetupError> {
        let output = self.ask(&["enroll", "--json"], Some(token))?;
        if output.status.success() {
            let enrolled: Enrolled = serde_json::from_slice(&output.stdout).map_err(|error| {
                unusable(&self.program, &format!("its answer names no device: {error}"))
            })?;
            return Ok(enrolled.device);
        }
        let (detail, next) = said(&output);
        let exit = match output.status.code() {
            Some(2) => Exit::Usage,
            Some(3) => Exit::NotReachable,
            _ => Exit::Refused,
        };
        let error = SetupError::refused(Code::NotEnrolled, format!("enrol: {detail}"), next);
        Err(SetupError { exit, ..error })
    }

    fn ask(&self, arguments: &[&str], token: Option<&str>) -> Result<Output, SetupError> {
        let mut command = Command::new(&self.program);
        command.args(arguments);
        if arguments != ["--version"] {
            command.arg("--config").arg(&self.config).arg("--data-dir").arg(&self.data_dir);
        }
        command.env_remove(TOKEN_VARIABLE).current_dir("/");
        if let Some(token) = token {
            command.env(TOKEN_VARIABLE, token);
        }
        as_user(&mut command, self.runs_as);
        command::run(&mut command, ANSWER_TIMEOUT).map_err(|error| match &error {
            CommandError::Start { .. } => unusable(&self.program, &in_full(&error)),
            CommandError::TimedOut { .. } => {
                let next = "run `storekeep-agent status`, and try again when it answers";
                SetupError::refused(Code::JournalUnknown, in_full(&error), next)
            }
        })
    }
}

fn is_empty(folder: &std::path::Path) -> bool {
    std::fs::read_dir(folder).map_or_else(
        |error| error.kind() == std::io::ErrorKind::NotFound,
        |mut entries| entries.next().is_none(),
    )
}

fn unusable(program: &std::path::Path, detail: &str) -> SetupError {
    SetupError::refused(
        Code::Program,
        format!("run `{}`: {detail}", program.display()),
        "unpack storekeep-setup and storekeep-agent of one version, for this kind of host, into one \
         folder",
    )
}

/// What the agent says of its failure: the detail and the next step.
fn said(output: &Output) -> (String, String) {
    let text = String::from_utf8_lossy(&output.stderr);
    let line = |start: &str| text.lines().find_map(|line| line.strip_prefix(start));
    let detail = line("error: ").map_or_else(|| last_words(output), str::to_owned);
    let next = line("next: ").unwrap_or("run `storekeep-agent doctor`");
    (detail, next.to_owned())
}

#[cfg(unix)]
fn as_user(command: &mut Command, runs_as: Option<(u32, u32)>) {
    use std::os::unix::process::CommandExt;

    if let Some((user, group)) = runs_as {
        command.uid(user).gid(group);
    }
}
