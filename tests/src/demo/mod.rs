//! `cargo demo`: the whole product at once on one machine, with a page that explains itself and
//! buttons that break things; or an outage told unattended.
//!
//! The page's figures come from the tills' and the simulated vendors' own books. Does not know how
//! any program works.

mod actions;
mod page;
mod server;
mod state;

use std::io::{IsTerminal, Write, stderr, stdout};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use tokio::net::TcpListener;

pub use self::server::serve;
use crate::outage::{self, Scale};
use crate::world::parts::interrupted;
use crate::world::{Plan, Ports, RelayStore, Uplink, World};

/// Where the page is, as the README says.
const PAGE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 7700);

/// What the demo can do unattended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Script {
    /// A long outage with everything that goes wrong in one.
    Outage,
}

/// How the demo is run.
#[derive(Debug, Args)]
pub struct Options {
    /// Run a story unattended and print its figures instead of serving the page.
    #[arg(long)]
    script: Option<Script>,
    /// Print the figures as JSON.
    #[arg(long, requires = "script")]
    json: bool,
    /// The folder for everything that the demo keeps, made anew at each start. Left out: `demo`
    /// beside the build.
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// Decides everything that happens by chance.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The way that the agents' batches take; `mqtt` needs mosquitto on this host.
    #[arg(long, value_enum, default_value_t)]
    uplink: Uplink,
    /// Where the relay keeps what it holds; `postgres` needs PostgreSQL on this host.
    #[arg(long, value_enum, default_value_t)]
    store: RelayStore,
}

/// Runs the demo and says how it ended.
#[must_use]
pub fn start(options: &Options) -> ExitCode {
    let ended = tokio::runtime::Runtime::new()
        .context("start the runtime")
        .and_then(|runtime| runtime.block_on(run(options)));
    ended.unwrap_or_else(|error| match writeln!(stderr(), "{error:#}") {
        Ok(()) | Err(_) => ExitCode::FAILURE,
    })
}

/// Runs the demo. Fails if a promise was broken.
///
/// # Errors
/// A program does not start, or a port is taken.
pub async fn run(options: &Options) -> Result<ExitCode> {
    match options.script {
        Some(Script::Outage) => script(options).await,
        None => {
            let listener = TcpListener::bind(PAGE)
                .await
                .with_context(|| format!("listen at {PAGE} (is another demo running?)"))?;
            let world =
                World::start(plan(options, Ports::Known)?).await.context("start the demo")?;
            tell_address()?;
            serve(world, listener, interrupted()).await?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn tell_address() -> Result<()> {
    let text = format!("Three stores sell, and the page is at http://{PAGE}\nStop with Ctrl-C.");
    writeln!(stdout(), "{text}").context("say where the page is")
}

fn plan(options: &Options, ports: Ports) -> Result<Plan> {
    let folder = match &options.data_dir {
        Some(folder) => std::path::absolute(folder).context("find the data folder")?,
        None => beside_the_build()?,
    };
    let mut plan = Plan { seed: options.seed, ports, ..Plan::new(folder) };
    plan.uplink = options.uplink;
    plan.relay_store = options.store;
    plan.add_erp();
    Ok(plan)
}

/// `target/demo`, wherever the build's folder is.
fn beside_the_build() -> Result<PathBuf> {
    let program = std::env::current_exe().context("find the running program")?;
    let build = program.ancestors().nth(2).context("find the build's folder")?;
    Ok(build.join("demo"))
}

async fn script(options: &Options) -> Result<ExitCode> {
    let plan = Plan {
        search_lag_ms: 10_000,
        settle_seconds: 13,
        call_timeout_seconds: 3,
        ..plan(options, Ports::Free)?
    };
    let mut world = World::start(plan).await?;
    let is_shown = stderr().is_terminal() || !options.json;
    let say = |what: &str| {
        if is_shown && let Err(error) = writeln!(stderr(), "{what}") {
            tracing::debug!(%error, "nobody reads what the story says");
        }
    };
    let outcome = outage::tell(&mut world, Scale::DEMO, say).await?;
    let text = if options.json {
        serde_json::to_string_pretty(&outcome).context("write JSON")?
    } else {
        page::figures(&outcome)
    };
    writeln!(stdout(), "{text}").context("print the figures")?;
    Ok(if outcome.is_kept() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
