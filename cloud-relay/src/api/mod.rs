//! The operators' API: what is relayed, what waits, what needs a person, and settling it.
//!
//! Under `/api/v1`, with a bearer token; problems as in RFC 9457; lists in pages with a cursor.
//! `/healthz` and `/readyz` need no token and say nothing else. Works on the store alone and
//! posts nothing; only the books ask targets what they hold, if the caller says so.

pub(crate) mod answer;
mod books;
mod exceptions;
mod lookups;
mod metrics;
pub mod status;
#[cfg(test)]
mod tests;
pub mod token;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use jiff::{SignedDuration, Timestamp};
use protocol::id::TenantId;

use crate::connectors::Targets;
use crate::seams::Clock;
use crate::secret::Secret;
use crate::store::SharedStore;

/// The API, shared by every connection.
pub struct Api {
    store: SharedStore,
    tenant: TenantId,
    token: Secret,
    clock: Clock,
    books: BooksParts,
}

/// What the books need besides the store.
pub struct BooksParts {
    /// The targets, which say themselves what they hold.
    pub targets: Targets,
    /// How long after its beginning in UTC a business date is over without a closing.
    pub cut_off: SignedDuration,
}

impl Api {
    /// Takes what it needs.
    #[must_use]
    pub fn new(
        store: SharedStore,
        tenant: TenantId,
        token: Secret,
        clock: Clock,
        books: BooksParts,
    ) -> Arc<Self> {
        Arc::new(Self { store, tenant, token, clock, books })
    }

    /// The retailer.
    #[must_use]
    pub const fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    fn now(&self) -> Timestamp {
        (self.clock)()
    }
}

/// The routes.
pub fn router(api: &Arc<Api>) -> Router {
    let guarded = Router::new()
        .route("/api/v1/status", get(lookups::status))
        .route("/api/v1/lanes", get(lookups::lanes))
        .route("/api/v1/books", get(books::reconcile))
        .route("/api/v1/books/days", get(books::days))
        .route("/api/v1/events/{id}", get(lookups::event))
        .route("/api/v1/receipts", get(lookups::receipt))
        .route("/api/v1/exceptions", get(exceptions::list))
        .route("/api/v1/exceptions/{id}", get(exceptions::show))
        .route("/api/v1/exceptions/{id}/retry", post(exceptions::retry))
        .route("/api/v1/exceptions/{id}/resolve", post(exceptions::resolve))
        .route("/metrics", get(metrics::metrics))
        .route_layer(from_fn_with_state(Arc::clone(api), token::require));
    Router::new()
        .route("/healthz", get(async || "the relay runs\n"))
        .route("/readyz", get(ready))
        .merge(guarded)
        .with_state(Arc::clone(api))
}

/// Ready means that the store answers.
async fn ready(State(api): State<Arc<Api>>) -> (StatusCode, &'static str) {
    match api.store.stores().await {
        Ok(_) => (StatusCode::OK, "the store answers\n"),
        Err(error) => {
            let error: &dyn std::error::Error = &error;
            tracing::error!(error, "the store does not answer");
            (StatusCode::SERVICE_UNAVAILABLE, "the store does not answer\n")
        }
    }
}
