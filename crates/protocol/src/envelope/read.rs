//! Reads an event from JSON, attribute by attribute, and names the place of what is wrong.
//!
//! An attribute that follows from the body may be missing; one that contradicts it is refused,
//! because it shows that the sender means something else than he says.

use serde::{Deserialize, Deserializer};
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::{DATA_CONTENT_TYPE, Draft, EventError, SPEC_VERSION, TraceParent, source, subject};
use crate::event::{Body, EventType, rules};
use crate::id::EventId;
use crate::limits::EVENT_BYTES_MAX;
use crate::time::OffsetTime;

/// An event as it is written; the body is read once its type is known.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written<'a> {
    #[serde(default)]
    specversion: Option<String>,
    #[serde(default)]
    id: Option<EventId>,
    #[serde(default)]
    source: Option<String>,
    #[serde(rename = "type")]
    event_type: String,
    #[serde(default)]
    subject: Option<String>,
    #[serde(default)]
    time: Option<OffsetTime>,
    #[serde(default)]
    datacontenttype: Option<String>,
    #[serde(default)]
    dataschema: Option<String>,
    #[serde(default)]
    traceparent: Option<TraceParent>,
    #[serde(borrow)]
    data: &'a RawValue,
}

pub(super) fn draft(json: &[u8]) -> Result<Draft, EventError> {
    if json.len() > EVENT_BYTES_MAX {
        let message = format!("an event of {} bytes; at most {EVENT_BYTES_MAX}", json.len());
        return Err(EventError::invalid("", &message));
    }
    let text = std::str::from_utf8(json).map_err(|error| {
        let message = format!("byte {} is not UTF-8", error.valid_up_to());
        EventError::Malformed { message }
    })?;
    let written: Written<'_> = read(text, "")?;
    let body = body(&written)?;
    agrees(&written, &body)?;
    rules::check(&body)?;
    let time = written.time.or_else(|| body.stated_time()).ok_or_else(|| {
        EventError::invalid("time", "missing field `time`: the body states no time either")
    })?;
    let (id, traceparent) = (written.id, written.traceparent);
    Ok(Draft { id, time, traceparent, body, unbalanced: Vec::new() })
}

fn body(written: &Written<'_>) -> Result<Body, EventError> {
    let json = written.data.get();
    match EventType::from_name(&written.event_type) {
        Some(EventType::Transaction) => read(json, "data").map(Body::Transaction),
        Some(EventType::Till) => read(json, "data").map(Body::Till),
        Some(EventType::Stock) => read(json, "data").map(Body::Stock),
        Some(EventType::Fiscal) => read(json, "data").map(Body::Fiscal),
        None => {
            let found: String = written.event_type.chars().take(60).collect();
            let message =
                format!("`{found}` is not a type of event; known: {}", EventType::known());
            Err(EventError::invalid("type", &message))
        }
    }
}

/// Reads JSON and names the place of an error, with the place of the JSON itself before it.
///
/// Keeping track of the place costs more than reading, so that it is done only for what was found
/// to be wrong.
fn read<'de, T: Deserialize<'de>>(json: &'de str, at: &str) -> Result<T, EventError> {
    match serde_json::from_str(json) {
        Ok(value) => Ok(value),
        Err(_) => read_with_place(json, at),
    }
}

fn read_with_place<'de, T: Deserialize<'de>>(json: &'de str, at: &str) -> Result<T, EventError> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        if matches!(inner.classify(), Category::Syntax | Category::Eof | Category::Io) {
            return EventError::Malformed { message: inner.to_string() };
        }
        EventError::Invalid { path: joined(at, &path), message: without_position(&inner) }
    })?;
    deserializer.end().map_err(|error| EventError::Malformed { message: error.to_string() })?;
    Ok(value)
}

fn joined(at: &str, path: &str) -> String {
    match (at, path) {
        (at, ".") => at.to_owned(),
        ("", path) => path.to_owned(),
        (at, path) => format!("{at}.{path}"),
    }
}

/// The message without "at line 1 column 7", which within a body counts from the body.
fn without_position(error: &serde_json::Error) -> String {
    let message = error.to_string();
    match message.rfind(" at line ") {
        Some(end) => message[..end].to_owned(),
        None => message,
    }
}

fn agrees(written: &Written<'_>, body: &Body) -> Result<(), EventError> {
    let source = source(body);
    let subject = subject(body);
    let schema = body.event_type().data_schema();
    let attributes = [
        ("specversion", &written.specversion, SPEC_VERSION),
        ("source", &written.source, source.as_str()),
        ("subject", &written.subject, subject.as_str()),
        ("datacontenttype", &written.datacontenttype, DATA_CONTENT_TYPE),
        ("dataschema", &written.dataschema, schema),
    ];
    for (name, stated, due) in attributes {
        if stated.as_ref().is_some_and(|stated| stated != due) {
            let message = format!("contradicts the body; leave it out or send `{due}`");
            return Err(EventError::invalid(name, &message));
        }
    }
    Ok(())
}

impl<'de> Deserialize<'de> for TraceParent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let lengths: Vec<usize> = text.split('-').map(str::len).collect();
        let is_hex =
            text.bytes().all(|b| b == b'-' || b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if lengths == [2, 32, 16, 2] && is_hex {
            Ok(Self(text.into()))
        } else {
            Err(serde::de::Error::custom("not a `traceparent` as in W3C Trace Context"))
        }
    }
}
