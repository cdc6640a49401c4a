//! A store's agent: the real local API, sync and pruning over a real journal.
//!
//! A crash drops its tasks, with every answer that was under way; the journal's file stays, as its
//! commits left it. Does not decide when it crashes, and does not sell.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use agent::config::{Config, Secret};
use agent::health::{Health, Link};
use agent::inputs::intake::Intake;
use agent::inputs::standing::Board;
use agent::local_api::{Parts as Api, Peer, router};
use agent::run::KeyStatus;
use agent::run::prune::{self, Pruning};
use agent::seams::{Heavy, Seams};
use agent::sync::{self, Displaced, Parts};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use axum::http::{Method, Request, StatusCode};
use jiff::SignedDuration;
use journal::key::Tier;
use journal::{DataKey, Journal, JournalFile, Options};
use protocol::bytes::Bytes;
use protocol::chain::{Epoch, Position, Sequence};
use protocol::id::{DeviceId, StoreId};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tower::ServiceExt;

use super::chance::Chance;
use super::host::Host;
use super::network::{Line, Way};
use super::trace::Trace;

/// How long contents stay after they were relayed; days at real stores.
pub const RETENTION: SignedDuration = SignedDuration::from_secs(150);

/// How often is pruned.
const PRUNE_INTERVAL: Duration = Duration::from_secs(45);

const TOKEN: &str = "the-simulation";

/// One agent.
pub struct Agent {
    /// Its host.
    pub host: Arc<Host>,
    /// Its store.
    pub store: StoreId,
    /// Its name at the relay.
    pub device: DeviceId,
    file: Arc<Mutex<JournalFile>>,
    seams: Seams,
    line: Arc<Line>,
    chance: Chance,
    trace: Arc<Trace>,
    life: Mutex<Option<Life>>,
}

/// An agent that runs.
struct Life {
    router: Router,
    tasks: JoinSet<()>,
    _enrolment: watch::Sender<Option<protocol::enrolment::EnrolmentAnswer>>,
}

impl Agent {
    /// An agent with an empty journal, which does not run yet.
    ///
    /// # Panics
    /// The journal cannot be made: a fault of the machine.
    #[must_use]
    pub fn new(
        (host, store, device): (Arc<Host>, StoreId, DeviceId),
        folder: &Path,
        line: Arc<Line>,
        seams: Seams,
        seed: u64,
        trace: Arc<Trace>,
    ) -> Arc<Self> {
        let chance = Chance::of(seed, &format!("chance of {}", host.name));
        let options = Options {
            file: folder.join(format!("{device}.db")),
            key: DataKey::new([1; 32]),
            new_epoch: Bytes(chance.bytes()),
        };
        let file = JournalFile::open(&options).expect("make a journal");
        let file = Arc::new(Mutex::new(file));
        let life = Mutex::new(None);
        Arc::new(Self { host, store, device, file, seams, line, chance, trace, life })
    }

    /// Starts, unless it runs.
    ///
    /// # Panics
    /// Never: its configuration is the default.
    pub fn start(&self) {
        let mut life = self.life();
        if life.is_some() {
            return;
        }
        self.host.begin_life();
        self.trace.say(&self.host.name, || "starts".to_owned());
        let journal = Journal::in_line(Arc::clone(&self.file), self.host.disk());
        let (seams, health) = (self.seams(), Health::new(Link::NoRelay));
        let (enrolment, enrolled) = watch::channel(None);
        let config = Arc::new(Config::for_store(self.store.clone()));
        let intake = Intake::new(
            Arc::clone(&config),
            journal.clone(),
            health.clone(),
            seams.clone(),
            enrolled.clone(),
        );
        let router = router(Api {
            config,
            journal: journal.clone(),
            journal_key: KeyStatus::of_tier(Tier::File),
            health: health.clone(),
            seams: seams.clone(),
            token: Secret::new(TOKEN, "the simulation").expect("one line"),
            enrolment: enrolled,
            intake: Arc::new(intake),
            inputs: Board::default(),
        });
        let pruning =
            Pruning { retention: RETENTION, first_round: PRUNE_INTERVAL, interval: PRUNE_INTERVAL };
        let mut tasks = JoinSet::new();
        tasks.spawn(prune::run(journal.clone(), health.clone(), seams.clone(), pruning));
        let parts = Parts {
            store: self.store.clone(),
            journal,
            health,
            seams,
            instance: Bytes(self.chance.bytes()),
        };
        let way = Arc::new(Way(Arc::clone(&self.line)));
        let sync = sync::sync(parts, way, self.device.clone());
        let (name, trace) = (self.host.name.clone(), Arc::clone(&self.trace));
        tasks.spawn(async move {
            let Displaced = sync.await;
            trace.broken(&name, "it was told that another copy keeps its identity");
        });
        *life = Some(Life { router, tasks, _enrolment: enrolment });
    }

    /// Ends without a word.
    pub fn crash(&self) {
        if self.life().take().is_some() {
            self.host.end_life();
            self.trace.say(&self.host.name, || "crashes".to_owned());
        }
    }

    /// Hands events in, as a till does; no answer if it does not run or crashes meanwhile.
    pub async fn take(&self, bytes: Vec<u8>) -> Option<(StatusCode, String)> {
        let answered = {
            let mut life = self.life();
            let life = life.as_mut()?;
            while life.tasks.try_join_next().is_some() {}
            let (answer, answered) = oneshot::channel();
            let router = life.router.clone();
            life.tasks.spawn(async move {
                let answered = router.oneshot(request(bytes)).await;
                let response = answered.unwrap_or_else(|never| match never {});
                let (parts, body) = response.into_parts();
                let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
                let text = String::from_utf8_lossy(&body).into_owned();
                // A till that gave up asks again.
                drop(answer.send((parts.status, text)));
            });
            answered
        };
        answered.await.ok()
    }

    /// The journal's epoch.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.file().state().identity.epoch
    }

    /// What its disk holds, and what of it counts as relayed.
    #[must_use]
    pub fn marks(&self) -> (Position, Position) {
        let file = self.file();
        (file.state().head, file.state().acknowledged)
    }

    /// Up to where the contents are pruned.
    ///
    /// # Panics
    /// The journal cannot be read: a fault of the machine.
    #[must_use]
    pub fn pruned(&self, from: Sequence) -> Sequence {
        let entries = self.file().read_after(from, usize::MAX, usize::MAX);
        let entries = entries.expect("read the journal");
        let gone = entries.iter().take_while(|entry| entry.record.is_none());
        gone.last().map_or(from, |entry| entry.sequence)
    }

    /// The journal as it stands, to be read beside the agent.
    #[must_use]
    pub fn inspect(&self) -> Journal {
        Journal::in_line(Arc::clone(&self.file), Arc::new(|| Box::pin(std::future::ready(()))))
    }

    fn seams(&self) -> Seams {
        let (host, chance) = (Arc::clone(&self.host), self.chance.clone());
        let time = self.trace.time();
        Seams {
            clock: Arc::new(move || host.now()),
            steady: Arc::new(move || time.passed()),
            chance: Arc::new(move || chance.half_bits()),
            heavy: Heavy::InLine,
            ..self.seams.clone()
        }
    }

    fn file(&self) -> MutexGuard<'_, JournalFile> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn life(&self) -> MutexGuard<'_, Option<Life>> {
        self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn request(bytes: Vec<u8>) -> Request<Body> {
    Request::builder()
        .method(Method::POST)
        .uri("/v1/events")
        .extension(Peer::Local)
        .header(HOST, "127.0.0.1:7710")
        .header(AUTHORIZATION, format!("Bearer {TOKEN}"))
        .header(CONTENT_TYPE, "application/json")
        .body(Body::from(bytes))
        .expect("a request of plain parts")
}
