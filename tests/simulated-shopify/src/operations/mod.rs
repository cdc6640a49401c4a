//! The mutations: each checks its input by the real API's rules, changes the state, and says what
//! came of it.
//!
//! What came of it is a [`Payload`]: positions in the state, not an answer. Answers are rendered
//! from the state afterwards, so that a replay shows the records as they are then (README, R19).

mod inventory_adjust;
mod inventory_set;
mod inventory_shared;
mod metafield_definition_create;
mod order_create;
mod order_input;
mod refund_create;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::idempotency::{Begun, Holder};
use crate::state::{OrderIndex, State};

pub(crate) use self::refund_create::{net_payment, received, refunded};

/// What came of a mutation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Payload {
    OrderCreate { order: Option<OrderIndex>, errors: Vec<UserError> },
    RefundCreate { order: Option<OrderIndex>, refund: Option<usize>, errors: Vec<UserError> },
    InventoryAdjust { group: Option<usize>, errors: Vec<UserError> },
    InventorySet { group: Option<usize>, errors: Vec<UserError> },
    DefinitionCreate { definition: Option<usize>, errors: Vec<UserError> },
}

impl Payload {
    pub(crate) fn errors(&self) -> &[UserError] {
        match self {
            Self::OrderCreate { errors, .. }
            | Self::RefundCreate { errors, .. }
            | Self::InventoryAdjust { errors, .. }
            | Self::InventorySet { errors, .. }
            | Self::DefinitionCreate { errors, .. } => errors,
        }
    }
}

/// An entry of `userErrors`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UserError {
    field: Value,
    message: String,
    code: Option<&'static str>,
}

impl UserError {
    /// An error about the field at this path; an empty path is `null`. Positions stand in it as
    /// text, as in `["input", "changes", "0"]` (README, R50).
    pub(crate) fn at(path: &[&str], message: impl Into<String>) -> Self {
        let field = if path.is_empty() { Value::Null } else { json!(path) };
        Self { field, message: message.into(), code: None }
    }

    pub(crate) fn with_code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    /// Replaces the path by one whose positions are numbers, as `orderCreate` writes them (README,
    /// R28).
    pub(crate) fn with_field(mut self, field: Value) -> Self {
        self.field = field;
        self
    }

    pub(crate) fn to_json(&self) -> Value {
        json!({ "field": self.field, "message": self.message, "code": self.code })
    }
}

/// A top-level error about one root field, which is then `null`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) message: String,
    pub(crate) code: &'static str,
}

/// A call of a mutation.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) root_field: &'a str,
    pub(crate) arguments: &'a Map<String, Value>,
    /// The key of `@idempotent`.
    pub(crate) key: Option<&'a str>,
    /// The request, which may hold keys that it claimed before it was held.
    pub(crate) holder: Holder,
    pub(crate) now: Timestamp,
    /// A search lag that replaces the drawn one.
    pub(crate) hidden_for_seconds: Option<u32>,
}

impl Call<'_> {
    fn input(&self, name: &str) -> Value {
        self.arguments.get(name).cloned().unwrap_or(Value::Null)
    }

    /// What an idempotency key stands for: the field and its arguments.
    fn fingerprint(&self) -> String {
        format!("{} {}", self.root_field, Value::Object(self.arguments.clone()))
    }
}

/// The mutations of this shop that need `@idempotent` (README, R17).
fn needs_key(root_field: &str) -> bool {
    matches!(root_field, "refundCreate" | "inventoryAdjustQuantities" | "inventorySetQuantities")
}

/// Does a mutation, at most once for its idempotency key.
pub(crate) fn mutate(state: &mut State, call: &Call<'_>) -> Result<Payload, Refusal> {
    refuse_missing_compare(call)?;
    if !needs_key(call.root_field) {
        return apply(state, call, "");
    }
    let key = required_key(call)?;
    match state.keys.begin(key, &call.fingerprint(), call.holder, call.now) {
        Begun::Fresh => {}
        Begun::Replay(payload) => {
            state.counters.replayed += 1;
            return Ok(payload);
        }
        Begun::Concurrent => {
            return Ok(key_refused(
                call,
                "IDEMPOTENCY_CONCURRENT_REQUEST",
                "This request is currently in progress, please try again.",
            ));
        }
        Begun::Mismatch => {
            return Ok(key_refused(
                call,
                "IDEMPOTENCY_KEY_PARAMETER_MISMATCH",
                "The same idempotency key cannot be used with different operation parameters.",
            ));
        }
        Begun::PreviousFailed => {
            return Ok(key_refused(
                call,
                "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED",
                "A previous request with this idempotency key failed. Retry with a new idempotency key.",
            ));
        }
    }
    let payload = apply(state, call, key)?;
    let outcome = payload.errors().is_empty().then(|| payload.clone());
    state.keys.finish(key, outcome);
    Ok(payload)
}

/// Claims the key of a call that will be applied later, so that a second request meanwhile is a
/// concurrent one.
pub(crate) fn claim(state: &mut State, call: &Call<'_>) {
    if let (true, Some(key)) = (needs_key(call.root_field), call.key) {
        state.keys.begin(key, &call.fingerprint(), call.holder, call.now);
    }
}

fn required_key<'a>(call: &Call<'a>) -> Result<&'a str, Refusal> {
    match call.key {
        Some(key) if !key.trim().is_empty() => Ok(key),
        // README, R18: the message is the schema's.
        Some(_) => Err(Refusal {
            message: "The idempotency key cannot be an empty string or whitespace only.".to_owned(),
            code: "BAD_REQUEST",
        }),
        // README, R17.
        None => Err(Refusal {
            message:
                "The @idempotent directive is required for this mutation but was not provided."
                    .to_owned(),
            code: "BAD_REQUEST",
        }),
    }
}

/// `changeFromQuantity` must be present in every change, though the schema calls it nullable
/// (README, R48).
fn refuse_missing_compare(call: &Call<'_>) -> Result<(), Refusal> {
    let (list, type_name) = match call.root_field {
        "inventoryAdjustQuantities" => ("changes", "InventoryChangeInput"),
        "inventorySetQuantities" => ("quantities", "InventoryQuantityInput"),
        _ => return Ok(()),
    };
    let input = call.arguments.get("input").unwrap_or(&Value::Null);
    let changes = input.get(list).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if changes.iter().all(|change| change.get("changeFromQuantity").is_some()) {
        return Ok(());
    }
    Err(Refusal {
        message: format!("{type_name} must include the following argument: changeFromQuantity."),
        code: "INVALID_FIELD_ARGUMENTS",
    })
}

fn apply(state: &mut State, call: &Call<'_>, key: &str) -> Result<Payload, Refusal> {
    match call.root_field {
        "orderCreate" => Ok(order_create::apply(state, call)),
        "refundCreate" => Ok(refund_create::apply(state, call, key)),
        "inventoryAdjustQuantities" => Ok(inventory_adjust::apply(state, call, key)),
        "inventorySetQuantities" => Ok(inventory_set::apply(state, call, key)),
        "metafieldDefinitionCreate" => Ok(metafield_definition_create::apply(state, call)),
        other => Err(not_simulated(&format!("Mutation.{other}"))),
    }
}

/// What this shop does not model is refused, never made up (README, R11).
pub(crate) fn not_simulated(what: &str) -> Refusal {
    Refusal { message: format!("{what} is not simulated."), code: "NOT_SIMULATED" }
}

/// A refusal of an idempotency key. `refundCreate` has plain `UserError`s, so that there only the
/// message tells (README, R24).
fn key_refused(call: &Call<'_>, code: &'static str, message: &str) -> Payload {
    let errors = vec![UserError::at(&[], message).with_code(code)];
    match call.root_field {
        "refundCreate" => Payload::RefundCreate { order: None, refund: None, errors },
        "inventorySetQuantities" => Payload::InventorySet { group: None, errors },
        _ => Payload::InventoryAdjust { group: None, errors },
    }
}
