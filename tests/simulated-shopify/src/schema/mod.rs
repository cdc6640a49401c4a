//! The real schema of version 2026-10, and the operations that were validated against it.
//!
//! The schema is read once per process and each distinct operation text once per shop; only
//! variables are looked at every time. Executes nothing.

mod input;
mod refusal;

use std::collections::HashMap;
use std::io::Read;
use std::sync::{Arc, Mutex, OnceLock};

use apollo_compiler::ast::Document;
use apollo_compiler::executable::{Field, Operation, Selection};
use apollo_compiler::parser::{LineColumn, SourceMap};
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Node, Schema};
use flate2::read::GzDecoder;
use serde_json::{Value, json};

pub(crate) use self::input::{arguments, variables};
use crate::limits::DOCUMENTS_MAX;

const SDL: &[u8] = include_bytes!("../../schema/admin_2026-10.graphql.gz");

/// The directive that the SDL uses but leaves undefined; apollo-compiler wants its definition.
const ONE_OF: &str = "directive @oneOf on INPUT_OBJECT\n";

/// The schema of the Admin API, version 2026-10.
pub(crate) fn schema() -> &'static Valid<Schema> {
    static SCHEMA: OnceLock<Valid<Schema>> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        let mut text = ONE_OF.to_owned();
        GzDecoder::new(SDL).read_to_string(&mut text).expect("the committed schema is gzipped SDL");
        Schema::parse_and_validate(text, "admin_2026-10.graphql")
            .expect("the committed schema is valid")
    })
}

/// A valid operation text.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) document: Valid<ExecutableDocument>,
}

impl Prepared {
    /// The operation that a request means, or the top-level errors to answer with.
    pub(crate) fn operation(&self, name: Option<&str>) -> Result<&Node<Operation>, Vec<Value>> {
        self.document.operations.get(name).map_err(|_| {
            let message = match name {
                Some(name) => format!("No operation named \"{name}\""),
                None => "An operation name is required".to_owned(),
            };
            vec![json!({ "message": message })]
        })
    }

    /// The names of the root fields of every operation in the text.
    pub(crate) fn root_fields(&self) -> Vec<&str> {
        self.document
            .operations
            .iter()
            .flat_map(|operation| operation.root_fields(&self.document))
            .map(|field| field.name.as_str())
            .collect()
    }

    pub(crate) fn sources(&self) -> &SourceMap {
        &self.document.sources
    }

    /// Where a field stands in the text, as `locations` of an error.
    pub(crate) fn locations(&self, field: &Node<Field>) -> Value {
        locations(field.line_column_range(self.sources()).map(|range| range.start))
    }

    /// What a fragment spread stands for.
    pub(crate) fn spread<'d>(&'d self, selection: &'d Selection) -> Option<Spread<'d>> {
        match selection {
            Selection::Field(_) => None,
            Selection::InlineFragment(inline) => Some(Spread {
                condition: inline.type_condition.as_deref(),
                selections: &inline.selection_set.selections,
            }),
            Selection::FragmentSpread(spread) => {
                let fragment = spread.fragment_def(&self.document)?;
                Some(Spread {
                    condition: Some(fragment.type_condition().as_str()),
                    selections: &fragment.selection_set.selections,
                })
            }
        }
    }
}

/// The selections of a fragment and the type they apply to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spread<'d> {
    pub(crate) condition: Option<&'d str>,
    pub(crate) selections: &'d [Selection],
}

/// `locations` of an error, as GraphQL writes them.
fn locations(place: Option<LineColumn>) -> Value {
    match place {
        Some(place) => json!([{ "line": place.line, "column": place.column }]),
        None => json!([]),
    }
}

/// The operation texts seen so far; those that were refused are not kept.
#[derive(Debug, Default)]
pub(crate) struct Documents(Mutex<HashMap<String, Arc<Prepared>>>);

impl Documents {
    /// Parses and validates a text, or gives the top-level errors that refuse it.
    pub(crate) fn prepare(&self, text: &str) -> Result<Arc<Prepared>, Vec<Value>> {
        let mut known = self.0.lock().expect("no holder of this lock panics");
        if let Some(prepared) = known.get(text) {
            return Ok(Arc::clone(prepared));
        }
        let prepared = Arc::new(prepare(text)?);
        if known.len() >= DOCUMENTS_MAX {
            known.clear();
        }
        known.insert(text.to_owned(), Arc::clone(&prepared));
        Ok(prepared)
    }
}

fn prepare(text: &str) -> Result<Prepared, Vec<Value>> {
    let parsed = Document::parse(text, "request.graphql")
        .map_err(|refused| refusal::from_diagnostics(&refused.errors))?;
    let known = refusal::look(schema(), &parsed);
    if !known.is_empty() {
        return Err(known);
    }
    let document = parsed
        .to_executable_validate(schema())
        .map_err(|refused| refusal::from_diagnostics(&refused.errors))?;
    Ok(Prepared { document })
}
