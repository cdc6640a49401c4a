//! What is published stays as it was published: wire shapes and schemas.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{batch, downlink, enrolment, handshake, problem, schemas};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Reads a golden, writes it again, and checks its schema.
fn stays<T: Serialize + DeserializeOwned>(name: &str) {
    let text = fs::read_to_string(file(&format!("testdata/v1/wire/{name}.json"))).unwrap();
    let golden: Value = serde_json::from_str(&text).unwrap();
    let read: T = serde_json::from_str(&text).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), golden, "{name}");
    let schema = schemas::all().into_iter().find(|(known, _)| *known == name).unwrap().1;
    let validator = jsonschema::validator_for(schema.as_value()).unwrap();
    let errors: Vec<_> = validator.iter_errors(&golden).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{name}: {errors:?}");
    let mut unknown = golden;
    unknown["colour"] = Value::from("red");
    assert!(!validator.is_valid(&unknown) || name == "problem", "{name} takes an unknown field");
}

#[test]
fn every_wire_shape_reads_and_writes_its_golden() {
    stays::<enrolment::EnrolmentRequest>("enrolment-request");
    stays::<enrolment::EnrolmentAnswer>("enrolment-answer");
    stays::<handshake::Statement>("statement");
    stays::<handshake::SessionAnswer>("session-answer");
    stays::<batch::Batch>("batch");
    stays::<batch::BatchAnswer>("batch-answer");
    stays::<downlink::DownlinkPage>("downlink-page");
    stays::<problem::Problem>("problem");
}

#[test]
fn the_golden_batch_reaches_the_position_of_the_golden_acknowledgement() {
    let read =
        |name: &str| fs::read_to_string(file(&format!("testdata/v1/wire/{name}.json"))).unwrap();
    let batch: batch::Batch = serde_json::from_str(&read("batch")).unwrap();
    let answer: batch::BatchAnswer = serde_json::from_str(&read("batch-answer")).unwrap();
    let batch::BatchAnswer::Acknowledgement(acknowledgement) = answer else {
        panic!("the golden answer is an acknowledgement");
    };
    let last = *batch.positions().unwrap().last().unwrap();
    assert_eq!(last, acknowledgement.position());
}

#[test]
fn the_committed_schemas_are_fresh() {
    for (name, schema) in schemas::all() {
        let committed = fs::read_to_string(file(&format!("schemas/{name}.json"))).unwrap();
        let fresh = format!("{}\n", serde_json::to_string_pretty(&schema).unwrap());
        assert!(
            committed == fresh,
            "schemas/{name}.json is stale: cargo run -p protocol --example schemas -- crates/protocol/schemas"
        );
    }
}
