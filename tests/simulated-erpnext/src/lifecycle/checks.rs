//! What holds for every doctype: links, mandatory fields, lengths, choices, unique values.
//!
//! Sources: frappe/model/document.py (`_validate_links`, `_validate_mandatory`,
//! `validate_update_after_submit`) and frappe/model/base_document.py (`get_invalid_links`,
//! `_validate_selects`, `_validate_length`).

use serde_json::Value;

use super::{items, returns_of};
use crate::document::{Document, docstatus, rows, rows_mut, set_text, text};
use crate::limits::DATA_LENGTH_MAX;
use crate::meta::{Doctype, Kind, doctype as doctype_of};
use crate::refusal::Refusal;
use crate::state::{State, folded};

/// Every link leads to a document that is there and not cancelled. An unknown item is 404
/// (observed), anything else unknown is 417.
pub(super) fn links(
    state: &State,
    doctype: &'static Doctype,
    document: &mut Document,
) -> Result<(), Refusal> {
    let mut missing = Vec::new();
    let mut cancelled = Vec::new();
    linked(state, doctype, document, "", &mut missing, &mut cancelled)?;
    for field in doctype.fields {
        if let Kind::Table(of) = field.kind {
            let of = doctype_of(of).expect("rows of a known doctype");
            for (at, row) in rows_mut(document, field.name).enumerate() {
                let prefix = format!("Row #{}: ", at + 1);
                linked(state, of, row, &prefix, &mut missing, &mut cancelled)?;
            }
        }
    }
    if !missing.is_empty() {
        let message = format!("Could not find {}", missing.join(", "));
        return Err(Refusal::of_kind("LinkValidationError", message));
    }
    if !cancelled.is_empty() {
        let message = format!("Cannot link cancelled document: {}", cancelled.join(", "));
        return Err(Refusal::of_kind("CancelledLinkError", message));
    }
    Ok(())
}

fn linked(
    state: &State,
    doctype: &'static Doctype,
    document: &mut Document,
    prefix: &str,
    missing: &mut Vec<String>,
    cancelled: &mut Vec<String>,
) -> Result<(), Refusal> {
    for field in doctype.fields {
        let Kind::Link(to) = field.kind else { continue };
        let name = text(document, field.name).to_owned();
        if name.is_empty() {
            continue;
        }
        if to == "Item" {
            items::find(state, &name)?;
        }
        let told = format!("{prefix}{}: {name}", field.label);
        match state.store.find(to, &name) {
            None => missing.push(told),
            Some(target) if docstatus(target) == 2 && field.name != "amended_from" => {
                cancelled.push(told);
            }
            // The name is kept as the target writes it.
            Some(target) => set_text(document, field.name, text(target, "name")),
        }
    }
    Ok(())
}

/// Mandatory fields hold something, choices are among the choices, texts fit.
pub(super) fn values(
    state: &State,
    doctype: &'static Doctype,
    document: &Document,
) -> Result<(), Refusal> {
    let name = text(document, "name");
    let mut missing = Vec::new();
    for field in doctype.fields {
        if field.required && is_blank(document.get(field.name)) {
            let message = match field.kind {
                Kind::Table(_) => format!("Error: Data missing in table: {}", field.label),
                _ => format!("Error: Value missing for {}: {}", doctype.name, field.label),
            };
            missing.push((field.name, message));
        }
        if let Kind::Table(of) = field.kind {
            let of = doctype_of(of).expect("rows of a known doctype");
            for (at, row) in rows(document, field.name).enumerate() {
                let blank = of.fields.iter().filter(|field| field.required);
                for blank in blank.filter(|field| is_blank(row.get(field.name))) {
                    let message = format!(
                        "Error: <strong>{}</strong> Row #{}: Value missing for: {}",
                        of.name,
                        at + 1,
                        blank.label
                    );
                    missing.push((blank.name, message));
                }
                plain_values(of, row, text(row, "name"))?;
            }
        }
    }
    if !missing.is_empty() {
        return Err(Refusal::mandatory(doctype.name, name, &missing));
    }
    plain_values(doctype, document, name)?;
    for field in state.store.custom(doctype.name) {
        if field.fieldtype == "Data" {
            fits(doctype.name, name, &field.label, text(document, &field.name))?;
        }
    }
    Ok(())
}

fn plain_values(doctype: &'static Doctype, document: &Document, name: &str) -> Result<(), Refusal> {
    for field in doctype.fields {
        let value = text(document, field.name);
        match field.kind {
            Kind::Select(choices) if !value.is_empty() && !choices.contains(&value) => {
                let choices: Vec<String> =
                    choices.iter().map(|choice| format!("\"{choice}\"")).collect();
                return Err(Refusal::validation(format!(
                    "{} cannot be \"{value}\". It should be one of {}",
                    field.label,
                    choices.join(", ")
                )));
            }
            Kind::Data | Kind::Link(_) => fits(doctype.name, name, field.label, value)?,
            _ => {}
        }
    }
    Ok(())
}

fn fits(doctype: &str, name: &str, label: &str, value: &str) -> Result<(), Refusal> {
    if value.chars().count() <= DATA_LENGTH_MAX {
        return Ok(());
    }
    Err(Refusal::of_kind(
        "CharacterLengthExceededError",
        format!(
            "{doctype} {name}: '{label}' ({value}) will get truncated, as max characters allowed is {DATA_LENGTH_MAX}"
        ),
    ))
}

fn is_blank(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.trim().is_empty(),
        Some(Value::Array(rows)) => rows.is_empty(),
        Some(_) => false,
    }
}

/// No other document holds a unique value of this one, whatever its state: a draft and a cancelled
/// document hold theirs. It is an index of the database, so of several at once one wins (observed).
pub(super) fn unique(
    state: &State,
    doctype: &'static Doctype,
    document: &Document,
) -> Result<(), Refusal> {
    let name = text(document, "name");
    for field in state.store.custom(doctype.name).iter().filter(|field| field.unique) {
        let value = text(document, &field.name);
        let holder = state.store.holder(doctype.name, &field.name, value);
        if holder.is_some_and(|holder| folded(holder) != folded(name)) {
            return Err(Refusal::unique(doctype.name, name, &field.name, &field.label, value));
        }
    }
    Ok(())
}

/// A submitted document changed only where it may.
pub(super) fn unchanged(
    state: &State,
    doctype: &'static Doctype,
    before: &Document,
    after: &Document,
) -> Result<(), Refusal> {
    for (name, value) in after {
        let (label, free) = match doctype.field(name) {
            Some(field) => (field.label, field.after_submit),
            None => match state.store.custom(doctype.name).iter().find(|own| own.name == *name) {
                Some(field) => (field.label.as_str(), field.after_submit),
                None => continue,
            },
        };
        let was = before.get(name).unwrap_or(&Value::Null);
        if free || same(was, value) {
            continue;
        }
        return Err(Refusal::of_kind(
            "UpdateAfterSubmitError",
            format!(
                "Not allowed to change <strong>{label}</strong> after submission from <strong>{was}</strong> to <strong>{value}</strong>"
            ),
        ));
    }
    Ok(())
}

/// Rows that were sent again are the same if every value that was sent is.
fn same(was: &Value, is: &Value) -> bool {
    match (was, is) {
        (Value::Array(was), Value::Array(is)) => {
            was.len() == is.len() && was.iter().zip(is).all(|(was, is)| same(was, is))
        }
        (Value::Object(was), Value::Object(is)) => is
            .iter()
            .filter(|(name, _)| *name != "idx")
            .all(|(name, value)| was.get(name).is_some_and(|was| same(was, value))),
        (was, is) => was == is,
    }
}

/// An invoice that a submitted return refers to cannot be cancelled (frappe/model/delete_doc.py,
/// `check_if_doc_is_linked`).
pub(super) fn not_linked(
    state: &State,
    doctype: &'static Doctype,
    name: &str,
) -> Result<(), Refusal> {
    let linking = returns_of(state, name).next().filter(|_| doctype.name == "Sales Invoice");
    match linking {
        None => Ok(()),
        Some(other) => Err(Refusal::of_kind(
            "LinkExistsError",
            format!(
                "Cannot delete or cancel because Sales Invoice {name} is linked with Sales Invoice {}",
                text(other, "name")
            ),
        )),
    }
}
