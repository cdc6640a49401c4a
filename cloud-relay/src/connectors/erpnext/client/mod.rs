//! Talking to Frappe's REST API: one request, one answer, told apart by what it proves.
//!
//! The question that matters of every failure is whether the request may have been applied. Frappe
//! commits at the end of a request and rolls back at every exception, so an answer that names an
//! exception proves that nothing was applied; a time-out, a lost connection, a gateway's error or a
//! page of HTML prove nothing. Keeps no state.

pub(super) mod answer;
mod check;
mod control;
mod documents;

use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, RETRY_AFTER};
use reqwest::{RequestBuilder, Response, StatusCode, Url};
use serde_json::Value;

use self::answer::Refusal;
use crate::connectors::{ExceptionClass, Unanswered, Verdict};
use crate::http::{BodyError, Http};
use crate::secret::Secret;

/// Bytes of an answer; an invoice of 1,000 rows with every field of ERPNext's is about 3 MiB.
const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;

/// How long refused credentials, and a maintenance without an end, are left alone.
const PAUSE: Duration = Duration::from_secs(60);

/// The wait of a spent budget that names none: Frappe's window is often an hour, and a refused
/// request costs nothing.
const THROTTLED_DEFAULT: Duration = Duration::from_secs(30);

/// What an HTTP exchange proved.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Answer {
    /// It was done: what stands under `data` or `message`.
    Data(Value),
    /// It was refused and not applied.
    Refused(Refusal),
    /// It was not applied, because the budget is spent.
    Throttled(Duration),
    /// It was not applied; try again.
    Retry {
        /// The least wait.
        after: Option<Duration>,
        /// Why.
        reason: String,
    },
    /// It was not applied, and nothing will be until a person mends it or a maintenance ends.
    Paused {
        /// When to try again.
        after: Duration,
        /// Why, and what to do.
        reason: String,
    },
    /// Nobody knows.
    Unknown(String),
}

/// Some of the rows of a list.
#[derive(Debug, Clone, Copy)]
struct Page {
    start: usize,
    rows: usize,
}

/// A client for one site.
pub(super) struct Client {
    http: reqwest::Client,
    origin: Url,
    authorization: Secret,
    timeout: Duration,
}

impl Client {
    pub(super) const fn new(
        http: reqwest::Client,
        origin: Url,
        authorization: Secret,
        timeout: Duration,
    ) -> Self {
        Self { http, origin, authorization, timeout }
    }

    /// Creates a document.
    async fn post(&self, doctype: &str, body: &Value) -> Answer {
        self.exchange(self.http.post(self.url(&["resource", doctype])).json(body)).await
    }

    /// Changes a document.
    async fn put(&self, doctype: &str, name: &str, body: &Value) -> Answer {
        self.exchange(self.http.put(self.url(&["resource", doctype, name])).json(body)).await
    }

    /// Changes a document as somebody at the site would.
    #[cfg(test)]
    pub(super) async fn edit(&self, doctype: &str, name: &str, body: &Value) {
        let answer = self.put(doctype, name, body).await;
        assert!(matches!(answer, Answer::Data(_)), "{answer:?}");
    }

    /// Reads a document; nothing if it is not there.
    async fn read(&self, doctype: &str, name: &str) -> Result<Option<Value>, Unanswered> {
        match self.exchange(self.http.get(self.url(&["resource", doctype, name]))).await {
            Answer::Refused(refusal) if refusal.is_absence() => Ok(None),
            answer => asked(answer, doctype).map(Some),
        }
    }

    /// Lists documents by one field, with the fields that are asked for.
    async fn list(
        &self,
        doctype: &str,
        filters: &Value,
        fields: &Value,
    ) -> Result<Vec<Value>, Unanswered> {
        self.list_page(doctype, filters, fields, None).await
    }

    /// The same by their names, one page of them; without a page those that changed last.
    async fn list_page(
        &self,
        doctype: &str,
        filters: &Value,
        fields: &Value,
        page: Option<Page>,
    ) -> Result<Vec<Value>, Unanswered> {
        let mut url = self.url(&["resource", doctype]);
        url.query_pairs_mut()
            .append_pair("filters", &filters.to_string())
            .append_pair("fields", &fields.to_string());
        if let Some(Page { start, rows }) = page {
            url.query_pairs_mut()
                .append_pair("order_by", "name asc")
                .append_pair("limit_start", &start.to_string())
                .append_pair("limit_page_length", &rows.to_string());
        }
        match asked(self.exchange(self.http.get(url)).await, doctype)? {
            Value::Array(rows) => Ok(rows),
            _ => Err(Unanswered::Retry {
                after: None,
                reason: format!("ERPNext lists {doctype} in an unknown shape"),
            }),
        }
    }

    /// Calls a method that changes nothing.
    async fn call(&self, method: &str) -> Result<Value, Unanswered> {
        asked(self.exchange(self.http.get(self.url(&["method", method]))).await, method)
    }

    fn url(&self, parts: &[&str]) -> Url {
        let mut url = self.origin.clone();
        url.path_segments_mut()
            .expect("an http address has a path")
            .pop_if_empty()
            .push("api")
            .extend(parts);
        url
    }

    async fn exchange(&self, request: RequestBuilder) -> Answer {
        let sent = request
            .header(AUTHORIZATION, self.authorization.expose())
            .header(ACCEPT, "application/json")
            .timeout(self.timeout)
            .send()
            .await;
        match sent {
            Ok(response) => read_answer(response).await,
            Err(error) if error.is_connect() => {
                Answer::Retry { after: None, reason: "ERPNext cannot be reached".to_owned() }
            }
            Err(error) if error.is_timeout() => {
                Answer::Unknown("no answer from ERPNext within the time allowed".to_owned())
            }
            Err(_) => {
                Answer::Unknown("the connection to ERPNext broke before the answer".to_owned())
            }
        }
    }
}

async fn read_answer(response: Response) -> Answer {
    let status = response.status();
    let after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let after = after.and_then(answer::retry_after);
    let bytes = match Http::body(response, ANSWER_BYTES_MAX).await {
        Ok(bytes) => bytes,
        Err(BodyError::Broken(_)) => return Answer::Unknown("the answer broke off".to_owned()),
        Err(BodyError::TooLarge(_)) => {
            return Answer::Unknown("the answer is larger than allowed".to_owned());
        }
    };
    classify(status, after, serde_json::from_slice(&bytes).ok().as_ref())
}

/// What a status proves, with the JSON that came with it, if it was JSON.
pub(super) fn classify(
    status: StatusCode,
    after: Option<Duration>,
    body: Option<&Value>,
) -> Answer {
    if status.is_success() {
        let stated = body.and_then(|body| body.get("data").or_else(|| body.get("message")));
        return match stated {
            Some(data) => Answer::Data(data.clone()),
            None => {
                Answer::Unknown("ERPNext answers with something that is not its own".to_owned())
            }
        };
    }
    let refusal = body.and_then(Refusal::read);
    let said = refusal.as_ref().map(Refusal::to_string).unwrap_or_default();
    let said = if said.is_empty() { status.to_string() } else { format!("{status}, {said}") };
    let paused = |what: &str| Answer::Paused {
        after: after.unwrap_or(PAUSE),
        reason: format!("ERPNext answers {said}: {what}"),
    };
    let retry = || Answer::Retry { after, reason: format!("ERPNext answers {said}") };
    match (status, refusal) {
        (StatusCode::TOO_MANY_REQUESTS, _) => Answer::Throttled(after.unwrap_or(THROTTLED_DEFAULT)),
        (StatusCode::UNAUTHORIZED, _) => {
            paused("look at `api_key` and at the secret of the target")
        }
        (StatusCode::FORBIDDEN, _) => {
            paused("give the user of the target the roles that the handbook names")
        }
        (_, Some(refusal)) if refusal.is_maintenance() => {
            paused("the site is in maintenance; nothing is lost meanwhile")
        }
        (_, Some(refusal)) if refusal.is_passing() => retry(),
        (StatusCode::SERVICE_UNAVAILABLE, _) => retry(),
        (_, Some(refusal)) => Answer::Refused(refusal),
        (_, None) if status.is_redirection() => {
            paused("the site has another address: correct `site`")
        }
        (StatusCode::REQUEST_TIMEOUT, None) => Answer::Unknown(format!("ERPNext answers {said}")),
        (_, None) if status.is_client_error() => Answer::Refused(Refusal::bare(status)),
        (_, None) => Answer::Unknown(format!("ERPNext answers {said}")),
    }
}

/// What was asked for; what did not arrive is simply asked again.
fn asked(answer: Answer, what: &str) -> Result<Value, Unanswered> {
    match answer {
        Answer::Data(data) => Ok(data),
        Answer::Throttled(after) => Err(Unanswered::Throttled { after }),
        Answer::Retry { after, reason } => Err(Unanswered::Retry { after, reason }),
        Answer::Unknown(reason) => Err(Unanswered::Retry { after: None, reason }),
        Answer::Paused { after, reason } => Err(Unanswered::Paused { after, reason }),
        Answer::Refused(refusal) => {
            let reason = format!("ERPNext refuses to show {what}: {refusal}");
            Err(Unanswered::Retry { after: None, reason })
        }
    }
}

/// What was done, or the refusal, or the verdict that anything else is.
fn done(answer: Answer) -> Result<Result<Value, Refusal>, Verdict> {
    match answer {
        Answer::Data(data) => Ok(Ok(data)),
        Answer::Refused(refusal) => Ok(Err(refusal)),
        Answer::Throttled(after) => Err(Verdict::Throttled { after }),
        Answer::Retry { after, reason } => Err(Verdict::Retry { after, reason }),
        Answer::Unknown(reason) => Err(Verdict::Unknown { reason }),
        Answer::Paused { after, reason } => Err(Verdict::Paused { after, reason }),
    }
}

/// An exception, from why something is unfit.
fn exception((class, reason): (ExceptionClass, String)) -> Verdict {
    Verdict::Exception { class, reason }
}
