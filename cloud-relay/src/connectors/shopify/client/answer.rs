//! Reading an answer: data, user errors, top-level errors, THROTTLED as HTTP 200.
//!
//! Shapes as recorded from the Admin API 2026-04 to 2026-10. Does no I/O.

use std::time::Duration;

use serde_json::Value;

use super::Answer;
use crate::connectors::{BudgetReading, Reply};

/// A top-level error: the request did not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::connectors::shopify) struct GraphqlError {
    /// `extensions.code`, if there is one.
    pub(in crate::connectors::shopify) code: String,
    /// The message.
    pub(in crate::connectors::shopify) message: String,
}

/// An error of a mutation's payload: the mutation was not applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::connectors::shopify) struct UserError {
    /// Its code; `refundCreate` has none.
    pub(in crate::connectors::shopify) code: String,
    /// The path of the input at fault.
    pub(in crate::connectors::shopify) field: Vec<String>,
    /// The message.
    pub(in crate::connectors::shopify) message: String,
}

/// The wait when a throttled answer tells no cost.
const THROTTLED_DEFAULT: Duration = Duration::from_secs(1);

/// What an answer with status 200 proves.
pub(in crate::connectors::shopify) fn classify(body: &Value) -> Reply<Answer> {
    let reading = budget(body);
    let outcome = match body.get("errors").and_then(Value::as_array) {
        Some(errors) if !errors.is_empty() => classify_errors(body, errors),
        _ => match body.get("data") {
            Some(data) if !data.is_null() => Answer::Data(data.clone()),
            _ => Answer::Unknown("Shopify answers without data and without errors".into()),
        },
    };
    Reply { outcome, budget: reading }
}

fn classify_errors(body: &Value, errors: &[Value]) -> Answer {
    let errors: Vec<GraphqlError> = errors.iter().map(read_error).collect();
    let has = |code: &str| errors.iter().any(|error| error.code == code);
    if has("THROTTLED") {
        return Answer::Throttled(throttled_wait(body));
    }
    if has("INTERNAL_SERVER_ERROR") || has("TIMEOUT") {
        return Answer::Unknown(format!("Shopify answers {}", join(&errors)));
    }
    if has("ACCESS_DENIED") {
        let reason = format!(
            "Shopify denies access ({}): give the app the missing scope and install it again",
            join(&errors)
        );
        return Answer::Paused { after: super::CREDENTIALS_PAUSE, reason };
    }
    let ran = body
        .get("data")
        .and_then(Value::as_object)
        .is_some_and(|data| data.values().any(|value| !value.is_null()));
    if ran {
        return Answer::Unknown(format!("Shopify answers data and errors: {}", join(&errors)));
    }
    Answer::Refused(errors)
}

fn read_error(error: &Value) -> GraphqlError {
    let text = |pointer: &str| {
        error.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    GraphqlError { code: text("/extensions/code"), message: text("/message") }
}

/// Waits until the bucket holds what was asked for: (requested − available) / restore rate.
fn throttled_wait(body: &Value) -> Duration {
    let requested = body.pointer("/extensions/cost/requestedQueryCost").and_then(Value::as_u64);
    let (Some(requested), Some(reading)) = (requested, budget(body)) else {
        return THROTTLED_DEFAULT;
    };
    let missing = requested.saturating_sub(u64::from(reading.available)).max(1);
    let rate = u64::from(reading.restored_per_second).max(1);
    Duration::from_millis(missing.saturating_mul(1_000).div_ceil(rate))
}

/// The wait that a `Retry-After` header states in seconds; Shopify writes `2.0`.
pub(in crate::connectors::shopify) fn retry_after(value: &str) -> Option<Duration> {
    let whole: u64 = value.trim().split('.').next()?.parse().ok()?;
    Some(Duration::from_secs(whole.max(1)))
}

/// The user errors of a mutation's payload.
pub(in crate::connectors::shopify) fn user_errors(payload: &Value) -> Vec<UserError> {
    let errors = payload.get("userErrors").and_then(Value::as_array);
    errors.into_iter().flatten().map(read_user_error).collect()
}

/// What user errors say, in one sentence.
pub(in crate::connectors::shopify) fn said(errors: &[UserError]) -> String {
    let words: Vec<String> = errors
        .iter()
        .map(|error| {
            let path = error.field.join(".");
            let words = if error.message.is_empty() { &error.code } else { &error.message };
            if path.is_empty() { words.clone() } else { format!("{path}: {words}") }
        })
        .collect();
    words.join("; ")
}

fn read_user_error(error: &Value) -> UserError {
    let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let field = error.get("field").and_then(Value::as_array).into_iter().flatten();
    UserError {
        code: text("code"),
        field: field
            .map(|part| part.as_str().map_or_else(|| part.to_string(), str::to_owned))
            .collect(),
        message: text("message"),
    }
}

pub(super) fn join(errors: &[GraphqlError]) -> String {
    let words: Vec<String> = errors
        .iter()
        .map(|error| if error.code.is_empty() { error.message.clone() } else { error.code.clone() })
        .collect();
    words.join(", ")
}

/// The budget that an answer's `extensions.cost` tells of.
fn budget(body: &Value) -> Option<BudgetReading> {
    let status = body.pointer("/extensions/cost/throttleStatus")?;
    let whole = |name: &str| {
        let value = status.get(name)?;
        let number =
            value.as_u64().or_else(|| value.to_string().split('.').next()?.parse().ok())?;
        u32::try_from(number).ok()
    };
    Some(BudgetReading {
        maximum: whole("maximumAvailable")?,
        available: whole("currentlyAvailable")?,
        restored_per_second: whole("restoreRate")?,
    })
}
