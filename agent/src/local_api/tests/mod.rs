//! Claims about the local API, made through its router over a real journal.

mod access;
mod intake;
mod reads;
mod wire;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use jiff::Timestamp;
use journal::key::Tier;
use journal::{DataKey, Options};
use protocol::bytes::Bytes;
use protocol::id::StoreId;
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt;

use super::*;
use crate::clock::Reckoning;
use crate::health::Link;

const TOKEN: &str = "a-token-of-the-tests";

/// An agent's local API over a journal in a temporary folder.
struct Agent {
    router: Router,
    parts: Parts,
    clock: Arc<Mutex<Timestamp>>,
    sealing: watch::Sender<Option<EnrolmentAnswer>>,
    folder: TempDir,
}

/// An answer, read to its end.
struct Answer {
    status: StatusCode,
    headers: axum::http::HeaderMap,
    body: String,
}

impl Agent {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::for_store(StoreId::new("0042").unwrap());
        change(&mut config);
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&Options {
            file: folder.path().join("journal.db"),
            key: DataKey::new([1; 32]),
            new_epoch: Bytes([7; 16]),
        });
        let clock = Arc::new(Mutex::new("2026-11-23T17:00:00Z".parse().unwrap()));
        let hand = Arc::clone(&clock);
        let seams = Seams {
            clock: Arc::new(move || *hand.lock().unwrap_or_else(PoisonError::into_inner)),
            steady: Arc::new(|| Duration::ZERO),
            ..Seams::default()
        };
        let (sealing, enrolment) = watch::channel(None);
        let (config, journal) = (Arc::new(config), journal.unwrap());
        let health = Health::new(Link::NoRelay);
        let intake = Intake::new(
            Arc::clone(&config),
            journal.clone(),
            health.clone(),
            seams.clone(),
            enrolment.clone(),
        );
        let parts = Parts {
            config,
            journal,
            journal_key: KeyStatus::of_tier(Tier::File),
            health,
            seams,
            token: Secret::new(TOKEN, "the tests").unwrap(),
            enrolment,
            intake: Arc::new(intake),
            inputs: Board::default(),
        };
        Self { router: router(parts.clone()), parts, clock, sealing, folder }
    }

    fn set_clock(&self, at: &str) {
        *self.clock.lock().unwrap() = at.parse().unwrap();
    }

    /// A session just told the relay's time.
    fn measure(&self, relay: &str) {
        let now = self.parts.seams.reading();
        let reckoning = Reckoning::measured(relay.parse().unwrap(), now, now);
        self.parts.health.measured(reckoning, now.host);
    }

    async fn answer(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    async fn post(&self, body: impl Into<Body>) -> Answer {
        let request = request(Method::POST, "/v1/events")
            .header(header::CONTENT_TYPE, "application/json")
            .body(body.into());
        self.answer(request.unwrap()).await
    }

    async fn post_event(&self, event: &Value) -> Answer {
        self.post(event.to_string()).await
    }

    async fn read(&self, path: &str) -> Answer {
        self.answer(request(Method::GET, path).body(Body::empty()).unwrap()).await
    }
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {}", self.body))
    }

    /// The problem document; checks that it is one, with the status that it states.
    fn problem(&self) -> Problem {
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/problem+json", "{}", self.body);
        let problem: Problem = serde_json::from_str(&self.body).unwrap();
        assert_eq!(problem.status, self.status.as_u16());
        assert!(problem.next.is_some(), "a problem says what to do: {}", self.body);
        problem
    }

    fn code(&self) -> String {
        self.problem().code
    }
}

/// A request of a POS on this host, with the token.
fn request(method: Method, path: &str) -> axum::http::request::Builder {
    Request::builder()
        .method(method)
        .uri(path)
        .extension(Peer::Local)
        .header(header::HOST, "127.0.0.1:7710")
        .header(header::AUTHORIZATION, format!("Bearer {TOKEN}"))
}

fn sale(receipt: &str) -> Value {
    json!({
        "type": "storekeep.transaction.v1",
        "data": {
            "kind": "sale", "store": "0042", "register": "2", "businessDate": "2026-11-23",
            "receipt": receipt, "completedAt": "2026-11-23T17:04:11+01:00", "currency": "EUR",
            "lines": [{
                "line": 1, "kind": "item", "item": { "sku": "4711", "description": "Pencil" },
                "quantity": "3", "unitPrice": "1.49", "extended": 447, "total": 447
            }],
            "total": { "amount": 447, "direction": "in" },
            "tenders": [{ "tender": 1, "kind": "cash", "purpose": "payment", "amount": 447 }]
        }
    })
}

fn changed(mut event: Value, pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    event.pointer_mut(parent).unwrap()[name] = value;
    event
}
