//! Names of new documents.
//!
//! Sources: frappe/model/naming.py. A `name` that the client sends is ignored under a naming series
//! (observed). A refused document takes no number, because the counter's row is rolled back with
//! it. An amendment is called after what it amends.

use jiff::civil::DateTime;

use crate::document::{Document, docstatus, text};
use crate::limits::SERIES_DIGITS;
use crate::meta::Doctype;
use crate::refusal::Refusal;
use crate::state::State;

/// A name, and the counter that it takes from.
#[derive(Debug)]
pub(super) struct NewName {
    pub(super) name: String,
    pub(super) prefix: Option<String>,
    pub(super) number: u64,
}

pub(super) fn name(
    state: &State,
    doctype: &'static Doctype,
    document: &Document,
    now: DateTime,
) -> Result<NewName, Refusal> {
    let plain = |name: String| NewName { name, prefix: None, number: 0 };
    match doctype.name {
        "Customer" => Ok(plain(customer(state, text(document, "customer_name")))),
        "Item" => {
            let code = text(document, "item_code");
            match state.store.find("Item", code) {
                Some(_) => Err(Refusal::duplicate_name("Item", code)),
                None => Ok(plain(code.to_owned())),
            }
        }
        _ if !text(document, "amended_from").is_empty() => {
            amended(state, doctype, text(document, "amended_from")).map(plain)
        }
        _ => series(state, doctype, document, now),
    }
}

fn series(
    state: &State,
    doctype: &'static Doctype,
    document: &Document,
    now: DateTime,
) -> Result<NewName, Refusal> {
    let asked = text(document, "naming_series");
    let series = if asked.is_empty() { doctype.series[0] } else { asked };
    if !doctype.series.contains(&series) {
        return Err(Refusal::not_simulated(format!("naming series {series}")));
    }
    let prefix = series.replace(".YYYY.", &now.year().to_string());
    let number = state.series.get(&prefix).copied().unwrap_or_default() + 1;
    let name = format!("{prefix}{number:0SERIES_DIGITS$}");
    Ok(NewName { name, prefix: Some(prefix), number })
}

/// The number of a deleted document is given out again if it was the last of its series
/// (`revert_series_if_last`): a name is no identity.
pub(super) fn give_back(state: &mut State, name: &str) {
    for (prefix, number) in &mut state.series {
        if *number > 0 && name == format!("{prefix}{number:0SERIES_DIGITS$}") {
            *number -= 1;
        }
    }
}

/// `_set_amended_name`: `-1` after the first, and the next number after an amendment.
fn amended(state: &State, doctype: &'static Doctype, from: &str) -> Result<String, Refusal> {
    let original = state
        .store
        .find(doctype.name, from)
        .ok_or_else(|| Refusal::not_found(doctype.name, from))?;
    if docstatus(original) != 2 {
        return Err(Refusal::not_simulated("amending a document that is not cancelled"));
    }
    let next = match from.rsplit_once('-') {
        Some((stem, number)) if !text(original, "amended_from").is_empty() => {
            let number: u64 = number.parse().unwrap_or_default();
            format!("{stem}-{}", number + 1)
        }
        _ => format!("{from}-1"),
    };
    match state.store.find(doctype.name, &next) {
        Some(_) => Err(Refusal::duplicate_name(doctype.name, &next)),
        None => Ok(next),
    }
}

/// A second customer of the same name gets a number
/// (erpnext/selling/doctype/customer/customer.py, `get_customer_name`).
fn customer(state: &State, name: &str) -> String {
    let mut candidate = name.to_owned();
    let mut number = 0_u64;
    while state.store.find("Customer", &candidate).is_some() {
        number += 1;
        candidate = format!("{name} - {number}");
    }
    candidate
}
