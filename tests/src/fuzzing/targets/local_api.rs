//! Bytes on a connection to the agent's local API: nothing makes it fail, every refusal is a problem
//! document, and the journal grows by exactly what was answered as journaled.

use axum::http::StatusCode;
use serde_json::Value;

use crate::fuzzing::fixtures::agent::{Bench, TOKEN};
use crate::fuzzing::fixtures::http::{Answer, exchange};
use crate::fuzzing::fixtures::{events, runtime};
use crate::fuzzing::{Form, Target};

/// The target.
pub const TARGET: Target =
    Target { name: "local_api", run, form: Form::Http, words: WORDS, inputs_per_round: 300, seeds };

const WORDS: &[&str] = &[
    "\r\n",
    "GET ",
    "POST ",
    "PUT ",
    "HEAD ",
    "OPTIONS ",
    "DELETE ",
    " HTTP/1.1",
    " HTTP/1.0",
    "host: 127.0.0.1:7710\r\n",
    "host: example.com\r\n",
    "origin: http://example.com\r\n",
    "authorization: Bearer the-token\r\n",
    "content-type: application/json\r\n",
    "transfer-encoding: chunked\r\n",
    "expect: 100-continue\r\n",
    "connection: close\r\n",
    "content-length: 0\r\n",
    "/v1/events",
    "/v1/journal",
    "/v1/journal/export",
    "/v1/status",
    "/v1/receipts/2/2026-11-23/000187",
    "/metrics",
    "/healthz",
    "/openapi.json",
    "?after=1",
    "?limit=18446744073709551615",
    "%00",
    "%ff",
    "../",
    "storekeep.transaction.v1",
];

/// What has to hold for every input.
pub fn run(input: &[u8]) {
    let bench = Bench::new();
    let before = bench.head();
    let answers = runtime().block_on(exchange(bench.router(), input));
    let journaled: u64 = answers.iter().map(journaled).sum();
    let after = bench.head();
    // A connection that broke off in the middle may have lost an answer, never an entry.
    assert!(
        after.since(before) >= journaled,
        "{journaled} entries were answered as journaled, and {} stand there",
        after.since(before)
    );
}

/// How many entries an answer says are new in the journal.
fn journaled(answer: &Answer) -> u64 {
    let Ok(body) = serde_json::from_slice::<Value>(&answer.body) else { return 0 };
    let is_new = |item: &&Value| item["state"] == "journaled" && item["status"] == 201;
    match &body {
        Value::Array(items) => u64::try_from(items.iter().filter(is_new).count()).unwrap_or(0),
        item => u64::from(answer.status == StatusCode::CREATED && item["state"] == "journaled"),
    }
}

fn seeds() -> Vec<(String, Vec<u8>)> {
    let events = events();
    let event = |name: &str| {
        let found = events.iter().find(|(known, _)| known == name);
        found.map(|(_, event)| event.clone()).expect("a frozen example of this name")
    };
    let array = [b"[".as_slice(), &event("sale"), b",{},", &event("till-close-with-z"), b"]"];
    let mut seeds: Vec<_> = events
        .iter()
        .filter(|(name, _)| name.len() % 3 == 0)
        .map(|(name, event)| (name.clone(), post(event)))
        .collect();
    seeds.push(("array".to_owned(), post(&array.concat())));
    seeds.push(("empty-array".to_owned(), post(b"[]")));
    seeds.push(("chunked".to_owned(), chunked(&event("sale"))));
    seeds.push(("pipelined".to_owned(), [get("/v1/status"), post(&event("sale"))].concat()));
    for (name, path) in READS {
        seeds.push(((*name).to_owned(), get(path)));
    }
    seeds
}

/// Not the verification of the journal, which works on a thread of its own, one a process.
const READS: &[(&str, &str)] = &[
    ("read-status", "/v1/status"),
    ("read-journal", "/v1/journal?count=2"),
    ("read-entry", "/v1/journal/1"),
    ("read-export", "/v1/journal/export"),
    ("read-event", "/v1/events/00000000-0000-0007-0000-000000000001"),
    ("read-no-text", "/v1/journal/%ff"),
    ("read-receipt", "/v1/receipts/2/2026-11-23/000001"),
    ("read-page", "/"),
    ("read-metrics", "/metrics"),
];

fn head(method: &str, path: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:7710\r\nauthorization: Bearer {TOKEN}\r\n")
}

fn get(path: &str) -> Vec<u8> {
    format!("{}\r\n", head("GET", path)).into_bytes()
}

fn post(body: &[u8]) -> Vec<u8> {
    let head = head("POST", "/v1/events");
    let length = body.len();
    let head = format!("{head}content-type: application/json\r\ncontent-length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}

fn chunked(body: &[u8]) -> Vec<u8> {
    let head = head("POST", "/v1/events");
    let head =
        format!("{head}content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n");
    let length = format!("{:x}\r\n", body.len());
    [head.as_bytes(), length.as_bytes(), body, b"\r\n0\r\n\r\n"].concat()
}
