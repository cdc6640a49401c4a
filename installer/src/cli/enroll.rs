//! `enroll`: makes the installed agent known to the relay.
//!
//! The agent does it; this hands the token over, as the service's user and never as an argument.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::install::not_installed;
use super::open::{look, unseen};
use super::{Cli, Console, say_json};
use crate::problem::{Code, Exit, SetupError};

/// Bytes of a file that holds one token.
const TOKEN_BYTES_MAX: u64 = 4_096;

/// How the token is handed over.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The file with the token. Left out: it is asked for.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// Enrols.
pub(super) fn run(cli: &Cli, args: &Args, console: &mut dyn Console) -> Result<Exit, SetupError> {
    let host = look(cli, None)?;
    if !host.is_installed() {
        return Err(not_installed());
    }
    if !host.is_administrator {
        return Err(SetupError::refused(
            Code::Rights,
            "enrol: only the administrator may act as the service's user",
            "run the same command with sudo",
        ));
    }
    let token = match &args.token_file {
        Some(file) => read_token(file)?,
        None if cli.asks(console) => {
            console.ask("The one-time token of the relay:").unwrap_or_default()
        }
        None => String::new(),
    };
    if token.is_empty() {
        return Err(SetupError::usage(
            "enrol: there is no token",
            "make one with `storekeep-relay token create` and name its file with --token-file",
        ));
    }
    let device = host.agent().map_err(unseen)?.enroll(&token)?;
    match cli.json {
        true => say_json(console, &json!({ "command": "enroll", "device": device })),
        false => console.say(&format!("this device is enrolled as {device}")),
    }
    Ok(Exit::Done)
}

/// The token in a file.
pub(super) fn read_token(file: &Path) -> Result<String, SetupError> {
    use std::io::Read;

    let read = || {
        let mut text = String::new();
        std::fs::File::open(file)?.take(TOKEN_BYTES_MAX).read_to_string(&mut text)?;
        Ok(text.trim().to_owned())
    };
    read().map_err(|error: std::io::Error| {
        let detail = format!("read the token in `{}`: {error}", file.display());
        SetupError::usage(detail, "name a file that is there and readable")
    })
}
