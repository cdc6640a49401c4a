//! The relay as a whole: opens what it needs, serves, works, and stops in order.
//!
//! First the address is bound, so that a second relay on the same host stops before it touches
//! anything; then folder, store, keys and token are opened or made. At the end no new request is
//! taken, those under way finish, and the workers record what came of their calls. Starts no log
//! and handles no signal: the program does.

mod broker;
mod server;
mod store;
mod targets;
#[cfg(test)]
mod tests;

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use axum_server::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::api::{self, Api, BooksParts};
use crate::config::{Config, ConfigError};
use crate::connectors::{Targets, registry};
use crate::dispatch::{WorkParts, work};
use crate::files;
use crate::http::Http;
use crate::ingest::policy::Waits;
use crate::ingest::{Ingest, IngestParts};
use crate::keys::{Keys, WhenMissing};
use crate::seams::Seams;
use crate::secret::Secret;
use crate::store::SharedStore;

pub use server::router;
pub use store::{POSTGRES_PASSWORD, address, existing_store, open_database, open_store};

/// How long requests under way may take at the end: a poll ends at once, a batch commits well
/// within.
const DRAIN_MAX: Duration = Duration::from_secs(20);

/// What of the relay runs in this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Takes batches and answers operators.
    Serve,
    /// Brings documents to the targets.
    Work,
    /// Both.
    All,
}

impl Role {
    const fn serves(self) -> bool {
        matches!(self, Self::Serve | Self::All)
    }

    const fn works(self) -> bool {
        matches!(self, Self::Work | Self::All)
    }
}

/// A relay that runs.
pub struct RunningRelay {
    /// The address it listens on, with the real port; none if it only works.
    pub address: Option<SocketAddr>,
    /// What operators show; none if it only works.
    pub operator_token: Option<Secret>,
    /// Its store.
    pub store: SharedStore,
    stop: watch::Sender<bool>,
    handle: Handle<SocketAddr>,
    server: Option<JoinHandle<std::io::Result<()>>>,
    at_broker: Option<JoinHandle<()>>,
    workers: Option<JoinHandle<()>>,
}

/// Runs a relay until `shutdown` resolves. `ready` is called once it listens.
///
/// # Errors
/// It cannot start (see [`start`]), or its server fails.
pub async fn run(
    config: &Config,
    data_dir: &Path,
    role: Role,
    seams: Seams,
    ready: impl FnOnce(&RunningRelay),
    shutdown: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let mut relay = start(config, data_dir, role, seams).await?;
    ready(&relay);
    let failed = tokio::select! {
        () = shutdown => None,
        error = relay.failed() => Some(error),
    };
    relay.stop().await?;
    failed.map_or(Ok(()), Err)
}

/// Starts a relay with the targets of its configuration.
///
/// # Errors
/// As [`start_with`], or a target's settings cannot be used.
pub async fn start(
    config: &Config,
    data_dir: &Path,
    role: Role,
    seams: Seams,
) -> anyhow::Result<RunningRelay> {
    let targets = targets_of(config)?;
    start_with(config, data_dir, role, seams, targets).await
}

/// Makes the connectors of the configured targets; calls none.
///
/// # Errors
/// A target's settings cannot be used, or there is no outgoing HTTP client.
pub fn targets_of(config: &Config) -> anyhow::Result<Targets> {
    let http = Http::new()?;
    let built = registry::build_all(&config.targets, &http);
    Ok(built.map_err(|(target, error)| {
        let key = error.key.map_or_else(String::new, |key| format!(".{key}"));
        ConfigError::new(error.reason, error.next).of_key(format!("targets.{target}{key}"))
    })?)
}

/// Starts a relay with these targets, whatever its configuration names.
///
/// # Errors
/// The address is taken, a file cannot be opened, read or made, the store is of a later version, a
/// key that devices know is missing, or the certificate cannot be used.
pub async fn start_with(
    config: &Config,
    data_dir: &Path,
    role: Role,
    seams: Seams,
    targets: Targets,
) -> anyhow::Result<RunningRelay> {
    let listener = role.serves().then(|| bind(config.listen.address)).transpose()?;
    let account = broker::account(&config.mqtt)?;
    files::make_private_folder(data_dir)
        .with_context(|| format!("make the data folder `{}`", data_dir.display()))?;
    let store = open_store(config, data_dir).await?;
    let (stop, stopping) = watch::channel(false);
    let mut relay = RunningRelay {
        address: None,
        operator_token: None,
        store: Arc::clone(&store),
        stop,
        handle: Handle::new(),
        server: None,
        at_broker: None,
        workers: None,
    };
    if let Some(listener) = listener {
        let has_devices = !store.devices().await.context("read the devices")?.is_empty();
        let when_missing = if has_devices { WhenMissing::Refuse } else { WhenMissing::Make };
        let keys = Keys::open(data_dir, when_missing, seams.random.as_ref())?;
        let token = api::token::read_or_make(&config.token_file(data_dir), seams.random.as_ref())?;
        let ingest = Ingest::new(IngestParts {
            store: Arc::clone(&store),
            keys: Arc::new(keys),
            targets: targets.clone(),
            tenant: config.tenant.clone(),
            seams: seams.clone(),
            waits: Waits::default(),
            stopping: stopping.clone(),
        });
        let clock = Arc::clone(&seams.clock);
        let books = BooksParts { targets: targets.clone(), cut_off: config.books.cut_off() };
        let tenant = config.tenant.clone();
        let api = Api::new(Arc::clone(&store), tenant, token.clone(), clock, books);
        let address = listener.local_addr().context("read the bound address")?;
        relay.address = Some(address);
        relay.operator_token = Some(token);
        relay.at_broker = account.map(|account| broker::listen(Arc::clone(&ingest), account));
        let router = router(ingest, &api);
        let server = server::serve(listener, &config.listen, router, relay.handle.clone());
        relay.server = Some(tokio::spawn(server.await?));
        tracing::info!(%address, tenant = %config.tenant, "the relay listens");
    }
    if role.works() {
        let tenant = config.tenant.clone();
        let settings = config.dispatch.settings();
        let parts = WorkParts { store, targets, tenant, seams, settings };
        relay.workers = Some(tokio::spawn(check_and_work(parts, stopping)));
    }
    Ok(relay)
}

async fn check_and_work(parts: WorkParts, mut stopping: watch::Receiver<bool>) {
    let mut stopped = stopping.clone();
    tokio::select! {
        () = targets::check(&parts.targets, &parts.store, &parts.seams.clock) => {}
        () = until_true(&mut stopped) => return,
    }
    work(parts, async move { until_true(&mut stopping).await }).await;
}

/// Waits until the relay stops, also when nobody is left to say so.
async fn until_true(stopping: &mut watch::Receiver<bool>) {
    if stopping.wait_for(|stop| *stop).await.is_err() {
        tracing::debug!("the relay was dropped without being stopped");
    }
}

fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).with_context(|| {
        format!(
            "listen on {address} (next: stop what listens there, or set another `listen.address`)"
        )
    })
}

impl RunningRelay {
    /// Resolves when the server ends although nobody stopped it; never for a relay that only
    /// works.
    pub async fn failed(&mut self) -> anyhow::Error {
        let Some(server) = &mut self.server else { return std::future::pending().await };
        let ended = server.await;
        self.server = None;
        match ended {
            Ok(Ok(())) => anyhow::anyhow!("the server ended by itself"),
            Ok(Err(error)) => anyhow::Error::new(error).context("serve"),
            Err(error) => anyhow::Error::new(error).context("serve"),
        }
    }

    /// Stops in order: no new request, those under way finish, workers record what came of their
    /// calls.
    ///
    /// # Errors
    /// A part failed while it stopped.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.stop.send_replace(true);
        self.handle.graceful_shutdown(Some(DRAIN_MAX));
        if let Some(server) = self.server.take() {
            server.await.context("stop the server")?.context("serve")?;
        }
        if let Some(at_broker) = self.at_broker.take()
            && at_broker.await.is_err()
        {
            bail!("answering through the broker failed while it stopped; agents ask again");
        }
        if let Some(workers) = self.workers.take()
            && workers.await.is_err()
        {
            bail!("a worker failed while it stopped; its attempts stand as unknown");
        }
        tracing::info!("the relay stopped");
        Ok(())
    }
}
