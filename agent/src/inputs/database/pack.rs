//! A pack: what to ask a POS's database, and what the answers mean.
//!
//! TOML, with the mapping language of tables ([`crate::inputs::mapping`]) and a section `[database]`
//! with the queries. `${name}` stands for a value of the configuration, so that one pack serves many
//! stores. Two packs come with the agent. Asks nothing itself.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use super::config::{Server, Settings, refuse};
use super::sql::{self, Position, PositionKind, Values};
use crate::inputs::mapping::{self, ColumnName, Mapping};
use crate::inputs::registry::SettingsError;

/// Packs that come with the agent: name, text.
const PACKS: [(&str, &str); 2] = [
    ("opensourcepos", include_str!("packs/opensourcepos.toml")),
    ("unicenta", include_str!("packs/unicenta.toml")),
];

/// Bytes of a pack's file.
const PACK_BYTES_MAX: u64 = 1024 * 1024;

/// Queries of a pack: receipts, lines, their discounts and taxes, tenders, and some more.
const QUERIES_MAX: usize = 20;

/// Characters of a value of the configuration, which are harmless in SQL and TOML.
const VALUE_CHARS_MAX: usize = 100;

const SEE: &str = "see docs/handbook/database.md";

/// The section `[database]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Section {
    /// The databases that its SQL is written for.
    servers: Vec<Server>,
    cursor: Cursor,
    /// The columns that are the same in all rows of one receipt; every query has them.
    receipt: Vec<ColumnName>,
    #[serde(default = "window_minutes")]
    window_minutes: u32,
    /// The first finds the receipts; the others, what belongs to them.
    queries: Vec<Query>,
}

/// The column by which receipts are read in order.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cursor {
    pub(super) column: ColumnName,
    #[serde(rename = "type")]
    pub(super) kind: PositionKind,
    /// A position before every receipt.
    first: String,
}

/// A query.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Query {
    /// What `query` of a `[[row]]` calls it.
    pub(super) name: String,
    pub(super) sql: String,
}

/// A pack, ready for use.
#[derive(Debug)]
pub(super) struct Pack {
    pub(super) mapping: Mapping,
    pub(super) cursor: Cursor,
    /// The position before every receipt.
    pub(super) first: Position,
    pub(super) receipt: Vec<ColumnName>,
    /// How long the POS may take to commit a receipt with an earlier position.
    pub(super) window: Duration,
    pub(super) queries: Vec<Query>,
}

/// Loads the pack of an input.
pub(super) fn load(settings: &Settings) -> Result<Pack, SettingsError> {
    let own = PACKS.iter().find(|(name, _)| *name == settings.pack).map(|(_, text)| *text);
    let text = match own {
        Some(text) => text.to_owned(),
        None => file(&settings.pack)?,
    };
    parse(&text, &settings.values, settings.server)
}

fn file(path: &str) -> Result<String, SettingsError> {
    let names = PACKS.map(|(name, _)| name).join(", ");
    let next = format!("name a file that the agent's user can read, or one of: {names}");
    let failed = |reason: String| refuse("pack", format!("`{path}`: {reason}"), &next);
    let bytes = std::fs::metadata(path).map_err(|error| failed(error.to_string()))?.len();
    if bytes > PACK_BYTES_MAX {
        return Err(failed(format!("has {bytes} bytes; at most {PACK_BYTES_MAX} are read")));
    }
    std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))
}

/// Reads a pack.
pub(super) fn parse(
    text: &str,
    values: &BTreeMap<String, String>,
    server: Server,
) -> Result<Pack, SettingsError> {
    let text = with_values(text, values)?;
    let wrong = |reason: String, next: &str| refuse("pack", reason.trim_end(), next);
    let mut table: toml::Table =
        text.parse().map_err(|error: toml::de::Error| wrong(error.to_string(), SEE))?;
    let section = table.remove("database");
    let section = section.ok_or_else(|| wrong("`database` is needed".to_owned(), SEE))?;
    let section = Section::deserialize(section)
        .map_err(|error| wrong(format!("`database`: {}", error.message()), SEE))?;
    if !section.servers.contains(&server) {
        let known: Vec<_> = section.servers.iter().map(|server| server.name()).collect();
        let reason =
            format!("its SQL is written for {}, not for {}", known.join(", "), server.name());
        return Err(wrong(reason, "use a pack for this server"));
    }
    let mapping = mapping::Settings::deserialize(table)
        .map_err(|error| wrong(error.message().to_owned(), SEE))?;
    let mapping = Mapping::new(mapping).map_err(|error| wrong(error.to_string(), &error.next))?;
    let cursor = section.cursor;
    let first = Position::read(cursor.kind, &cursor.first)
        .ok_or_else(|| wrong("`database.cursor.first` is no position".to_owned(), SEE))?;
    check(&section.queries, &section.receipt, &mapping, &first)?;
    Ok(Pack {
        mapping,
        cursor,
        first,
        receipt: section.receipt,
        window: Duration::from_secs(u64::from(section.window_minutes) * 60),
        queries: section.queries,
    })
}

fn check(
    queries: &[Query],
    receipt: &[ColumnName],
    mapping: &Mapping,
    first: &Position,
) -> Result<(), SettingsError> {
    let wrong = |reason: String, next: &str| refuse("pack", reason, next);
    if receipt.is_empty() {
        let next = "name the columns that are the same in all rows of one receipt";
        return Err(wrong("`database.receipt` is empty".to_owned(), next));
    }
    if queries.is_empty() || queries.len() > QUERIES_MAX {
        let reason = format!("a pack has 1 to {QUERIES_MAX} `[[database.queries]]`");
        return Err(wrong(reason, SEE));
    }
    let mut upto = None;
    for query in queries {
        let since = "2026-01-01".to_owned();
        let values = Values { from: first, upto, limit: 1, since };
        sql::fill(&query.sql, &values)
            .map_err(|error| wrong(format!("`{}`: {error}", query.name), SEE))?;
        upto = Some(first);
    }
    for kind in &mapping.kinds {
        let known = queries.iter().any(|query| Some(&query.name) == kind.query.as_ref());
        if !known {
            let names: Vec<_> = queries.iter().map(|query| query.name.as_str()).collect();
            let next = format!("say `query = \"…\"` with one of: {}", names.join(", "));
            return Err(wrong("a `[[row]]` belongs to no query".to_owned(), &next));
        }
    }
    Ok(())
}

/// Puts the configuration's values in place of `${name}`.
fn with_values(text: &str, values: &BTreeMap<String, String>) -> Result<String, SettingsError> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, from)) = rest.split_once("${") {
        filled.push_str(before);
        let (name, after) = from.split_once('}').unwrap_or((from, ""));
        let next = format!("add `{name} = \"…\"` to `values`");
        let value = values
            .get(name)
            .ok_or_else(|| refuse("values", format!("the pack asks for `{name}`"), &next))?;
        let is_harmless = |c: char| c.is_alphanumeric() || " ._:/+-@".contains(c);
        if value.chars().count() > VALUE_CHARS_MAX || !value.chars().all(is_harmless) {
            let reason = format!("`{name}` holds a sign that no value may have");
            return Err(refuse("values", reason, "use letters, digits and ` . _ : / + - @`"));
        }
        filled.push_str(value);
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

const fn window_minutes() -> u32 {
    10
}
