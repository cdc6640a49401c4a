//! The commands of `storekeep-agent`, one file each.
//!
//! A command asks the running agent, or opens the journal itself when none runs. Every error ends
//! with the next command to run. Does not decide anything about events.

mod config;
mod enroll;
mod error;
mod find;
mod input;
mod journal;
mod kept;
mod local;
mod run;
mod source;
mod status;
#[cfg(test)]
mod tests;

use std::io::Write;
use std::path::PathBuf;

use clap::{Parser, Subcommand};
use protocol::problem::Code;

use crate::config::secret::{
    ENROLMENT_TOKEN_VARIABLE, LOCAL_API_TOKEN_VARIABLE, PKCS11_PIN_VARIABLE, SecretError,
};
use crate::config::{self as configuration, Config, Secret};
use crate::doctor;
use crate::run::{DataDir, Host};
use crate::seams::Seams;

pub use self::error::{CommandError, Exit};
pub(crate) use self::local::{LocalApi, LocalError};
pub(crate) use self::source::Source;

/// Takes every event of a store's registers, keeps it on disk before the POS is answered, and
/// brings it up to the relay.
#[derive(Debug, Parser)]
#[command(name = "storekeep-agent", version, disable_help_subcommand = true)]
pub struct Cli {
    /// The configuration file [default: agent.toml in the user's configuration folder].
    #[arg(long, global = true, value_name = "FILE", env = "STOREKEEP_CONFIG")]
    config: Option<PathBuf>,

    /// The folder with the journal, its key and the logs [default: in the user's data folder].
    #[arg(long, global = true, value_name = "FOLDER", env = "STOREKEEP_DATA_DIR")]
    data_dir: Option<PathBuf>,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the agent until it is told to stop.
    Run,
    /// Say in one sentence how the agent is, and in figures.
    Status(status::Args),
    /// Check everything that the agent needs, and name the fix of what is wrong.
    Doctor {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show where a receipt stands: on disk, relayed, in each target.
    Find(find::Args),
    /// List, show and verify what is journaled, and keep its key.
    #[command(subcommand)]
    Journal(journal::Command),
    /// Try an input, and show what it could not read.
    #[command(subcommand)]
    Input(input::Command),
    /// Print a sample, check a file, or print the schema.
    #[command(subcommand)]
    Config(config::Command),
    /// Make this device known to the relay with a one-time token.
    Enroll(enroll::Args),
}

/// The secrets of the environment, as the shell has them.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// STOREKEEP_LOCAL_API_TOKEN.
    pub local_api_token: Option<String>,
    /// STOREKEEP_ENROLMENT_TOKEN.
    pub enrolment_token: Option<String>,
    /// STOREKEEP_PKCS11_PIN.
    pub pkcs11_pin: Option<String>,
    /// CREDENTIALS_DIRECTORY, which systemd sets for a service that is given credentials.
    pub credentials: Option<PathBuf>,
}

/// Where a command works.
#[derive(Debug, Clone)]
pub struct Place {
    /// The configuration file.
    pub config_file: PathBuf,
    /// The data folder and the secrets of the environment.
    pub host: Host,
    /// Clock and randomness.
    pub seams: Seams,
}

impl Place {
    /// Reads the configuration.
    ///
    /// # Errors
    /// It cannot be used.
    pub fn config(&self) -> Result<Config, CommandError> {
        Ok(configuration::check(&self.config_file)?)
    }
}

/// Runs a command and says how it ended. What it prints goes to `out`; why it failed is returned.
///
/// # Errors
/// The command failed.
pub async fn execute(
    cli: Cli,
    environment: Environment,
    out: &mut (dyn Write + Send),
) -> Result<Exit, CommandError> {
    if let Command::Config(command @ (config::Command::Sample | config::Command::Schema)) =
        &cli.command
    {
        return config::print(command, out);
    }
    let place = place(cli.config, cli.data_dir, environment)?;
    match cli.command {
        Command::Run => run::run(&place, out).await,
        Command::Status(args) => status::run(&place, &args, out).await,
        Command::Doctor { json } => doctor::run(&place, json, out).await,
        Command::Find(args) => find::run(&place, &args, out).await,
        Command::Journal(command) => journal::run(&place, &command, out).await,
        Command::Input(input::Command::Test(args)) => input::run(&place, &args, out),
        Command::Input(input::Command::Kept(args)) => kept::run(&place, &args, out).await,
        Command::Config(_) => config::check(&place, out),
        Command::Enroll(args) => enroll::run(&place, &args, out).await,
    }
}

fn place(
    config: Option<PathBuf>,
    data_dir: Option<PathBuf>,
    environment: Environment,
) -> Result<Place, CommandError> {
    let homeless = |option: &str| {
        let detail = "this user has no home folder to look in";
        let next = format!("name the place with {option}");
        CommandError::new(Exit::Usage, Code::Configuration, detail, next)
    };
    let config_file = config.or_else(configuration::default_config_file);
    let data_dir = data_dir.or_else(configuration::default_data_dir);
    let host = Host {
        data_dir: DataDir::new(data_dir.ok_or_else(|| homeless("--data-dir"))?),
        local_api_token: secret(environment.local_api_token, LOCAL_API_TOKEN_VARIABLE)?,
        enrolment_token: secret(environment.enrolment_token, ENROLMENT_TOKEN_VARIABLE)?,
        pkcs11_pin: secret(environment.pkcs11_pin, PKCS11_PIN_VARIABLE)?,
        credentials: environment.credentials,
    };
    let config_file = config_file.ok_or_else(|| homeless("--config"))?;
    Ok(Place { config_file, host, seams: Seams::default() })
}

fn secret(value: Option<String>, variable: &str) -> Result<Option<Secret>, CommandError> {
    let secret = value.map(|value| Secret::new(&value, variable)).transpose();
    secret.map_err(|error: SecretError| {
        let next = format!("set {variable} to one line, or leave it unset");
        CommandError::new(Exit::Usage, Code::Configuration, error.to_string(), next)
    })
}
