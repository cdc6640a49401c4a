//! One HTTP exchange: a bounded answer, or the reason why there is none.
//!
//! Tells apart what each status and media type means for sync. Verifies no signature.

use std::error::Error;
use std::time::Duration;

use protocol::compress::CONTENT_ENCODING as ZSTD;
use protocol::problem::{Code, MEDIA_TYPE, Problem};
use protocol::sign::{SIGNATURE_HEADER, Signature};
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Client, RequestBuilder, Response, StatusCode};

use crate::config::RelayUrl;
use crate::health::Reason;
use crate::sync::answer::{Answer, said, shown};
use crate::sync::policy::ANSWER_BYTES_MAX;
use crate::sync::uplink::Failure;

/// A client and the relay's address.
#[derive(Debug)]
pub(super) struct Wire {
    client: Client,
    url: RelayUrl,
}

impl Wire {
    pub(super) const fn new(client: Client, url: RelayUrl) -> Self {
        Self { client, url }
    }

    pub(super) fn post(&self, path: &str, signature: Signature, body: Vec<u8>) -> RequestBuilder {
        self.client
            .post(self.url.join(path))
            .header(CONTENT_TYPE, "application/json")
            .header(SIGNATURE_HEADER, signature.to_string())
            .body(body)
    }

    pub(super) fn post_packed(
        &self,
        path: &str,
        signature: Signature,
        packed: Vec<u8>,
    ) -> RequestBuilder {
        self.post(path, signature, packed).header(CONTENT_ENCODING, ZSTD)
    }

    pub(super) fn get(&self, path: &str, signature: Signature) -> RequestBuilder {
        self.client.get(self.url.join(path)).header(SIGNATURE_HEADER, signature.to_string())
    }

    /// The path and query that the relay sees, which are what a request without a body is signed
    /// over.
    pub(super) fn signed_address(&self, path: &str) -> String {
        let address = self.url.join(path);
        let rest = address.split_once("://").map_or(address.as_str(), |(_, rest)| rest);
        rest.find('/').map_or_else(String::new, |slash| rest[slash..].to_owned())
    }

    /// Sends a request and reads the answer, both within `timeout`.
    pub(super) async fn ask(
        &self,
        request: RequestBuilder,
        timeout: Duration,
    ) -> Result<Answer, Failure> {
        let response = request.timeout(timeout).send().await.map_err(|error| failure(&error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = bounded(response).await?;
        if status.is_success() && !is_html(&headers) {
            let signature = headers.get(SIGNATURE_HEADER).and_then(|value| value.to_str().ok());
            let signature = signature.and_then(|text| text.parse().ok());
            return Ok(Answer { body, signature });
        }
        Err(refused(status, &headers, &body))
    }
}

async fn bounded(mut response: Response) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| failure(&error))? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            let text = format!("the answer has more than {ANSWER_BYTES_MAX} bytes");
            return Err(Failure::unavailable(Reason::new(Code::RelayUnreachable, text)));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// What an error of the client means.
fn failure(error: &reqwest::Error) -> Failure {
    let reason = Reason::new(Code::RelayUnreachable, in_one_line(error));
    match error.is_connect() && !is_tls(error) {
        true => Failure::Unreachable(reason),
        false => Failure::unavailable(reason),
    }
}

/// Whether the connection came about and TLS did not.
pub(super) fn is_tls(error: &reqwest::Error) -> bool {
    let mut cause: Option<&(dyn Error + 'static)> = error.source();
    while let Some(error) = cause {
        let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if error.is::<rustls::Error>() || inner.is_some_and(|inner| inner.is::<rustls::Error>()) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// What a status that is no success means, or a page where a relay should answer.
fn refused(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Failure {
    let retry_after = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let retry_after = retry_after.and_then(|text| text.parse().ok()).map(Duration::from_secs);
    if let Some(problem) = problem(headers, body) {
        return said(status.as_u16(), &problem, retry_after);
    }
    let unreachable = |text: String| Reason::new(Code::RelayUnreachable, text);
    if is_html(headers) && !status.is_server_error() {
        let text = format!("a web page answers instead of the relay (HTTP {})", status.as_u16());
        return Failure::unavailable(unreachable(text));
    }
    let reason = unreachable(match status {
        StatusCode::PROXY_AUTHENTICATION_REQUIRED => "the proxy asks for a password".to_owned(),
        status if status.is_redirection() => {
            format!("what answers sends elsewhere (HTTP {})", status.as_u16())
        }
        status => {
            format!("what answers is not a relay, or stands before it (HTTP {})", status.as_u16())
        }
    });
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => Failure::TooLarge(reason),
        status if status.is_server_error() || status.is_redirection() => {
            Failure::Unavailable { reason, retry_after }
        }
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => {
            Failure::Unavailable { reason, retry_after }
        }
        _ => Failure::Refused(reason),
    }
}

fn problem(headers: &HeaderMap, body: &[u8]) -> Option<Problem> {
    match is_of_type(headers, MEDIA_TYPE) {
        true => serde_json::from_slice(body).ok(),
        false => None,
    }
}

fn is_html(headers: &HeaderMap) -> bool {
    is_of_type(headers, "text/html")
}

fn is_of_type(headers: &HeaderMap, media_type: &str) -> bool {
    let stated = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let stated = stated.and_then(|value| value.split(';').next());
    stated.is_some_and(|stated| stated.trim().eq_ignore_ascii_case(media_type))
}

/// An error and its causes in one line. The address is left out: it is known, and a query carries
/// the ticket.
pub(in crate::sync) fn in_one_line(error: &(dyn Error + 'static)) -> String {
    let mut causes = Vec::new();
    let mut cause = Some(error);
    while let Some(error) = cause {
        let text = match error.downcast_ref::<reqwest::Error>() {
            Some(error) if error.is_timeout() && !error.is_connect() => {
                "no answer within its time".to_owned()
            }
            Some(error) if error.is_connect() => "connect to the relay".to_owned(),
            Some(_) => "ask the relay".to_owned(),
            None => error.to_string(),
        };
        // hyper's own layer only repeats that it connects or sends.
        if causes.last() != Some(&text) && !text.starts_with("client error (") {
            causes.push(text);
        }
        cause = error.source();
    }
    shown(&causes.join(": "))
}
