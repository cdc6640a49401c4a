//! Answers: JSON, and problem documents (RFC 9457).
//!
//! Does not decide which.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use journal::ReadError;
use protocol::problem::{Code, MEDIA_TYPE, Problem};
use serde::Serialize;

/// A JSON answer.
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let body = serde_json::to_vec(body).expect("answers are plain data");
    with_type(status, HeaderValue::from_static("application/json"), body)
}

/// A problem document.
pub(crate) fn problem(problem: &Problem) -> Response {
    let body = serde_json::to_vec(problem).expect("a problem is plain data");
    let mut response = with_type(status(problem), HeaderValue::from_static(MEDIA_TYPE), body);
    if response.status() == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

/// The status of a problem.
pub(crate) fn status(problem: &Problem) -> StatusCode {
    StatusCode::from_u16(problem.status).expect("the catalogue holds HTTP statuses")
}

/// Text of another type.
pub(super) fn text(content_type: &'static str, body: impl Into<Body>) -> Response {
    with_type(StatusCode::OK, HeaderValue::from_static(content_type), body)
}

/// The journal cannot be read.
pub(crate) fn unreadable(error: &ReadError) -> Problem {
    tracing::error!(%error, cause = %error.source, "the journal cannot be read");
    Problem::new(Code::NotCommitted, format!("the journal cannot be read: {error}"))
        .next("send the same again; if it stays so, run `storekeep-agent doctor`")
}

fn with_type(status: StatusCode, content_type: HeaderValue, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}
