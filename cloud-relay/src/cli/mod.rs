//! The commands of `storekeep-relay`, one file each.
//!
//! `all`, `serve` and `work` run the relay; every other command works on the store, also while
//! the relay runs, except `migrate`. Does not know how the relay works: a command asks the store and prints.

pub mod certificate;
mod config;
mod device;
pub mod exceptions;
mod exit;
pub mod gaps;
mod migrate;
pub mod reconcile;
pub mod replay;
mod status;
#[cfg(test)]
mod tests;
mod token;

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, Parser, Subcommand};

use crate::config::{Config, check, default_config_file, default_data_dir};
use crate::connectors::Targets;
use crate::log;
use crate::reconcile::Sources;
use crate::run::{self, Role, RunningRelay, existing_store};
use crate::seams::Seams;
use crate::store::Store;

pub use exit::{code, report};

/// The relay: takes batches from stores and posts each event to its targets.
#[derive(Debug, Parser)]
#[command(name = "storekeep-relay", version)]
pub struct Cli {
    #[command(flatten)]
    places: Places,
    #[command(subcommand)]
    command: Command,
}

/// Where things stand.
#[derive(Debug, Clone, Args)]
struct Places {
    /// The configuration file.
    #[arg(long, global = true, env = "STOREKEEP_RELAY_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// The folder for store, keys, token and logs.
    #[arg(long, global = true, env = "STOREKEEP_RELAY_DATA_DIR", value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Take batches and bring documents to the targets, in one process.
    All,
    /// Only take batches and answer operators.
    Serve,
    /// Only bring documents to the targets.
    Work,
    /// Make, list and revoke one-time tokens for new devices.
    #[command(subcommand)]
    Token(token::Token),
    /// Show, check and describe the configuration.
    #[command(subcommand)]
    Config(config::Command),
    /// Carry everything from a SQLite file over to the configured PostgreSQL database.
    Migrate(migrate::Migrate),
    #[command(flatten)]
    OnStore(OnStore),
}

/// Commands that work on a store that is there.
#[derive(Debug, Subcommand)]
enum OnStore {
    /// Say in one look what is relayed, what waits and what needs a person.
    Status {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// List, revoke and release devices.
    #[command(subcommand)]
    Device(device::Device),
    /// List, retry and settle what needs a person.
    #[command(subcommand)]
    Exceptions(exceptions::Exceptions),
    /// Put a store's business date side by side as POS, agent, relay and targets hold it; exits with
    /// 1 if something differs.
    Reconcile(reconcile::Reconcile),
    /// List receipt numbers that are missing, and say why they are.
    #[command(subcommand)]
    Gaps(gaps::Gaps),
    /// Issue, show and verify the signed certificates of stores' days.
    #[command(subcommand)]
    Certificate(certificate::Certificate),
    /// Plan again what held events call for, after a target or a rule was added.
    Replay(replay::Replay),
}

/// How a command ended that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It did what it was asked.
    Done,
    /// A check found something.
    Found,
}

/// Runs a command. `shutdown` ends one that runs the relay.
///
/// # Errors
/// What [`report`] prints and [`code`] turns into an exit code.
pub async fn run(
    cli: Cli,
    seams: Seams,
    out: &mut (dyn Write + Send),
    shutdown: impl Future<Output = ()>,
) -> anyhow::Result<Outcome> {
    let Cli { places, command } = cli;
    let now = (seams.clock)();
    match command {
        Command::All => serve(&places, Role::All, seams, out, shutdown).await?,
        Command::Serve => serve(&places, Role::Serve, seams, out, shutdown).await?,
        Command::Work => serve(&places, Role::Work, seams, out, shutdown).await?,
        Command::Config(command) => return config::run(&command, &places, out),
        Command::Token(command) => {
            let random = seams.random.as_ref();
            token::run(&command, &places, random, now, out).await?;
        }
        Command::Migrate(command) => migrate::run(&command, &places, now, out).await?,
        Command::OnStore(command) => return on_store(&command, &places, &seams, out).await,
    }
    Ok(Outcome::Done)
}

async fn on_store(
    command: &OnStore,
    places: &Places,
    seams: &Seams,
    out: &mut (dyn Write + Send),
) -> anyhow::Result<Outcome> {
    if let OnStore::Certificate(certificate::Certificate::Verify(command)) = command {
        return certificate::verified(command, out);
    }
    let (config, data_dir) = (places.read()?, places.data_dir()?);
    let now = (seams.clock)();
    let store = existing_store(&config, &data_dir).await?;
    let store = store.as_ref();
    match command {
        OnStore::Status { json } => status::run(*json, store, &config.tenant, now, out).await?,
        OnStore::Device(command) => device::run(command, store, now, out).await?,
        OnStore::Exceptions(command) => exceptions::run(command, store, now, out).await?,
        OnStore::Reconcile(command) => {
            let targets = run::targets_of(&config)?;
            let sources = sources(store, &targets, &config, seams);
            return reconcile::run(command, &sources, out).await;
        }
        OnStore::Certificate(command) => {
            let targets = run::targets_of(&config)?;
            let sources = sources(store, &targets, &config, seams);
            let parts = (data_dir.as_path(), seams.random.as_ref());
            return certificate::run(command, &sources, parts, out).await;
        }
        OnStore::Gaps(command) => {
            let targets = run::targets_of(&config)?;
            let sources = sources(store, &targets, &config, seams);
            return gaps::run(command, &sources, out).await;
        }
        OnStore::Replay(command) => {
            replay::run(command, store, &run::targets_of(&config)?, now, out).await?;
        }
    }
    Ok(Outcome::Done)
}

/// What the books are made from.
fn sources<'a>(
    store: &'a dyn Store,
    targets: &'a Targets,
    config: &'a Config,
    seams: &'a Seams,
) -> Sources<'a> {
    let cut_off = config.books.cut_off();
    Sources { store, targets, tenant: &config.tenant, clock: &seams.clock, cut_off }
}

/// Runs the relay and says where, once it listens.
async fn serve(
    places: &Places,
    role: Role,
    seams: Seams,
    out: &mut (dyn Write + Send),
    shutdown: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let (config, data_dir) = (places.read()?, places.data_dir()?);
    let _log = log::start(&config.log, &config.log_directory(&data_dir))?;
    let mut said = Ok(());
    let ready = |relay: &RunningRelay| said = announce(relay, &config, &data_dir, out);
    run::run(&config, &data_dir, role, seams, ready, shutdown).await?;
    said
}

fn announce(
    relay: &RunningRelay,
    config: &Config,
    data_dir: &Path,
    out: &mut (dyn Write + Send),
) -> anyhow::Result<()> {
    match relay.address {
        Some(address) => {
            let scheme = if config.listen.certificate_file.is_some() { "https" } else { "http" };
            writeln!(out, "The relay of {} listens on {scheme}://{address}", config.tenant)?;
            let token = config.token_file(data_dir);
            writeln!(out, "Its console asks for the token in {}", token.display())?;
        }
        None => writeln!(out, "The relay of {} works", config.tenant)?,
    }
    out.flush().context("write to the terminal")
}

impl Places {
    /// The configuration file's path.
    fn config_file(&self) -> anyhow::Result<PathBuf> {
        let file = self.config.clone().or_else(default_config_file);
        file.context("find the configuration: this user has no home (next: name it by --config)")
    }

    fn read(&self) -> anyhow::Result<Config> {
        Ok(check(&self.config_file()?)?)
    }

    fn data_dir(&self) -> anyhow::Result<PathBuf> {
        let folder = self.data_dir.clone().or_else(default_data_dir);
        folder.context("find the data folder: this user has no home (next: name it by --data-dir)")
    }
}
