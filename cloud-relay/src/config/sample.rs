//! The sample file and the schema, both generated from the doc comments of the types.
//!
//! A comment begins with `# `, a key that may be left out with `#` and no space: taking that one
//! character away sets the key. Does not read a configuration.

use serde_json::{Map, Value, json};

use super::catalogue::{Key, Section, TARGET_SECTION, catalogue, schema_of_file};
use crate::connectors::registry::KINDS;

/// Columns of a comment's line.
const WIDTH_MAX: usize = 96;

/// The JSON Schema of the file, with the settings of every kind of target.
#[must_use]
pub fn schema() -> Value {
    let mut schema = schema_of_file();
    let kinds: Vec<_> = KINDS
        .iter()
        .map(|kind| {
            let mut settings = (kind.schema)();
            if let Some(properties) = settings.get_mut("properties").and_then(Value::as_object_mut)
            {
                properties.insert("kind".to_owned(), json!({ "const": kind.name }));
            }
            settings
        })
        .collect();
    if let Some(targets) = schema.pointer_mut("/properties/targets").and_then(Value::as_object_mut)
    {
        let inner = if kinds.is_empty() { Value::Bool(false) } else { json!({ "oneOf": kinds }) };
        targets.insert("additionalProperties".to_owned(), inner);
    }
    schema
}

/// A complete file with every key, its meaning and its default.
#[must_use]
pub fn sample() -> String {
    let mut text = String::new();
    for section in catalogue() {
        if !text.is_empty() {
            text.push('\n');
        }
        write_section(&mut text, &section);
    }
    text
}

fn write_section(text: &mut String, section: &Section) {
    comment(text, &section.description);
    if let Some(kind) = section.kind {
        comment(
            text,
            "Put a name of your choice in place of NAME; several targets may be of one kind.",
        );
        text.push_str(&format!("#[{TARGET_SECTION}]\n#kind = \"{kind}\"\n"));
    } else if !section.name.is_empty() {
        text.push_str(&format!("[{}]\n", section.name));
    }
    for key in &section.keys {
        write_key(text, key, section.kind.is_some());
    }
}

fn write_key(text: &mut String, key: &Key, is_optional_section: bool) {
    text.push('\n');
    comment(text, &key.description);
    let mark = if key.is_required && !is_optional_section { "" } else { "#" };
    text.push_str(&format!("{mark}{} = {}\n", key.name, in_toml(&key.value)));
}

/// Plain values and lists are written alike in JSON and TOML; tables are written on one line.
fn in_toml(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            format!("[{}]", items.iter().map(in_toml).collect::<Vec<_>>().join(", "))
        }
        Value::Object(table) => in_line(table),
        plain => plain.to_string(),
    }
}

fn in_line(table: &Map<String, Value>) -> String {
    let pairs = table
        .iter()
        .map(|(key, value)| format!("{} = {}", Value::from(key.as_str()), in_toml(value)));
    match pairs.collect::<Vec<_>>().join(", ").as_str() {
        "" => "{}".to_owned(),
        pairs => format!("{{ {pairs} }}"),
    }
}

fn comment(text: &mut String, description: &str) {
    for paragraph in description.split("\n\n").filter(|paragraph| !paragraph.trim().is_empty()) {
        let mut column = 0;
        for word in paragraph.split_whitespace() {
            let width = word.chars().count() + 1;
            if column == 0 || column + width > WIDTH_MAX {
                text.push_str(if column == 0 { "#" } else { "\n#" });
                column = 1;
            }
            text.push(' ');
            text.push_str(word);
            column += width;
        }
        text.push('\n');
    }
}
