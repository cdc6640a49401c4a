//! The HTTP side: the token address, the GraphQL address, and every way in which an answer can go
//! wrong.
//!
//! Tokens, versions and bodies are refused here (README, R1 to R6). A request that was let in is
//! applied even if its client has gone: only then can an answer be late. Decides nothing about
//! GraphQL.

use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::post;
use axum::{Extension, Form, Json};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;

use crate::control;
use crate::faults::Disruption;
use crate::shop::{Incoming, Shop};
use crate::wire::{Wire, WireListener};

/// The version that is served; older ones fall forward to it.
const VERSION: &str = "2026-10";

impl Shop {
    /// The shop's routes, its control included. A connection can be closed only under [`serve`];
    /// under another server, what would close it is answered with status 502.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/admin/oauth/access_token", post(access_token))
            .route("/admin/api/{version}/graphql.json", post(graphql))
            .merge(control::routes())
            .fallback(|| async { not_found() })
            .with_state(self.clone())
    }
}

/// Serves the shop until `shutdown` resolves.
///
/// # Errors
///
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    shop: Shop,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let service = shop.router().into_make_service_with_connect_info::<Wire>();
    axum::serve(WireListener(listener), service).with_graceful_shutdown(shutdown).await
}

fn not_found() -> Response {
    (StatusCode::NOT_FOUND, Json(json!({ "errors": "Not Found" }))).into_response()
}

/// The client credentials grant.
#[derive(Debug, Deserialize)]
struct Grant {
    client_id: String,
    client_secret: String,
    grant_type: String,
}

async fn access_token(
    State(shop): State<Shop>,
    form: Result<Form<Grant>, axum::extract::rejection::FormRejection>,
) -> Response {
    let refuse = |status: StatusCode, error: &str, description: &str| {
        let body = json!({ "error": error, "error_description": description });
        (status, Json(body)).into_response()
    };
    let Ok(Form(grant)) = form else {
        return refuse(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            "The request is missing a required parameter or is not form-encoded.",
        );
    };
    if grant.grant_type != "client_credentials" {
        let description = "The grant type is not supported.";
        return refuse(StatusCode::BAD_REQUEST, "unsupported_grant_type", description);
    }
    shop.with(|state, now| {
        if let Some(status) = state.plan.maintenance(now) {
            state.counters.in_maintenance += 1;
            return in_maintenance(status);
        }
        let known = &state.setup.credentials;
        if grant.client_id != known.client_id || grant.client_secret != known.client_secret {
            return refuse(
                StatusCode::UNAUTHORIZED,
                "invalid_client",
                "The client credentials are invalid.",
            );
        }
        let life = state.setup.token_life_seconds;
        let token = state.tokens.issue(&mut state.chance, now, life);
        state.counters.tokens_issued += 1;
        Json(json!({
            "access_token": token,
            "scope": state.setup.scopes.join(","),
            "expires_in": life,
        }))
        .into_response()
    })
}

fn in_maintenance(status: u16) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    (status, Json(json!({ "errors": "This shop is unavailable" }))).into_response()
}

/// A quarterly version up to the one that is served: an older one falls forward (README, R3).
fn is_served(version: &str) -> bool {
    let quarter = version.split_once('-').is_some_and(|(year, month)| {
        year.len() == 4
            && year.chars().all(|digit| digit.is_ascii_digit())
            && matches!(month, "01" | "04" | "07" | "10")
    });
    quarter && version <= VERSION
}

async fn graphql(
    State(shop): State<Shop>,
    Path(version): Path<String>,
    wire: Option<Extension<ConnectInfo<Wire>>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if !is_served(&version) {
        return not_found();
    }
    let wire = wire.map(|Extension(ConnectInfo(wire))| wire);
    let mut response = admitted(&shop, wire.as_ref(), &headers, &body).await;
    response.headers_mut().insert("x-shopify-api-version", HeaderValue::from_static(VERSION));
    response
}

async fn admitted(shop: &Shop, wire: Option<&Wire>, headers: &HeaderMap, body: &[u8]) -> Response {
    let token = headers.get("x-shopify-access-token").and_then(|token| token.to_str().ok());
    let refused = shop.with(|state, now| {
        state.counters.requests += 1;
        if let Some(status) = state.plan.maintenance(now) {
            state.counters.in_maintenance += 1;
            return Some(in_maintenance(status));
        }
        if token.is_none_or(|token| !state.tokens.admits(token, now)) {
            state.counters.unauthorised += 1;
            let message =
                "[API] Invalid API key or access token (unrecognized login or wrong password)";
            return Some(
                (StatusCode::UNAUTHORIZED, Json(json!({ "errors": message }))).into_response(),
            );
        }
        None
    });
    match refused {
        Some(response) => response,
        None => answer(shop, wire, body).await,
    }
}

/// The body of a GraphQL request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    query: String,
    variables: Option<Map<String, Value>>,
    operation_name: Option<String>,
}

async fn answer(shop: &Shop, wire: Option<&Wire>, body: &[u8]) -> Response {
    let Ok(body) = serde_json::from_slice::<Body>(body) else {
        let body = json!({ "errors": { "query": "Required parameter missing or invalid" } });
        return (StatusCode::BAD_REQUEST, Json(body)).into_response();
    };
    let prepared = match shop.prepare(&body.query) {
        Ok(prepared) => prepared,
        Err(errors) => {
            shop.with(|state, _| state.counters.invalid += 1);
            return Json(json!({ "errors": errors })).into_response();
        }
    };
    let struck = shop.strike(&prepared);
    let incoming = Incoming {
        prepared,
        operation_name: body.operation_name,
        variables: body.variables.unwrap_or_default(),
        holder: shop.next_holder(),
        hidden_for_seconds: match struck {
            Some(Disruption::HiddenFor { seconds }) => Some(seconds),
            _ => None,
        },
    };
    match struck {
        None | Some(Disruption::HiddenFor { .. }) => Json(shop.run(&incoming)).into_response(),
        Some(disruption) => disrupted(shop, wire, incoming, disruption).await,
    }
}

async fn disrupted(
    shop: &Shop,
    wire: Option<&Wire>,
    incoming: Incoming,
    disruption: Disruption,
) -> Response {
    match disruption {
        Disruption::CloseBefore => closed(wire),
        Disruption::CloseAfter => {
            shop.run(&incoming);
            closed(wire)
        }
        Disruption::ApplyLate { hold_ms } => apply_late(shop, incoming, hold_ms).await,
        Disruption::ErrorBefore { status } => failed(status),
        Disruption::ErrorAfter { status } => {
            shop.run(&incoming);
            failed(status)
        }
        Disruption::HtmlBefore => page(),
        Disruption::HtmlAfter => {
            shop.run(&incoming);
            page()
        }
        Disruption::Throttled => Json(shop.throttle(&incoming)).into_response(),
        Disruption::TooManyRequests { retry_after_seconds } => {
            retry_after(StatusCode::TOO_MANY_REQUESTS, retry_after_seconds)
        }
        Disruption::Unavailable { retry_after_seconds } => {
            retry_after(StatusCode::SERVICE_UNAVAILABLE, retry_after_seconds)
        }
        Disruption::HiddenFor { .. } => Json(shop.run(&incoming)).into_response(),
    }
}

/// Holds the request, then applies it, in a task of its own: it goes on when the client has gone
/// and its connection with it. Meanwhile its idempotency keys are in use.
async fn apply_late(shop: &Shop, incoming: Incoming, hold_ms: u64) -> Response {
    shop.claim_keys(&incoming);
    let shop = shop.clone();
    let task = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(hold_ms)).await;
        let answer = shop.run(&incoming);
        shop.release_keys(&incoming);
        answer
    });
    match task.await {
        Ok(body) => Json(body).into_response(),
        Err(_) => failed(500),
    }
}

fn closed(wire: Option<&Wire>) -> Response {
    if let Some(wire) = wire {
        wire.cut();
    }
    failed(502)
}

fn failed(status: u16) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, Json(json!({ "errors": "Internal Server Error" }))).into_response()
}

fn page() -> Response {
    Html("<!DOCTYPE html><html><head><title>Something went wrong</title></head><body><h1>There was a problem loading this website</h1></body></html>")
        .into_response()
}

fn retry_after(status: StatusCode, seconds: u32) -> Response {
    let headers = [(header::RETRY_AFTER, HeaderValue::from(seconds))];
    (status, headers, Json(json!({ "errors": "Exceeded API rate limit" }))).into_response()
}
