//! Every key that a configuration may have, flat, as the schemas of its types state it.
//!
//! Sample and check both read this list. The sections of targets come from the registry, one for
//! each kind, under the name `targets.NAME`. Does not read a configuration.

use serde_json::Value;

use super::Config;
use crate::connectors::registry::KINDS;

/// What stands in place of a target's own name.
pub(super) const TARGET_SECTION: &str = "targets.NAME";

/// A table of the file; the first one, without a name, is the file itself.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Section {
    /// Its heading, such as `listen`.
    pub(super) name: String,
    /// The kind of target that it is for.
    pub(super) kind: Option<&'static str>,
    /// What it is about.
    pub(super) description: String,
    /// Its keys in the order of their declaration.
    pub(super) keys: Vec<Key>,
}

/// One key.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Key {
    pub(super) name: String,
    pub(super) description: String,
    /// Its default, or an example where it has none.
    pub(super) value: Value,
    pub(super) is_required: bool,
}

/// All sections, the nameless one first, targets last.
pub(super) fn catalogue() -> Vec<Section> {
    let schema = super::schema();
    let mut sections = vec![section("", None, text(&schema, "description"), &schema, &schema)];
    for (name, property) in entries(&schema) {
        if let Some(inner) = referred(&schema, property) {
            let description = text(property, "description");
            sections.push(section(name, None, description, inner, &schema));
        }
    }
    for kind in KINDS {
        let schema = (kind.schema)();
        let description = text(&schema, "description");
        sections.push(section(TARGET_SECTION, Some(kind.name), description, &schema, &schema));
    }
    sections
}

/// The whole file's schema as its type states it.
pub(super) fn schema_of_file() -> Value {
    schemars::schema_for!(Config).to_value()
}

fn section(
    name: &str,
    kind: Option<&'static str>,
    description: String,
    table: &Value,
    root: &Value,
) -> Section {
    let required = |key: &str| {
        let names = table.get("required").and_then(Value::as_array);
        names.is_some_and(|names| names.iter().any(|name| name == key))
    };
    let keys = entries(table)
        .filter(|(name, property)| referred(root, property).is_none() && *name != "targets")
        .map(|(name, property)| Key {
            name: name.to_owned(),
            description: text(property, "description"),
            value: value_of(property),
            is_required: required(name),
        });
    Section { name: name.to_owned(), kind, description, keys: keys.collect() }
}

/// The keys of a table in its schema.
fn entries(table: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let properties = table.get("properties").and_then(Value::as_object);
    properties.into_iter().flatten().map(|(name, property)| (name.as_str(), property))
}

/// The table that a property refers to; none if it holds a plain value.
fn referred<'a>(root: &'a Value, property: &Value) -> Option<&'a Value> {
    let name = property.get("$ref")?.as_str()?.strip_prefix("#/$defs/")?;
    root.get("$defs")?.get(name).filter(|inner| inner.get("properties").is_some())
}

/// An example says more than an empty table.
fn value_of(property: &Value) -> Value {
    let says_something = |value: &&Value| match value {
        Value::Null => false,
        Value::Object(table) => !table.is_empty(),
        _ => true,
    };
    let stated = |name| property.get(name).filter(says_something);
    let empty = || property.get("default").filter(|value| !value.is_null());
    let value = stated("default").or_else(|| stated("example")).or_else(empty);
    value.cloned().unwrap_or_else(|| Value::String(String::new()))
}

fn text(schema: &Value, name: &str) -> String {
    schema.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}
