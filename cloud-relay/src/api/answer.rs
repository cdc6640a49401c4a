//! Answers to operators: JSON, or a problem with the next step in it.
//!
//! Nothing is kept by a browser or a proxy. Decides nothing.

use std::fmt::Display;

use axum::Json;
use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use protocol::problem::{Code, MEDIA_TYPE, Problem};
use serde::Serialize;

use crate::store::StoreError;

/// What a handler returns.
pub(super) type Answer<T> = Result<Good<T>, Bad>;

/// A good answer.
pub(super) struct Good<T>(pub(super) T);

/// A refusal.
pub(super) struct Bad(pub(super) Problem);

impl<T: Serialize> IntoResponse for Good<T> {
    fn into_response(self) -> Response {
        uncached(Json(self.0).into_response())
    }
}

impl IntoResponse for Bad {
    fn into_response(self) -> Response {
        refused(&self.0)
    }
}

impl From<Problem> for Bad {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl From<StoreError> for Bad {
    fn from(error: StoreError) -> Self {
        Self(match &error {
            StoreError::Unknown { .. } => Problem::new(Code::NotFound, error.to_string())
                .next("`GET /api/v1/exceptions` names those there are"),
            StoreError::State { .. } => Problem::new(Code::InvalidRequest, error.to_string())
                .next("look at it again: somebody else may have changed it"),
            StoreError::FenceLost | StoreError::Newer { .. } | StoreError::Database { .. } => {
                let error: &dyn std::error::Error = &error;
                tracing::error!(error, "the store failed while an operator was answered");
                Problem::new(Code::NotCommitted, "the relay's store failed; nothing was changed")
                    .next("try again; if it stays so, look at the relay's log")
            }
        })
    }
}

/// A problem as a response.
pub(crate) fn refused(problem: &Problem) -> Response {
    let status = StatusCode::from_u16(problem.status);
    let status = status.expect("the catalogue has statuses of HTTP");
    let body = serde_json::to_vec(problem).expect("a problem is plain data");
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    uncached(response)
}

/// A request that breaks a rule of its shape.
pub(super) fn invalid(detail: &dyn Display, next: &str) -> Bad {
    Bad(Problem::new(Code::InvalidRequest, detail.to_string()).next(next))
}

pub(super) fn uncached(mut response: Response) -> Response {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
