//! What inputs have seen and could not read, for the command that shows it while the agent runs.
//!
//! Answers what `inputs::kept` holds. Changes nothing.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;

use super::{Shared, nothing, respond};
use crate::config::InputName;
use crate::inputs::kept;

/// `GET /v1/inputs/{name}/kept`: what is kept of an input, oldest first.
pub(super) async fn list(State(shared): State<Arc<Shared>>, Path(name): Path<String>) -> Response {
    let Some(name) = configured(&shared, &name) else { return unknown() };
    match kept::list(&shared.parts.journal, name.as_str()).await {
        Ok(list) => respond::json(StatusCode::OK, &list),
        Err(problem) => respond::problem(&problem),
    }
}

/// `GET /v1/inputs/{name}/kept/{number}`: one of them, whole.
pub(super) async fn show(
    State(shared): State<Arc<Shared>>,
    Path((name, number)): Path<(String, String)>,
) -> Response {
    let (Some(name), Ok(number)) = (configured(&shared, &name), number.parse()) else {
        return unknown();
    };
    match kept::one(&shared.parts.journal, name.as_str(), number).await {
        Ok(Some(kept)) => respond::json(StatusCode::OK, &kept),
        Ok(None) => unknown(),
        Err(problem) => respond::problem(&problem),
    }
}

fn configured<'a>(shared: &'a Shared, name: &str) -> Option<&'a InputName> {
    shared.parts.config.inputs.keys().find(|known| known.as_str() == name)
}

fn unknown() -> Response {
    respond::problem(&nothing("there is no such input, or nothing is kept under that number"))
}
