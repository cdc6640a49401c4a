//! What a request sends, made into a document: known fields in their types, the rest dropped.
//!
//! Sources: frappe/model/base_document.py (`get_valid_dict`, `_fix_numeric_types`) and
//! frappe/model/document.py (`update`: a table that is sent replaces the whole table). Refuses what
//! is not simulated; checks nothing else.

use serde_json::{Map, Value, json};

use crate::chance::Chance;
use crate::document::{Document, checked, set_text, text};
use crate::meta::{Doctype, Field, Kind, doctype as doctype_of};
use crate::money;
use crate::refusal::Refusal;
use crate::state::{CustomField, State};

const SYSTEM: [&str; 8] =
    ["doctype", "name", "owner", "creation", "modified", "modified_by", "docstatus", "idx"];

/// The fields that every document has.
pub(super) fn system_fields(document: &Document) -> Document {
    let own = |(field, value): (&String, &Value)| {
        SYSTEM.contains(&field.as_str()).then(|| (field.clone(), value.clone()))
    };
    document.iter().filter_map(own).collect()
}

/// Writes the fields of a request over a document.
pub(super) fn shape(
    state: &State,
    doctype: &'static Doctype,
    payload: &Document,
    mut onto: Document,
) -> Result<Document, Refusal> {
    let custom = state.store.custom(doctype.name);
    for (name, value) in payload {
        if doctype.refused.contains(&name.as_str()) && holds_something(value) {
            return Err(Refusal::not_simulated(format!("{} with {name}", doctype.name)));
        }
        if let Some(field) = doctype.field(name) {
            match field.kind {
                Kind::Table(rows) => {
                    let rows = doctype_of(rows).expect("rows of a known doctype");
                    onto.insert(name.clone(), table(state, rows, value)?);
                }
                _ => put(&mut onto, field, value),
            }
        } else if let Some(field) = custom.iter().find(|field| field.name == *name) {
            put_custom(&mut onto, field, value);
        }
    }
    Ok(onto)
}

fn table(state: &State, rows: &'static Doctype, value: &Value) -> Result<Value, Refusal> {
    let Some(sent) = value.as_array() else { return Ok(json!([])) };
    let mut shaped = Vec::with_capacity(sent.len());
    for (at, row) in sent.iter().filter_map(Value::as_object).enumerate() {
        let mut onto = Map::new();
        if !text(row, "name").is_empty() {
            set_text(&mut onto, "name", text(row, "name"));
        }
        onto.insert("idx".to_owned(), json!(at + 1));
        shaped.push(Value::Object(shape(state, rows, row, onto)?));
    }
    Ok(Value::Array(shaped))
}

fn put(onto: &mut Document, field: &Field, value: &Value) {
    if value.is_null() {
        onto.remove(field.name);
        return;
    }
    let value = match field.kind {
        Kind::Check => json!(u8::from(!money::decimal(value).is_zero())),
        Kind::Currency | Kind::Float => money::number(money::decimal(value)),
        _ => plain(value),
    };
    onto.insert(field.name.to_owned(), value);
}

fn put_custom(onto: &mut Document, field: &CustomField, value: &Value) {
    let value = match field.fieldtype.as_str() {
        _ if value.is_null() => Value::Null,
        "Check" => json!(u8::from(!money::decimal(value).is_zero())),
        "Float" | "Currency" => money::number(money::decimal(value)),
        "Int" => {
            json!(money::decimal(value).trunc().normalize().to_string().parse::<i64>().unwrap_or(0))
        }
        _ => plain(value),
    };
    // A unique field that is left blank is stored as nothing, so that it meets no other blank.
    if field.unique && value.as_str().is_some_and(|text| text.trim().is_empty()) {
        onto.remove(&field.name);
    } else {
        onto.insert(field.name.clone(), value);
    }
}

fn plain(value: &Value) -> Value {
    match value {
        Value::String(_) => value.clone(),
        other => Value::String(other.to_string()),
    }
}

fn holds_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(set) => *set,
        Value::Number(_) => !money::decimal(value).is_zero(),
        Value::String(text) => !matches!(text.as_str(), "" | "0" | "No"),
        Value::Array(rows) => !rows.is_empty(),
        Value::Object(_) => true,
    }
}

/// What every stored document has: numbers in all number fields, and named rows that know their
/// parent.
pub(super) fn finish(doctype: &'static Doctype, document: &mut Document, chance: &mut Chance) {
    let name = text(document, "name").to_owned();
    let status = document.get("docstatus").cloned().unwrap_or(json!(0));
    document.retain(|_, value| !value.is_null());
    for field in doctype.fields {
        match field.kind {
            Kind::Check => {
                let set = u8::from(checked(document, field.name));
                document.insert(field.name.to_owned(), json!(set));
            }
            Kind::Currency | Kind::Float if !document.contains_key(field.name) => {
                document.insert(field.name.to_owned(), json!(0.0));
            }
            Kind::Table(rows) => {
                let rows = doctype_of(rows).expect("rows of a known doctype");
                let table = document.entry(field.name).or_insert_with(|| json!([]));
                for row in table.as_array_mut().into_iter().flatten() {
                    let Some(row) = row.as_object_mut() else { continue };
                    if text(row, "name").is_empty() {
                        set_text(row, "name", &row_name(chance));
                    }
                    set_text(row, "parent", &name);
                    set_text(row, "parenttype", doctype.name);
                    set_text(row, "parentfield", field.name);
                    set_text(row, "doctype", rows.name);
                    row.insert("docstatus".to_owned(), status.clone());
                    finish(rows, row, chance);
                }
            }
            _ => {}
        }
    }
}

/// Ten characters, as `frappe.generate_hash` gives rows (frappe/model/naming.py).
fn row_name(chance: &mut Chance) -> String {
    format!("{:016x}", chance.draw()).chars().take(10).collect()
}
