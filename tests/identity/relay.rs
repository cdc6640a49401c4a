//! A relay without a socket: its router is called, its store is real, its shop is a book.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use agent::health::Reason;
use agent::sync::uplink::Failure;
use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use cloud_relay::connectors::{
    Bridging, BundleVerdict, Call, Checked, Class, Connector, Found, Mode, Planned, Prepared,
    Profile, Reply, TargetRef, Targets, Unanswered, Verdict,
};
use cloud_relay::ingest::policy::Waits;
use cloud_relay::ingest::{Ingest, IngestParts, router};
use cloud_relay::keys::{Keys, WhenMissing};
use cloud_relay::seams::{Seams, Telling};
use cloud_relay::store::SharedStore;
use cloud_relay::store::model::{
    DeliveryFilter, DeliveryState, DeliveryView, DeviceState, DeviceStory, NewDevice, NewToken,
    Transition,
};
use cloud_relay::store::sqlite::SqliteStore;
use jiff::{SignedDuration, Timestamp};
use protocol::bytes::Bytes;
use protocol::compress;
use protocol::envelope::Event;
use protocol::handshake::HoldReason;
use protocol::id::{Code as Word, DeviceId, StoreId, TargetId, TenantId};
use protocol::problem::{Code, Problem};
use protocol::sign::{SIGNATURE_HEADER, SigningKey, VerifyingKey, verify};
use ring::rand::{SecureRandom, SystemRandom};
use tokio::sync::watch;
use tower::ServiceExt;
use uuid::Uuid;

use crate::time::Time;

/// A worker's hold on a lane; nobody competes for it here.
const LEASE: SignedDuration = SignedDuration::from_mins(1);

/// More deliveries than any story makes.
const DELIVERIES_MAX: usize = 100_000;

/// How often the shop was given each sale.
#[derive(Debug, Clone, Default)]
pub(crate) struct Book(Arc<Mutex<BTreeMap<String, usize>>>);

impl Book {
    pub(crate) fn count(&self, natural_key: &str) -> usize {
        self.0.lock().unwrap().get(natural_key).copied().unwrap_or(0)
    }

    fn post(&self, natural_key: &str) {
        *self.0.lock().unwrap().entry(natural_key.to_owned()).or_default() += 1;
    }
}

/// The relay.
pub(crate) struct Relay {
    pub(crate) store: SharedStore,
    pub(crate) book: Book,
    pub(crate) time: Time,
    router: Router,
    key: VerifyingKey,
    _stop: watch::Sender<bool>,
}

impl Relay {
    /// Opens the relay whose files are in a folder, or makes one.
    pub(crate) fn open(folder: &Path, time: &Time, book: &Book, telling: Telling) -> Self {
        let store = Arc::new(SqliteStore::open(&folder.join("relay.db")).unwrap());
        Self::over(store, folder, time, book, telling)
    }

    /// A relay over a store.
    pub(crate) fn over(
        store: SharedStore,
        folder: &Path,
        time: &Time,
        book: &Book,
        telling: Telling,
    ) -> Self {
        let keys = Keys::open(folder, WhenMissing::Make, &SystemRandom::new()).unwrap();
        let key = keys.verifying_key();
        let (stop, stopping) = watch::channel(false);
        let shop: Arc<dyn Connector> = Arc::new(Shop::new());
        let ingest = Ingest::new(IngestParts {
            store: Arc::clone(&store),
            keys: Arc::new(keys),
            targets: Targets::from([(TargetId::new("shop").unwrap(), shop)]),
            tenant: TenantId::new("acme").unwrap(),
            seams: Seams { clock: time.reader(), telling, ..Seams::default() },
            waits: Waits::default(),
            stopping,
        });
        let (book, time) = (book.clone(), time.clone());
        Self { store, book, time, router: router(ingest), key, _stop: stop }
    }

    /// Makes a device known under a key.
    pub(crate) async fn enrol(&self, store: &StoreId, key: &SigningKey) -> DeviceId {
        let mut random = [0; 32];
        SystemRandom::new().fill(&mut random).unwrap();
        let (hash, now) = (Bytes(random), self.time.now());
        let name = hex::encode(&random[..8]);
        let token = NewToken {
            label: Word::new(name.clone()).unwrap(),
            hash,
            store: None,
            uses: 1,
            created_at: now,
            expires_at: now + SignedDuration::from_hours(1),
        };
        self.store.add_token(token).await.unwrap();
        let device = NewDevice {
            device: DeviceId::new(name).unwrap(),
            store: store.clone(),
            public_key: key.verifying_key(),
            token_hash: hash,
            agent_version: "1".to_owned(),
            now,
        };
        self.store.enrol(device).await.unwrap().unwrap().device
    }

    /// Says something signed and returns the signed answer.
    pub(crate) async fn ask(&self, question: &Question) -> Result<Vec<u8>, Failure> {
        // Whatever is said takes a moment.
        self.time.pass(Duration::from_millis(3));
        let request = Request::builder()
            .method(question.method)
            .uri(&question.path)
            .header(SIGNATURE_HEADER, &question.signature)
            .header("content-encoding", compress::CONTENT_ENCODING)
            .body(Body::from(question.body.clone()))
            .unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap().to_vec();
        let signature = parts.headers[SIGNATURE_HEADER].to_str().unwrap().parse().unwrap();
        verify(self.key, &body, signature).expect("every answer is signed");
        if parts.status.is_success() {
            return Ok(body);
        }
        let problem: Problem = serde_json::from_slice(&body).unwrap();
        let code = Code::from_number(&problem.code).unwrap();
        let reason = Reason::new(code, problem.detail);
        Err(match code {
            Code::StaleSession | Code::DeviceHeld => Failure::StaleSession(reason),
            _ => Failure::Refused(reason),
        })
    }

    pub(crate) async fn story(&self, device: &DeviceId) -> DeviceStory {
        self.store.device_story(device).await.unwrap().unwrap()
    }

    /// Why a device is held, if it is.
    pub(crate) async fn held(&self, device: &DeviceId) -> Option<HoldReason> {
        match self.store.device(device).await.unwrap().unwrap().state {
            DeviceState::Held { reason, .. } => Some(reason),
            DeviceState::Active | DeviceState::Revoked { .. } => None,
        }
    }

    pub(crate) async fn deliveries(&self) -> Vec<DeliveryView> {
        let filter = DeliveryFilter { count_max: DELIVERIES_MAX, ..DeliveryFilter::default() };
        self.store.deliveries(&filter).await.unwrap()
    }

    /// Posts what is due, and looks before it posts what may have been posted.
    pub(crate) async fn dispatch(&self) {
        let now = self.time.now();
        while let Some(claim) = self.store.claim_lane("test", now, LEASE).await.unwrap() {
            let open = self.store.open_deliveries(&claim, DELIVERIES_MAX).await.unwrap();
            let mut transitions = Vec::new();
            for delivery in open {
                let is_there = match delivery.state {
                    DeliveryState::Due { .. } => false,
                    DeliveryState::Unknown { .. } => self.book.count(&delivery.natural_key) > 0,
                    other => panic!("{other:?}"),
                };
                if !is_there {
                    self.book.post(&delivery.natural_key);
                }
                let state = DeliveryState::Done { reference: reference() };
                let said = "posted".to_owned();
                transitions.push(Transition { id: delivery.id, state, said, now });
            }
            self.store.finish(&claim, &transitions).await.unwrap();
            self.store.release_lane(&claim, None).await.unwrap();
        }
    }
}

/// What a host says, as it is on the line; it may come again.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) signature: String,
    pub(crate) body: Vec<u8>,
}

fn reference() -> TargetRef {
    TargetRef { id: "1".to_owned(), name: "#1".to_owned(), detail: serde_json::Value::Null }
}

/// A target that wants one order a sale. Posting is played by [`Relay::dispatch`].
struct Shop(Profile);

impl Shop {
    fn new() -> Self {
        Self(Profile {
            kind: "shop",
            verified: None,
            call_timeout: Duration::from_secs(5),
            settle_time: Duration::ZERO,
            bundle_max: 1,
            repeat_window: Duration::from_secs(60),
            cost_estimate: 1,
        })
    }
}

#[async_trait]
impl Connector for Shop {
    fn profile(&self) -> &Profile {
        &self.0
    }

    fn plan(&self, _event: &Event) -> Vec<Planned> {
        vec![Planned {
            class: Class::Receipts,
            action: "order.create".to_owned(),
            part: 0,
            mode: Mode::Document,
            depends_on: Vec::new(),
            amount: None,
        }]
    }

    fn bridging(&self, _event: &Event) -> Vec<Bridging> {
        Vec::new()
    }

    async fn check(&self) -> Result<Checked, Unanswered> {
        Ok(Checked { findings: Vec::new() })
    }

    async fn find(&self, _call: &Call) -> Reply<Result<Found, Unanswered>> {
        unreachable!("posting is played")
    }

    async fn create(&self, _call: &Call) -> Reply<Verdict> {
        unreachable!("posting is played")
    }

    async fn commit(&self, _call: &Call, _draft: &TargetRef) -> Reply<Verdict> {
        unreachable!("posting is played")
    }

    async fn verify(&self, _call: &Call, _reference: &TargetRef) -> Reply<Verdict> {
        unreachable!("posting is played")
    }

    async fn prepare(&self, _key: Uuid, _calls: &[Call]) -> Reply<Result<Prepared, Unanswered>> {
        unreachable!("posting is played")
    }

    async fn send(&self, _key: Uuid, _body: &str, _deadline: Timestamp) -> Reply<BundleVerdict> {
        unreachable!("posting is played")
    }
}
