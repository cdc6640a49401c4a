//! A relay's ingest with a store in a temporary folder, and an agent that speaks to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use jiff::Timestamp;
use protocol::batch::{Batch as Message, BatchAnswer, Entry};
use protocol::bytes::Bytes;
use protocol::chain::{Epoch, Position, Sequence};
use protocol::compress;
use protocol::downlink::DownlinkPage;
use protocol::enrolment::{EnrolmentAnswer, EnrolmentRequest};
use protocol::handshake::{InstanceId, PROTOCOL_VERSION, SessionAnswer, Statement, Ticket};
use protocol::id::{Code, DeviceId, StoreId, TargetId, TenantId, Text};
use protocol::problem::Problem;
use protocol::record::{Findings, seal};
use protocol::sign::{SIGNATURE_HEADER, SigningKey, VerifyingKey, verify};
use ring::rand::SystemRandom;
use serde::de::DeserializeOwned;
use tempfile::TempDir;
use tokio::sync::watch;
use tower::ServiceExt;

use super::sink::Sink;
use crate::connectors::{Connector, Targets};
use crate::ingest::policy::Waits;
use crate::ingest::{Ingest, IngestParts, router};
use crate::keys::{Keys, WhenMissing};
use crate::seams::Seams;
use crate::store::SharedStore;
use crate::store::model::{DeliveryFilter, DeliveryView, Device, DeviceState, NewToken};
use crate::store::sqlite::SqliteStore;

const BEGINNING: i64 = 1_800_000_000;

/// A moment so many seconds after the first.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(BEGINNING + seconds).unwrap()
}

pub(crate) fn shop() -> TargetId {
    TargetId::new("shop").unwrap()
}

/// A device for functions that need one.
pub(crate) fn device() -> Device {
    Device {
        device: DeviceId::new("d1").unwrap(),
        store: StoreId::new("0042").unwrap(),
        public_key: Bytes([7; 32]),
        state: DeviceState::Active,
        agent_version: "1.0.0".to_owned(),
        enrolled_at: at(0),
        seen_at: None,
        level_at: None,
        entries: 0,
        epoch: None,
        ticket: None,
    }
}

/// The record of a small sale.
pub(crate) fn record(number: i64) -> Vec<u8> {
    let event = format!(
        r#"{{"specversion":"1.0","id":"0192f0c1-0000-7000-8000-{number:012}",
        "type":"storekeep.transaction.v1","time":"2026-11-23T17:04:11+01:00",
        "data":{{"kind":"sale","store":"0042","register":"2","businessDate":"2026-11-23",
        "receipt":"{number:06}","startedAt":"2026-11-23T17:03:40+01:00",
        "completedAt":"2026-11-23T17:04:11+01:00","currency":"EUR",
        "lines":[{{"line":1,"kind":"item","item":{{"sku":"4711"}},"quantity":"1",
        "unitPrice":"1.49","extended":149,"total":149}}],
        "total":{{"amount":149,"direction":"in"}},
        "tenders":[{{"tender":1,"kind":"cash","purpose":"payment","amount":149}}]}}}}"#
    );
    seal(&event, &Findings::default(), at(0))
}

pub(crate) fn signing_key() -> SigningKey {
    let document = SigningKey::generate(&SystemRandom::new()).unwrap();
    SigningKey::from_pkcs8(&document).unwrap()
}

/// A one-time token by its text.
pub(crate) fn token(text: &str, store: Option<&str>) -> NewToken {
    NewToken {
        label: Code::new(text).unwrap(),
        hash: crate::ingest::http::enrol::token_hash(text),
        store: store.map(|store| StoreId::new(store).unwrap()),
        uses: 1,
        created_at: at(0),
        expires_at: at(1_000),
    }
}

/// The relay's side.
pub(crate) struct Bench {
    _folder: TempDir,
    pub(crate) store: SharedStore,
    pub(crate) stop: watch::Sender<bool>,
    clock: Arc<AtomicI64>,
    router: Router,
    relay_key: VerifyingKey,
}

/// An answer whose signature was checked.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: StatusCode,
    pub(crate) retry_after: bool,
    body: Vec<u8>,
}

impl Answered {
    pub(crate) fn read<T: DeserializeOwned>(&self) -> T {
        assert!(self.status.is_success(), "{}", String::from_utf8_lossy(&self.body));
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The code of a refusal, which says what is wrong and what to do.
    pub(crate) fn code(&self) -> String {
        let problem: Problem = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(problem.status, self.status.as_u16());
        assert!(!problem.detail.is_empty() && problem.next.is_some(), "{problem}");
        problem.code
    }
}

impl Bench {
    pub(crate) fn new(seams: Seams) -> Self {
        Self::with(seams, Waits::default())
    }

    pub(crate) fn with(seams: Seams, waits: Waits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store: SharedStore =
            Arc::new(SqliteStore::open(&folder.path().join("relay.db")).unwrap());
        let clock = Arc::new(AtomicI64::new(0));
        let read = Arc::clone(&clock);
        let seams = Seams { clock: Arc::new(move || at(read.load(Ordering::SeqCst))), ..seams };
        let keys = Keys::open(folder.path(), WhenMissing::Make, &SystemRandom::new()).unwrap();
        let relay_key = keys.verifying_key();
        let (stop, stopping) = watch::channel(false);
        let connector: Arc<dyn Connector> = Arc::new(Sink::new(true));
        let ingest = Ingest::new(IngestParts {
            store: Arc::clone(&store),
            keys: Arc::new(keys),
            targets: Targets::from([(shop(), connector)]),
            tenant: TenantId::new("acme").unwrap(),
            seams,
            waits,
            stopping,
        });
        Self { _folder: folder, store, stop, clock, router: router(ingest), relay_key }
    }

    pub(crate) fn set_time(&self, seconds: i64) {
        self.clock.store(seconds, Ordering::SeqCst);
    }

    pub(crate) async fn call(&self, request: Request<Body>) -> Answered {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap().to_vec();
        let signature = parts.headers[SIGNATURE_HEADER].to_str().unwrap().parse().unwrap();
        verify(self.relay_key, &body, signature).expect("every answer is signed");
        let retry_after = parts.headers.contains_key("retry-after");
        Answered { status: parts.status, retry_after, body }
    }

    /// What stands in the outbox.
    pub(crate) async fn deliveries(&self) -> Vec<DeliveryView> {
        let filter = DeliveryFilter { count_max: 10_000, ..DeliveryFilter::default() };
        self.store.deliveries(&filter).await.unwrap()
    }

    /// An enrolled agent with a session.
    pub(crate) async fn agent(&self, name: &str) -> Agent {
        self.store.add_token(token(name, None)).await.unwrap();
        let mut agent = Agent::new(signing_key());
        let answer: EnrolmentAnswer = agent.enrol(self, name, "0042").await.read();
        assert_eq!(answer.relay_key, self.relay_key);
        agent.device = answer.device;
        agent.open(self).await;
        agent
    }
}

/// The store's side: a journal and a key.
pub(crate) struct Agent {
    pub(crate) device: DeviceId,
    pub(crate) key: Arc<SigningKey>,
    pub(crate) epoch: Epoch,
    pub(crate) instance: InstanceId,
    pub(crate) attempt: u64,
    pub(crate) ticket: Option<Ticket>,
    pub(crate) acknowledged: Position,
    pub(crate) records: Vec<String>,
}

impl Agent {
    pub(crate) fn new(key: SigningKey) -> Self {
        Self {
            device: DeviceId::new("none-yet").unwrap(),
            key: Arc::new(key),
            epoch: Bytes([5; 16]),
            instance: Bytes([1; 16]),
            attempt: 0,
            ticket: None,
            acknowledged: Position::START,
            records: Vec::new(),
        }
    }

    /// The same host once more, with another start of its program.
    pub(crate) fn copied(&self, instance: InstanceId) -> Self {
        Self {
            device: self.device.clone(),
            key: Arc::clone(&self.key),
            epoch: self.epoch,
            instance,
            attempt: 0,
            ticket: self.ticket,
            acknowledged: self.acknowledged,
            records: self.records.clone(),
        }
    }

    pub(crate) fn sell(&mut self, numbers: std::ops::RangeInclusive<i64>) {
        let records = numbers.map(|number| String::from_utf8(record(number)).unwrap());
        self.records.extend(records);
    }

    /// The position after so many entries.
    pub(crate) fn position(&self, count: usize) -> Position {
        let records = self.records[..count].iter();
        records.fold(Position::START, |position, record| {
            position.extended(self.epoch, record.as_bytes())
        })
    }

    pub(crate) fn head(&self) -> Position {
        self.position(self.records.len())
    }

    /// Entries from an index on.
    pub(crate) fn batch(&self, from: usize, count: usize) -> Message {
        let sequence = |index: usize| Sequence(u64::try_from(index).unwrap() + 1);
        let entries = self.records[from..from + count].iter().zip(from..);
        Message {
            device: self.device.clone(),
            epoch: self.epoch,
            first_sequence: sequence(from),
            previous_chain_hash: self.position(from).chain_hash,
            head_sequence: self.head().sequence,
            absent: None,
            resent: None,
            entries: entries
                .map(|(record, index)| Entry { sequence: sequence(index), record: record.clone() })
                .collect(),
        }
    }

    fn signed(&self, method: &str, path: &str, signed: &[u8], body: Vec<u8>) -> Request<Body> {
        let signature = self.key.sign(signed).to_string();
        let request = Request::builder().method(method).uri(path);
        let request = request.header(SIGNATURE_HEADER, signature);
        request
            .header("content-encoding", compress::CONTENT_ENCODING)
            .body(Body::from(body))
            .unwrap()
    }

    /// The JSON of an enrolment.
    pub(crate) fn enrolment(&self, token: &str, store: &str) -> Vec<u8> {
        let request = EnrolmentRequest {
            protocol_version: PROTOCOL_VERSION,
            token: Code::new(token).unwrap(),
            store: StoreId::new(store).unwrap(),
            public_key: self.key.verifying_key(),
            agent_version: Text::new("1.0.0").unwrap(),
        };
        serde_json::to_vec(&request).unwrap()
    }

    pub(crate) async fn enrol(&self, bench: &Bench, token: &str, store: &str) -> Answered {
        let body = self.enrolment(token, store);
        bench.call(self.signed("POST", "/v1/devices", &body.clone(), body)).await
    }

    pub(crate) fn statement(&self) -> Statement {
        Statement {
            protocol_version: PROTOCOL_VERSION,
            device: self.device.clone(),
            store: StoreId::new("0042").unwrap(),
            epoch: self.epoch,
            predecessor: None,
            head: self.head(),
            acknowledged: self.acknowledged,
            aside: None,
            inherited: None,
            instance: self.instance,
            attempt: self.attempt,
            ticket: self.ticket,
            agent_version: Text::new("1.0.0").unwrap(),
            host_time: at(0),
        }
    }

    pub(crate) async fn state(&self, bench: &Bench, statement: &Statement) -> Answered {
        let body = serde_json::to_vec(statement).unwrap();
        let path = format!("/v1/devices/{}/sessions", self.device);
        bench.call(self.signed("POST", &path, &body.clone(), body)).await
    }

    /// States what it holds and keeps the ticket.
    pub(crate) async fn open(&mut self, bench: &Bench) -> SessionAnswer {
        self.attempt += 1;
        let answer: SessionAnswer = self.state(bench, &self.statement()).await.read();
        self.ticket = Some(answer.ticket);
        answer
    }

    /// Sends bytes as the JSON of a batch.
    pub(crate) async fn send_json(&self, bench: &Bench, json: &[u8]) -> Answered {
        self.send_raw(bench, json, compress::pack(json)).await
    }

    /// Sends a body with the signature of something.
    pub(crate) async fn send_raw(&self, bench: &Bench, signed: &[u8], body: Vec<u8>) -> Answered {
        let path = format!("/v1/devices/{}/batches", self.device);
        bench.call(self.signed("POST", &path, signed, body)).await
    }

    pub(crate) async fn send(&self, bench: &Bench, message: &Message) -> Answered {
        self.send_json(bench, &serde_json::to_vec(message).unwrap()).await
    }

    /// Sends everything and expects it to be taken.
    pub(crate) async fn relay(&self, bench: &Bench) -> Position {
        let message = self.batch(0, self.records.len());
        match self.send(bench, &message).await.read() {
            BatchAnswer::Acknowledgement(kept) | BatchAnswer::Aside(kept) => kept.position(),
            BatchAnswer::Head(head) => panic!("the relay stands at {head:?}"),
        }
    }

    pub(crate) async fn ask(&self, bench: &Bench, query: &str) -> Answered {
        let path = format!("/v1/devices/{}/downlink?{query}", self.device);
        bench.call(self.signed("GET", &path, path.as_bytes(), Vec::new())).await
    }

    pub(crate) async fn poll(&self, bench: &Bench, after: u64, wait: u64) -> DownlinkPage {
        let (head, ticket) = (self.head().sequence, self.ticket.unwrap());
        let query = format!("after={after}&wait={wait}&head={head}&ticket={ticket}");
        self.ask(bench, &query).await.read()
    }
}
