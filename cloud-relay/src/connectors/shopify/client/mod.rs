//! Talking to the Admin GraphQL API: one request, one answer, told apart by what it proves.
//!
//! The question that matters of every failure is whether the operation may have been applied.
//! No connection, 429, 503 and THROTTLED prove that it was not; a time-out, a lost connection,
//! another 5xx or a page of HTML prove nothing. The files beside this one turn the answers of one
//! kind of document into verdicts each. Keeps no state that matters: tokens, variants and
//! locations are asked for again after a restart.

pub(super) mod answer;
pub(super) mod check;
mod control;
pub(super) mod items;
pub(super) mod orders;
pub(super) mod places;
pub(super) mod refunds;
pub(super) mod stock;
mod token;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use self::token::Tokens;
use super::operations::Operation;
use crate::connectors::{BudgetReading, ExceptionClass, Reply, Unanswered, Verdict};
use crate::http::{BodyError, Http};

pub(super) use self::answer::{GraphqlError, UserError, said, user_errors};
pub(super) use self::token::Credentials;

/// Bytes of an answer; a page of 100 lines with its selections is about 60 KiB.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// How long a refused credential is left alone before it is tried again.
const CREDENTIALS_PAUSE: Duration = Duration::from_secs(60);

/// Shopify's own status for a client that its protection turns away (430).
const SECURITY_REJECTION: u16 = 430;

/// Pages of one listing; what has more is not a shop's locations or an order's lines.
const PAGES_MAX: usize = 50;

/// What an HTTP exchange proved.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::connectors::shopify) enum Answer {
    /// The operation ran: its `data`.
    Data(Value),
    /// The API refused the whole request; it did not run.
    Refused(Vec<GraphqlError>),
    /// It did not run because the bucket was too low.
    Throttled(Duration),
    /// It did not run; try again.
    Retry {
        /// The least wait the API asked for.
        after: Option<Duration>,
        /// Why.
        reason: String,
    },
    /// It did not run, and none will until a person mends it.
    Paused {
        /// When to try again.
        after: Duration,
        /// Why, and what to do.
        reason: String,
    },
    /// Nobody knows whether it ran.
    Unknown(String),
}

/// A client for one shop.
pub(super) struct Client {
    http: reqwest::Client,
    endpoint: String,
    version: String,
    tokens: Tokens,
    timeout: Duration,
    /// The version that the last answer was served by, if not the one that was asked for.
    fell_forward_to: Mutex<Option<String>>,
}

impl Client {
    pub(super) fn new(
        http: reqwest::Client,
        origin: &str,
        version: &str,
        credentials: Credentials,
        timeout: Duration,
    ) -> Self {
        Self {
            http,
            endpoint: format!("{origin}/admin/api/{version}/graphql.json"),
            version: version.to_owned(),
            tokens: Tokens::new(format!("{origin}/admin/oauth/access_token"), credentials),
            timeout,
            fell_forward_to: Mutex::new(None),
        }
    }

    /// The calls about one document, whose answer has to be there at `deadline`.
    pub(super) fn talk(&self, deadline: Timestamp) -> Talk<'_> {
        // An attempt's deadline is the time it began plus the time-out, so that no clock is read.
        let began_at = i128::try_from(self.timeout.as_nanos())
            .ok()
            .and_then(|time| Timestamp::from_nanosecond(deadline.as_nanosecond() - time).ok());
        Talk { client: self, now: began_at, budget: None }
    }

    /// The calls of a check, which belongs to no document and no time.
    fn talk_at_start(&self) -> Talk<'_> {
        Talk { client: self, now: None, budget: None }
    }

    /// Sends a request body, byte for byte. A token that the API no longer accepts is renewed
    /// once: a 401 proves that nothing ran.
    async fn send(&self, body: &str, now: Option<Timestamp>) -> Reply<Answer> {
        for _ in 0..2 {
            let token = match self.tokens.current(&self.http, self.timeout, now).await {
                Ok(token) => token,
                Err(outcome) => return Reply { outcome, budget: None },
            };
            match self.exchange(&token, body.to_owned()).await {
                Some(reply) => return reply,
                None => self.tokens.forget(&token).await,
            }
        }
        let reason = "Shopify refuses a token that it just issued (401): is the app still \
                      installed in the shop?";
        let outcome = Answer::Paused { after: CREDENTIALS_PAUSE, reason: reason.into() };
        Reply { outcome, budget: None }
    }

    /// One request; nothing if the token was refused.
    async fn exchange(&self, token: &str, body: String) -> Option<Reply<Answer>> {
        let sent = self
            .http
            .post(&self.endpoint)
            .header("X-Shopify-Access-Token", token)
            .header(CONTENT_TYPE, "application/json")
            .timeout(self.timeout)
            .body(body)
            .send()
            .await;
        let response = match sent {
            Ok(response) => response,
            Err(error) => return Some(Reply { outcome: failed_to_send(&error), budget: None }),
        };
        self.note_version(&response);
        match response.status() {
            StatusCode::UNAUTHORIZED => None,
            StatusCode::OK => Some(read_answer(response).await),
            status => Some(Reply { outcome: failed_status(status, &response), budget: None }),
        }
    }

    /// Shopify serves a version that has expired by the oldest one that it still has.
    fn note_version(&self, response: &Response) {
        let served = response.headers().get("X-Shopify-API-Version");
        let served = served.and_then(|version| version.to_str().ok());
        let mut fell = self.fell_forward_to.lock().unwrap_or_else(PoisonError::into_inner);
        *fell = served.filter(|version| *version != self.version).map(str::to_owned);
    }
}

/// The calls about one document, with the last reading of the budget.
pub(super) struct Talk<'a> {
    client: &'a Client,
    /// When it began, as far as is known.
    pub(super) now: Option<Timestamp>,
    budget: Option<BudgetReading>,
}

impl Talk<'_> {
    async fn send(&mut self, body: &str) -> Answer {
        let Reply { outcome, budget } = self.client.send(body, self.now).await;
        self.budget = budget.or(self.budget);
        outcome
    }

    /// Asks for something; what did not arrive is simply asked again.
    pub(super) async fn read(
        &mut self,
        operation: Operation,
        variables: &Value,
    ) -> Result<Value, Unanswered> {
        match self.send(&request_body(operation, variables)).await {
            Answer::Data(data) => Ok(data),
            Answer::Refused(errors) => {
                let why = answer::join(&errors);
                let reason = format!("Shopify refuses the query {}: {why}", operation.name);
                Err(Unanswered::Retry { after: None, reason })
            }
            Answer::Throttled(after) => Err(Unanswered::Throttled { after }),
            Answer::Retry { after, reason } => Err(Unanswered::Retry { after, reason }),
            Answer::Unknown(reason) => Err(Unanswered::Retry { after: None, reason }),
            Answer::Paused { after, reason } => Err(Unanswered::Paused { after, reason }),
        }
    }

    /// Does something, and gives the mutation's payload or the verdict.
    pub(super) async fn apply(
        &mut self,
        operation: Operation,
        variables: &Value,
    ) -> Result<Value, Verdict> {
        self.apply_body(operation, &request_body(operation, variables)).await
    }

    /// Does something by a body that was made by [`request_body`], sent byte for byte.
    pub(super) async fn apply_body(
        &mut self,
        operation: Operation,
        body: &str,
    ) -> Result<Value, Verdict> {
        match self.send(body).await {
            Answer::Data(data) => match data.get(operation.field) {
                Some(payload) if !payload.is_null() => Ok(payload.clone()),
                _ => Err(Verdict::Unknown {
                    reason: format!("Shopify answers {} without its payload", operation.name),
                }),
            },
            Answer::Refused(errors) => Err(Verdict::Exception {
                class: ExceptionClass::Rejected,
                reason: format!("Shopify refuses {}: {}", operation.name, answer::join(&errors)),
            }),
            Answer::Throttled(after) => Err(Verdict::Throttled { after }),
            Answer::Retry { after, reason } => Err(Verdict::Retry { after, reason }),
            Answer::Unknown(reason) => Err(Verdict::Unknown { reason }),
            Answer::Paused { after, reason } => Err(Verdict::Paused { after, reason }),
        }
    }

    /// The outcome, with the budget that the answers told of.
    pub(super) const fn reply<T>(&self, outcome: T) -> Reply<T> {
        Reply { outcome, budget: self.budget }
    }
}

/// The body of a request. Shopify fingerprints the inputs of an idempotent mutation, so what has
/// to be repeated is stored as this text and never made anew.
pub(super) fn request_body(operation: Operation, variables: &Value) -> String {
    json!({ "query": operation.text, "variables": variables }).to_string()
}

fn failed_to_send(error: &reqwest::Error) -> Answer {
    if error.is_connect() {
        return Answer::Retry { after: None, reason: "Shopify cannot be reached".into() };
    }
    if error.is_timeout() {
        return Answer::Unknown("no answer from Shopify within the time allowed".into());
    }
    Answer::Unknown("the connection to Shopify broke before the answer".into())
}

fn failed_status(status: StatusCode, response: &Response) -> Answer {
    let after = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
        .and_then(answer::retry_after);
    let paused = |what: &str| Answer::Paused {
        after: CREDENTIALS_PAUSE,
        reason: format!("Shopify answers {status}: {what}"),
    };
    match status {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            Answer::Retry { after, reason: format!("Shopify answers {status}") }
        }
        StatusCode::FORBIDDEN | StatusCode::PAYMENT_REQUIRED | StatusCode::LOCKED => paused(
            "look at the shop's plan, the app's scopes and whether the shop is frozen or locked",
        ),
        StatusCode::REQUEST_TIMEOUT => Answer::Unknown(format!("Shopify answers {status}")),
        _ if status.as_u16() == SECURITY_REJECTION => {
            paused("its protection against attacks turns the relay away; ask Shopify's support")
        }
        _ if status.is_redirection() => paused("the shop has another address; correct `shop`"),
        _ if status.is_client_error() => {
            let error = GraphqlError { code: format!("HTTP {status}"), message: String::new() };
            Answer::Refused(vec![error])
        }
        _ => Answer::Unknown(format!("Shopify answers {status}")),
    }
}

async fn read_answer(response: Response) -> Reply<Answer> {
    let unknown = |reason: &str| Reply { outcome: Answer::Unknown(reason.into()), budget: None };
    let bytes = match Http::body(response, ANSWER_BYTES_MAX).await {
        Ok(bytes) => bytes,
        Err(BodyError::Broken(_)) => return unknown("the answer broke off"),
        Err(BodyError::TooLarge(_)) => return unknown("the answer is larger than allowed"),
    };
    match serde_json::from_slice::<Value>(&bytes) {
        Ok(body) => answer::classify(&body),
        Err(_) => unknown("Shopify answers with something that is not JSON"),
    }
}

/// An exception, from why something is unfit.
pub(super) fn exception((class, reason): (ExceptionClass, String)) -> Verdict {
    Verdict::Exception { class, reason }
}

/// A text of an answer; empty if it is missing.
pub(super) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The items of a list of an answer.
pub(super) fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// The cursor after which a listing goes on, if it does.
pub(super) fn next_page(connection: &Value) -> Option<&str> {
    let goes_on = connection.pointer("/pageInfo/hasNextPage").and_then(Value::as_bool)?;
    let cursor = connection.pointer("/pageInfo/endCursor").and_then(Value::as_str)?;
    goes_on.then_some(cursor)
}
