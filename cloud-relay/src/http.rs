//! The one outgoing HTTP client: every connector calls through it.
//!
//! One pool of connections, TLS by rustls with the system's trusted authorities, no redirects
//! (a target's address is configured, and credentials do not follow it elsewhere), bounded
//! answers. Retries nothing: whether a call may be repeated is dispatch's to say.

use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, Response};

/// How long a connection may take: TCP and TLS to another continent take a second.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a call may take if its connector sets nothing shorter: a ceiling against hanging.
const CALL_TIMEOUT: Duration = Duration::from_secs(120);

/// How long an unused connection is kept: most systems hang up after a minute.
const IDLE_TIMEOUT: Duration = Duration::from_secs(50);

/// What the relay calls itself.
const USER_AGENT: &str = concat!("storekeep-relay/", env!("CARGO_PKG_VERSION"));

/// The client cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("make the outgoing HTTP client")]
pub struct HttpError(#[source] reqwest::Error);

/// An answer's body could not be taken in.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The connection broke or was too slow.
    #[error("read the body of an answer")]
    Broken(#[source] reqwest::Error),
    /// Longer than the caller expects.
    #[error("the answer has more than {0} bytes")]
    TooLarge(usize),
}

/// The client; clones share its connections.
#[derive(Debug, Clone)]
pub struct Http(Client);

impl Http {
    /// Makes the client.
    ///
    /// # Errors
    /// The system's trusted authorities cannot be read.
    pub fn new() -> Result<Self, HttpError> {
        install_tls_provider();
        Client::builder()
            .user_agent(USER_AGENT)
            .redirect(Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(CALL_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .build()
            .map(Self)
            .map_err(HttpError)
    }

    /// For building a request.
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.0
    }

    /// Reads an answer's body, at most `bytes_max` of it.
    ///
    /// # Errors
    /// The connection breaks, or there are more bytes.
    pub async fn body(mut response: Response, bytes_max: usize) -> Result<Vec<u8>, BodyError> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(BodyError::Broken)? {
            if body.len() + chunk.len() > bytes_max {
                return Err(BodyError::TooLarge(bytes_max));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

/// rustls is linked without a provider of its own choice; the process has one, ring.
pub(crate) fn install_tls_provider() {
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        tracing::debug!("the process has a TLS provider already");
    }
}
