//! What adjusting and setting stock have in common: reasons, references, pairs, and the record of
//! what changed.
//!
//! One refused change refuses the whole call (README, R50).

use jiff::Timestamp;
use serde_json::Value;

use super::{Call, UserError};
use crate::ids::{Gid, Kind};
use crate::records::{AdjustmentGroup, Change};
use crate::state::State;

/// README, R52.
const REASONS: [&str; 17] = [
    "correction",
    "cycle_count_available",
    "damaged",
    "movement_canceled",
    "movement_created",
    "movement_received",
    "movement_updated",
    "other",
    "promotion",
    "quality_control",
    "received",
    "reservation_created",
    "reservation_deleted",
    "reservation_updated",
    "restock",
    "safety_stock",
    "shrinkage",
];

/// A quantity that a call wants to change, once item and location are known.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) item: Gid,
    pub(super) location: Gid,
    pub(super) delta: i64,
    pub(super) ledger_document_uri: Option<String>,
}

pub(super) fn text<'a>(input: &'a Value, name: &str) -> &'a str {
    input.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The errors about the call as a whole: its reason and what it refers to.
pub(super) fn refuse_frame(input: &Value) -> Vec<UserError> {
    let mut errors = Vec::new();
    if !REASONS.contains(&text(input, "reason")) {
        let message =
            format!("The specified reason is invalid. Valid values are: {}.", REASONS.join(", "));
        errors.push(UserError::at(&["input", "reason"], message).with_code("INVALID_REASON"));
    }
    let uri = input.get("referenceDocumentUri").and_then(Value::as_str);
    if uri.is_some_and(|uri| !is_document_uri(uri)) {
        let message = "The specified reference document is invalid.";
        errors.push(
            UserError::at(&["input", "referenceDocumentUri"], message)
                .with_code("INVALID_REFERENCE_DOCUMENT"),
        );
    }
    errors
}

/// "Valid URI with scheme and content. For GID format, all components (app, entity, id) must be
/// present." (README, R55).
fn is_document_uri(uri: &str) -> bool {
    let Some((scheme, content)) = uri.split_once("://") else {
        return false;
    };
    let scheme_is_valid = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    let content_is_valid = !content.is_empty() && !content.contains(char::is_whitespace);
    let parts = content.split('/').filter(|part| !part.is_empty()).count();
    scheme_is_valid && content_is_valid && (scheme != "gid" || parts >= 3)
}

/// The item and the location of a change; or the errors about them. Both are reported (README,
/// R50, R51).
pub(super) fn pair(
    state: &State,
    change: &Value,
    path: [&str; 3],
) -> Result<(Gid, Gid), Vec<UserError>> {
    let [input, list, index] = path;
    let mut errors = Vec::new();
    let item: Option<Gid> = text(change, "inventoryItemId").parse().ok();
    let item = item.filter(|item| item.kind == Kind::InventoryItem);
    let variant = item.and_then(|item| state.variant(item));
    match variant {
        None => errors.push(
            UserError::at(
                &[input, list, index, "inventoryItemId"],
                "The specified inventory item could not be found.",
            )
            .with_code("INVALID_INVENTORY_ITEM"),
        ),
        Some(variant) if variant.bundle => errors.push(
            UserError::at(
                &[input, list, index, "inventoryItemId"],
                "The specified inventory item is not allowed to be adjusted via API. Example: if the inventory item is a parent bundle.",
            )
            .with_code("NON_MUTABLE_INVENTORY_ITEM"),
        ),
        Some(_) => {}
    }
    let location = state.location(text(change, "locationId"));
    if location.is_none() {
        errors.push(
            UserError::at(
                &[input, list, index, "locationId"],
                "The specified location could not be found.",
            )
            .with_code("INVALID_LOCATION"),
        );
    }
    match (variant, location) {
        (Some(variant), Some(location)) if errors.is_empty() => {
            Ok((variant.item_gid(), location.gid()))
        }
        _ => Err(errors),
    }
}

/// Changes the stock and records it; `None` if nothing changes (README, R56).
pub(super) fn record(
    state: &mut State,
    call: &Call<'_>,
    key: &str,
    input: &Value,
    name: &str,
    wanted: Vec<Wanted>,
) -> Option<usize> {
    let now: Timestamp = call.now;
    let mut changes = Vec::new();
    for Wanted { item, location, delta, ledger_document_uri } in wanted {
        if delta == 0 {
            continue;
        }
        state.stock.change(item, location, name, delta, now);
        // A count of what is on hand changes what is available, and every quantity but `incoming`
        // is on hand (README, R57, R58).
        let name = if name == "on_hand" { "available" } else { name };
        let change = |name: &str, ledger_document_uri| Change {
            name: name.to_owned(),
            delta,
            item,
            location,
            ledger_document_uri,
        };
        changes.push(change(name, ledger_document_uri));
        if name != "incoming" {
            changes.push(change("on_hand", None));
        }
    }
    if changes.is_empty() {
        return None;
    }
    state.groups.push(AdjustmentGroup {
        id: state.numbers.next(Kind::InventoryAdjustmentGroup),
        operation: call.root_field.to_owned(),
        created_at: now,
        reason: text(input, "reason").to_owned(),
        reference_document_uri: input
            .get("referenceDocumentUri")
            .and_then(Value::as_str)
            .map(str::to_owned),
        idempotency_key: key.to_owned(),
        changes,
    });
    state.groups.len().checked_sub(1)
}
