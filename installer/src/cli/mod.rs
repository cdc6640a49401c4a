//! The commands of `storekeep-setup`, one file each.
//!
//! With a person at a terminal a command asks for what it was not told; with `--yes`, or without a
//! terminal, it asks nothing. Every error ends with the next command to run.

mod console;
mod enroll;
mod install;
mod open;
mod preflight;
#[cfg(test)]
mod tests;
mod uninstall;

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use serde::Serialize;

use crate::engine::{Recovered, Report, Seams};
use crate::problem::{Exit, SetupError};

pub use self::console::{Console, Terminal};

/// Installs the Storekeep agent on this host, brings it up to date, and takes it off again.
#[derive(Debug, Parser)]
#[command(name = "storekeep-setup", version, disable_help_subcommand = true)]
pub struct Cli {
    /// Install into this folder as if it were `/`, for an image. Nothing is started there.
    #[arg(long, global = true, value_name = "FOLDER", default_value = "/")]
    root: PathBuf,

    /// Print JSON, also for an error.
    #[arg(long, global = true)]
    json: bool,

    /// Ask nothing: take the defaults, and refuse where there is none.
    #[arg(long, short, global = true)]
    yes: bool,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Look whether this host can take the agent; change nothing.
    Preflight(preflight::Args),
    /// Install the agent and start it. Doing it again changes nothing, or repairs what differs.
    Install(install::Args),
    /// Make the installed agent known to the relay with a one-time token.
    Enroll(enroll::Args),
    /// Bring the programs up to the version that this one comes with.
    Upgrade(install::Upgrade),
    /// Take the agent off this host. Configuration, journal and logs stay unless told otherwise.
    Uninstall(uninstall::Args),
}

/// What a command did, as JSON.
#[derive(Debug, Serialize)]
struct Said<'a> {
    command: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    recovered: Option<&'a Recovered>,
    #[serde(flatten)]
    report: &'a Report,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    notes: &'a [String],
}

/// Runs a command and says how it ended; why it failed is told to the console.
pub fn execute(cli: &Cli, console: &mut dyn Console) -> Exit {
    match run(cli, console, &Seams::default()) {
        Ok(exit) => exit,
        Err(error) => {
            match cli.json {
                true => console.say(&format!("{}", serde_json::json!({ "error": &error }))),
                false => console.warn(&error.to_string()),
            }
            error.exit
        }
    }
}

/// Runs a command.
fn run(cli: &Cli, console: &mut dyn Console, seams: &Seams) -> Result<Exit, SetupError> {
    match &cli.command {
        Command::Preflight(args) => preflight::run(cli, args, console),
        Command::Install(args) => install::run(cli, args, console, seams),
        Command::Enroll(args) => enroll::run(cli, args, console),
        Command::Upgrade(args) => install::upgrade(cli, args, console, seams),
        Command::Uninstall(args) => uninstall::run(cli, args, console, seams),
    }
}

impl Cli {
    /// Whether somebody is there to answer, and may be asked.
    fn asks(&self, console: &dyn Console) -> bool {
        !self.yes && !self.json && console.has_person()
    }
}

fn say_json(console: &mut dyn Console, what: &impl Serialize) {
    console.say(&serde_json::to_string(what).expect("plain data"));
}
