//! The agent's local HTTP, as a till calls it: send, and send the same again until answered.
//!
//! A till has two choices when no answer comes: to forget the sale, or to repeat it. It repeats,
//! byte for byte. Does not know what it sends.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Client, StatusCode};
use serde_json::Value;

use super::books::{Acknowledgement, Outcome};
use crate::wait;

/// How long one answer is waited for before the same bytes are sent again.
const ANSWER_WAIT: Duration = Duration::from_secs(5);

/// How long a connection to this host may take.
const CONNECT_WAIT: Duration = Duration::from_secs(2);

/// Characters of a refusal that are kept.
const REFUSAL_CHARS_MAX: usize = 2_000;

/// One agent, as its tills know it. Clones share its connections.
#[derive(Debug, Clone)]
pub struct Agent {
    http: Client,
    events: String,
    token: HeaderValue,
}

/// What one attempt came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The agent decided.
    Decided(Outcome),
    /// No answer, or "not now": the event may be durable or not.
    NotNow(String),
}

impl Agent {
    /// The agent at an address, with the token that its tills carry.
    ///
    /// # Errors
    /// The token has characters that no header may have.
    pub fn at(address: SocketAddr, token: &str) -> Result<Self> {
        let mut token = HeaderValue::from_str(&format!("Bearer {token}"))
            .context("write the token into a header")?;
        token.set_sensitive(true);
        Ok(Self { http: http(ANSWER_WAIT)?, events: format!("http://{address}/v1/events"), token })
    }

    /// Sends an event, or an array of them, once.
    pub async fn send(&self, bytes: &[u8]) -> Answer {
        let request = self
            .http
            .post(&self.events)
            .header(AUTHORIZATION, self.token.clone())
            .header(CONTENT_TYPE, "application/json")
            .body(bytes.to_vec());
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => return Answer::NotNow(format!("{:#}", anyhow::Error::new(error))),
        };
        let status = response.status();
        match response.text().await {
            Ok(body) => judge(status, &body),
            Err(error) => Answer::NotNow(format!("{:#}", anyhow::Error::new(error))),
        }
    }

    /// Sends the same bytes until the agent decides.
    ///
    /// # Errors
    /// It has not by the deadline; the error says what came last.
    pub async fn deliver(&self, bytes: &[u8], deadline: Duration) -> Result<Outcome> {
        let last = Arc::new(std::sync::Mutex::new(String::from("nothing was sent")));
        let attempt = || {
            let last = Arc::clone(&last);
            async move {
                match self.send(bytes).await {
                    Answer::Decided(outcome) => Some(outcome),
                    Answer::NotNow(reason) => {
                        *last.lock().expect("no attempt panics") = reason;
                        None
                    }
                }
            }
        };
        let decided = wait::until("the agent to decide on an event", deadline, attempt).await;
        decided.with_context(|| {
            let last = last.lock().expect("no attempt panics");
            format!("send an event to {}; the last attempt: {last}", self.events)
        })
    }
}

/// What an answer means to a till.
#[must_use]
pub fn judge(status: StatusCode, body: &str) -> Answer {
    match status.as_u16() {
        200 | 201 => match serde_json::from_str(body) {
            Ok(said) => Answer::Decided(Outcome::Acknowledged(acknowledgement(status, &said))),
            Err(error) => Answer::NotNow(format!("{status} with a body that is no JSON: {error}")),
        },
        // 503: not committed; 507: the disk's reserve is reached. The sale is kept at the till.
        502..=504 | 507 => Answer::NotNow(format!("{status}: {body}")),
        code => {
            let answer = body.chars().take(REFUSAL_CHARS_MAX).collect();
            Answer::Decided(Outcome::Refused { status: code, answer })
        }
    }
}

fn acknowledgement(status: StatusCode, said: &Value) -> Acknowledgement {
    let text = |name: &str| said[name].as_str().map(str::to_owned);
    Acknowledgement {
        status: status.as_u16(),
        id: text("id"),
        sequence: said["sequence"].as_u64(),
        conflict_of: text("conflictOf"),
    }
}

/// A client that encrypts nothing, because tills speak with their own host, and waits so long for
/// an answer. It is handed an empty list of authorities so that it looks for no provider of TLS in
/// the process.
///
/// # Errors
/// The system gives no client.
pub fn http(answer_wait: Duration) -> Result<Client> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .context("set up TLS")?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .connect_timeout(CONNECT_WAIT)
        .timeout(answer_wait)
        .build()
        .context("make the till's HTTP client")
}
