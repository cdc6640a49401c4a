//! The HTTP side: who is let in, how refusals look, and every way in which an answer can go wrong.
//!
//! Sources: frappe/app.py (`handle_exception`), frappe/auth.py (`validate_auth`) and
//! frappe/rate_limiter.py. Below `/api/` an error is JSON, unless the client asks for text: then it
//! is a page. A request that was let in is applied even if its client has gone: only then can an
//! answer be late.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{ConnectInfo, Path, Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::any;
use axum::{Extension, Json, Router};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::api::{Answer, Call};
use crate::control;
use crate::document::Document;
use crate::faults::Disruption;
use crate::rate::Standing;
use crate::refusal::Refusal;
use crate::site::Site;
use crate::wire::{Wire, WireListener};

impl Site {
    /// The site's routes, its control included. Without [`serve`] a connection cannot be closed:
    /// what would close it is answered with status 502 instead.
    pub fn router(&self) -> Router {
        let api = Router::new()
            .route("/api/resource/{doctype}", any(collection))
            .route("/api/resource/{doctype}/{*name}", any(single))
            .route("/api/method/{method}", any(method))
            .layer(from_fn_with_state(self.clone(), turned_away));
        Router::new()
            .merge(api)
            .merge(control::routes())
            .fallback(|| async { (StatusCode::NOT_FOUND, page("Not Found")) })
            .with_state(self.clone())
    }
}

/// Serves the site until `shutdown` resolves.
///
/// # Errors
///
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    site: Site,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let service = site.router().into_make_service_with_connect_info::<Wire>();
    axum::serve(WireListener(listener), service).with_graceful_shutdown(shutdown).await
}

type Parameters = Query<Vec<(String, String)>>;
type MaybeWire = Option<Extension<ConnectInfo<Wire>>>;

async fn collection(
    State(site): State<Site>,
    Path(doctype): Path<String>,
    wire: MaybeWire,
    verb: Method,
    query: Parameters,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let call = Call::resource(verb.as_str(), &doctype, None, arguments(query), &body);
    answer(&site, wire, &headers, call).await
}

async fn single(
    State(site): State<Site>,
    Path((doctype, name)): Path<(String, String)>,
    wire: MaybeWire,
    verb: Method,
    query: Parameters,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let call = Call::resource(verb.as_str(), &doctype, Some(&name), arguments(query), &body);
    answer(&site, wire, &headers, call).await
}

async fn method(
    State(site): State<Site>,
    Path(method): Path<String>,
    wire: MaybeWire,
    query: Parameters,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let call = Call::method(&method, arguments(query), &body);
    answer(&site, wire, &headers, call).await
}

fn arguments(Query(pairs): Parameters) -> Document {
    pairs.into_iter().map(|(name, value)| (name, Value::from(value))).collect()
}

/// Maintenance and the rate limit come before anything else, and their headers after.
async fn turned_away(State(site): State<Site>, request: Request, next: Next) -> Response {
    let headers = request.headers().clone();
    let (stopped, standing) = site.with(|state, now| {
        state.counters.requests += 1;
        let stopped = state.plan.in_maintenance(now);
        state.counters.in_maintenance += u64::from(stopped);
        let limit = state.setup.settings.rate_limit.filter(|_| !stopped);
        let standing = limit.map(|limit| state.budget.take(limit, now));
        let rejected = standing.is_some_and(|standing| standing.rejected);
        state.counters.rate_limited += u64::from(rejected);
        (stopped, standing)
    });
    if stopped {
        return refused(&headers, &Refusal::raised(503, "SessionStopped", ""));
    }
    let mut response = match standing {
        Some(standing) if standing.rejected => {
            refused(&headers, &Refusal::raised(429, "TooManyRequestsError", ""))
        }
        _ => next.run(request).await,
    };
    if let Some(standing) = standing {
        limit_headers(&mut response, standing);
    }
    response
}

fn limit_headers(response: &mut Response, standing: Standing) {
    let headers = response.headers_mut();
    headers.insert("x-ratelimit-reset", HeaderValue::from(standing.reset_seconds));
    headers.insert("x-ratelimit-limit", HeaderValue::from(standing.limit_us));
    headers.insert("x-ratelimit-remaining", HeaderValue::from(standing.remaining_us));
    if standing.rejected {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(standing.reset_seconds));
    }
}

/// Who asks: the user, nobody, or someone who is refused. A wrong token is 401 (observed); no token
/// is a guest, who may call what is open and nothing else.
fn admit(site: &Site, headers: &HeaderMap, call: &Call) -> Result<(), Refusal> {
    let Some(sent) = headers.get(header::AUTHORIZATION).and_then(|sent| sent.to_str().ok()) else {
        return if call.is_open() { Ok(()) } else { Err(Refusal::forbidden(call.label().1)) };
    };
    let (scheme, token) = sent.split_once(' ').unwrap_or((sent, ""));
    if scheme.eq_ignore_ascii_case("basic") {
        return Err(Refusal::not_simulated("basic authentication"));
    }
    let admitted = site.with(|state, _| {
        let known = &state.setup.credentials;
        !state.plan.keys_revoked
            && scheme.eq_ignore_ascii_case("token")
            && token.split_once(':') == Some((known.key.as_str(), known.secret.as_str()))
    });
    if admitted { Ok(()) } else { Err(Refusal::raised(401, "AuthenticationError", "")) }
}

async fn answer(
    site: &Site,
    wire: MaybeWire,
    headers: &HeaderMap,
    call: Result<Call, Refusal>,
) -> Response {
    let admitted = call.and_then(|call| admit(site, headers, &call).map(|()| call));
    let call = match admitted {
        Ok(call) => call,
        Err(refusal) => {
            site.with(|state, _| state.counters.refused(refusal.kind));
            return refused(headers, &refusal);
        }
    };
    match site.strike(&call) {
        None => told(headers, site.run(&call)),
        Some(disruption) => {
            let wire = wire.map(|Extension(ConnectInfo(wire))| wire);
            disrupted(site, wire.as_ref(), headers, call, disruption).await
        }
    }
}

fn told(headers: &HeaderMap, answer: Result<Answer, Refusal>) -> Response {
    match answer {
        Ok((status, body)) => (code(status), Json(body)).into_response(),
        Err(refusal) => refused(headers, &refusal),
    }
}

fn refused(headers: &HeaderMap, refusal: &Refusal) -> Response {
    let accepted = headers.get(header::ACCEPT).and_then(|accepted| accepted.to_str().ok());
    if accepted.is_some_and(|accepted| accepted.starts_with("text")) {
        return (code(refusal.status), page(refusal.kind)).into_response();
    }
    (code(refusal.status), Json(refusal.body())).into_response()
}

async fn disrupted(
    site: &Site,
    wire: Option<&Wire>,
    headers: &HeaderMap,
    call: Call,
    disruption: Disruption,
) -> Response {
    // What comes of it stands in the books; the client is not to learn it here.
    let apply = |call: &Call| drop(site.run(call));
    match disruption {
        Disruption::CloseBefore => closed(wire),
        Disruption::CloseAfter => {
            apply(&call);
            closed(wire)
        }
        Disruption::ApplyLate { hold_ms } => apply_late(site, headers, call, hold_ms).await,
        Disruption::ErrorBefore { status } => failed(status),
        Disruption::ErrorAfter { status } => {
            apply(&call);
            failed(status)
        }
        Disruption::HtmlBefore => page("Updating").into_response(),
        Disruption::HtmlAfter => {
            apply(&call);
            page("Updating").into_response()
        }
        Disruption::TooManyRequests { retry_after_seconds } => {
            let refusal = Refusal::raised(429, "TooManyRequestsError", "");
            retry_after(headers, &refusal, retry_after_seconds)
        }
        Disruption::Unavailable { retry_after_seconds } => {
            let refusal = Refusal::raised(503, "SessionStopped", "");
            retry_after(headers, &refusal, retry_after_seconds)
        }
    }
}

/// Holds the request, then applies it, in a task of its own: it goes on when the client has gone
/// and its connection with it.
async fn apply_late(site: &Site, headers: &HeaderMap, call: Call, hold_ms: u64) -> Response {
    let site = site.clone();
    let task = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(hold_ms)).await;
        site.run(&call)
    });
    match task.await {
        Ok(answer) => told(headers, answer),
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
    (code(status), page("Server Error")).into_response()
}

fn retry_after(headers: &HeaderMap, refusal: &Refusal, seconds: u32) -> Response {
    let mut response = refused(headers, refusal);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    response
}

fn code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn page(title: &str) -> Html<String> {
    Html(format!(
        "<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
    ))
}
