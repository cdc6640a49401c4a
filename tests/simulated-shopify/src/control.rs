//! Control over HTTP, for a harness in another process. Same listener, no token, all JSON.
//!
//! | request | body | answer |
//! |---|---|---|
//! | `GET /control/books` | - | [`Books`](crate::Books): everything that was ever applied |
//! | `GET /control/summary` | - | [`Summary`](crate::Summary): counts and sums only |
//! | `POST /control/faults` | [`Faults`]; `{}` is a calm day | `{}` |
//! | `POST /control/clock` | `{"advanceSeconds": 90}` | `{"now": "2026-11-23T14:02:00Z"}` |
//! | `POST /control/delete` | `{"order": "#1001"}`, as in the admin | `{"deleted": true}` |
//!
//! A rule of `faults` reads `{"disruption": "closeAfter", "next": 1, "on": ["orderCreate"]}` or
//! `{"disruption": {"applyLate": {"holdMs": 3000}}, "perMille": 20}`. A body that is not understood
//! is answered with status 422 and the reason. The real service has nothing of the kind.

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::books::{Books, Summary};
use crate::faults::Faults;
use crate::shop::Shop;

pub(crate) fn routes() -> Router<Shop> {
    Router::new()
        .route("/control/books", get(books))
        .route("/control/summary", get(summary))
        .route("/control/faults", post(faults))
        .route("/control/clock", post(clock))
        .route("/control/delete", post(delete))
}

async fn books(State(shop): State<Shop>) -> Json<Books> {
    Json(shop.books())
}

async fn summary(State(shop): State<Shop>) -> Json<Summary> {
    Json(shop.summary())
}

async fn faults(State(shop): State<Shop>, Json(faults): Json<Faults>) -> Json<Value> {
    shop.set_faults(faults);
    Json(json!({}))
}

/// What somebody deletes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Deletion {
    order: String,
}

async fn delete(State(shop): State<Shop>, Json(deletion): Json<Deletion>) -> Json<Value> {
    Json(json!({ "deleted": shop.delete_order(&deletion.order) }))
}

/// How far the clock is moved.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Forward {
    advance_seconds: u32,
}

async fn clock(State(shop): State<Shop>, Json(forward): Json<Forward>) -> Json<Value> {
    shop.advance(SignedDuration::from_secs(i64::from(forward.advance_seconds)));
    Json(json!({ "now": shop.now() }))
}
