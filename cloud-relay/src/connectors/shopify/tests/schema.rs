//! Every operation, and the variables of every golden, against the real schema of 2026-10.

use std::io::Read;
use std::sync::OnceLock;

use apollo_compiler::request::coerce_variable_values;
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Schema};
use flate2::read::GzDecoder;
use serde_json::{Value, json};

use super::goldens::{EVENTS, variables};
use crate::connectors::shopify::map::Action;
use crate::connectors::shopify::operations::{
    ALL, INVENTORY_ADJUST, INVENTORY_SET, ORDER_CREATE, Operation, REFUND_CREATE,
};

const SDL: &[u8] = include_bytes!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../tests/simulated-shopify/schema/admin_2026-10.graphql.gz"
));

fn schema() -> &'static Valid<Schema> {
    static SCHEMA: OnceLock<Valid<Schema>> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        // The SDL uses the directive and leaves it undefined.
        let mut text = "directive @oneOf on INPUT_OBJECT\n".to_owned();
        GzDecoder::new(SDL).read_to_string(&mut text).unwrap();
        Schema::parse_and_validate(text, "admin_2026-10.graphql").unwrap()
    })
}

fn parsed(operation: &Operation) -> Valid<ExecutableDocument> {
    let name = format!("{}.graphql", operation.name);
    ExecutableDocument::parse_and_validate(schema(), operation.text, name)
        .unwrap_or_else(|refused| panic!("{}: {}", operation.name, refused.errors))
}

fn accept(operation: &Operation, variables: &Value) {
    let document = parsed(operation);
    let only = document.operations.get(None).unwrap();
    let given = serde_json::from_value(variables.clone()).unwrap();
    let coerced = coerce_variable_values(schema(), only, &given);
    assert!(coerced.is_ok(), "{}: {:?}", operation.name, coerced.err());
}

#[test]
fn every_operation_is_valid_and_bears_its_name() {
    for operation in ALL {
        let document = parsed(operation);
        let only = document.operations.get(None).unwrap();
        assert_eq!(only.name.as_ref().map(|name| name.as_str()), Some(operation.name));
        if !operation.field.is_empty() {
            let fields = only.root_fields(&document).map(|field| field.name.as_str());
            assert_eq!(fields.collect::<Vec<_>>(), [operation.field]);
        }
    }
}

#[test]
fn the_variables_of_every_golden_are_valid() {
    for (name, sale) in EVENTS {
        for (action, variables) in variables(&super::event(name), sale) {
            let operation = match action {
                Action::OrderCreate => ORDER_CREATE,
                Action::RefundCreate => REFUND_CREATE,
                Action::StockAdjust => INVENTORY_ADJUST,
                Action::StockSet => INVENTORY_SET,
            };
            accept(&operation, &variables);
        }
    }
}

#[test]
#[should_panic(expected = "OrderCreate")]
fn control_a_variable_that_the_schema_does_not_know_is_refused() {
    accept(&ORDER_CREATE, &json!({ "order": { "locationId": "gid://shopify/Location/1" } }));
}
