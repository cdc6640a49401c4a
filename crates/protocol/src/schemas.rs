//! The JSON Schemas (2020-12) of everything that is written as JSON between POS, agent and relay.
//!
//! Generated from the types and committed under `schemas/`; a test checks that the files are
//! fresh. A schema is for whoever writes events or reads answers: what it cannot say (equations,
//! rules across fields) the documentation of the types does.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::event::{EventType, FiscalEvent, StockDocument, Till, Transaction};
use crate::time::OffsetTime;
use crate::{batch, downlink, enrolment, handshake, problem, progress, record};

/// Every schema with its name.
#[must_use]
pub fn all() -> Vec<(&'static str, Schema)> {
    vec![
        ("event", event()),
        ("record", of::<record::Record>()),
        ("batch", of::<batch::Batch>()),
        ("batch-answer", of::<batch::BatchAnswer>()),
        ("statement", of::<handshake::Statement>()),
        ("session-answer", of::<handshake::SessionAnswer>()),
        ("enrolment-request", of::<enrolment::EnrolmentRequest>()),
        ("enrolment-answer", of::<enrolment::EnrolmentAnswer>()),
        ("progress", of::<progress::Progress>()),
        ("downlink-page", of::<downlink::DownlinkPage>()),
        ("problem", of::<problem::Problem>()),
    ]
}

fn generator() -> SchemaGenerator {
    SchemaSettings::draft2020_12().into_generator()
}

fn of<T: JsonSchema>() -> Schema {
    generator().into_root_schema_for::<T>()
}

/// The event as an input hands it in: the attributes that follow from the body may be missing.
fn event() -> Schema {
    let mut generator = generator();
    let time = generator.subschema_for::<OffsetTime>();
    let bodies = [
        (EventType::Transaction, generator.subschema_for::<Transaction>()),
        (EventType::Till, generator.subschema_for::<Till>()),
        (EventType::Stock, generator.subschema_for::<StockDocument>()),
        (EventType::Fiscal, generator.subschema_for::<FiscalEvent>()),
    ];
    let kinds = bodies.map(|(kind, body)| {
        json_schema!({ "properties": {
            "type": { "const": kind.as_str() },
            "dataschema": { "const": kind.data_schema() },
            "data": body
        }})
    });
    json_schema!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Event",
        "description": "One thing that happened at a store: CloudEvents 1.0, structured JSON.",
        "type": "object",
        "required": ["type", "data"],
        "additionalProperties": false,
        "properties": {
            "specversion": { "const": "1.0" },
            "id": { "type": "string", "format": "uuid" },
            "source": { "type": "string" },
            "type": { "enum": EventType::ALL.map(EventType::as_str) },
            "subject": { "type": "string" },
            "time": time,
            "datacontenttype": { "const": "application/json" },
            "dataschema": { "type": "string" },
            "traceparent": { "type": "string", "pattern": "^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$" },
            "data": { "type": "object" }
        },
        "oneOf": kinds,
        "$defs": generator.take_definitions(true)
    })
}
