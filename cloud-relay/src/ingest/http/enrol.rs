//! `POST /v1/devices`: a device becomes known by a one-time token.
//!
//! The request is signed with the key that it states. Asked again with a key that is known
//! already, because the first answer was lost, the relay answers as before. Makes no token.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Response, StatusCode};
use protocol::bytes::Bytes;
use protocol::enrolment::{EnrolmentAnswer, EnrolmentRequest};
use protocol::id::DeviceId;
use protocol::problem::{Code, Problem};
use ring::digest::{SHA256, digest};

use crate::ingest::Ingest;
use crate::ingest::answer::{Answer, internal, revoked, store_failed};
use crate::ingest::auth::is_signed_with;
use crate::ingest::policy::{DEVICE_NAME_BYTES, MESSAGE_BYTES_MAX};
use crate::ingest::session::is_our_version;
use crate::store::model::{DeviceState, NewDevice};

pub(super) async fn enrol(
    State(ingest): State<Arc<Ingest>>,
    headers: HeaderMap,
    body: Body,
) -> Response<Body> {
    let outcome = ingest.enrol(&headers, body).await;
    ingest.respond(outcome)
}

impl Ingest {
    async fn enrol(&self, headers: &HeaderMap, body: Body) -> Result<Answer, Problem> {
        let body = super::body(body, MESSAGE_BYTES_MAX, self.parts.waits.body).await?;
        let request = read(&body, super::signature(headers))?;
        let new = NewDevice {
            device: self.new_name()?,
            store: request.store,
            public_key: request.public_key,
            token_hash: token_hash(request.token.as_str()),
            agent_version: request.agent_version.to_string(),
            now: self.now(),
        };
        let enrolled = self.parts.store.enrol(new).await.map_err(|error| store_failed(&error))?;
        let device = enrolled.ok_or_else(|| {
            Problem::new(
                Code::BadToken,
                "the token is unknown, used up, expired, revoked or for another store",
            )
            .next("make a new one with `storekeep-relay token create`")
        })?;
        if let DeviceState::Revoked { .. } = device.state {
            return Err(revoked());
        }
        tracing::info!(device = %device.device, store = %device.store, "a device is enrolled");
        let answer = EnrolmentAnswer {
            device: device.device,
            tenant: self.parts.tenant.clone(),
            relay_key: self.parts.keys.verifying_key(),
            sealing_key: self.parts.keys.sealing_key(),
        };
        Ok(Answer::new(StatusCode::CREATED, &answer))
    }

    /// A name that nobody can guess.
    fn new_name(&self) -> Result<DeviceId, Problem> {
        let mut bytes = [0; DEVICE_NAME_BYTES];
        let drawn = self.parts.seams.random.fill(&mut bytes);
        drawn.map_err(|_| internal("the operating system gave no random bytes"))?;
        let name = format!("d-{}", hex::encode(bytes));
        Ok(DeviceId::new(name).expect("hexadecimal digits are a name"))
    }
}

fn read(body: &[u8], signature: Option<&str>) -> Result<EnrolmentRequest, Problem> {
    is_our_version(body)?;
    let request: EnrolmentRequest = serde_json::from_slice(body).map_err(|error| {
        Problem::new(Code::InvalidRequest, format!("the enrolment: {error}"))
            .next("compare it with the schema of this version")
    })?;
    is_signed_with(request.public_key, signature, body)?;
    Ok(request)
}

/// What the store keeps of a token.
pub(crate) fn token_hash(token: &str) -> Bytes<32> {
    let digest = digest(&SHA256, token.as_bytes());
    Bytes::from_slice(digest.as_ref()).expect("SHA-256 has 32 bytes")
}
