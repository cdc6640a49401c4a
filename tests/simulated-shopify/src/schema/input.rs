//! Variables and arguments: checked against their types and completed with defaults.
//!
//! The problems are worded as the real API words them (README, R8). `@oneOf` is enforced here,
//! because apollo-compiler does not know it (README, R9). What a value means is left to the operations: a field
//! that the schema calls nullable stays absent if it was absent.

use apollo_compiler::Schema;
use apollo_compiler::ast::{Type, Value as Literal};
use apollo_compiler::executable::{Field, Operation};
use apollo_compiler::schema::{ExtendedType, InputObjectType};
use apollo_compiler::validation::Valid;
use serde_json::{Map, Value, json};

use super::{Prepared, locations, schema};

/// The variables of a request, checked and completed; or the `INVALID_VARIABLE` errors.
pub(crate) fn variables(
    prepared: &Prepared,
    operation: &Operation,
    given: &Map<String, Value>,
) -> Result<Map<String, Value>, Vec<Value>> {
    let mut completed = Map::new();
    let mut errors = Vec::new();
    for definition in &operation.variables {
        let name = definition.name.as_str();
        let value = match (given.get(name), &definition.default_value) {
            (Some(value), _) => value.clone(),
            (None, Some(default)) => literal(default, &Map::new()).unwrap_or(Value::Null),
            (None, None) if definition.ty.is_non_null() => Value::Null,
            (None, None) => continue,
        };
        let mut check = Check::default();
        let checked = check.value(&definition.ty, &value);
        if check.problems.is_empty() {
            completed.insert(name.to_owned(), checked);
        } else {
            let place = definition.line_column_range(prepared.sources()).map(|range| range.start);
            let what = check.problems.iter().filter_map(Problem::in_message).collect::<Vec<_>>();
            let suffix =
                if what.is_empty() { String::new() } else { format!(" for {}", what.join(", ")) };
            errors.push(json!({
                "message": format!(
                    "Variable ${name} of type {} was provided invalid value{suffix}",
                    definition.ty
                ),
                "locations": locations(place),
                "extensions": {
                    "code": "INVALID_VARIABLE",
                    "value": value,
                    "problems": check.problems.iter().map(Problem::to_json).collect::<Vec<_>>(),
                },
            }));
        }
    }
    if errors.is_empty() { Ok(completed) } else { Err(errors) }
}

/// The arguments of a field, checked and completed; or why they are refused.
pub(crate) fn arguments(
    field: &Field,
    variables: &Map<String, Value>,
) -> Result<Map<String, Value>, String> {
    let mut completed = Map::new();
    for definition in &field.definition.arguments {
        let given = field.specified_argument_by_name(&definition.name);
        let value = match given.map(|given| (given, literal(given, variables))) {
            // A variable was checked when the request came in.
            Some((given, Some(value))) if matches!(**given, Literal::Variable(_)) => value,
            Some((_, Some(value))) => {
                let mut check = Check::default();
                let checked = check.value(&definition.ty, &value);
                if let Some(problem) = check.problems.first() {
                    return Err(format!(
                        "Argument '{}' on Field '{}' has an invalid value. {}",
                        definition.name, field.name, problem.explanation
                    ));
                }
                checked
            }
            Some((_, None)) | None => match &definition.default_value {
                Some(default) => literal(default, variables).unwrap_or(Value::Null),
                None => continue,
            },
        };
        completed.insert(definition.name.to_string(), value);
    }
    Ok(completed)
}

/// A literal as JSON; `None` is a variable that was not given.
fn literal(value: &Literal, variables: &Map<String, Value>) -> Option<Value> {
    Some(match value {
        Literal::Null => Value::Null,
        Literal::Enum(name) => Value::String(name.to_string()),
        Literal::Variable(name) => return variables.get(name.as_str()).cloned(),
        Literal::String(text) => Value::String(text.clone()),
        // Numbers stay exact: what does not fit JSON's numbers is refused as text by its type.
        Literal::Int(number) => number_or_text(number.as_str()),
        Literal::Float(number) => number_or_text(number.as_str()),
        Literal::Boolean(value) => Value::Bool(*value),
        Literal::List(items) => Value::Array(
            items.iter().map(|item| literal(item, variables).unwrap_or(Value::Null)).collect(),
        ),
        Literal::Object(fields) => Value::Object(
            fields
                .iter()
                .filter_map(|(name, value)| Some((name.to_string(), literal(value, variables)?)))
                .collect(),
        ),
    })
}

fn number_or_text(number: &str) -> Value {
    serde_json::from_str(number).unwrap_or_else(|_| Value::String(number.to_owned()))
}

#[derive(Debug)]
struct Problem {
    path: Vec<Value>,
    explanation: String,
}

impl Problem {
    /// `changes.0.inventoryItemId (Expected value to not be null)`; a problem of the whole value
    /// is not repeated in the message.
    fn in_message(&self) -> Option<String> {
        if self.path.is_empty() {
            return None;
        }
        let steps = self.path.iter().map(|step| match step {
            Value::String(name) => name.clone(),
            other => other.to_string(),
        });
        Some(format!("{} ({})", steps.collect::<Vec<_>>().join("."), self.explanation))
    }

    fn to_json(&self) -> Value {
        json!({ "path": self.path, "explanation": self.explanation })
    }
}

#[derive(Debug, Default)]
struct Check {
    path: Vec<Value>,
    problems: Vec<Problem>,
}

impl Check {
    fn problem(&mut self, explanation: String) -> Value {
        self.problems.push(Problem { path: self.path.clone(), explanation });
        Value::Null
    }

    fn value(&mut self, ty: &Type, value: &Value) -> Value {
        if value.is_null() {
            return if ty.is_non_null() {
                self.problem("Expected value to not be null".to_owned())
            } else {
                Value::Null
            };
        }
        if ty.is_list() {
            let item_type = ty.item_type();
            let Value::Array(items) = value else {
                // One value stands for a list of one (GraphQL specification, 3.11).
                return Value::Array(vec![self.value(item_type, value)]);
            };
            let mut checked = Vec::with_capacity(items.len());
            for (index, item) in items.iter().enumerate() {
                self.path.push(json!(index));
                checked.push(self.value(item_type, item));
                self.path.pop();
            }
            return Value::Array(checked);
        }
        let schema: &Valid<Schema> = schema();
        let name = ty.inner_named_type();
        match schema.types.get(name) {
            Some(ExtendedType::Enum(definition)) => {
                if value.as_str().is_some_and(|text| definition.values.contains_key(text)) {
                    return value.clone();
                }
                let known = definition.values.keys().map(|name| name.as_str());
                let known = known.collect::<Vec<_>>().join(", ");
                self.problem(format!("Expected {value} to be one of: {known}"))
            }
            Some(ExtendedType::InputObject(definition)) => match value {
                Value::Object(fields) => self.object(definition, fields),
                other => self.problem(format!(
                    "Expected {other} to be a key-value object responding to `to_h` or `to_unsafe_h`."
                )),
            },
            _ => self.scalar(name, value),
        }
    }

    fn object(&mut self, definition: &InputObjectType, given: &Map<String, Value>) -> Value {
        for name in given.keys() {
            if !definition.fields.contains_key(name.as_str()) {
                self.path.push(json!(name));
                self.problem(format!("Field is not defined on {}", definition.name));
                self.path.pop();
            }
        }
        if definition.directives.has("oneOf") {
            let set = given.values().filter(|value| !value.is_null()).count();
            if set != 1 || given.len() != 1 {
                return self.problem(format!(
                    "'{}' requires exactly one argument, but {} were provided.",
                    definition.name,
                    given.len()
                ));
            }
        }
        let mut checked = Map::new();
        for (name, field) in &definition.fields {
            let value = match (given.get(name.as_str()), &field.default_value) {
                (Some(value), _) => value.clone(),
                (None, Some(default)) => literal(default, &Map::new()).unwrap_or(Value::Null),
                (None, None) if field.ty.is_non_null() => Value::Null,
                (None, None) => continue,
            };
            self.path.push(json!(name.as_str()));
            let value = self.value(&field.ty, &value);
            self.path.pop();
            checked.insert(name.to_string(), value);
        }
        Value::Object(checked)
    }

    fn scalar(&mut self, name: &str, value: &Value) -> Value {
        let fits = match name {
            "Int" => value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
            "Float" => value.is_number(),
            "Boolean" => value.is_boolean(),
            "String" | "URL" | "HTML" | "FormattedString" => value.is_string(),
            "ID" => match value.as_str() {
                Some(text) if text.starts_with("gid://shopify/") => true,
                Some(text) => return self.problem(format!("Invalid global id '{text}'")),
                None => false,
            },
            // A blank decimal is let through: `orderCreate` answers it with TAX_LINE_RATE_MISSING
            // (README, R28).
            "Decimal" | "Money" => match value {
                Value::Number(_) => true,
                Value::String(text) => {
                    text.is_empty() || text.parse::<rust_decimal::Decimal>().is_ok()
                }
                _ => false,
            },
            "DateTime" => value.as_str().is_some_and(|text| crate::time::read(text).is_some()),
            _ => true,
        };
        if fits {
            value.clone()
        } else {
            self.problem(format!("Could not coerce value {value} to {name}"))
        }
    }
}
