//! The programs of a world: this program again, as simulated Shopify or ERPNext, relay or agent.
//!
//! Relay and agent are the real ones, called by their own command lines; what a part may do beyond
//! that is to hand the relay seams that break a promise. A process of its own each, so that
//! killing one is a real kill.

use std::ffi::OsString;
use std::fs;
use std::io::{Write, stderr, stdout};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use cloud_relay::Seams;
use cloud_relay::cli::Outcome;
use cloud_relay::store::model::Dedupe;
use serde_json::Value;
use simulated_erpnext::Site;
use simulated_shopify::{Setup, Shop};
use tokio::net::TcpListener;

use super::files::Files;
use super::plan::RelayFault;
use crate::process::Program;

/// How long making a token may take.
const TOKEN_WAIT: Duration = Duration::from_secs(30);

/// One of a world's programs.
#[derive(Debug, Subcommand)]
pub enum PartCommand {
    /// The simulated Shopify.
    Shopify {
        /// The shop, as JSON.
        #[arg(long)]
        setup: PathBuf,
        /// Where it listens.
        #[arg(long)]
        listen: SocketAddr,
    },
    /// The simulated ERPNext.
    Erpnext {
        /// The site, as JSON.
        #[arg(long)]
        setup: PathBuf,
        /// Where it listens.
        #[arg(long)]
        listen: SocketAddr,
    },
    /// The relay, with promises broken on purpose.
    Relay {
        /// A promise to break.
        #[arg(long)]
        fault: Vec<RelayFault>,
        /// What `storekeep-relay` is told.
        #[arg(last = true)]
        arguments: Vec<OsString>,
    },
    /// The agent.
    Agent {
        /// What `storekeep-agent` is told.
        #[arg(last = true)]
        arguments: Vec<OsString>,
    },
}

/// Runs a program of a world until it ends or is killed.
#[must_use]
pub fn run(command: PartCommand) -> ExitCode {
    let ended = tokio::runtime::Runtime::new()
        .context("start the runtime")
        .and_then(|runtime| runtime.block_on(run_part(command)));
    ended.unwrap_or_else(|error| match writeln!(stderr(), "{error:#}") {
        Ok(()) | Err(_) => ExitCode::FAILURE,
    })
}

async fn run_part(command: PartCommand) -> Result<ExitCode> {
    match command {
        PartCommand::Shopify { setup, listen } => {
            run_shopify(&setup, listen).await?;
            Ok(ExitCode::SUCCESS)
        }
        PartCommand::Erpnext { setup, listen } => {
            run_erpnext(&setup, listen).await?;
            Ok(ExitCode::SUCCESS)
        }
        PartCommand::Relay { fault, arguments } => {
            let name = OsString::from("storekeep-relay");
            let cli = cloud_relay::cli::Cli::parse_from([name].into_iter().chain(arguments));
            let ended =
                cloud_relay::cli::run(cli, seams(&fault), &mut stdout(), interrupted()).await;
            Ok(match ended? {
                Outcome::Done => ExitCode::SUCCESS,
                Outcome::Found => ExitCode::from(1),
            })
        }
        PartCommand::Agent { arguments } => {
            let name = OsString::from("storekeep-agent");
            let cli = agent::cli::Cli::parse_from([name].into_iter().chain(arguments));
            let environment = agent::cli::Environment::default();
            let exit = agent::cli::execute(cli, environment, &mut stdout()).await;
            Ok(exit.map_err(|error| anyhow::anyhow!("{error}"))?.into())
        }
    }
}

async fn run_shopify(setup: &Path, listen: SocketAddr) -> Result<()> {
    let text = fs::read_to_string(setup).context("read the shop")?;
    let setup: Setup = serde_json::from_str(&text).context("read the shop's JSON")?;
    #[expect(clippy::disallowed_methods, reason = "the vendor's own clock")]
    let shop = Shop::new(setup, Arc::new(jiff::Timestamp::now));
    let listener =
        TcpListener::bind(listen).await.with_context(|| format!("listen at {listen}"))?;
    simulated_shopify::serve(listener, shop, interrupted()).await.context("serve the shop")
}

async fn run_erpnext(setup: &Path, listen: SocketAddr) -> Result<()> {
    let text = fs::read_to_string(setup).context("read the site")?;
    let setup: simulated_erpnext::Setup =
        serde_json::from_str(&text).context("read the site's JSON")?;
    #[expect(clippy::disallowed_methods, reason = "the vendor's own clock")]
    let site = Site::new(setup, Arc::new(jiff::Timestamp::now));
    let listener =
        TcpListener::bind(listen).await.with_context(|| format!("listen at {listen}"))?;
    simulated_erpnext::serve(listener, site, interrupted()).await.context("serve the site")
}

/// Ctrl-C in the terminal that the demo runs in reaches every program of it.
pub(crate) async fn interrupted() {
    if let Err(error) = tokio::signal::ctrl_c().await {
        tracing::error!(%error, "Ctrl-C is not heard");
        std::future::pending::<()>().await;
    }
}

fn seams(faults: &[RelayFault]) -> Seams {
    let mut seams = Seams::default();
    for fault in faults {
        match fault {
            RelayFault::DedupeOff => seams.dedupe = Dedupe::Off,
            RelayFault::FindOff => seams.find_before_retry = false,
            RelayFault::SettleZero => seams.settle_time = Some(Duration::ZERO),
            RelayFault::AckBeforeCommit => seams.acknowledge_before_commit = true,
        }
    }
    seams
}

fn part(kind: &str) -> Result<Program> {
    Ok(Program::beside("demo")?.argument("part").argument(kind))
}

pub(super) fn shopify(setup: &Path, listen: SocketAddr) -> Result<Program> {
    let program = part("shopify")?.argument("--setup").argument(setup);
    Ok(program.argument("--listen").argument(listen.to_string()))
}

pub(super) fn erpnext(setup: &Path, listen: SocketAddr) -> Result<Program> {
    let program = part("erpnext")?.argument("--setup").argument(setup);
    Ok(program.argument("--listen").argument(listen.to_string()))
}

pub(super) fn relay(faults: &[RelayFault], files: &Files) -> Result<Program> {
    let mut program = part("relay")?;
    for fault in faults {
        let name = clap::ValueEnum::to_possible_value(fault).context("name a fault")?;
        program = program.argument("--fault").argument(name.get_name());
    }
    Ok(at_relay(program.argument("--"), files).argument("all"))
}

fn at_relay(program: Program, files: &Files) -> Program {
    let program = program.argument("--config").argument(files.relay.join("relay.toml"));
    program.argument("--data-dir").argument(&files.relay)
}

pub(super) fn agent(folder: &Path) -> Result<Program> {
    Ok(at_agent(folder)?.argument("run"))
}

/// `storekeep-agent` with its files named; a command is to follow.
pub(super) fn at_agent(folder: &Path) -> Result<Program> {
    let program = part("agent")?.argument("--").argument("--config");
    let program = program.argument(folder.join("agent.toml"));
    Ok(program.argument("--data-dir").argument(folder))
}

/// `storekeep-relay` with its files named; a command is to follow.
pub(super) fn at_sound_relay(files: &Files) -> Result<Program> {
    Ok(at_relay(part("relay")?.argument("--"), files))
}

/// A one-time token for a device of a store, made as an operator makes it.
pub(super) async fn create_token(files: &Files, store: &str) -> Result<String> {
    let program = at_sound_relay(files)?;
    let label = format!("demo-{store}");
    let program = program.argument("token").argument("create").argument("--json");
    let program = program.argument("--label").argument(label).argument("--store").argument(store);
    let output = files.relay.join(format!("token-{store}.out"));
    let mut running = program.start(&output)?;
    let status = running.ended(TOKEN_WAIT).await?;
    let said = running.said()?;
    fs::remove_file(&output).context("remove the token's text")?;
    anyhow::ensure!(status.success(), "make a token for store {store}: {said}");
    let made: Value = serde_json::from_str(&said).context("read the token's JSON")?;
    Ok(made["token"].as_str().context("find the token")?.to_owned())
}
