//! Custom Field: a field that a client adds to a doctype, possibly unique.
//!
//! Source: frappe/custom/doctype/custom_field/custom_field.py (`autoname`, `set_fieldname`,
//! `validate`). Only created and read; changing or deleting one is not simulated.

use jiff::civil::DateTime;
use serde_json::json;

use super::{checks, shape};
use crate::document::{Document, checked, set_text, text};
use crate::meta::{Use, doctype as doctype_of};
use crate::refusal::Refusal;
use crate::state::{CustomField, State};
use crate::time;

const TYPES: [&str; 7] = ["Data", "Small Text", "Int", "Check", "Float", "Currency", "Date"];

pub(super) fn create(
    state: &mut State,
    payload: &Document,
    now: DateTime,
) -> Result<Document, Refusal> {
    let doctype = doctype_of("Custom Field").expect("it is among the doctypes");
    let mut document = shape::shape(state, doctype, payload, Document::new())?;
    let on = text(&document, "dt").to_owned();
    let Some(target) = doctype_of(&on).filter(|target| target.usage != Use::Rows) else {
        return Err(Refusal::not_simulated(format!("a custom field of {on}")));
    };
    if target.usage == Use::Read || !TYPES.contains(&text(&document, "fieldtype")) {
        return Err(Refusal::not_simulated("a custom field of this doctype or type"));
    }
    let fieldname = fieldname(&document)?;
    let known = target.field(&fieldname).is_some()
        || state.store.custom(&on).iter().any(|field| field.name == fieldname);
    if known {
        return Err(Refusal::validation(format!(
            "A field with the name <strong>{fieldname}</strong> already exists in {on}"
        )));
    }
    set_text(&mut document, "fieldname", &fieldname);
    set_text(&mut document, "name", &format!("{on}-{fieldname}"));
    set_text(&mut document, "doctype", "Custom Field");
    for (field, value) in [("creation", time::stamp(now)), ("modified", time::stamp(now))] {
        set_text(&mut document, field, &value);
    }
    document.insert("docstatus".to_owned(), json!(0));
    checks::values(state, doctype, &document)?;
    shape::finish(doctype, &mut document, &mut state.chance);
    let label = text(&document, "label");
    let field = CustomField {
        label: if label.is_empty() { fieldname.clone() } else { label.to_owned() },
        name: fieldname,
        fieldtype: text(&document, "fieldtype").to_owned(),
        unique: checked(&document, "unique"),
        after_submit: checked(&document, "allow_on_submit"),
    };
    state.store.add_custom(&on, field);
    state.store.write("Custom Field", document.clone());
    Ok(document)
}

/// The name that was given, in lower case; else `custom_` and the label.
fn fieldname(document: &Document) -> Result<String, Refusal> {
    let given = text(document, "fieldname");
    if !given.is_empty() {
        return Ok(given.to_lowercase());
    }
    let label = text(document, "label");
    if label.is_empty() {
        return Err(Refusal::validation("Label is mandatory"));
    }
    let plain: String = label
        .chars()
        .map(|sign| if sign.is_ascii_alphanumeric() { sign.to_ascii_lowercase() } else { '_' })
        .collect();
    Ok(format!("custom_{plain}"))
}
