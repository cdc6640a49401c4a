//! The HTTP client: rustls with ring, the operating system's certificates and the configured
//! ones, proxies from the environment, no redirects.
//!
//! Does not connect.

use std::path::PathBuf;

use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, ClientBuilder};
use rustls::crypto::{CryptoProvider, ring};

use crate::config::HttpsConfig;
use crate::sync::policy::{CONNECT_TIMEOUT, KEEP_ALIVE, UNCONFIRMED_MAX};

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The configured file cannot be read.
    #[error("read the certificates in `{file}`", file = .file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The configured file holds no certificates.
    #[error("`{file}` does not hold certificates (PEM)", file = .file.display())]
    Shape {
        /// The file.
        file: PathBuf,
    },
    /// TLS cannot be set up.
    #[error("set up TLS")]
    Tls(#[source] reqwest::Error),
}

/// A client for one relay.
///
/// # Errors
/// The extra certificates cannot be read, or TLS cannot be set up.
pub fn client(config: &HttpsConfig) -> Result<Client, ClientError> {
    let url = &config.url;
    let mut builder = builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_keepalive(KEEP_ALIVE)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(KEEP_ALIVE)
        .http2_keep_alive_timeout(UNCONFIRMED_MAX)
        // The long poll, and what goes up meanwhile.
        .pool_max_idle_per_host(2);
    #[cfg(target_os = "linux")]
    {
        builder = builder.tcp_user_timeout(UNCONFIRMED_MAX);
    }
    if url.is_this_host() {
        // No proxy reaches this very host.
        builder = builder.no_proxy();
    }
    builder = match &config.ca_file {
        Some(file) => builder.tls_certs_merge(certificates(file.clone())?),
        // Without TLS a host needs no certificates at all.
        None if !url.is_encrypted() => builder.tls_certs_only([]),
        None => builder,
    };
    builder.build().map_err(ClientError::Tls)
}

/// Where every client of the agent begins: the provider of cryptography in place (without one
/// reqwest panics), no redirects.
pub(crate) fn builder() -> ClientBuilder {
    provide_ring();
    Client::builder()
        .user_agent(concat!("storekeep-agent/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none())
}

fn certificates(file: PathBuf) -> Result<Vec<Certificate>, ClientError> {
    let pem = match std::fs::read(&file) {
        Ok(pem) => pem,
        Err(source) => return Err(ClientError::Read { file, source }),
    };
    match Certificate::from_pem_bundle(&pem) {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) | Err(_) => Err(ClientError::Shape { file }),
    }
}

/// Another part of the program may have been first; it provides the same.
fn provide_ring() {
    if CryptoProvider::get_default().is_none()
        && ring::default_provider().install_default().is_err()
    {
        tracing::debug!("another part of the program provided the cryptography first");
    }
}
