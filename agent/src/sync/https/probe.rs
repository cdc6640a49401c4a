//! One question to the relay that needs no device: does it answer, and what time is it there?
//!
//! For `doctor`. Sends nothing of the device and believes nothing of the answer.

use jiff::Timestamp;
use reqwest::header::DATE;

use super::client::client;
use super::wire;
use crate::config::HttpsConfig;
use crate::sync::policy::MESSAGE_TIMEOUT;

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probe {
    /// Something answered over HTTP.
    Answered {
        /// The HTTP status.
        status: u16,
        /// The time that it stated, to the second.
        date: Option<Timestamp>,
    },
    /// A connection came about, but TLS did not.
    Untrusted(String),
    /// No answer came.
    Silent(String),
}

/// Asks for `/healthz`.
pub async fn probe(config: &HttpsConfig) -> Probe {
    let client = match client(config) {
        Ok(client) => client,
        Err(error) => return Probe::Untrusted(wire::in_one_line(&error)),
    };
    match client.get(config.url.join("/healthz")).timeout(MESSAGE_TIMEOUT).send().await {
        Ok(response) => {
            let date = response.headers().get(DATE).and_then(|date| date.to_str().ok());
            let date = date.and_then(|date| jiff::fmt::rfc2822::parse(date).ok());
            let date = date.map(|date| date.timestamp());
            Probe::Answered { status: response.status().as_u16(), date }
        }
        Err(error) if wire::is_tls(&error) => Probe::Untrusted(wire::in_one_line(&error)),
        Err(error) => Probe::Silent(wire::in_one_line(&error)),
    }
}
