//! Who may ask: the Host and Origin allow-lists, the bearer token, and what a browser is told.
//!
//! A page of another site can make a browser call this host, and can point a name of its own at
//! it (DNS rebinding); both are refused before anything is read. What a store reads on its own
//! machine needs no token. Does not know what is asked for beyond its address.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_MAX_AGE, AUTHORIZATION, CACHE_CONTROL, HOST, ORIGIN, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use protocol::problem::{Code, Problem};
use subtle::ConstantTimeEq;

use super::{Shared, respond};
use crate::config::{LocalApiConfig, Secret};

/// Where a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// This host: loopback, or the Unix socket.
    Local,
    /// Another host.
    Beyond,
}

/// What may be read on this host without the token. It shows no secret and no customer.
const OPEN_PATHS: [&str; 5] = ["/", "/page.css", "/page.js", "/healthz", "/openapi.json"];

/// Asked by Chrome before a public page may call a host of the local network
/// (Private Network Access).
const ALLOW_PRIVATE_NETWORK: HeaderName =
    HeaderName::from_static("access-control-allow-private-network");

/// The check in front of every address.
pub(super) async fn check(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Response {
    let config = &shared.parts.config.local_api;
    let origin = match allowed_origin(config, &request) {
        Ok(origin) => origin,
        Err(problem) => return finished(respond::problem(&problem), None),
    };
    if request.method() == Method::OPTIONS && origin.is_some() {
        return finished(preflight(), origin.as_ref());
    }
    let response = match is_open(&request) || has_token(request.headers(), &shared.parts.token) {
        true => next.run(request).await,
        false => respond::problem(&unauthorised()),
    };
    finished(response, origin.as_ref())
}

/// The origin of a page that may call, if the request comes from one.
fn allowed_origin(
    config: &LocalApiConfig,
    request: &Request,
) -> Result<Option<HeaderValue>, Problem> {
    let headers = request.headers();
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let host = host.ok_or_else(|| foreign("the request names no host".to_owned()))?;
    let addressed = request.uri().authority().map(Authority::as_str);
    for name in [Some(host), addressed].into_iter().flatten() {
        if !is_allowed_host(config, name) {
            let shown: String = name.chars().take(100).collect();
            return Err(foreign(format!("`{shown}` is not among local_api.allowed_hosts")));
        }
    }
    let Some(origin) = headers.get(ORIGIN) else { return Ok(None) };
    let text = origin.to_str().unwrap_or_default();
    let is_own = text.strip_prefix("http://").is_some_and(|own| own.eq_ignore_ascii_case(host));
    let mut allowed = config.allowed_origins.iter();
    if is_own || allowed.any(|allowed| allowed.as_str().eq_ignore_ascii_case(text)) {
        return Ok(Some(origin.clone()));
    }
    let shown: String = text.chars().take(100).collect();
    Err(foreign(format!("`{shown}` is not among local_api.allowed_origins")))
}

fn is_allowed_host(config: &LocalApiConfig, name: &str) -> bool {
    let Ok(authority) = name.parse::<Authority>() else { return false };
    let host = authority.host();
    config.allowed_hosts.iter().any(|allowed| allowed.as_str().eq_ignore_ascii_case(host))
}

fn is_open(request: &Request) -> bool {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let is_local = request.extensions().get::<Peer>() == Some(&Peer::Local);
    reads && is_local && OPEN_PATHS.contains(&request.uri().path())
}

/// Compares in a time that does not depend on how much of the token is right.
fn has_token(headers: &HeaderMap, token: &Secret) -> bool {
    let stated = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes).unwrap_or_default();
    let Some((scheme, stated)) = stated.split_at_checked(BEARER.len()) else { return false };
    scheme.eq_ignore_ascii_case(BEARER) && stated.ct_eq(token.expose().as_bytes()).into()
}

const BEARER: &[u8] = b"Bearer ";

fn preflight() -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    let mut allow = |name, value| headers.insert(name, HeaderValue::from_static(value));
    allow(ACCESS_CONTROL_ALLOW_METHODS, "GET, POST");
    allow(ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type");
    allow(ACCESS_CONTROL_MAX_AGE, "600");
    allow(ALLOW_PRIVATE_NETWORK, "true");
    response
}

fn finished(mut response: Response, origin: Option<&HeaderValue>) -> Response {
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(origin) = origin {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(VARY, HeaderValue::from_static("origin"));
    }
    response
}

fn unauthorised() -> Problem {
    Problem::new(Code::Unauthorised, "the request has no bearer token, or another one").next(
        "send `Authorization: Bearer TOKEN` with the content of the agent's token file \
         (local_api.token_file)",
    )
}

fn foreign(detail: String) -> Problem {
    Problem::new(Code::ForeignOrigin, detail)
        .next("call the agent as `localhost`, or allow the name in its configuration")
}
