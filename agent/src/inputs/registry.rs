//! The kinds of input that there are, and the way from a configuration to an input.
//!
//! A new kind is its folder and one entry here. Each kind's settings are its own type: this file
//! only hands them over. Does not read the configuration file and opens no source.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Input, database, events, poslog, printer, table, tlog4690};

/// A suggestion that shares less than this with what stands there is a guess.
const LIKENESS_MIN: f64 = 0.7;

/// The kinds of input.
pub const KINDS: &[Kind] = &[
    Kind {
        name: "database",
        schema: schema_of::<database::Settings>,
        build: |table| database::from_settings(settings(table)?),
    },
    Kind {
        name: "events",
        schema: schema_of::<events::Settings>,
        build: |table| events::from_settings(settings(table)?),
    },
    Kind {
        name: "poslog",
        schema: schema_of::<poslog::Settings>,
        build: |table| poslog::from_settings(settings(table)?),
    },
    Kind {
        name: "table",
        schema: schema_of::<table::Settings>,
        build: |table| table::from_settings(settings(table)?),
    },
    Kind {
        name: "printer",
        schema: schema_of::<printer::Settings>,
        build: |table| printer::from_settings(&settings(table)?),
    },
    Kind {
        name: "tlog4690",
        schema: schema_of::<tlog4690::Settings>,
        build: |table| tlog4690::from_settings(settings(table)?),
    },
];

/// One kind of input.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// What stands after `kind =`.
    pub name: &'static str,
    /// The schema of its settings, from which the sample is made: `schema_of::<Settings>`. `kind`
    /// itself is no part of it.
    pub schema: fn() -> Value,
    /// Makes an input of the table under `[inputs.NAME]` without `kind`.
    pub build: Build,
}

/// Makes an input; opens no source.
pub type Build = fn(toml::Table) -> Result<Box<dyn Input>, SettingsError>;

/// An input and its kind.
pub struct Built {
    /// What stood after `kind =`.
    pub kind: &'static str,
    /// The input.
    pub input: Box<dyn Input>,
}

/// Settings that an input cannot use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct SettingsError {
    /// The key below `[inputs.NAME]`, if it is one key's fault.
    pub key: Option<String>,
    /// What is wrong, without a secret.
    pub reason: String,
    /// What to do.
    pub next: String,
}

/// The schema of a settings type.
#[must_use]
pub fn schema_of<T: JsonSchema>() -> Value {
    schemars::schema_for!(T).to_value()
}

/// Reads an input's settings.
fn settings<T: DeserializeOwned>(table: toml::Table) -> Result<T, SettingsError> {
    table.try_into().map_err(|error: toml::de::Error| SettingsError {
        key: None,
        reason: error.message().to_owned(),
        next: "see `storekeep-agent config sample` for every key".to_owned(),
    })
}

/// Makes the input of one table.
///
/// # Errors
/// The kind is missing or unknown, or its settings cannot be used.
pub fn build(table: &toml::Table) -> Result<Built, SettingsError> {
    let mut table = table.clone();
    let stated = table.remove("kind");
    let name = stated.as_ref().and_then(toml::Value::as_str).unwrap_or_default();
    match KINDS.iter().find(|kind| kind.name == name) {
        Some(kind) => {
            known_keys_only(kind, &table)?;
            Ok(Built { kind: kind.name, input: (kind.build)(table)? })
        }
        None => Err(SettingsError {
            key: Some("kind".to_owned()),
            reason: format!("`{name}` is no kind of input"),
            next: format!("use one of: {}", names()),
        }),
    }
}

/// Settings that share a folder's keys are flattened, and serde then lets unknown ones pass.
fn known_keys_only(kind: &Kind, table: &toml::Table) -> Result<(), SettingsError> {
    let schema = (kind.schema)();
    let known: Vec<_> =
        schema["properties"].as_object().into_iter().flat_map(|keys| keys.keys()).collect();
    let Some(unknown) = table.keys().find(|key| !known.contains(key)) else { return Ok(()) };
    let likeness = |key: &str| strsim::jaro_winkler(key, unknown);
    let nearest = known.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    Err(SettingsError {
        key: Some(unknown.clone()),
        reason: "is not a known key".to_owned(),
        next: match nearest {
            Some(nearest) if likeness(nearest) >= LIKENESS_MIN => {
                format!("did you mean `{nearest}`?")
            }
            _ => "see `storekeep-agent config sample` for every key".to_owned(),
        },
    })
}

/// The names of the kinds, for messages.
#[must_use]
pub fn names() -> String {
    KINDS.iter().map(|kind| kind.name).collect::<Vec<_>>().join(", ")
}
