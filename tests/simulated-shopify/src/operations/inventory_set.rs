//! `inventorySetQuantities`: sets counts, compared with what was expected, all or none.
//!
//! README, R48 to R53 and R57 to R61.

use std::collections::HashMap;

use serde_json::Value;

use super::inventory_shared::{Wanted, pair, record, refuse_frame, text};
use super::{Call, Payload, UserError};
use crate::limits::SET_QUANTITY_MAX;
use crate::state::State;

pub(super) fn apply(state: &mut State, call: &Call<'_>, key: &str) -> Payload {
    let input = call.input("input");
    match check(state, &input) {
        Err(errors) => Payload::InventorySet { group: None, errors },
        Ok(wanted) => {
            let name = text(&input, "name");
            let group = record(state, call, key, &input, name, wanted);
            Payload::InventorySet { group, errors: Vec::new() }
        }
    }
}

fn check(state: &State, input: &Value) -> Result<Vec<Wanted>, Vec<UserError>> {
    let name = text(input, "name");
    let mut errors = refuse_frame(input);
    if !matches!(name, "available" | "on_hand") {
        let message = "The quantity name must be either 'available' or 'on_hand'.";
        errors.push(UserError::at(&["input", "name"], message).with_code("INVALID_NAME"));
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let none = Vec::new();
    let quantities = input.get("quantities").and_then(Value::as_array).unwrap_or(&none);
    errors.extend(refuse_duplicates(quantities));
    let mut wanted = Vec::new();
    for (index, change) in quantities.iter().enumerate() {
        let index = index.to_string();
        let quantity = change.get("quantity").and_then(Value::as_i64).unwrap_or(0);
        if let Some(error) = refuse_bounds(name, &index, quantity) {
            errors.push(error);
            continue;
        }
        match pair(state, change, ["input", "quantities", &index]) {
            Err(found) => errors.extend(found),
            Ok((item, location)) => {
                let before = state.stock.quantity(item, location, name);
                let expected = change.get("changeFromQuantity").and_then(Value::as_i64);
                if expected.is_some_and(|expected| expected != before) {
                    // README, R49: the message is the schema's.
                    errors.push(
                        UserError::at(
                            &["input", "quantities", &index, "changeFromQuantity"],
                            "The changeFromQuantity value does not match persisted value.",
                        )
                        .with_code("CHANGE_FROM_QUANTITY_STALE"),
                    );
                }
                let delta = quantity - before;
                wanted.push(Wanted { item, location, delta, ledger_document_uri: None });
            }
        }
    }
    if errors.is_empty() { Ok(wanted) } else { Err(errors) }
}

fn refuse_bounds(name: &str, index: &str, quantity: i64) -> Option<UserError> {
    let (message, code) = if quantity > SET_QUANTITY_MAX {
        ("The quantity can't be higher than 1,000,000,000.", "INVALID_QUANTITY_TOO_HIGH")
    } else if name == "on_hand" && quantity < 0 {
        ("The quantity can't be negative.", "INVALID_QUANTITY_NEGATIVE")
    } else if quantity < -SET_QUANTITY_MAX {
        ("The quantity can't be lower than -1,000,000,000.", "INVALID_QUANTITY_TOO_LOW")
    } else {
        return None;
    };
    let path = ["input", "quantities", index, "quantity"];
    Some(UserError::at(&path, message).with_code(code))
}

/// Every member of a repeated pair is refused (README, R60).
fn refuse_duplicates(quantities: &[Value]) -> Vec<UserError> {
    let name = |change: &Value| {
        (text(change, "inventoryItemId").to_owned(), text(change, "locationId").to_owned())
    };
    let mut times: HashMap<_, u32> = HashMap::new();
    for change in quantities {
        *times.entry(name(change)).or_default() += 1;
    }
    quantities
        .iter()
        .enumerate()
        .filter(|(_, change)| times.get(&name(change)).is_some_and(|times| *times > 1))
        .map(|(index, _)| {
            UserError::at(
                &["input", "quantities", &index.to_string(), "locationId"],
                "The combination of inventoryItemId and locationId must be unique.",
            )
            .with_code("NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR")
        })
        .collect()
}
