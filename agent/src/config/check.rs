//! Reads a configuration file and says precisely what is wrong with it.
//!
//! Unknown and missing keys are found against the schema, so that the message can name the line
//! and the nearest known key; wrong values by the types themselves. Only the first fault is
//! reported. Does not fill in what belongs to the host (data folder, token).

use std::ops::Range;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer};

use super::sample::{is_required, properties, schema, section};
use super::{Config, ConfigError, journal_key, uplinks};
use crate::inputs::registry;

/// A suggestion that shares less than this with what stands there is a guess.
const LIKENESS_MIN: f64 = 0.7;

const SEE_SAMPLE: &str = "see `storekeep-agent config sample` for every key";

/// Reads and checks a file.
///
/// # Errors
/// The file cannot be read, or something in it cannot be used.
pub fn check(file: &Path) -> Result<Config, ConfigError> {
    let text = std::fs::read_to_string(file).map_err(|error| {
        let next = format!(
            "create it with `storekeep-agent config sample > {}` or name another with --config",
            file.display()
        );
        ConfigError::new(format!("cannot be read: {error}"), next).in_file(file)
    })?;
    parse(&text).map_err(|error| error.in_file(file))
}

/// Checks a configuration's text.
///
/// # Errors
/// Something in it cannot be used.
pub fn parse(text: &str) -> Result<Config, ConfigError> {
    let document = DeTable::parse(text).map_err(|error| not_toml(text, &error))?;
    let schema = schema();
    known_keys_only(text, document.get_ref(), &schema)?;
    nothing_missing(text, document.get_ref(), &schema)?;
    let config = Config::deserialize(Deserializer::from(document.clone()))
        .map_err(|error| wrong_value(text, document.get_ref(), &error))?;
    rules(&config).map_err(|error| placed(error, text, document.get_ref()))?;
    inputs(&config).map_err(|error| placed(error, text, document.get_ref()))?;
    Ok(config)
}

fn not_toml(text: &str, error: &toml::de::Error) -> ConfigError {
    let reason = format!("not TOML: {}", error.message());
    let found = ConfigError::new(reason, "quote texts, and write one `key = value` a line");
    match error.span() {
        Some(span) => found.at_line(line_of(text, &span)),
        None => found,
    }
}

fn known_keys_only(text: &str, document: &DeTable<'_>, schema: &Value) -> Result<(), ConfigError> {
    for (key, value) in document {
        let property = known_key(text, "", key, schema, schema)?;
        let (Some(inner), Some(table)) = (section(schema, property), value.get_ref().as_table())
        else {
            continue;
        };
        for inner_key in table.keys() {
            known_key(text, &format!("{}.", key.get_ref()), inner_key, inner, schema)?;
        }
    }
    Ok(())
}

fn known_key<'a>(
    text: &str,
    prefix: &str,
    key: &Spanned<std::borrow::Cow<'_, str>>,
    table: &'a Value,
    root: &Value,
) -> Result<&'a Value, ConfigError> {
    let name = key.get_ref();
    if let Some((_, property)) = properties(table).find(|(known, _)| *known == name) {
        return Ok(property);
    }
    let written = format!("{prefix}{name}");
    let next = match nearest(&written, prefix, root) {
        Some(known) => format!("did you mean `{known}`?"),
        None => SEE_SAMPLE.to_owned(),
    };
    Err(ConfigError::new("is not a known key", next)
        .of_key(written)
        .at_line(line_of(text, &key.span())))
}

/// The known key that is most like what stands there: of its own section first, else anywhere,
/// because a key often ends up above or below its heading.
fn nearest(written: &str, prefix: &str, root: &Value) -> Option<String> {
    let mut known = Vec::new();
    for (key, property) in properties(root) {
        known.push(key.clone());
        let inner = section(root, property).into_iter().flat_map(properties);
        known.extend(inner.map(|(inner, _)| format!("{key}.{inner}")));
    }
    let last = |key: &str| key.rsplit('.').next().unwrap_or_default().to_owned();
    let likeness = |known: &str| {
        let name = strsim::jaro_winkler(&last(written), &last(known));
        (name, known.starts_with(prefix))
    };
    known
        .into_iter()
        .map(|known| (likeness(&known), known))
        .filter(|((name, _), _)| *name >= LIKENESS_MIN)
        .max_by(|((a, a_near), _), ((b, b_near), _)| a.total_cmp(b).then(a_near.cmp(b_near)))
        .map(|(_, known)| known)
}

fn nothing_missing(text: &str, document: &DeTable<'_>, schema: &Value) -> Result<(), ConfigError> {
    let present = |key: &str| document.keys().any(|known| known.get_ref() == key);
    let Some((key, property)) =
        properties(schema).find(|(key, _)| is_required(schema, key) && !present(key))
    else {
        return Ok(());
    };
    let example = property.get("example").map(Value::to_string).unwrap_or_default();
    let next = format!("add `{key} = {example}` above the first section");
    let found = ConfigError::new("is missing", next).of_key(key);
    // In TOML a key below a heading belongs to it: the usual way to lose one.
    let stray = document.values().filter_map(|value| value.get_ref().as_table());
    let stray = stray.flat_map(|table| table.keys()).find(|known| known.get_ref() == key);
    Err(match stray {
        Some(stray) => found.at_line(line_of(text, &stray.span())),
        None => found,
    })
}

fn wrong_value(text: &str, document: &DeTable<'_>, error: &toml::de::Error) -> ConfigError {
    let found = ConfigError::new(error.message().to_owned(), SEE_SAMPLE);
    let Some(span) = error.span() else {
        return found;
    };
    let found = found.at_line(line_of(text, &span));
    match key_around(document, &span) {
        Some(key) => found.of_key(key),
        None => found,
    }
}

/// The key whose value holds the span.
fn key_around(table: &DeTable<'_>, span: &Range<usize>) -> Option<String> {
    for (key, value) in table {
        if let DeValue::Table(inner) = value.get_ref()
            && let Some(inner_key) = key_around(inner, span)
        {
            return Some(format!("{}.{inner_key}", key.get_ref()));
        }
        let around = value.span();
        if around.start <= span.start && span.end <= around.end {
            return Some(key.get_ref().clone().into_owned());
        }
    }
    None
}

/// Rules that concern more than one key.
fn rules(config: &Config) -> Result<(), ConfigError> {
    let api = &config.local_api;
    if !api.listen.ip().is_loopback() && !api.listen_beyond_loopback {
        let reason = format!("{} can be reached by other hosts", api.listen);
        let next = "listen on 127.0.0.1, or set local_api.listen_beyond_loopback = true";
        return Err(ConfigError::new(reason, next).of_key("local_api.listen"));
    }
    if api.allowed_hosts.is_empty() {
        let next = "name the hosts under which the POS calls, such as [\"localhost\"]";
        let found = ConfigError::new("no request could be answered", next);
        return Err(found.of_key("local_api.allowed_hosts"));
    }
    if let Some(origin) = api.allowed_origins.iter().find(|origin| !is_origin(origin.as_str())) {
        let reason = format!("`{origin}` is not a web origin");
        let next = "write it as `https://pos.example.com`, without a path";
        return Err(ConfigError::new(reason, next).of_key("local_api.allowed_origins"));
    }
    if let Some(name) = config.extensions.allowed.iter().find(|name| !is_extension(name.as_str())) {
        let reason = format!("`{name}` has no vendor in front");
        let next = "write it as `acme:campaign`";
        return Err(ConfigError::new(reason, next).of_key("extensions.allowed"));
    }
    if let Some(digits) = config.card_data.own_prefixes.iter().find(|p| !is_prefix(p.as_str())) {
        let reason = format!("`{digits}` is not 4 to 10 digits");
        let next = "write as many of the first digits as all of your numbers share";
        return Err(ConfigError::new(reason, next).of_key("card_data.own_prefixes"));
    }
    journal_key::rules(&config.journal_key)?;
    uplinks::rules(&config.relay)
}

/// Whether each input can be made of its settings.
fn inputs(config: &Config) -> Result<(), ConfigError> {
    for (name, table) in &config.inputs {
        if let Err(error) = registry::build(table) {
            let key = error.key.map(|key| format!(".{key}")).unwrap_or_default();
            let found = ConfigError::new(error.reason, error.next);
            return Err(found.of_key(format!("inputs.{name}{key}")));
        }
    }
    Ok(())
}

fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '?', '#', '@', ' ']))
}

fn is_extension(text: &str) -> bool {
    text.split_once(':').is_some_and(|(vendor, name)| !vendor.is_empty() && !name.is_empty())
}

fn is_prefix(text: &str) -> bool {
    (4..=10).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Adds the line on which the error's key stands, or the nearest heading above it.
fn placed(error: ConfigError, text: &str, document: &DeTable<'_>) -> ConfigError {
    let Some(path) = error.key.clone() else { return error };
    let (mut table, mut line) = (Some(document), None);
    for part in path.split('.') {
        let key = table.and_then(|table| table.iter().find(|(key, _)| key.get_ref() == part));
        let Some((key, value)) = key else { break };
        line = Some(line_of(text, &key.span()));
        table = value.get_ref().as_table();
    }
    match line {
        Some(line) => error.at_line(line),
        None => error,
    }
}

fn line_of(text: &str, span: &Range<usize>) -> usize {
    text.bytes().take(span.start).filter(|byte| *byte == b'\n').count() + 1
}
