//! The kinds of target that there are, and the way from a configuration to a connector.
//!
//! A new kind is its folder and one entry here. Each kind's settings are its own type: this file
//! only hands them over. Does not read the configuration file and calls no target.

use std::sync::Arc;

use protocol::id::TargetId;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Connector, Targets, erpnext, shopify};
use crate::http::Http;

/// The kinds of target.
pub const KINDS: &[Kind] = &[
    Kind {
        name: "erpnext",
        schema: schema_of::<erpnext::Settings>,
        build: |_, table, http| {
            let built = erpnext::from_config(settings(table)?, http.client().clone());
            built.map_err(|error| refused(error.key, error.reason, error.next))
        },
    },
    Kind {
        name: "shopify",
        schema: schema_of::<shopify::Settings>,
        build: |_, table, http| {
            let built = shopify::from_config(settings(table)?, http.client().clone());
            built.map_err(|error| refused(error.key, error.reason, error.next))
        },
    },
];

/// One kind of target.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// What stands after `kind =`.
    pub name: &'static str,
    /// The schema of its settings, from which the sample and the check are made:
    /// `schema_of::<Settings>`. `kind` itself is no part of it.
    pub schema: fn() -> Value,
    /// Makes a connector of the target's name and the table under `[targets.NAME]` without
    /// `kind`; [`settings`] turns the table into the kind's own type.
    pub build: Build,
}

/// Makes a connector; calls no target.
pub type Build = fn(&TargetId, toml::Table, &Http) -> Result<Arc<dyn Connector>, SettingsError>;

/// Settings that a connector cannot use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct SettingsError {
    /// The key below `[targets.NAME]`, if it is one key's fault.
    pub key: Option<String>,
    /// What is wrong, without a secret.
    pub reason: String,
    /// What to do.
    pub next: String,
}

/// Settings that are refused because of one key.
fn refused(key: &str, reason: String, next: String) -> SettingsError {
    SettingsError { key: Some(key.to_owned()), reason, next }
}

/// The schema of a settings type.
#[must_use]
pub fn schema_of<T: JsonSchema>() -> Value {
    schemars::schema_for!(T).to_value()
}

/// Reads a connector's settings.
///
/// # Errors
/// A key is missing or has a value of the wrong kind.
pub fn settings<T: DeserializeOwned>(table: toml::Table) -> Result<T, SettingsError> {
    table.try_into().map_err(|error: toml::de::Error| SettingsError {
        key: None,
        reason: error.message().to_owned(),
        next: "see `storekeep-relay config sample` for every key".to_owned(),
    })
}

/// The kind with a name.
#[must_use]
pub fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}

/// Makes the connector of one target.
///
/// # Errors
/// The kind is missing or unknown, or its settings cannot be used.
pub fn build(
    target: &TargetId,
    table: &toml::Table,
    http: &Http,
) -> Result<Arc<dyn Connector>, SettingsError> {
    let mut table = table.clone();
    let stated = table.remove("kind");
    let name = stated.as_ref().and_then(toml::Value::as_str).unwrap_or_default();
    match kind(name) {
        Some(kind) => (kind.build)(target, table, http),
        None => Err(SettingsError {
            key: Some("kind".to_owned()),
            reason: format!("`{name}` is no kind of target"),
            next: match names().as_str() {
                "" => "remove the target: this program has no connector".to_owned(),
                names => format!("use one of: {names}"),
            },
        }),
    }
}

/// Makes the connectors of all targets.
///
/// # Errors
/// The first target whose settings cannot be used, with its name.
pub fn build_all<'a>(
    tables: impl IntoIterator<Item = (&'a TargetId, &'a toml::Table)>,
    http: &Http,
) -> Result<Targets, (TargetId, SettingsError)> {
    let mut targets = Targets::new();
    for (target, table) in tables {
        let connector = build(target, table, http).map_err(|error| (target.clone(), error))?;
        targets.insert(target.clone(), connector);
    }
    Ok(targets)
}

/// The names of the kinds, for messages.
#[must_use]
pub fn names() -> String {
    KINDS.iter().map(|kind| kind.name).collect::<Vec<_>>().join(", ")
}
