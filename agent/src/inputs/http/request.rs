//! Reads a request's body within its bounds and splits it into events.
//!
//! The items of an array are found without being read. Does not know what an event is.

use std::fmt;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName};
use futures_util::StreamExt;
use protocol::limits::{EVENTS_PER_REQUEST_MAX, REQUEST_BYTES_MAX};
use protocol::problem::{Code, Problem};
use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// How long a body may take to arrive. A till and its agent share a host or a wire; a sender that
/// needs longer has hung.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// Bytes of a body beyond the bound that are read and thrown away, so that a sender that has not
/// finished yet is there for the answer instead of finding its connection broken.
const DISCARDED_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The events of a request.
#[derive(Debug)]
pub(super) enum Events<'a> {
    /// One, on its own.
    One(&'a str),
    /// The items of an array.
    Many(Vec<&'a str>),
}

/// Reads the body as text.
pub(super) async fn read(request: Request) -> Result<String, Problem> {
    let (parts, body) = request.into_parts();
    accepted_type(&parts.headers)?;
    let length = header(&parts.headers, &CONTENT_LENGTH).and_then(|length| length.parse().ok());
    let bytes = tokio::time::timeout(BODY_TIMEOUT, collect(body, length.unwrap_or_default()));
    let bytes = bytes.await.map_err(|_| {
        let detail = format!("the body did not arrive within {} s", BODY_TIMEOUT.as_secs());
        Problem::new(Code::InvalidRequest, detail).next("send the same again")
    })??;
    String::from_utf8(bytes).map_err(|error| {
        let detail = format!("byte {} is not UTF-8", error.utf8_error().valid_up_to());
        Problem::new(Code::MalformedJson, detail)
            .next("send one JSON object in UTF-8, or an array of them")
    })
}

/// Splits the body.
pub(super) fn split(body: &str) -> Result<Events<'_>, Problem> {
    if !body.trim_ascii_start().starts_with('[') {
        return Ok(Events::One(body));
    }
    let items: Items<'_> = serde_json::from_str(body).map_err(|error| {
        Problem::new(Code::MalformedJson, error.to_string())
            .next("send one JSON object in UTF-8, or an array of them")
    })?;
    let found = items.first.len() + items.beyond;
    if items.beyond > 0 {
        let detail = format!("{found} events; at most {EVENTS_PER_REQUEST_MAX} in one request");
        return Err(Problem::new(Code::TooLarge, detail).next("send them in several requests"));
    }
    Ok(Events::Many(items.first))
}

/// Takes the body in, however much it is said to be; what is too much is thrown away.
async fn collect(body: Body, length: usize) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::with_capacity(length.min(REQUEST_BYTES_MAX));
    let mut discarded = 0;
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| {
            Problem::new(Code::InvalidRequest, "the body broke off").next("send the same again")
        })?;
        if discarded > 0 || bytes.len() + chunk.len() > REQUEST_BYTES_MAX {
            discarded += chunk.len();
            bytes = Vec::new();
        } else {
            bytes.extend_from_slice(&chunk);
        }
        if discarded > DISCARDED_BYTES_MAX {
            break;
        }
    }
    if discarded > 0 { Err(too_large()) } else { Ok(bytes) }
}

/// A page of another site cannot send JSON without asking first, so only JSON is taken.
fn accepted_type(headers: &HeaderMap) -> Result<(), Problem> {
    let stated = header(headers, &CONTENT_TYPE).unwrap_or_default();
    let media_type = stated.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match media_type.as_str() {
        "application/json"
        | "application/cloudevents+json"
        | "application/cloudevents-batch+json" => Ok(()),
        _ => {
            let detail = match media_type.as_str() {
                "" => "the request states no content type".to_owned(),
                _ => "the content type is not JSON".to_owned(),
            };
            Err(Problem::new(Code::UnsupportedMediaType, detail)
                .next("send `Content-Type: application/json`"))
        }
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn too_large() -> Problem {
    let detail = format!("a request has at most {REQUEST_BYTES_MAX} bytes");
    Problem::new(Code::TooLarge, detail).next("send fewer events in one request")
}

/// The items of an array, unread: as many as one request may hold, and how many more there are.
struct Items<'a> {
    first: Vec<&'a str>,
    beyond: usize,
}

impl<'de> Deserialize<'de> for Items<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ItemsVisitor)
    }
}

struct ItemsVisitor;

impl<'de> Visitor<'de> for ItemsVisitor {
    type Value = Items<'de>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of events")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Items<'de>, A::Error> {
        let mut items = Items { first: Vec::new(), beyond: 0 };
        while items.first.len() < EVENTS_PER_REQUEST_MAX {
            match sequence.next_element::<&RawValue>()? {
                Some(item) => items.first.push(item.get()),
                None => return Ok(items),
            }
        }
        while sequence.next_element::<IgnoredAny>()?.is_some() {
            items.beyond += 1;
        }
        Ok(items)
    }
}
