//! The contract of the local API: OpenAPI 3.1, put together from the types' own schemas.
//!
//! `docs/api/agent-openapi.json` is this document; a test checks that it is fresh. What each call
//! does is said where it is done; here stands what an integrator needs to call it.

use axum::response::Response;
use protocol::limits::{EVENTS_PER_REQUEST_MAX, REQUEST_BYTES_MAX};
use protocol::problem::{Code, MEDIA_TYPE};
use protocol::schemas;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::{ReceiptProgress, Status, respond};
use crate::inputs::http::Accepted;
use crate::inputs::kept::{Kept, KeptList};
use crate::lookup::{Entry, ExportPage, PAGE_ENTRIES_MAX, Page, Verifying};

/// `GET /openapi.json`.
pub(super) async fn document() -> Response {
    respond::text("application/json", text())
}

/// The document as it is committed.
///
/// # Panics
/// Never: a document is plain data.
#[must_use]
pub fn text() -> String {
    let document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Storekeep agent, local API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "How a POS hands its events to the agent on its host, and asks where \
                they stand. Every error is a problem document (RFC 9457) with a stable `code`; \
                docs/errors has a page for each.",
            "license": { "name": "MIT OR Apache-2.0" }
        },
        "servers": [{ "url": "http://127.0.0.1:7710" }],
        "security": [{ "token": [] }],
        "paths": paths(),
        "components": {
            "securitySchemes": { "token": {
                "type": "http", "scheme": "bearer",
                "description": "The content of the agent's token file (local_api.token_file)."
            }},
            "schemas": components()
        }
    });
    let mut text = serde_json::to_string_pretty(&document).expect("a document is plain data");
    text.push('\n');
    text
}

fn paths() -> Value {
    let page = |summary: &str, media_type: &str| {
        json!({ "get": { "summary": summary, "security": [{}, { "token": [] }], "responses": {
            "200": { "description": "OK", "content": { media_type: {} } },
            "401": problem_answer(&[Code::Unauthorised]),
            "403": problem_answer(&[Code::ForeignOrigin])
        }}})
    };
    json!({
        "/v1/events": { "post": post_events() },
        "/v1/events/{id}": { "get": read(
            "Where an event stands",
            &[("id", json!({ "type": "string", "format": "uuid" }))],
            "EventProgress",
            &[Code::NotFound],
        )},
        "/v1/receipts/{register}/{businessDate}/{number}": { "get": read(
            "Where a receipt stands",
            &[
                ("register", json!({ "type": "string" })),
                ("businessDate", json!({ "type": "string", "format": "date" })),
                ("number", json!({ "type": "string" })),
            ],
            "ReceiptProgress",
            &[Code::NotFound],
        )},
        "/v1/journal": { "get": list() },
        "/v1/journal/{entry}": { "get": read(
            "One entry with its record, by its number or its event's id",
            &[("entry", json!({ "type": "string" }))],
            "JournalEntry",
            &[Code::NotFound],
        )},
        "/v1/journal/export": { "get": export() },
        "/v1/journal/verification": { "get": verification() },
        "/v1/inputs/{name}/kept": { "get": read(
            "What an input could not read, oldest first",
            &[("name", json!({ "type": "string" }))],
            "KeptList",
            &[Code::NotFound],
        )},
        "/v1/inputs/{name}/kept/{number}": { "get": read(
            "One of them, with its text",
            &[
                ("name", json!({ "type": "string" })),
                ("number", json!({ "type": "integer", "minimum": 1 })),
            ],
            "Kept",
            &[Code::NotFound],
        )},
        "/v1/status": { "get": read("The agent's state", &[], "Status", &[]) },
        "/metrics": { "get": { "summary": "The state in the Prometheus text format", "responses": {
            "200": { "description": "OK", "content": { "text/plain": {} } },
            "401": problem_answer(&[Code::Unauthorised])
        }}},
        "/healthz": page("Whether sales can be taken; no token on this host", "application/json"),
        "/openapi.json": page("This document; no token on this host", "application/json"),
        "/": page("The local page; no token on this host", "text/html")
    })
}

fn post_events() -> Value {
    let reference = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
    let events = json!({
        "type": "array", "maxItems": EVENTS_PER_REQUEST_MAX, "items": reference("Event")
    });
    let items = json!({
        "type": "array", "items": { "anyOf": [reference("Accepted"), reference("Problem")] }
    });
    let content = |schema: Value| json!({ "application/json": { "schema": schema } });
    let accepted = content(json!({ "anyOf": [reference("Accepted"), items] }));
    json!({
        "summary": "Hand in one event, or an array of them",
        "description": format!("Answered when the events are on disk. At most \
            {EVENTS_PER_REQUEST_MAX} events and {REQUEST_BYTES_MAX} bytes. The array's items are \
            settled one by one: the answer has one item each, in order, and the status that all \
            share, or 207. Sending the same again is safe: it is answered as before."),
        "requestBody": {
            "required": true,
            "content": content(json!({ "anyOf": [reference("Event"), events] }))
        },
        "responses": {
            "200": { "description": "Known since before, or practice", "content": accepted },
            "201": { "description": "Journaled", "content": accepted },
            "207": { "description": "Items of an array with several statuses",
                     "content": content(items) },
            "400": problem_answer(&[Code::MalformedJson, Code::InvalidRequest]),
            "401": problem_answer(&[Code::Unauthorised]),
            "403": problem_answer(&[Code::ForeignOrigin]),
            "409": problem_answer(&[Code::IdReused]),
            "413": problem_answer(&[Code::TooLarge]),
            "415": problem_answer(&[Code::UnsupportedMediaType]),
            "422": problem_answer(&[
                Code::InvalidEvent, Code::CardData, Code::UnknownStore, Code::FutureBusinessDate,
            ]),
            "503": problem_answer(&[Code::NotCommitted]),
            "507": problem_answer(&[Code::DiskReserve])
        }
    })
}

/// The newest entries, a page at a time.
fn list() -> Value {
    let mut list = read("What is journaled, newest first", &[], "JournalPage", &[]);
    let query = |name: &str, schema: Value| json!({ "name": name, "in": "query", "required": false, "schema": schema });
    list["parameters"] = json!([
        query("which", json!({ "enum": ["all", "unsent", "conflicts"], "default": "all" })),
        query("count", json!({ "type": "integer", "minimum": 1, "maximum": PAGE_ENTRIES_MAX })),
        query("before", json!({ "type": "string", "description": "`next` of an earlier page" })),
    ]);
    list["responses"]["400"] = problem_answer(&[Code::InvalidRequest]);
    list
}

fn export() -> Value {
    let mut export = read("Entries with their records, oldest first", &[], "ExportPage", &[]);
    export["parameters"] = json!([{
        "name": "after", "in": "query", "required": false,
        "schema": { "type": "string", "description": "`next` of an earlier page" }
    }]);
    export["responses"]["400"] = problem_answer(&[Code::InvalidRequest]);
    export
}

fn verification() -> Value {
    let schema = json!({ "$ref": "#/components/schemas/Verifying" });
    json!({
        "summary": "Recomputes the hash chain over every entry",
        "description": "One JSON line for each step, and one for what was found.",
        "responses": {
            "200": {
                "description": "OK", "content": { "application/x-ndjson": { "schema": schema } }
            },
            "401": problem_answer(&[Code::Unauthorised]),
            "403": problem_answer(&[Code::ForeignOrigin]),
            "503": problem_answer(&[Code::Busy])
        }
    })
}

fn read(summary: &str, parameters: &[(&str, Value)], answer: &str, codes: &[Code]) -> Value {
    let parameters: Vec<_> = parameters
        .iter()
        .map(|(name, schema)| {
            json!({ "name": name, "in": "path", "required": true, "schema": schema })
        })
        .collect();
    let schema = json!({ "$ref": format!("#/components/schemas/{answer}") });
    let mut responses = json!({
        "200": { "description": "OK", "content": { "application/json": { "schema": schema } } },
        "503": problem_answer(&[Code::NotCommitted])
    });
    for code in [Code::Unauthorised, Code::ForeignOrigin].iter().chain(codes) {
        responses[code.status().to_string()] = problem_answer(&[*code]);
    }
    json!({ "summary": summary, "parameters": parameters, "responses": responses })
}

fn problem_answer(codes: &[Code]) -> Value {
    let titles: Vec<_> = codes.iter().map(|code| format!("{code}: {}", code.title())).collect();
    json!({
        "description": titles.join("; "),
        "content": { MEDIA_TYPE: { "schema": { "$ref": "#/components/schemas/Problem" } } }
    })
}

/// Every schema by name, the inner ones beside the outer ones.
fn components() -> Value {
    let mut generator = SchemaSettings::draft2020_12()
        .with(|settings| settings.definitions_path = "/components/schemas".into())
        .into_generator();
    generator.subschema_for::<Accepted>();
    generator.subschema_for::<ReceiptProgress>();
    generator.subschema_for::<Page>();
    generator.subschema_for::<ExportPage>();
    generator.subschema_for::<Entry>();
    generator.subschema_for::<Verifying>();
    generator.subschema_for::<KeptList>();
    generator.subschema_for::<Kept>();
    generator.subschema_for::<Status>();
    let mut components = generator.take_definitions(true);
    for (name, schema) in schemas::all() {
        let name = match name {
            "event" => "Event",
            "problem" => "Problem",
            _ => continue,
        };
        hoist(&mut components, name, schema.to_value());
    }
    Value::Object(components)
}

/// Puts a schema among the components, and its inner ones beside it.
fn hoist(components: &mut Map<String, Value>, name: &str, mut schema: Value) {
    let inner = schema.as_object_mut().and_then(|schema| {
        schema.remove("$schema");
        schema.remove("$defs")
    });
    if let Some(Value::Object(inner)) = inner {
        for (name, mut schema) in inner {
            redirect(&mut schema);
            components.entry(name).or_insert(schema);
        }
    }
    redirect(&mut schema);
    components.insert(name.to_owned(), schema);
}

/// Makes references point at the components.
fn redirect(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                match field {
                    Value::String(target) if name == "$ref" => {
                        *target = target.replace("#/$defs/", "#/components/schemas/");
                    }
                    _ => redirect(field),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(redirect),
        _ => {}
    }
}
