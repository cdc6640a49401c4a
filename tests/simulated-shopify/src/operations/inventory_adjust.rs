//! `inventoryAdjustQuantities`: changes quantities by deltas, all or none.
//!
//! README, R48 to R59 and R61.

use serde_json::Value;

use super::inventory_shared::{Wanted, pair, record, refuse_frame, text};
use super::{Call, Payload, UserError};
use crate::ids::Gid;
use crate::limits::ADJUSTED_QUANTITY_MAX;
use crate::state::State;

const NAMES: [&str; 6] =
    ["available", "damaged", "incoming", "quality_control", "reserved", "safety_stock"];

pub(super) fn apply(state: &mut State, call: &Call<'_>, key: &str) -> Payload {
    let input = call.input("input");
    match check(state, &input) {
        Err(errors) => Payload::InventoryAdjust { group: None, errors },
        Ok(wanted) => {
            let name = text(&input, "name");
            let group = record(state, call, key, &input, name, wanted);
            Payload::InventoryAdjust { group, errors: Vec::new() }
        }
    }
}

fn check(state: &State, input: &Value) -> Result<Vec<Wanted>, Vec<UserError>> {
    let name = text(input, "name");
    let mut errors = refuse_frame(input);
    if !NAMES.contains(&name) {
        let message = format!(
            "The specified quantity name is invalid. Valid values are: {}.",
            NAMES.join(", ")
        );
        errors.push(UserError::at(&["input", "name"], message).with_code("INVALID_QUANTITY_NAME"));
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let none = Vec::new();
    let changes = input.get("changes").and_then(Value::as_array).unwrap_or(&none);
    errors.extend(refuse_ledger_documents(name, changes));
    let mut wanted: Vec<Wanted> = Vec::new();
    for (index, change) in changes.iter().enumerate() {
        let index = index.to_string();
        match pair(state, change, ["input", "changes", &index]) {
            Err(found) => errors.extend(found),
            Ok((item, location)) => {
                let before = standing(state, &wanted, item, location, name);
                let delta = change.get("delta").and_then(Value::as_i64).unwrap_or(0);
                errors.extend(refuse_quantity(change, &index, before, delta));
                wanted.push(Wanted {
                    item,
                    location,
                    delta,
                    ledger_document_uri: change
                        .get("ledgerDocumentUri")
                        .and_then(Value::as_str)
                        .map(str::to_owned),
                });
            }
        }
    }
    if errors.is_empty() { Ok(wanted) } else { Err(errors) }
}

/// The quantity before a change, earlier changes of the same call included.
fn standing(state: &State, wanted: &[Wanted], item: Gid, location: Gid, name: &str) -> i64 {
    let earlier = wanted.iter().filter(|other| other.item == item && other.location == location);
    state.stock.quantity(item, location, name) + earlier.map(|other| other.delta).sum::<i64>()
}

fn refuse_quantity(change: &Value, index: &str, before: i64, delta: i64) -> Option<UserError> {
    let expected = change.get("changeFromQuantity").and_then(Value::as_i64);
    if expected.is_some_and(|expected| expected != before) {
        // README, R49: the message is the schema's.
        return Some(
            UserError::at(
                &["input", "changes", index, "changeFromQuantity"],
                "The changeFromQuantity argument no longer matches the persisted quantity.",
            )
            .with_code("CHANGE_FROM_QUANTITY_STALE"),
        );
    }
    let after = before + delta;
    let path = ["input", "changes", index, "delta"];
    if after > ADJUSTED_QUANTITY_MAX {
        let message = "The quantity can't be higher than 2,000,000,000.";
        return Some(UserError::at(&path, message).with_code("INVALID_QUANTITY_TOO_HIGH"));
    }
    if after < -ADJUSTED_QUANTITY_MAX {
        let message = "The quantity can't be lower than -2,000,000,000.";
        return Some(UserError::at(&path, message).with_code("INVALID_QUANTITY_TOO_LOW"));
    }
    None
}

/// Which changes need a ledger document, and which may have none (README, R54).
fn refuse_ledger_documents(name: &str, changes: &[Value]) -> Vec<UserError> {
    let uri =
        |change: &Value| change.get("ledgerDocumentUri").and_then(Value::as_str).map(str::to_owned);
    let mut errors = Vec::new();
    for (index, change) in changes.iter().enumerate() {
        let index = index.to_string();
        let (message, code) = match uri(change) {
            Some(_) if name == "available" => (
                "A ledger document URI is not allowed when adjusting available.",
                "INVALID_AVAILABLE_DOCUMENT",
            ),
            None if name != "available" => (
                "A ledger document URI is required except when adjusting available.",
                "INVALID_QUANTITY_DOCUMENT",
            ),
            Some(uri) if uri.starts_with("gid://shopify/") => (
                "Internal (gid://shopify/) ledger documents are not allowed to be adjusted via API.",
                "INTERNAL_LEDGER_DOCUMENT",
            ),
            _ => continue,
        };
        let path = ["input", "changes", &index, "ledgerDocumentUri"];
        errors.push(UserError::at(&path, message).with_code(code));
    }
    let mut uris: Vec<_> = changes.iter().map(uri).collect();
    uris.dedup();
    if errors.is_empty() && uris.len() > 1 {
        let message = "All changes must have the same ledger document URI or, in the case of adjusting available, no ledger document URI.";
        errors.push(
            UserError::at(&["input", "changes"], message).with_code("MAX_ONE_LEDGER_DOCUMENT"),
        );
    }
    errors
}
