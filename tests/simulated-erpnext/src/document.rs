//! A document as Frappe keeps it: named values, with child rows in tables.
//!
//! Only reads and writes values; what a value must be is decided by `shape` and the doctypes.

use rust_decimal::Decimal;
use serde_json::{Map, Value};

use crate::money;

/// A document or a child row.
pub(crate) type Document = Map<String, Value>;

/// A text; empty if it is absent or none.
pub(crate) fn text<'a>(document: &'a Document, field: &str) -> &'a str {
    document.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// A number; zero if it is absent.
pub(crate) fn decimal(document: &Document, field: &str) -> Decimal {
    document.get(field).map_or(Decimal::ZERO, money::decimal)
}

/// A check box.
pub(crate) fn checked(document: &Document, field: &str) -> bool {
    !decimal(document, field).is_zero()
}

/// The rows of a table.
pub(crate) fn rows<'a>(document: &'a Document, table: &str) -> impl Iterator<Item = &'a Document> {
    document.get(table).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
}

/// The rows of a table, to be changed.
pub(crate) fn rows_mut<'a>(
    document: &'a mut Document,
    table: &str,
) -> impl Iterator<Item = &'a mut Document> {
    let rows = document.get_mut(table).and_then(Value::as_array_mut);
    rows.into_iter().flatten().filter_map(Value::as_object_mut)
}

/// Sets a text.
pub(crate) fn set_text(document: &mut Document, field: &str, value: &str) {
    document.insert(field.to_owned(), Value::from(value));
}

/// Sets a text where none stands yet.
pub(crate) fn default_text(document: &mut Document, field: &str, value: &str) {
    if text(document, field).is_empty() && !value.is_empty() {
        set_text(document, field, value);
    }
}

/// Sets a number.
pub(crate) fn set_decimal(document: &mut Document, field: &str, value: Decimal) {
    document.insert(field.to_owned(), money::number(value));
}

/// The state of a document: 0 draft, 1 submitted, 2 cancelled.
pub(crate) fn docstatus(document: &Document) -> u64 {
    document.get("docstatus").and_then(Value::as_u64).unwrap_or_default()
}
