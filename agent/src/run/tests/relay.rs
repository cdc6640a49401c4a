//! A relay for the tests: over a real socket, with real signatures, in memory.
//!
//! Keeps what it acknowledged and refuses what does not continue it. Has no targets.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes as Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use jiff::Timestamp;
use protocol::batch::{Acknowledgement, Batch, BatchAnswer};
use protocol::bytes::Bytes;
use protocol::chain::{Epoch, Position};
use protocol::compress;
use protocol::downlink::DownlinkPage;
use protocol::enrolment::{EnrolmentAnswer, EnrolmentRequest};
use protocol::handshake::{SessionAnswer, Standing, Statement};
use protocol::id::{DeviceId, TenantId};
use protocol::limits::BATCH_BYTES_MAX;
use protocol::problem::{Code, MEDIA_TYPE, Problem};
use protocol::sign::{SIGNATURE_HEADER, SigningKey, VerifyingKey, verify};
use ring::rand::SystemRandom;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Far beyond what any test takes; reached only by a fault.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// The one token that enrols.
pub(crate) const TOKEN: &str = "one-time-token";

#[derive(Clone)]
pub(crate) struct Relay(Arc<Inner>);

struct Inner {
    key: SigningKey,
    held: Mutex<Held>,
    entries: watch::Sender<usize>,
}

#[derive(Default)]
struct Held {
    devices: BTreeMap<DeviceId, VerifyingKey>,
    heads: BTreeMap<Epoch, Position>,
    /// Batches are lost on their way.
    batches_lost: bool,
    /// The events of all batches, in the order in which they were committed.
    events: Vec<Value>,
}

impl Relay {
    pub(crate) fn new() -> Self {
        let stored = SigningKey::generate(&SystemRandom::new()).unwrap();
        let key = SigningKey::from_pkcs8(&stored).unwrap();
        let inner = Inner { key, held: Mutex::default(), entries: watch::Sender::new(0) };
        Self(Arc::new(inner))
    }

    /// Serves on an address, until the handle is aborted.
    pub(crate) async fn serve(&self, address: &str) -> (SocketAddr, JoinHandle<()>) {
        let listener = tokio::net::TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new()
            .route("/v1/devices", post(enrol))
            .route("/v1/devices/{device}/sessions", post(session))
            .route("/v1/devices/{device}/batches", post(batch))
            .route("/v1/devices/{device}/downlink", get(downlink))
            .route("/healthz", get(|| async { "ok" }))
            .with_state(self.clone());
        (address, tokio::spawn(async move { axum::serve(listener, router).await.unwrap() }))
    }

    /// Waits until so many entries are held.
    pub(crate) async fn until_held(&self, count: usize) {
        let mut entries = self.0.entries.subscribe();
        let wait = entries.wait_for(|held| *held >= count);
        tokio::time::timeout(DEADLINE, wait).await.expect("the entries arrive").unwrap();
    }

    /// The receipt numbers of the held events, in order.
    pub(crate) fn receipts(&self) -> Vec<String> {
        let held = self.0.held.lock().unwrap();
        let receipt = |event: &Value| event["data"]["receipt"].as_str().unwrap().to_owned();
        held.events.iter().map(receipt).collect()
    }

    /// From now on the line loses every batch.
    pub(crate) fn lose_batches(&self) {
        self.0.held.lock().unwrap().batches_lost = true;
    }

    pub(crate) fn devices(&self) -> usize {
        self.0.held.lock().unwrap().devices.len()
    }

    fn signed(&self, body: &impl Serialize) -> Response {
        let body = serde_json::to_vec(body).unwrap();
        let signature = self.0.key.sign(&body).to_string();
        ([(SIGNATURE_HEADER, signature)], body).into_response()
    }
}

fn refused(code: Code) -> Response {
    let body = serde_json::to_vec(&Problem::new(code, "refused")).unwrap();
    let status = StatusCode::from_u16(code.status()).unwrap();
    (status, [("content-type", MEDIA_TYPE)], body).into_response()
}

fn is_signed(key: VerifyingKey, headers: &HeaderMap, body: &[u8]) -> bool {
    let signature = headers[SIGNATURE_HEADER].to_str().unwrap().parse().unwrap();
    verify(key, body, signature).is_ok()
}

async fn enrol(State(relay): State<Relay>, headers: HeaderMap, body: Body) -> Response {
    let request: EnrolmentRequest = serde_json::from_slice(&body).unwrap();
    if request.token.as_str() != TOKEN {
        return refused(Code::BadToken);
    }
    if !is_signed(request.public_key, &headers, &body) {
        return refused(Code::BadSignature);
    }
    let mut held = relay.0.held.lock().unwrap();
    let device = DeviceId::new(format!("d-{}", held.devices.len() + 1)).unwrap();
    held.devices.insert(device.clone(), request.public_key);
    relay.signed(&EnrolmentAnswer {
        device,
        tenant: TenantId::new("acme").unwrap(),
        relay_key: relay.0.key.verifying_key(),
        sealing_key: Bytes([1; 32]),
    })
}

async fn session(
    State(relay): State<Relay>,
    Path(device): Path<DeviceId>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let held = relay.0.held.lock().unwrap();
    let Some(key) = held.devices.get(&device) else { return refused(Code::UnknownDevice) };
    if !is_signed(*key, &headers, &body) {
        return refused(Code::BadSignature);
    }
    let statement: Statement = serde_json::from_slice(&body).unwrap();
    relay.signed(&SessionAnswer {
        device,
        epoch: statement.epoch,
        head: held.heads.get(&statement.epoch).copied().unwrap_or(Position::START),
        standing: Standing::Resume,
        ticket: Bytes([5; 16]),
        instance: statement.instance,
        attempt: statement.attempt,
        relay_time: statement.host_time,
    })
}

async fn batch(
    State(relay): State<Relay>,
    Path(device): Path<DeviceId>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let mut held = relay.0.held.lock().unwrap();
    if held.batches_lost {
        return StatusCode::BAD_GATEWAY.into_response();
    }
    let json = compress::unpack(&body, BATCH_BYTES_MAX).unwrap();
    if !is_signed(held.devices[&device], &headers, &json) {
        return refused(Code::BadSignature);
    }
    let batch: Batch = serde_json::from_slice(&json).unwrap();
    let positions = batch.positions().unwrap();
    let head = held.heads.get(&batch.epoch).copied().unwrap_or(Position::START);
    for (entry, position) in batch.entries.iter().zip(&positions) {
        if position.sequence > head.sequence {
            let record: Value = serde_json::from_str(&entry.record).unwrap();
            held.events.push(record["event"].clone());
        }
    }
    let end = *positions.last().unwrap();
    held.heads.insert(batch.epoch, end);
    relay.0.entries.send_replace(held.events.len());
    let Position { sequence, chain_hash } = end;
    let epoch = batch.epoch;
    let answer = Acknowledgement { device, epoch, sequence, chain_hash };
    relay.signed(&BatchAnswer::Acknowledgement(answer))
}

async fn downlink(State(relay): State<Relay>) -> Response {
    tokio::time::sleep(DEADLINE).await;
    relay.signed(&DownlinkPage { items: Vec::new(), relay_time: Timestamp::UNIX_EPOCH })
}
