//! `config`: a sample, a check, the schema.
//!
//! The check also reads the targets' settings. Calls no target and starts nothing.

use std::io::Write;

use clap::Subcommand;

use super::{Outcome, Places, report};
use crate::config::{sample, schema};
use crate::run::targets_of;

/// What is to be shown of the configuration.
#[derive(Debug, Clone, Copy, Subcommand)]
pub(super) enum Command {
    /// Print a complete file with every key, its meaning and its default.
    Sample,
    /// Say what is wrong with the file.
    Check {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print the file's JSON Schema.
    Schema,
}

/// Runs the command.
pub(super) fn run(
    command: &Command,
    places: &Places,
    out: &mut (dyn Write + Send),
) -> anyhow::Result<Outcome> {
    match command {
        Command::Sample => write!(out, "{}", sample())?,
        Command::Schema => writeln!(out, "{}", serde_json::to_string_pretty(&schema())?)?,
        Command::Check { json } => return check(*json, places, out),
    }
    Ok(Outcome::Done)
}

fn check(json: bool, places: &Places, out: &mut (dyn Write + Send)) -> anyhow::Result<Outcome> {
    let file = places.config_file()?;
    let read = places.read().and_then(|config| targets_of(&config).map(|targets| targets.len()));
    let (outcome, text) = match &read {
        Ok(targets) => {
            (Outcome::Done, format!("`{}` can be used; it names {targets} targets", file.display()))
        }
        Err(error) => (Outcome::Found, report(error)),
    };
    if json {
        let found = serde_json::json!({ "file": file, "ok": read.is_ok(), "detail": text });
        writeln!(out, "{}", serde_json::to_string_pretty(&found)?)?;
    } else {
        writeln!(out, "{text}")?;
    }
    Ok(outcome)
}
