//! Control over HTTP, for a harness in another process. Same listener, no token, all JSON.
//!
//! | request | body | answer |
//! |---|---|---|
//! | `GET /control/books` | - | [`Books`](crate::Books): everything that stands here |
//! | `GET /control/summary` | - | [`Summary`](crate::Summary): counts and sums only |
//! | `POST /control/faults` | [`Faults`]; `{}` is a calm day | `{}` |
//! | `POST /control/periods` | [`Periods`]: which dates may be posted to | `{}` |
//! | `POST /control/clock` | `{"advanceSeconds": 90}` | `{"now": "2026-11-23T14:02:00Z"}` |
//!
//! A rule of `faults` reads `{"disruption": "closeAfter", "next": 1, "on": ["submit"]}` or
//! `{"disruption": {"applyLate": {"holdMs": 3000}}, "perMille": 20, "on": ["create Sales Invoice"]}`.
//! A body that is not understood is answered with status 422 and the reason. The real service has
//! nothing of the kind.

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::books::{Books, Summary};
use crate::faults::Faults;
use crate::setup::Periods;
use crate::site::Site;

pub(crate) fn routes() -> Router<Site> {
    Router::new()
        .route("/control/books", get(books))
        .route("/control/summary", get(summary))
        .route("/control/faults", post(faults))
        .route("/control/periods", post(periods))
        .route("/control/clock", post(clock))
}

async fn books(State(site): State<Site>) -> Json<Books> {
    Json(site.books())
}

async fn summary(State(site): State<Site>) -> Json<Summary> {
    Json(site.summary())
}

async fn faults(State(site): State<Site>, Json(faults): Json<Faults>) -> Json<Value> {
    site.set_faults(faults);
    Json(json!({}))
}

async fn periods(State(site): State<Site>, Json(periods): Json<Periods>) -> Json<Value> {
    site.set_periods(periods);
    Json(json!({}))
}

/// How far the clock is moved.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Forward {
    advance_seconds: u32,
}

async fn clock(State(site): State<Site>, Json(forward): Json<Forward>) -> Json<Value> {
    site.advance(SignedDuration::from_secs(i64::from(forward.advance_seconds)));
    Json(json!({ "now": site.now() }))
}
