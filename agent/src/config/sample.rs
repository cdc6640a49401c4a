//! The sample file and the schema, both generated from the doc comments of [`Config`].
//!
//! A comment begins with `# `, a key that may be left out with `#` and no space: taking that one
//! character away sets the key. Does not read a configuration.

use serde_json::{Map, Value};

use super::Config;
use crate::inputs::registry;

/// What an input's section is called in the sample.
pub(super) const INPUT_SECTION: &str = "inputs.NAME";

const WIDTH_MAX: usize = 96;

/// The JSON Schema of the file.
#[must_use]
pub fn schema() -> Value {
    schemars::schema_for!(Config).to_value()
}

/// A complete file with every key, its meaning and its default.
#[must_use]
pub fn sample() -> String {
    let schema = schema();
    let mut text = String::new();
    comment(&mut text, description(&schema));
    let (sections, keys): (Vec<_>, Vec<_>) =
        properties(&schema).partition(|(_, property)| section(&schema, property).is_some());
    for (key, property) in keys.into_iter().filter(|(key, _)| *key != "inputs") {
        write_key(&mut text, key, property, is_required(&schema, key));
    }
    for (key, property) in sections {
        let inner = section(&schema, property).expect("the partition above chose sections");
        text.push('\n');
        comment(&mut text, description(property));
        text.push_str(&format!("[{key}]\n"));
        for (key, property) in properties(inner) {
            write_key(&mut text, key, property, is_required(inner, key));
        }
    }
    for kind in registry::KINDS {
        write_input(&mut text, kind);
    }
    text
}

/// The section of one kind of input, which stands there as often as there are sources of it.
fn write_input(text: &mut String, kind: &registry::Kind) {
    let schema = (kind.schema)();
    text.push('\n');
    comment(text, description(&schema));
    text.push_str("#\n");
    comment(text, "Put a name of your choice in place of NAME; several inputs may be of one kind.");
    text.push_str(&format!("#[{INPUT_SECTION}]\n\n#kind = \"{}\"\n", kind.name));
    for (key, property) in properties(&schema) {
        write_key(text, key, property, false);
    }
}

/// The keys of a table in a schema, in the order in which they are declared.
pub(super) fn properties(table: &Value) -> impl Iterator<Item = (&String, &Value)> {
    table.get("properties").and_then(Value::as_object).into_iter().flat_map(Map::iter)
}

/// The schema of the table that a property holds; none if it holds a plain value.
pub(super) fn section<'a>(root: &'a Value, property: &'a Value) -> Option<&'a Value> {
    let name = property.get("$ref").and_then(Value::as_str)?.strip_prefix("#/$defs/")?;
    root.get("$defs")?.get(name)
}

pub(super) fn is_required(table: &Value, key: &str) -> bool {
    let required = table.get("required").and_then(Value::as_array);
    required.is_some_and(|required| required.iter().any(|name| name == key))
}

fn description(schema: &Value) -> &str {
    schema.get("description").and_then(Value::as_str).unwrap_or_default()
}

fn write_key(text: &mut String, key: &str, property: &Value, required: bool) {
    text.push('\n');
    comment(text, description(property));
    let stated = |name| property.get(name).filter(|value: &&Value| !value.is_null());
    // An empty list shows nobody how to fill it.
    let is_filled = |value: &&Value| value.as_array().is_none_or(|items| !items.is_empty());
    let default = stated("default");
    let value = default.filter(is_filled).or_else(|| stated("example")).or(default);
    let value = value.map_or_else(|| "\"\"".to_owned(), toml_value);
    let mark = if required { "" } else { "#" };
    text.push_str(&format!("{mark}{key} = {value}\n"));
}

/// JSON and TOML write texts, whole numbers, booleans and lists of these alike; a table stands on
/// one line.
fn toml_value(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(toml_value).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(table) => {
            let pairs = table.iter().map(|(key, value)| format!("{key} = {}", toml_value(value)));
            format!("{{ {} }}", pairs.collect::<Vec<_>>().join(", "))
        }
        plain => plain.to_string(),
    }
}

fn comment(text: &mut String, description: &str) {
    for paragraph in description.split("\n\n") {
        let mut line = String::from("#");
        for word in paragraph.split_whitespace() {
            if line.len() + 1 + word.len() > WIDTH_MAX {
                text.push_str(&line);
                text.push('\n');
                line = String::from("#");
            }
            line.push(' ');
            line.push_str(word);
        }
        text.push_str(&line);
        text.push('\n');
    }
}
