//! The relay: one or two replicas of the real ingest and dispatch over one real store.
//!
//! Each replica runs its own tasks on a host of its own, and a crash drops them all. The store's
//! file outlives them. Messages come in through the router that the program serves, without a
//! socket. Does not decide when anything fails.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::{CONTENT_ENCODING, RETRY_AFTER};
use axum::http::{Method, Request, StatusCode};
use cloud_relay::connectors::Targets;
use cloud_relay::dispatch::{Settings, WorkParts, work};
use cloud_relay::ingest::policy::Waits;
use cloud_relay::ingest::{Ingest, IngestParts, router};
use cloud_relay::keys::Keys;
use cloud_relay::seams::{Heavy, Seams};
use cloud_relay::store::SharedStore;
use cloud_relay::store::sqlite::SqliteStore;
use protocol::compress;
use protocol::id::TenantId;
use protocol::sign::{SIGNATURE_HEADER, Signature};
use tokio::sync::{oneshot, watch};
use tokio::task::{AbortHandle, JoinSet};
use tower::ServiceExt;

use super::chance::Chance;
use super::host::Host;
use super::trace::Trace;

/// Lanes that a replica works on at the same time. One, because tokio wakes several that wait for
/// the same hint in an order of its own; two replicas still race.
const WORKERS: usize = 1;

/// Where statements go.
pub const STATEMENTS: &str = "sessions";

/// A message of an agent on its way to the relay.
#[derive(Debug, Clone)]
pub struct Question {
    /// Who asks.
    pub device: String,
    /// The address under the device's own.
    pub path: String,
    /// A body is posted; without one it is a poll.
    pub body: Option<Vec<u8>>,
    /// Whether the body is compressed.
    pub packed: bool,
    /// The device's signature.
    pub signature: Signature,
}

impl Question {
    /// Whether a device says what it holds.
    #[must_use]
    pub fn is_statement(&self) -> bool {
        self.path == STATEMENTS
    }
}

/// What the relay said.
#[derive(Debug, Clone)]
pub struct Said {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
    /// The relay's signature.
    pub signature: Option<Signature>,
    /// When to come again.
    pub retry_after: Option<Duration>,
}

/// What all replicas share.
pub struct Plan {
    /// The store's file.
    pub file: PathBuf,
    /// The relay's keys.
    pub keys: Arc<Keys>,
    /// The targets.
    pub targets: Targets,
    /// The retailer.
    pub tenant: TenantId,
    /// Faults that are planted; clock and chance are each replica's own.
    pub seams: Seams,
    /// The trace.
    pub trace: Arc<Trace>,
}

/// One replica.
pub struct Replica {
    /// Its host.
    pub host: Arc<Host>,
    plan: Arc<Plan>,
    chance: Chance,
    life: Mutex<Option<Life>>,
}

/// A replica that runs.
struct Life {
    router: Router,
    tasks: JoinSet<()>,
    /// The poll of each device: a new one takes the place of the one before.
    polls: BTreeMap<String, AbortHandle>,
    _stop: watch::Sender<bool>,
}

/// An answer that is on its way. Who drops it hangs up.
pub struct Answering {
    said: oneshot::Receiver<Said>,
    task: AbortHandle,
    /// Whether the relay notices that nobody waits any more.
    pub hangs_up: bool,
}

impl Answering {
    /// Waits for the answer; none if the replica crashed.
    pub async fn said(&mut self) -> Option<Said> {
        (&mut self.said).await.ok()
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        if self.hangs_up {
            self.task.abort();
        }
    }
}

impl Replica {
    /// A replica that does not run yet.
    #[must_use]
    pub fn new(host: Arc<Host>, plan: Arc<Plan>, seed: u64) -> Arc<Self> {
        let chance = Chance::of(seed, &format!("chance of {}", host.name));
        Arc::new(Self { host, plan, chance, life: Mutex::new(None) })
    }

    /// Starts, unless it runs.
    ///
    /// # Panics
    /// The store's file cannot be opened: a fault of the simulation.
    pub fn start(&self) {
        let mut life = self.life();
        if life.is_some() {
            return;
        }
        self.host.begin_life();
        self.plan.trace.say(&self.host.name, || "starts".to_owned());
        let store = SqliteStore::open_in_line(&self.plan.file, &self.host.disk());
        let store: SharedStore = Arc::new(store.expect("open the relay's store"));
        let seams = self.seams();
        let (stop, stopping) = watch::channel(false);
        let ingest = Ingest::new(IngestParts {
            store: Arc::clone(&store),
            keys: Arc::clone(&self.plan.keys),
            targets: self.plan.targets.clone(),
            tenant: self.plan.tenant.clone(),
            seams: seams.clone(),
            waits: Waits::default(),
            stopping,
        });
        let parts = WorkParts {
            store,
            targets: self.plan.targets.clone(),
            tenant: self.plan.tenant.clone(),
            seams,
            settings: Settings { workers: WORKERS, ..Settings::default() },
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(work(parts, std::future::pending()));
        *life = Some(Life { router: router(ingest), tasks, polls: BTreeMap::new(), _stop: stop });
    }

    /// Ends without a word.
    pub fn crash(&self) {
        if self.life().take().is_some() {
            self.host.end_life();
            self.plan.trace.say(&self.host.name, || "crashes".to_owned());
        }
    }

    /// Whether it runs.
    #[must_use]
    pub fn runs(&self) -> bool {
        self.life().is_some()
    }

    /// Takes a message; none if it does not run.
    pub fn take(&self, question: &Question) -> Option<Answering> {
        let mut life = self.life();
        let life = life.as_mut()?;
        while life.tasks.try_join_next().is_some() {}
        let (answer, said) = oneshot::channel();
        let (router, request) = (life.router.clone(), request(question));
        let task = life.tasks.spawn(async move {
            let response = router.oneshot(request).await.unwrap_or_else(|never| match never {});
            let (parts, body) = response.into_parts();
            let body = to_bytes(body, usize::MAX).await.map(|body| body.to_vec());
            let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
            let retry_after = header(RETRY_AFTER.as_str()).and_then(|text| text.parse().ok());
            let said = Said {
                status: parts.status.as_u16(),
                body: body.unwrap_or_default(),
                signature: header(SIGNATURE_HEADER).and_then(|text| text.parse().ok()),
                retry_after: retry_after.map(Duration::from_secs),
            };
            // Whoever hung up has no use for the answer.
            drop(answer.send(said));
        });
        let is_poll = question.body.is_none();
        if is_poll && let Some(before) = life.polls.insert(question.device.clone(), task.clone()) {
            before.abort();
        }
        Some(Answering { said, task, hangs_up: is_poll })
    }

    fn seams(&self) -> Seams {
        let (host, chance) = (Arc::clone(&self.host), self.chance.clone());
        Seams {
            clock: Arc::new(move || host.now()),
            chance: Arc::new(move || chance.bits()),
            heavy: Heavy::InLine,
            ..self.plan.seams.clone()
        }
    }

    fn life(&self) -> MutexGuard<'_, Option<Life>> {
        self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A message as the router takes it.
fn request(question: &Question) -> Request<Body> {
    let Question { device, path, body, packed, signature } = question;
    let method = if body.is_some() { Method::POST } else { Method::GET };
    let mut request = Request::builder()
        .method(method)
        .uri(format!("/v1/devices/{device}/{path}"))
        .header(SIGNATURE_HEADER, signature.to_string());
    if *packed {
        request = request.header(CONTENT_ENCODING, compress::CONTENT_ENCODING);
    }
    let body = body.clone().map_or_else(Body::empty, Body::from);
    request.body(body).expect("a request of plain parts")
}

impl Said {
    /// Whether it is what was asked for.
    #[must_use]
    pub fn is_good(&self) -> bool {
        StatusCode::from_u16(self.status).is_ok_and(|status| status.is_success())
    }
}
