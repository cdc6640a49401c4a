//! The access token by client credentials grant: fetched when needed, renewed before it ends.
//!
//! Keeps the token in memory only; a restart fetches a new one. Reads no clock: what is done
//! brings its time along. Never shows token or secret.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::StatusCode;
use serde::Deserialize;
use tokio::sync::Mutex;

use super::{Answer, CREDENTIALS_PAUSE};
use crate::secret::Secret;

/// Renewed this long before it ends, so that no request is sent with a token about to end.
const RENEW_BEFORE_END: SignedDuration = SignedDuration::from_secs(300);

/// What the app signs in with.
#[derive(Debug, Clone)]
pub(in crate::connectors::shopify) struct Credentials {
    /// The app's client id.
    pub(in crate::connectors::shopify) client_id: String,
    /// The app's client secret.
    pub(in crate::connectors::shopify) client_secret: Secret,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    #[serde(default)]
    expires_in: u32,
}

struct Token {
    text: String,
    life: SignedDuration,
    /// When it was first used; its age counts from there, and a 401 says the rest.
    since: Option<Timestamp>,
}

impl Token {
    fn is_good(&self, now: Option<Timestamp>) -> bool {
        let (Some(now), Some(since)) = (now, self.since) else { return true };
        // A token that lives shorter than the margin is used for half its life.
        let margin = RENEW_BEFORE_END.min(self.life / 2);
        now.duration_since(since) < self.life - margin
    }
}

/// The token of one shop.
pub(super) struct Tokens {
    endpoint: String,
    credentials: Credentials,
    token: Mutex<Option<Token>>,
}

impl Tokens {
    pub(super) fn new(endpoint: String, credentials: Credentials) -> Self {
        Self { endpoint, credentials, token: Mutex::new(None) }
    }

    /// A token that is good for a while; concurrent callers wait for one fetch.
    pub(super) async fn current(
        &self,
        http: &reqwest::Client,
        timeout: Duration,
        now: Option<Timestamp>,
    ) -> Result<String, Answer> {
        let mut token = self.token.lock().await;
        if let Some(token) = token.as_mut().filter(|token| token.is_good(now)) {
            token.since = token.since.or(now);
            return Ok(token.text.clone());
        }
        let granted = self.fetch(http, timeout).await?;
        let life = SignedDuration::from_secs(i64::from(granted.expires_in));
        *token = Some(Token { text: granted.access_token.clone(), life, since: now });
        Ok(granted.access_token)
    }

    /// Forgets a token that was refused, unless another caller has renewed it already.
    pub(super) async fn forget(&self, refused: &str) {
        let mut token = self.token.lock().await;
        if token.as_ref().is_some_and(|token| token.text == refused) {
            *token = None;
        }
    }

    async fn fetch(&self, http: &reqwest::Client, timeout: Duration) -> Result<Granted, Answer> {
        let retry = |reason: String| Answer::Retry { after: None, reason };
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", self.credentials.client_id.as_str()),
            ("client_secret", self.credentials.client_secret.expose()),
        ];
        let response = http
            .post(&self.endpoint)
            .timeout(timeout)
            .header(reqwest::header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form_encoded(&form))
            .send()
            .await
            .map_err(|_| retry("Shopify cannot be reached for an access token".into()))?;
        match response.status() {
            StatusCode::OK => response
                .json::<Granted>()
                .await
                .map_err(|_| retry("Shopify grants a token in an unknown shape".into())),
            StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                let reason = "Shopify refuses the app's client id and secret: look at `client_id` \
                              and at the secret of the target";
                Err(Answer::Paused { after: CREDENTIALS_PAUSE, reason: reason.into() })
            }
            StatusCode::NOT_FOUND => {
                let reason = "Shopify knows no such shop (404): look at `shop` of the target";
                Err(Answer::Paused { after: CREDENTIALS_PAUSE, reason: reason.into() })
            }
            status => Err(retry(format!("Shopify answers {status} to the token request"))),
        }
    }
}

/// `application/x-www-form-urlencoded`: everything but letters, digits, `-`, `.`, `_` as `%XX`.
fn form_encoded(fields: &[(&str, &str)]) -> String {
    let encoded = |text: &str| {
        let mut encoded = String::with_capacity(text.len());
        for byte in text.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => {
                    encoded.push(char::from(byte));
                }
                _ => encoded.push_str(&format!("%{byte:02X}")),
            }
        }
        encoded
    };
    let pairs: Vec<String> =
        fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    pairs.join("&")
}
