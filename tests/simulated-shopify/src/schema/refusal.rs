//! Why an operation text is refused, in the words of the real API where they were recorded
//! (README, R7).
//!
//! Four refusals are found here, because their recorded shape needs the path to the field:
//! unknown fields, unknown arguments, missing arguments and unknown directives. Everything else is
//! left to apollo-compiler and keeps its wording. A refusal is HTTP 200 with `errors` and no
//! `data`.

use apollo_compiler::Schema;
use apollo_compiler::ast::{Argument, Definition, DirectiveList, Document, Field, OperationType};
use apollo_compiler::ast::{InputValueDefinition, Selection, Value as Literal};
use apollo_compiler::validation::{DiagnosticList, Valid};
use apollo_compiler::{Name, Node};
use serde_json::{Value, json};

use super::locations;

/// The errors of a text that apollo-compiler refuses.
pub(super) fn from_diagnostics(diagnostics: &DiagnosticList) -> Vec<Value> {
    diagnostics
        .iter()
        .map(|diagnostic| {
            let place = diagnostic.line_column_range().map(|range| range.start);
            let code = match diagnostic.error.unstable_error_name() {
                Some("UnusedVariable") => "variableNotUsed",
                Some("UndefinedVariable") => "variableNotDefined",
                Some("RequiredField") => "missingRequiredInputObjectAttribute",
                Some("UnsupportedValueType" | "UndefinedEnumValue") => {
                    "argumentLiteralsIncompatible"
                }
                Some("DisallowedVariableUsage") => "variableMismatch",
                Some("MissingSubselection") => "selectionMismatch",
                Some("UnusedFragment") => "useAndDefineFragment",
                _ => "invalidDocument",
            };
            json!({
                "message": diagnostic.error.to_string(),
                "locations": locations(place),
                "extensions": { "code": code },
            })
        })
        .collect()
}

/// The refusals whose shape was recorded.
pub(super) fn look(schema: &Valid<Schema>, document: &Document) -> Vec<Value> {
    let mut look = Look { schema, document, path: Vec::new(), found: Vec::new() };
    for definition in &document.definitions {
        match definition {
            Definition::OperationDefinition(operation) => {
                let (kind, root) = match operation.operation_type {
                    OperationType::Query => ("query", schema.schema_definition.query.as_ref()),
                    OperationType::Mutation => {
                        ("mutation", schema.schema_definition.mutation.as_ref())
                    }
                    OperationType::Subscription => continue,
                };
                look.path.push(match &operation.name {
                    Some(name) => format!("{kind} {name}"),
                    None => kind.to_owned(),
                });
                if let Some(root) = root {
                    look.selections(root.as_str(), &operation.selection_set);
                }
                look.path.pop();
            }
            Definition::FragmentDefinition(fragment) => {
                look.path.push(format!("fragment {}", fragment.name));
                look.selections(fragment.type_condition.as_str(), &fragment.selection_set);
                look.path.pop();
            }
            _ => {}
        }
    }
    look.found
}

struct Look<'a> {
    schema: &'a Valid<Schema>,
    document: &'a Document,
    path: Vec<String>,
    found: Vec<Value>,
}

impl Look<'_> {
    fn selections(&mut self, parent: &str, selections: &[Selection]) {
        for selection in selections {
            match selection {
                Selection::Field(field) => {
                    self.path.push(field.alias.as_ref().unwrap_or(&field.name).to_string());
                    self.field(parent, field);
                    self.path.pop();
                }
                Selection::InlineFragment(inline) => {
                    let on = inline.type_condition.as_ref().map_or(parent, Name::as_str);
                    self.path.push(format!("... on {on}"));
                    self.selections(on, &inline.selection_set);
                    self.path.pop();
                }
                Selection::FragmentSpread(_) => {}
            }
        }
    }

    fn field(&mut self, parent: &str, field: &Node<Field>) {
        if field.name.starts_with("__") {
            return;
        }
        let schema = self.schema;
        let Ok(definition) = schema.type_field(parent, &field.name) else {
            self.refuse(
                field,
                format!("Field '{}' doesn't exist on type '{parent}'", field.name),
                json!({ "code": "undefinedField", "typeName": parent, "fieldName": field.name.as_str() }),
            );
            return;
        };
        self.arguments("Field", &field.name, field, &definition.arguments, &field.arguments);
        self.directives(field, &field.directives);
        self.selections(definition.ty.inner_named_type(), &field.selection_set);
    }

    fn directives(&mut self, field: &Node<Field>, directives: &DirectiveList) {
        let schema = self.schema;
        for directive in &directives.0 {
            match schema.directive_definitions.get(&directive.name) {
                Some(definition) => {
                    let (wanted, given) = (&definition.arguments, &directive.arguments);
                    self.arguments("Directive", &directive.name, field, wanted, given);
                }
                None => self.refuse(
                    field,
                    format!("Directive @{} is not defined", directive.name),
                    json!({ "code": "undefinedDirective", "directiveName": directive.name.as_str() }),
                ),
            }
        }
    }

    fn arguments(
        &mut self,
        class: &str,
        name: &str,
        field: &Node<Field>,
        wanted: &[Node<InputValueDefinition>],
        given: &[Node<Argument>],
    ) {
        for argument in given {
            let Some(definition) = wanted.iter().find(|known| known.name == argument.name) else {
                self.refuse_argument(
                    field,
                    argument,
                    format!("{class} '{name}' doesn't accept argument '{}'", argument.name),
                    json!({ "code": "argumentNotAccepted", "name": name, "typeName": class, "argumentName": argument.name.as_str() }),
                );
                continue;
            };
            if matches!(*argument.value, Literal::Null) && definition.ty.is_non_null() {
                self.refuse_argument(
                    field,
                    argument,
                    format!(
                        "Argument '{}' on {class} '{name}' has an invalid value (null). Expected type '{}'.",
                        argument.name, definition.ty
                    ),
                    json!({ "code": "argumentLiteralsIncompatible", "typeName": class, "argumentName": argument.name.as_str() }),
                );
            }
        }
        let missing: Vec<&str> = wanted
            .iter()
            .filter(|wanted| wanted.ty.is_non_null() && wanted.default_value.is_none())
            .filter(|wanted| !given.iter().any(|argument| argument.name == wanted.name))
            .map(|wanted| wanted.name.as_str())
            .collect();
        if !missing.is_empty() {
            let missing = missing.join(", ");
            self.refuse(
                field,
                format!("{class} '{name}' is missing required arguments: {missing}"),
                json!({ "code": "missingRequiredArguments", "className": class, "name": name, "arguments": missing }),
            );
        }
    }

    #[expect(clippy::needless_pass_by_value, reason = "each refusal is written where it is found")]
    fn refuse(&mut self, field: &Node<Field>, message: String, extensions: Value) {
        let place = field.line_column_range(&self.document.sources).map(|range| range.start);
        self.found.push(json!({
            "message": message,
            "locations": locations(place),
            "path": self.path,
            "extensions": extensions,
        }));
    }

    fn refuse_argument(
        &mut self,
        field: &Node<Field>,
        argument: &Argument,
        message: String,
        extensions: Value,
    ) {
        self.path.push(argument.name.to_string());
        self.refuse(field, message, extensions);
        self.path.pop();
    }
}
