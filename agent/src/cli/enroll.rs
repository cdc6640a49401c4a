//! `enroll`: makes this device known to the relay with a one-time token.
//!
//! Does it itself when no agent runs; otherwise leaves the token for the running agent and waits
//! for what becomes of it. The token is never an argument, which other users of a host can read.

use std::io::{IsTerminal, Read, Write};
use std::path::PathBuf;
use std::time::Duration;

use protocol::enrolment::EnrolmentAnswer;
use protocol::id::DeviceId;
use protocol::problem::{Code, Problem};
use serde::Serialize;
use tokio::time::timeout;

use super::Place;
use super::error::{CommandError, Exit};
use super::local::{LocalApi, LocalError};
use crate::config::{Config, HttpsConfig, Secret};
use crate::files;
use crate::health::Link;
use crate::identity::DeviceKey;
use crate::local_api::Status;
use crate::run::open_journal;
use crate::sync::enrol;

/// How long the running agent is waited for: it looks for a token every three seconds and asks
/// the relay at once.
const AGENT_TIMEOUT: Duration = Duration::from_secs(30);

/// Between two looks at what the agent made of the token.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);

/// Bytes that are read from standard input for a token.
const TOKEN_BYTES_MAX: u64 = 4_096;

/// How the token is handed over.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The file with the token. Left out: STOREKEEP_ENROLMENT_TOKEN, the configured file, or
    /// standard input.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Enrol although this device is enrolled already, because the relay does not know it any
    /// more. The agent must not run.
    #[arg(long)]
    again: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// What came of it, as JSON.
#[derive(Debug, Serialize)]
struct Enrolled<'a> {
    device: &'a str,
}

/// Enrols.
pub(super) async fn run(
    place: &Place,
    args: &Args,
    out: &mut (dyn Write + Send),
) -> Result<Exit, CommandError> {
    let config = place.config()?;
    let relay = config.relay.first_contact().ok_or_else(|| {
        let next = "set relay.url in the configuration";
        let detail = "enrol this device: no relay is configured";
        CommandError::new(Exit::Usage, Code::Configuration, detail, next)
    })?;
    files::make_private_folder(place.host.data_dir.folder())?;
    let device = match open_journal(&place.host, &config, &place.seams) {
        Ok(opened) => here(place, args, &config, &relay, &opened.journal).await?.device.to_string(),
        Err(problem) if problem.code == Code::JournalInUse.number() && args.again => {
            let next = "stop the agent, and run the command again";
            return Err(CommandError::refused(problem.next(next)));
        }
        Err(problem) if problem.code == Code::JournalInUse.number() => {
            at_the_agent(place, args, &config).await?
        }
        Err(problem) => return Err(CommandError::refused(problem)),
    };
    let device = device.as_str();
    match args.json {
        true => {
            let enrolled = serde_json::to_string(&Enrolled { device }).expect("plain data");
            writeln!(out, "{enrolled}")?;
        }
        false => writeln!(out, "this device is enrolled as {device}")?,
    }
    Ok(Exit::Done)
}

/// Enrols with the journal open in this process.
async fn here(
    place: &Place,
    args: &Args,
    config: &Config,
    relay: &HttpsConfig,
    journal: &journal::Journal,
) -> Result<EnrolmentAnswer, CommandError> {
    let key = DeviceKey::load_or_make(&place.host.data_dir.device_key(), &*place.seams.random);
    let key = key.map_err(|error| CommandError::of_run(&error.into()))?;
    let failed = |failure| CommandError::of_failure(&failure);
    match enrol::kept(journal, &key).await.map_err(failed)? {
        Some(answer) if !args.again => Ok(answer),
        Some(_) | None => {
            let token = token(place, args, config)?;
            enrol::ask(journal, &config.store, relay, &key, &token).await.map_err(failed)
        }
    }
}

/// Leaves the token for the running agent, and waits for what becomes of it.
async fn at_the_agent(place: &Place, args: &Args, config: &Config) -> Result<String, CommandError> {
    let agent = LocalApi::new(place, config).map_err(LocalError::for_command)?;
    let status: Status = agent.get("/v1/status").await.map_err(LocalError::for_command)?;
    // A host that was a copy knows the name that another one keeps.
    let has_lost_it = matches!(
        &status.relay.link,
        Link::NotEnrolled { reason } if reason.code == Code::NotEnrolled
    );
    let former = status.device.clone().filter(|_| has_lost_it);
    if let Some(device) = status.device.filter(|_| !has_lost_it) {
        return Ok(device.to_string());
    }
    let token = token(place, args, config)?;
    let left = format!("{}\n", token.expose());
    files::write_private(&place.host.data_dir.enrolment_token(), left.as_bytes())?;
    let device = timeout(AGENT_TIMEOUT, until_enrolled(&agent, former.as_ref())).await;
    device.unwrap_or_else(|_| {
        let detail = "the running agent has the token, but the relay has not answered yet";
        let next = "run `storekeep-agent status --watch`: it goes on trying";
        Err(CommandError::new(Exit::NotReachable, Code::RelayUnreachable, detail, next))
    })
}

async fn until_enrolled(
    agent: &LocalApi,
    former: Option<&DeviceId>,
) -> Result<String, CommandError> {
    loop {
        let status: Status = agent.get("/v1/status").await.map_err(LocalError::for_command)?;
        if let Some(device) = status.device.filter(|device| Some(device) != former) {
            return Ok(device.to_string());
        }
        if let Link::NotEnrolled { reason } = status.relay.link
            && reason.code == Code::BadToken
        {
            let problem = Problem::new(Code::BadToken, reason.text)
                .next("make a new token with `storekeep-relay token create`");
            return Err(CommandError::refused(problem));
        }
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}

fn token(place: &Place, args: &Args, config: &Config) -> Result<Secret, CommandError> {
    let file = args.token_file.as_ref();
    let read = match (file, &place.host.enrolment_token, &config.relay.enrolment_token_file) {
        (Some(file), _, _) => Secret::from_file(file),
        (None, Some(token), _) => Ok(token.clone()),
        (None, None, Some(file)) if file.exists() => Secret::from_file(file),
        (None, None, _) => {
            let mut text = String::new();
            let mut input = std::io::stdin();
            if input.is_terminal() {
                writeln!(std::io::stderr(), "token, then Enter and Ctrl-D:")?;
            }
            input.by_ref().take(TOKEN_BYTES_MAX).read_to_string(&mut text)?;
            Secret::new(&text, "standard input")
        }
    };
    read.map_err(|error| {
        let next = "make a token with `storekeep-relay token create` and name its file with \
                    --token-file";
        CommandError::new(Exit::Usage, Code::BadToken, error.to_string(), next)
    })
}
