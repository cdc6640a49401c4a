//! The way up against a relay that answers over a real socket: what counts, and what each other
//! answer means.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes as Body;
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use protocol::batch::Acknowledgement;
use protocol::bytes::Bytes;
use protocol::chain::{Position, Sequence};
use protocol::compress;
use protocol::handshake::{PROTOCOL_VERSION, Standing};
use protocol::id::{StoreId, TenantId, Text};
use protocol::limits::BATCH_BYTES_MAX;
use protocol::problem::{MEDIA_TYPE, Problem};
use protocol::sign::{SIGNATURE_HEADER, Signature, verify};
use ring::rand::SystemRandom;

use super::*;
use crate::sync::policy::{ANSWER_BYTES_MAX, Ladder};

/// A request as it came in.
#[derive(Debug, Clone)]
struct Seen {
    address: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

/// A relay that answers everything with one prepared answer.
#[derive(Clone)]
struct Relay {
    answer: Arc<Mutex<(StatusCode, HeaderMap, Vec<u8>)>>,
    seen: Arc<Mutex<Vec<Seen>>>,
    address: SocketAddr,
}

async fn take(
    State(relay): State<Relay>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let address = uri.path_and_query().unwrap().to_string();
    relay.seen.lock().unwrap().push(Seen { address, headers, body: body.to_vec() });
    relay.answer.lock().unwrap().clone().into_response()
}

impl Relay {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let relay = Self {
            answer: Arc::default(),
            seen: Arc::default(),
            address: listener.local_addr().unwrap(),
        };
        let router = Router::new().fallback(take).with_state(relay.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        relay
    }

    fn answers(&self, status: u16, headers: &[(&'static str, String)], body: &[u8]) {
        let name = |name| header::HeaderName::from_static(name);
        let headers =
            headers.iter().map(|(key, value)| (name(key), value.parse().unwrap())).collect();
        let status = StatusCode::from_u16(status).unwrap();
        *self.answer.lock().unwrap() = (status, headers, body.to_vec());
    }

    fn answers_signed(&self, key: &SigningKey, body: &impl serde::Serialize) {
        let body = serde_json::to_vec(body).unwrap();
        self.answers(200, &[(SIGNATURE_HEADER, key.sign(&body).to_string())], &body);
    }

    fn answers_problem(&self, code: Code) {
        let body = serde_json::to_vec(&Problem::new(code, "because")).unwrap();
        self.answers(code.status(), &[("content-type", MEDIA_TYPE.to_owned())], &body);
    }

    fn last(&self) -> Seen {
        self.seen.lock().unwrap().last().unwrap().clone()
    }
}

fn key() -> SigningKey {
    SigningKey::from_pkcs8(&SigningKey::generate(&SystemRandom::new()).unwrap()).unwrap()
}

fn device() -> DeviceId {
    DeviceId::new("d-1").unwrap()
}

fn at(address: SocketAddr) -> HttpsConfig {
    HttpsConfig::at(format!("http://{address}").parse().unwrap())
}

fn uplink(address: SocketAddr, key: &Arc<SigningKey>, relay_key: VerifyingKey) -> Https {
    Https::new(&at(address), device(), Arc::clone(key), relay_key).unwrap()
}

fn statement() -> Statement {
    Statement {
        aside: None,
        inherited: None,
        protocol_version: PROTOCOL_VERSION,
        device: device(),
        store: StoreId::new("0042").unwrap(),
        epoch: Bytes([7; 16]),
        predecessor: None,
        head: Position::START,
        acknowledged: Position::START,
        instance: Bytes([3; 16]),
        attempt: 1,
        ticket: None,
        agent_version: Text::new("1").unwrap(),
        host_time: Timestamp::UNIX_EPOCH,
    }
}

fn session_answer() -> SessionAnswer {
    SessionAnswer {
        device: device(),
        epoch: Bytes([7; 16]),
        head: Position::START,
        standing: Standing::Resume,
        ticket: Bytes([5; 16]),
        instance: Bytes([3; 16]),
        attempt: 1,
        relay_time: Timestamp::UNIX_EPOCH,
    }
}

fn signature(seen: &Seen) -> Signature {
    seen.headers[SIGNATURE_HEADER].to_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_statement_is_signed_over_its_body_and_the_signed_answer_counts() {
    let (relay, own, relays) = (Relay::start().await, Arc::new(key()), key());
    relay.answers_signed(&relays, &session_answer());
    let uplink = uplink(relay.address, &own, relays.verifying_key());
    assert_eq!(uplink.open_session(&statement()).await.unwrap(), session_answer());
    let seen = relay.last();
    assert_eq!(seen.address, "/v1/devices/d-1/sessions");
    assert!(verify(own.verifying_key(), &seen.body, signature(&seen)).is_ok());
    assert_eq!(serde_json::from_slice::<Statement>(&seen.body).unwrap(), statement());
}

#[tokio::test]
async fn a_batch_is_sent_compressed_and_signed_uncompressed() {
    let (relay, own, relays) = (Relay::start().await, Arc::new(key()), key());
    let acknowledgement = BatchAnswer::Acknowledgement(Acknowledgement {
        device: device(),
        epoch: Bytes([7; 16]),
        sequence: Sequence(2),
        chain_hash: Bytes([2; 32]),
    });
    relay.answers_signed(&relays, &acknowledgement);
    let json = b"{\"entries\":[]}".to_vec();
    let packed = compress::pack(&json);
    let batch = Packed { json: json.clone(), packed, end: Position::START, entries: 1 };
    let uplink = uplink(relay.address, &own, relays.verifying_key());
    assert_eq!(uplink.send(&batch).await.unwrap(), acknowledgement);
    let seen = relay.last();
    assert_eq!(seen.address, "/v1/devices/d-1/batches");
    assert_eq!(seen.headers["content-encoding"], "zstd");
    assert_eq!(compress::unpack(&seen.body, BATCH_BYTES_MAX).unwrap(), json);
    assert!(verify(own.verifying_key(), &json, signature(&seen)).is_ok());
}

#[tokio::test]
async fn a_poll_is_signed_over_the_path_and_query_that_the_relay_sees() {
    let (relay, own, relays) = (Relay::start().await, Arc::new(key()), key());
    let page = DownlinkPage { items: Vec::new(), relay_time: Timestamp::UNIX_EPOCH };
    relay.answers_signed(&relays, &page);
    let uplink = uplink(relay.address, &own, relays.verifying_key());
    let poll = Poll { after: 3, head: Sequence(9), ticket: Bytes([5; 16]), wait_seconds: 25 };
    assert_eq!(uplink.poll(poll).await.unwrap(), page);
    let seen = relay.last();
    let query = format!("after=3&wait=25&head=9&ticket={}", poll.ticket);
    assert_eq!(seen.address, format!("/v1/devices/d-1/downlink?{query}"));
    assert!(verify(own.verifying_key(), seen.address.as_bytes(), signature(&seen)).is_ok());
}

#[tokio::test]
async fn an_answer_without_the_relays_signature_never_counts() {
    let (relay, own, relays) = (Relay::start().await, Arc::new(key()), key());
    let uplink = uplink(relay.address, &own, relays.verifying_key());
    let body = serde_json::to_vec(&session_answer()).unwrap();
    let other_body = relays.sign(b"another body").to_string();
    for headers in [
        vec![],
        vec![(SIGNATURE_HEADER, "no signature".to_owned())],
        vec![(SIGNATURE_HEADER, key().sign(&body).to_string())],
        vec![(SIGNATURE_HEADER, other_body)],
    ] {
        relay.answers(200, &headers, &body);
        let failure = uplink.open_session(&statement()).await.unwrap_err();
        assert_eq!(failure.reason().code, Code::BadSignature, "{headers:?}");
        assert_eq!(failure.ladder(), Ladder::Refused);
    }
}

#[tokio::test]
async fn each_refusal_of_the_relay_leads_to_its_own_ladder() {
    let (relay, own, relays) = (Relay::start().await, Arc::new(key()), key());
    let uplink = uplink(relay.address, &own, relays.verifying_key());
    for (code, expected) in [
        (Code::StaleSession, "stale"),
        (Code::DeviceHeld, "stale"),
        (Code::TooLarge, "too large"),
        (Code::Busy, "unavailable"),
        (Code::Internal, "unavailable"),
        (Code::NotCommitted, "unavailable"),
        (Code::UnknownDevice, "refused"),
        (Code::BadSignature, "refused"),
        (Code::DeviceRevoked, "refused"),
        (Code::ChainBroken, "refused"),
        (Code::UnsupportedVersion, "refused"),
        (Code::InvalidBatch, "refused"),
    ] {
        relay.answers_problem(code);
        let failure = uplink.open_session(&statement()).await.unwrap_err();
        let kind = match &failure {
            Failure::Unreachable(_) => "unreachable",
            Failure::Unavailable { .. } => "unavailable",
            Failure::StaleSession(_) => "stale",
            Failure::TooLarge(_) => "too large",
            Failure::Refused(_) => "refused",
        };
        assert_eq!(kind, expected, "{code}");
        assert_eq!(*failure.reason(), Reason::new(code, "because"));
    }
}

#[tokio::test]
async fn what_stands_between_is_told_from_the_relay() {
    let (relay, own, relays) = (Relay::start().await, Arc::new(key()), key());
    let uplink = uplink(relay.address, &own, relays.verifying_key());
    let html = || vec![("content-type", "text/html; charset=utf-8".to_owned())];
    let elsewhere = vec![("location", "http://127.0.0.1:1/".to_owned())];
    for (status, headers, ladder, words) in [
        (200, html(), Ladder::Unavailable, "a web page answers instead of the relay (HTTP 200)"),
        (403, html(), Ladder::Unavailable, "a web page answers instead of the relay (HTTP 403)"),
        (502, html(), Ladder::Unavailable, "stands before it (HTTP 502)"),
        (302, elsewhere, Ladder::Unavailable, "sends elsewhere (HTTP 302)"),
        (407, vec![], Ladder::Refused, "the proxy asks for a password"),
        (404, vec![], Ladder::Refused, "is not a relay"),
    ] {
        relay.answers(status, &headers, b"<html>Welcome</html>");
        let failure = uplink.open_session(&statement()).await.unwrap_err();
        assert_eq!(failure.ladder(), ladder, "{status}: {failure}");
        assert!(failure.reason().text.contains(words), "{status}: {failure}");
    }
}

#[tokio::test]
async fn a_relay_says_when_it_wants_to_be_asked_again() {
    let (relay, own, relays) = (Relay::start().await, Arc::new(key()), key());
    let uplink = uplink(relay.address, &own, relays.verifying_key());
    relay.answers(503, &[("retry-after", "7".to_owned())], b"");
    let failure = uplink.open_session(&statement()).await.unwrap_err();
    assert_eq!(failure.retry_after().map(|after| after.as_secs()), Some(7));
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let (relay, own, relays) = (Relay::start().await, Arc::new(key()), key());
    let uplink = uplink(relay.address, &own, relays.verifying_key());
    relay.answers(200, &[], &vec![b' '; ANSWER_BYTES_MAX + 1]);
    let failure = uplink.open_session(&statement()).await.unwrap_err();
    assert!(failure.reason().text.contains("more than"), "{failure}");
}

#[tokio::test]
async fn a_port_where_nothing_listens_is_unreachable() {
    let (own, relays) = (Arc::new(key()), key());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let uplink = uplink(address, &own, relays.verifying_key());
    let failure = uplink.open_session(&statement()).await.unwrap_err();
    assert!(matches!(failure, Failure::Unreachable(_)), "{failure}");
    assert!(failure.reason().text.starts_with("connect to the relay"), "{failure}");
}

#[tokio::test]
async fn the_first_answer_has_to_be_signed_with_the_key_that_it_carries() {
    let (relay, own, relays) = (Relay::start().await, key(), key());
    let request = EnrolmentRequest {
        protocol_version: PROTOCOL_VERSION,
        token: protocol::id::Code::new("token").unwrap(),
        store: StoreId::new("0042").unwrap(),
        public_key: own.verifying_key(),
        agent_version: Text::new("1").unwrap(),
    };
    let answer = EnrolmentAnswer {
        device: device(),
        tenant: TenantId::new("acme").unwrap(),
        relay_key: relays.verifying_key(),
        sealing_key: Bytes([1; 32]),
    };
    relay.answers_signed(&relays, &answer);
    assert_eq!(enrol(&at(relay.address), &own, &request).await.unwrap(), answer);
    let seen = relay.last();
    assert_eq!(seen.address, "/v1/devices");
    assert!(verify(own.verifying_key(), &seen.body, signature(&seen)).is_ok());

    relay.answers_signed(&key(), &answer);
    let failure = enrol(&at(relay.address), &own, &request).await.unwrap_err();
    assert_eq!(failure.reason().code, Code::BadSignature);
}

#[test]
fn certificates_that_cannot_be_read_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    let url = "https://relay.example.com".parse().unwrap();
    let relay = HttpsConfig { ca_file: Some(file.clone()), ..HttpsConfig::at(url) };
    assert!(matches!(client(&relay), Err(ClientError::Read { .. })));
    crate::files::write_private(&file, b"no certificate").unwrap();
    assert!(matches!(client(&relay), Err(ClientError::Shape { .. })));
}
