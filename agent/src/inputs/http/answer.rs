//! Puts outcomes into answers: one event with its own status, an array item by item.
//!
//! Does not decide an outcome.

use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::Response;
use protocol::chain::{Epoch, Sequence};
use protocol::id::EventId;
use protocol::problem::Problem;
use schemars::JsonSchema;
use serde::Serialize;

use crate::inputs::intake::{Outcome, Standing};
use crate::local_api::respond;

/// The answer for an event that is on disk, or for practice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Accepted {
    /// Within an array: the status that the item alone would have been answered with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<EventId>,
    /// The journal that it stands in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epoch: Option<Epoch>,
    /// Its position there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence: Option<Sequence>,
    /// What became of it.
    pub state: AcceptedState,
    /// The first event with the same receipt and other content. This one is kept, and posts
    /// nowhere until a person has looked at it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conflict_of: Option<EventId>,
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum AcceptedState {
    /// It survives a power cut from now on.
    Journaled,
    /// Practice: counted, kept nowhere.
    Training,
}

/// An item of an array's answer.
#[derive(Serialize)]
#[serde(untagged)]
enum Item {
    Accepted(Accepted),
    Refused(Problem),
}

/// Answers one event.
pub(super) fn one(outcome: Outcome) -> Response {
    let status = status(&outcome);
    let accepted = match outcome {
        Outcome::Journaled(standing) | Outcome::Replayed(standing) => journaled(&standing),
        Outcome::Training => training(),
        Outcome::Refused(problem) | Outcome::NotCommitted(problem) => {
            return respond::problem(&problem);
        }
    };
    let mut response = respond::json(status, &accepted);
    if let Some(id) = accepted.id
        && let Ok(location) = format!("/v1/events/{id}").parse()
    {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

/// Answers an array: with the status that all items share, or 207 (RFC 4918, section 11.1).
pub(super) fn many(outcomes: Vec<Outcome>) -> Response {
    let mut statuses = outcomes.iter().map(status);
    let first = statuses.next().unwrap_or(StatusCode::OK);
    let common = statuses.all(|status| status == first);
    let common = if common { first } else { StatusCode::MULTI_STATUS };
    let items: Vec<_> = outcomes.into_iter().map(item).collect();
    respond::json(common, &items)
}

fn item(outcome: Outcome) -> Item {
    let status = Some(status(&outcome).as_u16());
    match outcome {
        Outcome::Journaled(standing) | Outcome::Replayed(standing) => {
            Item::Accepted(Accepted { status, ..journaled(&standing) })
        }
        Outcome::Training => Item::Accepted(Accepted { status, ..training() }),
        Outcome::Refused(problem) | Outcome::NotCommitted(problem) => Item::Refused(problem),
    }
}

fn status(outcome: &Outcome) -> StatusCode {
    match outcome {
        Outcome::Journaled(_) => StatusCode::CREATED,
        Outcome::Replayed(_) | Outcome::Training => StatusCode::OK,
        Outcome::Refused(problem) | Outcome::NotCommitted(problem) => respond::status(problem),
    }
}

fn journaled(standing: &Standing) -> Accepted {
    Accepted {
        status: None,
        id: Some(standing.id),
        epoch: Some(standing.epoch),
        sequence: Some(standing.sequence),
        state: AcceptedState::Journaled,
        conflict_of: standing.conflict_of,
    }
}

const fn training() -> Accepted {
    Accepted {
        status: None,
        id: None,
        epoch: None,
        sequence: None,
        state: AcceptedState::Training,
        conflict_of: None,
    }
}
