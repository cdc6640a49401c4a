//! The local API: the way in for the POS, and what the store sees of its agent.
//!
//! Every request passes [`access`] first. Reads come from the journal and from what is known of
//! the relay; none waits for the network. Changes nothing but through `inputs::http`.

mod access;
mod entries;
mod incidents;
mod kept;
mod metrics;
pub mod openapi;
mod page;
mod policy;
mod progress;
pub(crate) mod respond;
mod serve;
mod status;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware;
use axum::response::Response;
use axum::routing::{get, post};
use journal::Journal;
use protocol::enrolment::EnrolmentAnswer;
use protocol::problem::{Code, MEDIA_TYPE, Problem};
use tokio::sync::watch;

use crate::config::{Config, Secret};
use crate::health::Health;
use crate::inputs::http::post_events;
use crate::inputs::intake::Intake;
use crate::inputs::standing::Board;
use crate::run::KeyStatus;
use crate::seams::Seams;

pub use self::access::Peer;
pub use self::incidents::{Incident, Missing};
pub use self::progress::{
    EventProgress, ReceiptKey, ReceiptKeyError, ReceiptProgress, Stage, TargetProgress,
};
pub use self::serve::serve;
pub use self::status::{JournalStatus, Status};

/// What the local API is made of.
#[derive(Debug, Clone)]
pub struct Parts {
    /// The configuration.
    pub config: Arc<Config>,
    /// The journal.
    pub journal: Journal,
    /// How the journal's key is kept.
    pub journal_key: KeyStatus,
    /// How the way up stands.
    pub health: Health,
    /// Clock and randomness.
    pub seams: Seams,
    /// The bearer token that the POS sends.
    pub token: Secret,
    /// What the relay answered at enrolment; none before. Holds the key for personal fields.
    pub enrolment: watch::Receiver<Option<EnrolmentAnswer>>,
    /// The way into the journal.
    pub intake: Arc<Intake>,
    /// How the other inputs stand.
    pub inputs: Board,
}

/// The parts, shared by all requests.
#[derive(Debug)]
struct Shared {
    parts: Parts,
}

/// Every address of the local API. A request without a [`Peer`] among its extensions counts as one
/// from beyond this host.
pub fn router(parts: Parts) -> Router {
    let intake = Arc::clone(&parts.intake);
    let shared = Arc::new(Shared { parts });
    let reads = Router::new()
        .route("/v1/events/{id}", get(progress::event))
        .route("/v1/receipts/{register}/{business_date}/{number}", get(progress::receipt))
        .route("/v1/journal", get(entries::list))
        .route("/v1/journal/export", get(entries::export))
        .route("/v1/journal/verification", get(entries::verify))
        .route("/v1/journal/{entry}", get(entries::show))
        .route("/v1/inputs/{name}/kept", get(kept::list))
        .route("/v1/inputs/{name}/kept/{number}", get(kept::show))
        .route("/v1/status", get(status::status))
        .route("/healthz", get(status::healthz))
        .route("/metrics", get(metrics::metrics))
        .route("/openapi.json", get(openapi::document))
        .route("/", get(page::page))
        .route("/page.css", get(page::style))
        .route("/page.js", get(page::script))
        .with_state(Arc::clone(&shared));
    Router::new()
        .route("/v1/events", post(post_events))
        .with_state(intake)
        .merge(reads)
        .fallback(nothing_here)
        .method_not_allowed_fallback(not_this_way)
        .layer(middleware::map_response(in_our_words))
        .layer(middleware::from_fn_with_state(shared, access::check))
}

async fn nothing_here(request: Request) -> Response {
    let path: String = request.uri().path().chars().take(100).collect();
    respond::problem(&nothing(format!("nothing stands at `{path}`")))
}

async fn not_this_way(request: Request) -> Response {
    let path: String = request.uri().path().chars().take(100).collect();
    let detail = format!("`{path}` does not answer {}", request.method());
    respond::problem(&nothing(detail))
}

/// What the library refuses before a handler sees it, as a path that is no text, is a problem
/// document like every other refusal.
async fn in_our_words(response: Response) -> Response {
    let stated = response.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    if !response.status().is_client_error() || stated.is_some_and(is_ours) {
        return response;
    }
    let problem = Problem::new(Code::InvalidRequest, "the path or the body cannot be read");
    respond::problem(&problem.next("send the path as UTF-8, and the body whole"))
}

/// A problem document, or the answers to an array item by item.
fn is_ours(media_type: &[u8]) -> bool {
    media_type == MEDIA_TYPE.as_bytes() || media_type == b"application/json"
}

fn nothing(detail: impl Into<String>) -> Problem {
    Problem::new(Code::NotFound, detail).next("/openapi.json lists every call")
}
