//! Lists: filters, fields, order and pages.
//!
//! Source: frappe/api/v1.py (`document_list`) and frappe/model/db_query.py. Without `fields` only
//! names are given, without a limit only twenty rows, and the latest change comes first. Filters on
//! child tables, aliases and functions are not simulated.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::Value;

use crate::document::{Document, text};
use crate::limits::PAGE_DEFAULT;
use crate::meta::{Doctype, Kind};
use crate::money;
use crate::refusal::Refusal;
use crate::state::{State, folded};

const SYSTEM: [&str; 7] =
    ["name", "owner", "creation", "modified", "modified_by", "docstatus", "idx"];

struct Condition {
    field: String,
    operator: String,
    value: Value,
}

/// A page of rows with the fields that were asked for.
pub(super) fn list(
    state: &State,
    doctype: &'static Doctype,
    arguments: &Document,
) -> Result<Value, Refusal> {
    let fields = fields(state, doctype, arguments)?;
    let mut found = matching(state, doctype, arguments)?;
    sort(&mut found, state, doctype, arguments)?;
    let number = |name: &str| -> Result<Option<usize>, Refusal> {
        match arguments.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => usize::try_from(money::decimal(value))
                .map(Some)
                .map_err(|_| Refusal::not_simulated(format!("{name} {value}"))),
        }
    };
    let start = number("limit_start")?.unwrap_or_default();
    let length = match number("limit")? {
        Some(limit) => limit,
        None => number("limit_page_length")?.unwrap_or(PAGE_DEFAULT),
    };
    let length = if length == 0 { usize::MAX } else { length };
    let page = found.into_iter().skip(start).take(length).map(|row| {
        let shown = fields
            .iter()
            .map(|field| (field.clone(), row.get(field).cloned().unwrap_or(Value::Null)));
        Value::Object(shown.collect())
    });
    Ok(page.collect())
}

/// The rows that every filter lets through, oldest first.
pub(super) fn matching<'a>(
    state: &'a State,
    doctype: &'static Doctype,
    arguments: &Document,
) -> Result<Vec<Cow<'a, Document>>, Refusal> {
    for unknown in ["or_filters", "group_by", "expand", "distinct", "parent"] {
        if arguments.contains_key(unknown) {
            return Err(Refusal::not_simulated(format!("a list with {unknown}")));
        }
    }
    let conditions = conditions(state, doctype, arguments)?;
    let mut found = Vec::new();
    for row in candidates(state, doctype, &conditions) {
        let mut fits = true;
        for condition in &conditions {
            fits &= holds(condition, row.get(&condition.field).unwrap_or(&Value::Null))?;
        }
        if fits {
            found.push(row);
        }
    }
    Ok(found)
}

/// All rows, or the one that the index of a unique field leads to.
fn candidates<'a>(
    state: &'a State,
    doctype: &'static Doctype,
    conditions: &[Condition],
) -> Vec<Cow<'a, Document>> {
    let unique = |field: &str| {
        state.store.custom(doctype.name).iter().any(|own| own.unique && own.name == field)
    };
    let indexed = conditions.iter().find_map(|condition| {
        let value = condition.value.as_str().filter(|value| !value.is_empty())?;
        (condition.operator == "=" && unique(&condition.field))
            .then(|| state.store.holder(doctype.name, &condition.field, value))
    });
    match indexed {
        None => state.listed(doctype.name),
        Some(holder) => {
            let found = holder.and_then(|name| state.store.find(doctype.name, name));
            found.map(Cow::Borrowed).into_iter().collect()
        }
    }
}

fn has_column(state: &State, doctype: &'static Doctype, name: &str) -> bool {
    SYSTEM.contains(&name)
        || doctype.field(name).is_some_and(|field| !matches!(field.kind, Kind::Table(_)))
        || state.store.custom(doctype.name).iter().any(|field| field.name == name)
}

/// A JSON value that was sent as text, or the value itself.
fn parsed(value: &Value) -> Result<Value, Refusal> {
    match value {
        Value::String(text) => serde_json::from_str(text)
            .map_err(|_| Refusal::not_simulated(format!("an argument that is no JSON: {text}"))),
        other => Ok(other.clone()),
    }
}

fn fields(
    state: &State,
    doctype: &'static Doctype,
    arguments: &Document,
) -> Result<Vec<String>, Refusal> {
    let Some(asked) = arguments.get("fields") else { return Ok(vec!["name".to_owned()]) };
    let asked = parsed(asked)?;
    let mut fields = Vec::new();
    for field in asked.as_array().into_iter().flatten() {
        let field = field.as_str().unwrap_or_default().trim_matches('`');
        if field == "*" {
            fields.extend(SYSTEM.map(str::to_owned));
            let own = doctype.fields.iter().filter(|own| !matches!(own.kind, Kind::Table(_)));
            fields.extend(own.map(|own| own.name.to_owned()));
            fields.extend(state.store.custom(doctype.name).iter().map(|own| own.name.clone()));
        } else if field.contains(['(', '.', ' ']) {
            return Err(Refusal::not_simulated(format!("the field {field} in a list")));
        } else if has_column(state, doctype, field) {
            fields.push(field.to_owned());
        } else {
            let message = format!("Field not permitted in query: {field}");
            return Err(Refusal::of_kind("DataError", message));
        }
    }
    Ok(fields)
}

/// Filters as an object (`{"field": value}` or `{"field": [operator, value]}`) or as a list of
/// `[field, operator, value]`, optionally with the doctype before.
fn conditions(
    state: &State,
    doctype: &'static Doctype,
    arguments: &Document,
) -> Result<Vec<Condition>, Refusal> {
    let Some(sent) = arguments.get("filters") else { return Ok(Vec::new()) };
    let mut conditions = Vec::new();
    match parsed(sent)? {
        Value::Object(pairs) => {
            for (field, value) in pairs {
                let (operator, value) = match value.as_array().map(Vec::as_slice) {
                    Some([Value::String(operator), value]) => (operator.clone(), value.clone()),
                    _ => ("=".to_owned(), value),
                };
                conditions.push(Condition { field, operator, value });
            }
        }
        Value::Array(list) => {
            for filter in list {
                conditions.push(listed(doctype, &filter)?);
            }
        }
        other => return Err(Refusal::not_simulated(format!("the filters {other}"))),
    }
    for condition in &conditions {
        if !has_column(state, doctype, &condition.field) {
            // Nobody checks this before the database does.
            return Err(Refusal::database(format!(
                "(1054, \"Unknown column 'tab{}.{}' in 'where clause'\")",
                doctype.name, condition.field
            )));
        }
    }
    Ok(conditions)
}

fn listed(doctype: &'static Doctype, filter: &Value) -> Result<Condition, Refusal> {
    let parts = filter.as_array().map(Vec::as_slice).unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (field, operator, value) = match parts {
        [field, value] => (text(field), "=".to_owned(), value),
        [field, operator, value] => (text(field), text(operator), value),
        [of, field, operator, value] if of == doctype.name => (text(field), text(operator), value),
        _ => return Err(Refusal::not_simulated(format!("the filter {filter}"))),
    };
    Ok(Condition { field, operator, value: value.clone() })
}

fn holds(condition: &Condition, value: &Value) -> Result<bool, Refusal> {
    let wanted = &condition.value;
    let among = |wanted: &Value| match wanted {
        Value::Array(list) => list.iter().any(|one| order(value, one).is_eq()),
        Value::String(list) => {
            list.split(',').any(|one| order(value, &Value::from(one.trim())).is_eq())
        }
        other => order(value, other).is_eq(),
    };
    Ok(match condition.operator.to_lowercase().as_str() {
        "=" => order(value, wanted).is_eq(),
        "!=" => order(value, wanted).is_ne(),
        ">" => order(value, wanted).is_gt(),
        "<" => order(value, wanted).is_lt(),
        ">=" => order(value, wanted).is_ge(),
        "<=" => order(value, wanted).is_le(),
        "in" => among(wanted),
        "not in" => !among(wanted),
        "like" => like(&shown(value), &shown(wanted)),
        "not like" => !like(&shown(value), &shown(wanted)),
        "between" => match wanted.as_array().map(Vec::as_slice) {
            Some([from, to]) => order(value, from).is_ge() && order(value, to).is_le(),
            _ => return Err(Refusal::not_simulated("between without two values")),
        },
        "is" => match wanted.as_str() {
            Some("set") => !shown(value).is_empty(),
            Some("not set") => shown(value).is_empty(),
            _ => return Err(Refusal::not_simulated("is without set or not set")),
        },
        other => return Err(Refusal::not_simulated(format!("the operator {other}"))),
    })
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => folded(text),
        other => other.to_string(),
    }
}

/// Numbers as numbers, everything else as the database's collation orders it.
fn order(left: &Value, right: &Value) -> Ordering {
    if left.is_number() || left.is_boolean() {
        return money::decimal(left).cmp(&money::decimal(right));
    }
    shown(left).cmp(&shown(right))
}

/// `LIKE` with `%` only.
fn like(value: &str, pattern: &str) -> bool {
    let mut parts = pattern.split('%');
    let Some(mut rest) = parts.next().and_then(|first| value.strip_prefix(first)) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// `modified desc` unless something else is asked for.
fn sort(
    rows: &mut [Cow<'_, Document>],
    state: &State,
    doctype: &'static Doctype,
    arguments: &Document,
) -> Result<(), Refusal> {
    let asked = text(arguments, "order_by");
    let words: Vec<String> = asked.split_whitespace().map(|word| word.replace('`', "")).collect();
    let (field, descending) = match words.as_slice() {
        [] => ("modified", true),
        [field] => (field.as_str(), false),
        [field, word] if word.eq_ignore_ascii_case("desc") => (field.as_str(), true),
        [field, word] if word.eq_ignore_ascii_case("asc") => (field.as_str(), false),
        _ => return Err(Refusal::not_simulated(format!("order_by {asked}"))),
    };
    if !has_column(state, doctype, field) {
        return Err(Refusal::not_simulated(format!("order_by {asked}")));
    }
    let key = |row: &Document| row.get(field).cloned().unwrap_or_default();
    if descending {
        rows.reverse();
        rows.sort_by(|left, right| order(&key(right), &key(left)));
    } else {
        rows.sort_by(|left, right| order(&key(left), &key(right)));
    }
    Ok(())
}
