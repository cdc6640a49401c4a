//! The one server: agents, operators and the console on one address, with or without TLS.
//!
//! Connections that send no request, and headers that trickle, are let go. Decides nothing about
//! a request.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Router, middleware};
use axum_server::tls_rustls::RustlsConfig;
use axum_server::{Handle, Server};
use protocol::problem::{Code, MEDIA_TYPE, Problem};

use crate::api::{self, Api};
use crate::config::ListenConfig;
use crate::console;
use crate::http::install_tls_provider;
use crate::ingest::{self, Ingest};

/// How long a request's headers may take to arrive.
const HEADERS_TIMEOUT: Duration = Duration::from_secs(10);

/// What serves until it is stopped.
type Serving = std::pin::Pin<Box<dyn Future<Output = std::io::Result<()>> + Send>>;

/// Every route of the one address.
pub fn router(ingest: Arc<Ingest>, api: &Arc<Api>) -> Router {
    ingest::router(ingest)
        .merge(api::router(api))
        .merge(console::router(api.tenant()))
        .fallback(async || nothing_here())
        .method_not_allowed_fallback(async || nothing_here())
        .layer(middleware::map_response(in_our_words))
}

/// What the library refuses before a handler sees it (a path that is no text, a body that breaks off
/// or is too large) is a problem document like every other refusal.
async fn in_our_words(response: Response) -> Response {
    let status = response.status();
    let stated = response.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    if !status.is_client_error() || stated == Some(MEDIA_TYPE.as_bytes()) {
        return response;
    }
    let problem = match status {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(Code::TooLarge, "the body is too large"),
        _ => Problem::new(Code::InvalidRequest, "the path or the body cannot be read"),
    };
    api::answer::refused(&problem.next("send it whole, and the path as UTF-8"))
}

fn nothing_here() -> impl IntoResponse {
    api::answer::refused(
        &Problem::new(Code::NotFound, "nothing answers this address and method")
            .next("the operators' API stands under /api/v1, the console under /"),
    )
}

/// Prepares the server; what it returns serves.
///
/// # Errors
/// The certificate or its key cannot be used.
pub(super) async fn serve(
    listener: TcpListener,
    config: &ListenConfig,
    router: Router,
    handle: Handle<SocketAddr>,
) -> anyhow::Result<Serving> {
    let service = router.into_make_service();
    if let (Some(certificate), Some(key)) = (&config.certificate_file, &config.key_file) {
        let tls = tls(certificate, key).await?;
        let server = axum_server::from_tcp_rustls(listener, tls).context("take the listener")?;
        return Ok(Box::pin(bounded(server, handle).serve(service)));
    }
    if !config.address.ip().is_loopback() {
        tracing::warn!(
            address = %config.address,
            "the relay speaks plain HTTP to other hosts; something in front has to encrypt"
        );
    }
    let server = axum_server::from_tcp(listener).context("take the listener")?;
    Ok(Box::pin(bounded(server, handle).serve(service)))
}

fn bounded<A>(server: Server<SocketAddr, A>, handle: Handle<SocketAddr>) -> Server<SocketAddr, A> {
    let mut server = server.handle(handle);
    server.http_builder().http1().header_read_timeout(HEADERS_TIMEOUT);
    server
}

async fn tls(certificate: &Path, key: &Path) -> anyhow::Result<RustlsConfig> {
    install_tls_provider();
    RustlsConfig::from_pem_file(certificate, key).await.with_context(|| {
        format!(
            "use the certificate `{}` with the key `{}` (next: both are PEM files; name them \
             under `[listen]`)",
            certificate.display(),
            key.display()
        )
    })
}
