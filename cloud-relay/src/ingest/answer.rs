//! Answers to agents: JSON, signed over the body, refusals too.
//!
//! A refusal is a problem document with the next step in it. Does not decide anything.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, Response, StatusCode};
use protocol::problem::{Code, MEDIA_TYPE, Problem};
use protocol::sign::{SIGNATURE_HEADER, SigningKey};
use serde::Serialize;

use super::policy::RETRY_AFTER_SECONDS;
use crate::store::StoreError;

/// An answer with its status.
pub(super) struct Answer {
    status: StatusCode,
    media_type: &'static str,
    body: Vec<u8>,
}

impl Answer {
    /// A good answer.
    pub(super) fn new(status: StatusCode, body: &impl Serialize) -> Self {
        let body = serde_json::to_vec(body).expect("answers are plain data");
        Self { status, media_type: "application/json", body }
    }

    /// A refusal.
    pub(super) fn refusal(problem: &Problem) -> Self {
        let status = StatusCode::from_u16(problem.status);
        let status = status.expect("the catalogue has statuses of HTTP");
        Self { media_type: MEDIA_TYPE, ..Self::new(status, problem) }
    }

    /// The answer with its signature.
    pub(super) fn signed(self, key: &SigningKey) -> Response<Body> {
        let signature = key.sign(&self.body).to_string();
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.media_type));
        let signature = HeaderValue::from_str(&signature).expect("hexadecimal digits are a header");
        headers.insert(SIGNATURE_HEADER, signature);
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS));
        }
        response
    }
}

/// What a store's failure means to an agent.
pub(super) fn store_failed(error: &StoreError) -> Problem {
    match error {
        StoreError::Unknown { .. } => unknown_device(),
        StoreError::State { .. } => revoked(),
        StoreError::FenceLost | StoreError::Newer { .. } | StoreError::Database { .. } => {
            let error: &dyn std::error::Error = error;
            tracing::error!(error, "the store failed; the agent keeps its entries and comes again");
            Problem::new(Code::NotCommitted, "the relay's store failed")
                .next("send the same again; if it stays so, look at the relay's log")
        }
    }
}

pub(super) fn unknown_device() -> Problem {
    Problem::new(Code::UnknownDevice, "no device of this name is enrolled")
        .next("enrol the device again with a new one-time token")
}

pub(super) fn revoked() -> Problem {
    Problem::new(Code::DeviceRevoked, "the device's key is no longer accepted")
        .next("enrol the device again with a new one-time token, if it is still yours")
}

pub(super) fn too_large(bytes_max: usize) -> Problem {
    let detail = format!("the body has more than {bytes_max} bytes");
    Problem::new(Code::TooLarge, detail).next("send less at once")
}

pub(super) fn busy(what: &str) -> Problem {
    Problem::new(Code::Busy, what)
        .next("send the same again a little later; entries stay safe in the journal")
}

/// The program itself failed: a panic while a message was read.
pub(super) fn internal(what: &'static str) -> Problem {
    tracing::error!(what, "a message of an agent was not finished; the agent keeps its entries");
    Problem::new(Code::Internal, what)
        .next("send the same again; if it stays so, look at the relay's log")
}
