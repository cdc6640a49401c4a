//! Input: events over local HTTP, answered when they are on disk.
//!
//! Reads the request, hands its events to the intake and answers item by item. Does not check who
//! calls: the local API has done that. What it refuses, the POS keeps and sends again: it cannot
//! be read anew from here.

mod answer;
mod request;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;

use super::intake::Intake;
use crate::local_api::respond;

pub use self::answer::{Accepted, AcceptedState};

/// `POST /v1/events`.
pub(crate) async fn post_events(State(intake): State<Arc<Intake>>, request: Request) -> Response {
    let body = match request::read(request).await {
        Ok(body) => body,
        Err(problem) => return respond::problem(&problem),
    };
    match request::split(&body) {
        Ok(request::Events::One(text)) => {
            let outcome = intake.take(&[text]).await.pop();
            answer::one(outcome.expect("one text has one outcome"))
        }
        Ok(request::Events::Many(texts)) => answer::many(intake.take(&texts).await),
        Err(problem) => respond::problem(&problem),
    }
}
