//! Runs the agent: opens what it needs, starts what goes on at the same time, and follows what
//! happens until it is told to stop.
//!
//! What happens is a closed set, [`Happening`]. The local API takes sales from the moment that it
//! is ready, whatever the relay does; inputs, sync and pruning go on beside it and meet it in the
//! journal alone. Does not read the command line, the environment or signals.

mod data_dir;
mod keys;
mod open;
pub mod prune;
mod room;
#[cfg(test)]
pub(crate) mod tests;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use journal::Journal;
use protocol::enrolment::EnrolmentAnswer;
use protocol::problem::{Code, Problem};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinHandle, JoinSet};

use crate::config::{Config, Secret};
use crate::files;
use crate::health::{Health, Link, Reason};
use crate::identity::{self, DeviceKey};
use crate::inputs::intake::Intake;
use crate::inputs::standing::Board;
use crate::inputs::{self, Around};
use crate::local_api;
use crate::seams::Seams;
use crate::sync::{self, Membership, TIME_NOTE, enrol};

pub use self::data_dir::DataDir;
pub(crate) use self::keys::read_bounded;
pub use self::keys::{KeyStatus, keeper, key_problem, recovery_target};
pub use self::open::{Opened, open_existing_journal, open_journal, refused, verify_journal};
pub(crate) use self::open::{in_full, is_there};

/// What the host gives to the agent.
#[derive(Debug, Clone)]
pub struct Host {
    /// The data folder; it is made if there is none.
    pub data_dir: DataDir,
    /// The local API's token from the environment, which goes before the file.
    pub local_api_token: Option<Secret>,
    /// The enrolment token from the environment, which goes before the files.
    pub enrolment_token: Option<Secret>,
    /// The PIN of the token that keeps the journal's key from the environment, which goes before
    /// the file.
    pub pkcs11_pin: Option<Secret>,
    /// The folder in which systemd hands credentials to the service.
    pub credentials: Option<PathBuf>,
}

/// The agent takes sales.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    /// Where.
    pub local_api: SocketAddr,
    /// The file with the token that the POS sends; none if the token came from the environment.
    pub token_file: Option<PathBuf>,
}

/// How far the agent is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// It opens the journal, which takes long only if a damaged one is salvaged.
    Opening,
    /// It takes sales.
    TakesSales(Ready),
}

/// Everything that the loop follows.
enum Happening {
    /// The agent is to stop.
    Stop,
    /// A page of the journal cannot be read.
    JournalDamaged,
    /// The local API serves no more.
    LocalApiEnded(Result<io::Result<()>, JoinError>),
    /// Sync ended: there is no relay, or it failed.
    SyncEnded(Result<(), JoinError>),
    /// Pruning failed.
    PruneEnded(JoinError),
    /// An input failed.
    InputEnded(JoinError),
}

/// What goes on at the same time.
struct Tasks {
    local_api: JoinHandle<io::Result<()>>,
    sync: Option<JoinHandle<()>>,
    prune: JoinHandle<()>,
    room: JoinHandle<()>,
    inputs: JoinSet<()>,
    stop: watch::Sender<bool>,
}

/// Runs the agent until `shutdown` is done. Requests under way are answered first. `phase` says how
/// far it is; a damaged journal brings it back to its beginning.
///
/// # Errors
/// Something that it needs cannot be opened, or a part of it failed. Nothing that was answered to
/// a POS is lost by that.
pub async fn run(
    config: Config,
    host: Host,
    seams: Seams,
    phase: watch::Sender<Phase>,
    shutdown: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    files::make_private_folder(host.data_dir.folder())
        .with_context(|| format!("make the data folder `{}`", host.data_dir.folder().display()))?;
    tokio::pin!(shutdown);
    let mut config = config;
    loop {
        phase.send_replace(Phase::Opening);
        let opened = open(&host, &config, &seams).await?;
        let damage = opened.journal.damage();
        let started = start(Arc::new(config.clone()), &host, seams.clone(), opened).await;
        let (mut tasks, is_ready) = started?;
        tracing::info!(local_api = %is_ready.local_api, "the agent takes sales");
        // Should it start again, the POS finds it where it was.
        config.local_api.listen = is_ready.local_api;
        phase.send_replace(Phase::TakesSales(is_ready));
        let ended = follow(&mut tasks, damage, &mut shutdown).await;
        tasks.end().await?;
        match ended? {
            Ended::Stopped => return Ok(()),
            Ended::JournalDamaged => tracing::warn!("the agent starts again with what is salvaged"),
        }
    }
}

/// Opens the journal on a thread of its own: salvaging a damaged one reads it page by page.
async fn open(host: &Host, config: &Config, seams: &Seams) -> anyhow::Result<Opened> {
    let (host, config, seams) = (host.clone(), config.clone(), seams.clone());
    let opened = tokio::task::spawn_blocking(move || open_journal(&host, &config, &seams)).await;
    Ok(opened.context("open the journal")??)
}

/// Why the agent does not go on.
enum Ended {
    /// It was told to stop.
    Stopped,
    /// A page of the journal cannot be read: it is to be opened again, which salvages it.
    JournalDamaged,
}

/// Follows what happens until the agent cannot go on.
async fn follow(
    tasks: &mut Tasks,
    mut damage: watch::Receiver<bool>,
    shutdown: &mut (impl Future<Output = ()> + Unpin),
) -> anyhow::Result<Ended> {
    loop {
        match tasks.next(&mut damage, shutdown).await {
            Happening::Stop => return Ok(Ended::Stopped),
            Happening::JournalDamaged => return Ok(Ended::JournalDamaged),
            // Without a relay there is nothing to sync.
            Happening::SyncEnded(Ok(())) => tasks.sync = None,
            Happening::SyncEnded(Err(error)) => return Err(error).context("sync failed"),
            Happening::PruneEnded(error) => return Err(error).context("pruning failed"),
            Happening::InputEnded(error) => return Err(error).context("an input failed"),
            Happening::LocalApiEnded(Err(error)) => return Err(error).context("run the local API"),
            Happening::LocalApiEnded(Ok(served)) => {
                served.context("serve the local API")?;
                return Err(anyhow::anyhow!("the local API ended by itself"));
            }
        }
    }
}

/// Makes or reads what identifies this host, and starts everything.
async fn start(
    config: Arc<Config>,
    host: &Host,
    seams: Seams,
    opened: Opened,
) -> anyhow::Result<(Tasks, Ready)> {
    let Opened { journal, key: journal_key } = opened;
    let random = &*seams.random;
    let key = Arc::new(DeviceKey::load_or_make(&host.data_dir.device_key(), random)?);
    let (token, token_file) = local_api_token(&config, host, &seams)?;
    let listener = listen(&config).await?;
    let local_address = listener.local_addr().context("ask for the local API's address")?;
    files::write_private(&host.data_dir.local_api_address(), local_address.to_string().as_bytes())
        .context("write down the local API's address")?;
    let health = Health::new(first_link(&config, &seams));
    remember_time(&journal, &health).await?;
    let (enrolment, enrolled) = watch::channel(kept(&journal, &key).await);
    let parts = sync::Parts {
        store: config.store.clone(),
        journal: journal.clone(),
        health: health.clone(),
        seams: seams.clone(),
        instance: identity::instance(random)?,
    };
    let membership = Membership {
        key,
        key_file: host.data_dir.device_key(),
        token: host.enrolment_token.clone(),
        token_file: host.data_dir.enrolment_token(),
        enrolment,
    };
    let (stop, stopped) = watch::channel(false);
    let around = around(&config, &journal, &health, &seams, &membership);
    let inputs = inputs::start(&config, &around, &stopped).map_err(|(name, error)| {
        let detail = format!("input `{name}`: {error}");
        anyhow::Error::new(Problem::new(Code::Configuration, detail).next(error.next))
    })?;
    let rule = prune::Pruning::of(&config.journal);
    let pruning = prune::run(journal.clone(), health.clone(), seams.clone(), rule);
    let room = room::run(journal.clone(), host.data_dir.logs(&config));
    let api = local_api::Parts {
        config: Arc::clone(&config),
        journal,
        journal_key,
        health,
        seams,
        token,
        enrolment: enrolled,
        intake: around.intake,
        inputs: around.board,
    };
    let tasks = Tasks {
        local_api: tokio::spawn(local_api::serve(listener, api, until_set(stopped))),
        sync: Some(tokio::spawn(async move { sync::run(parts, &config, membership).await })),
        prune: tokio::spawn(pruning),
        room: tokio::spawn(room),
        inputs,
        stop,
    };
    Ok((tasks, Ready { local_api: local_address, token_file }))
}

/// What is around each input.
fn around(
    config: &Arc<Config>,
    journal: &Journal,
    health: &Health,
    seams: &Seams,
    membership: &Membership,
) -> Around {
    let enrolled = membership.enrolment.subscribe();
    let intake =
        Intake::new(Arc::clone(config), journal.clone(), health.clone(), seams.clone(), enrolled);
    Around {
        name: String::new(),
        intake: Arc::new(intake),
        journal: journal.clone(),
        board: Board::default(),
        seams: seams.clone(),
        holder: membership.key.verifying_key().to_string(),
        host: gethostname::gethostname().to_string_lossy().into_owned(),
    }
}

fn local_api_token(
    config: &Config,
    host: &Host,
    seams: &Seams,
) -> anyhow::Result<(Secret, Option<PathBuf>)> {
    if let Some(token) = &host.local_api_token {
        return Ok((token.clone(), None));
    }
    let file = host.data_dir.local_api_token(config);
    let token = identity::local_api_token(&file, &*seams.random)?;
    Ok((token, Some(file)))
}

async fn listen(config: &Config) -> anyhow::Result<TcpListener> {
    let address = config.local_api.listen;
    TcpListener::bind(address).await.map_err(|error| {
        let detail = format!("listen on {address}: {error}");
        let next = "run `storekeep-agent status` to see whether an agent runs already, or choose \
                    another local_api.listen";
        anyhow::Error::new(Problem::new(Code::Configuration, detail).next(next))
    })
}

fn first_link(config: &Config, seams: &Seams) -> Link {
    match config.relay.first_contact() {
        None => Link::NoRelay,
        Some(_) => {
            let reason = Reason::new(Code::RelayUnreachable, "the relay was not asked yet");
            Link::Offline { since: seams.now(), reason }
        }
    }
}

/// By what an earlier start kept it is at least so late, whatever the host's clock says: the relay's
/// time at the last session, and the last sale.
async fn remember_time(journal: &Journal, health: &Health) -> anyhow::Result<()> {
    let stats = journal.stats().await.context("read when the last sale was journaled")?;
    let note = journal.note(TIME_NOTE).await.context("read the time of the last session")?;
    let relay = note.and_then(|note| std::str::from_utf8(&note).ok()?.parse().ok());
    for known in [stats.last_journaled_at, relay].into_iter().flatten() {
        health.it_was(known);
    }
    Ok(())
}

/// The enrolment of an earlier start, so that personal fields are sealed from the first sale on.
async fn kept(journal: &Journal, key: &DeviceKey) -> Option<EnrolmentAnswer> {
    match enrol::kept(journal, key).await {
        Ok(kept) => kept,
        Err(failure) => {
            tracing::warn!(%failure, "the enrolment cannot be read; sync tries again");
            None
        }
    }
}

async fn until_set(mut stopped: watch::Receiver<bool>) {
    is_set(&mut stopped).await;
}

async fn is_set(stopped: &mut watch::Receiver<bool>) {
    // A sender that is gone means the same.
    if stopped.wait_for(|stopped| *stopped).await.is_err() {
        tracing::debug!("the agent ended without saying so");
    }
}

impl Tasks {
    async fn next(
        &mut self,
        damage: &mut watch::Receiver<bool>,
        shutdown: &mut (impl Future<Output = ()> + Unpin),
    ) -> Happening {
        let sync = async {
            match &mut self.sync {
                Some(sync) => sync.await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = shutdown => Happening::Stop,
            () = is_set(damage) => Happening::JournalDamaged,
            ended = &mut self.local_api => Happening::LocalApiEnded(ended),
            ended = sync => Happening::SyncEnded(ended),
            ended = &mut self.prune => match ended {
                Ok(()) => std::future::pending().await,
                Err(error) => Happening::PruneEnded(error),
            },
            Some(Err(error)) = self.inputs.join_next() => Happening::InputEnded(error),
        }
    }

    /// Lets the requests under way be answered and drops the rest: what sync had under way is
    /// settled by the next session.
    async fn end(mut self) -> anyhow::Result<()> {
        self.stop.send_replace(true);
        for task in self.sync.into_iter().chain([self.prune, self.room]) {
            task.abort();
            if let Err(error) = task.await
                && error.is_panic()
            {
                tracing::error!(%error, "a part of the agent failed while it was stopped");
            }
        }
        // A file under way is read to its end or left where it is.
        while let Some(ended) = self.inputs.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "an input failed while it was stopped");
            }
        }
        if !self.local_api.is_finished() {
            self.local_api.await.context("stop the local API")?.context("serve the local API")?;
        }
        tracing::info!("the agent has stopped");
        Ok(())
    }
}
