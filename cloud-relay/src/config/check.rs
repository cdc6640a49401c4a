//! Reads a configuration file and says precisely what is wrong with it.
//!
//! Unknown and missing keys are found against the catalogue, so that the message can name the
//! line and the nearest known key; wrong values by the types themselves. Only the first fault is
//! reported. Does not open what the file names.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use serde::Deserialize;
use toml::de::{DeTable, DeValue, Deserializer};

use super::catalogue::{Section, TARGET_SECTION, catalogue};
use super::{Config, ConfigError};
use crate::connectors::registry;
use crate::store::model::RELAY_TARGET;
use crate::store::postgres::{self, AddressError};

/// A suggestion that shares less than this with what stands there is a guess.
const LIKENESS_MIN: f64 = 0.75;

const SEE_SAMPLE: &str = "see `storekeep-relay config sample` for every key";

/// The keys that stand in a file, dotted, each with the line it stands on.
type Lines = BTreeMap<String, usize>;

/// Reads and checks a file.
///
/// # Errors
/// The file cannot be read, or something in it cannot be used.
pub fn check(file: &Path) -> Result<Config, ConfigError> {
    let text = std::fs::read_to_string(file).map_err(|error| {
        let path = file.display();
        let next = format!(
            "write one with `storekeep-relay config sample > {path}`, or name another by --config"
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
    let document = DeTable::parse(text).map_err(|error| {
        let reason = format!("not TOML: {}", error.message());
        ConfigError::new(reason, "write one `key = value` a line, with texts in quotes")
            .at(error.span().map(|span| line_of(text, &span)))
    })?;
    let lines = lines_of(text, document.get_ref());
    let sections = catalogue();
    for (key, line) in &lines {
        is_known(key, document.get_ref(), &sections).map_err(|error| error.at(Some(*line)))?;
    }
    is_whole(&lines, &sections)?;
    let config = Config::deserialize(Deserializer::from(document.clone())).map_err(|error| {
        let line = error.span().map(|span| line_of(text, &span));
        let key = line.and_then(|line| lines.iter().find(|(_, at)| **at == line));
        let found = ConfigError::new(error.message(), SEE_SAMPLE).at(line);
        match key {
            Some((key, _)) => found.of_key(key),
            None => found,
        }
    })?;
    rules(&config).map_err(|error| {
        let line = error.key.as_ref().and_then(|key| lines.get(key)).copied();
        error.at(line)
    })?;
    Ok(config)
}

/// Every key that holds a plain value, and every heading.
fn lines_of(text: &str, document: &DeTable<'_>) -> Lines {
    let mut lines = Lines::new();
    let mut open = vec![(String::new(), document)];
    while let Some((prefix, table)) = open.pop() {
        for (key, value) in table {
            let name = format!("{prefix}{}", key.get_ref());
            // Below a target's heading tables are values of the connector's own.
            let is_value = name.starts_with("targets.") && name.matches('.').count() > 1;
            if let DeValue::Table(inner) = value.get_ref()
                && !is_value
            {
                open.push((format!("{name}."), inner));
            }
            lines.insert(name, line_of(text, &key.span()));
        }
    }
    lines
}

/// The sections whose keys may stand at a dotted key, and the key's own name.
fn place<'a, 'k>(
    key: &'k str,
    document: &DeTable<'_>,
    sections: &'a [Section],
) -> (Vec<&'a Section>, &'k str) {
    let Some(target) = key.strip_prefix("targets.").and_then(|rest| rest.split_once('.')) else {
        let (heading, name) = key.rsplit_once('.').unwrap_or(("", key));
        return (sections.iter().filter(|section| section.name == heading).collect(), name);
    };
    let (target, name) = target;
    let kind = document
        .get("targets")
        .and_then(|targets| targets.get_ref().as_table()?.get(target)?.get_ref().as_table())
        .and_then(|settings| settings.get("kind")?.get_ref().as_str());
    let of_kind = |section: &&Section| section.name == TARGET_SECTION && section.kind == kind;
    (sections.iter().filter(of_kind).collect(), name)
}

fn is_known(key: &str, document: &DeTable<'_>, sections: &[Section]) -> Result<(), ConfigError> {
    let is_heading = sections.iter().any(|section| section.name == key) || key == "targets";
    let below = key.strip_prefix("targets.");
    if is_heading || below.is_some_and(|rest| !rest.contains('.')) {
        return Ok(());
    }
    let (around, name) = place(key, document, sections);
    let is_target = below.is_some();
    // Of a target without a known kind nothing can be said; the rules refuse the kind itself.
    if is_target && (name == "kind" || around.is_empty()) {
        return Ok(());
    }
    if around.iter().any(|section| section.keys.iter().any(|known| known.name == name)) {
        return Ok(());
    }
    let near =
        nearest(name, &around).or_else(|| nearest(name, &sections.iter().collect::<Vec<_>>()));
    let next = near.map_or_else(|| SEE_SAMPLE.to_owned(), |key| format!("did you mean `{key}`?"));
    Err(ConfigError::new("is not a known key", next).of_key(key))
}

/// The known key or heading that is most like what stands there.
fn nearest(name: &str, sections: &[&Section]) -> Option<String> {
    let mut best: Option<(f64, String)> = None;
    for section in sections {
        let keys = section.keys.iter().map(|key| match section.name.as_str() {
            "" => (key.name.as_str(), key.name.clone()),
            heading => (key.name.as_str(), format!("{heading}.{}", key.name)),
        });
        let heading = (section.name.as_str(), section.name.clone());
        for (known, shown) in keys.chain([heading]) {
            let likeness = strsim::jaro_winkler(name, known);
            if likeness >= LIKENESS_MIN && best.as_ref().is_none_or(|(most, _)| likeness > *most) {
                best = Some((likeness, shown));
            }
        }
    }
    best.map(|(_, shown)| shown)
}

fn is_whole(lines: &Lines, sections: &[Section]) -> Result<(), ConfigError> {
    let top = sections.first().map(|section| section.keys.as_slice()).unwrap_or_default();
    let missing = top.iter().find(|key| key.is_required && !lines.contains_key(&key.name));
    let Some(key) = missing else { return Ok(()) };
    let next = format!("add `{} = {}` above the first heading", key.name, key.value);
    // In TOML a key below a heading belongs to it: the usual way to lose one.
    let stray = lines.iter().find(|(found, _)| found.ends_with(&format!(".{}", key.name)));
    let found = ConfigError::new("is missing", next).of_key(&key.name);
    Err(found.at(stray.map(|(_, line)| *line)))
}

/// Rules that concern more than one key.
fn rules(config: &Config) -> Result<(), ConfigError> {
    let listen = &config.listen;
    if !listen.address.ip().is_loopback() && !listen.listen_beyond_loopback {
        let reason = format!("{} can be reached by other hosts", listen.address);
        let next = "listen on 127.0.0.1, or set listen.listen_beyond_loopback = true";
        return Err(ConfigError::new(reason, next).of_key("listen.address"));
    }
    let lone = match (&listen.certificate_file, &listen.key_file) {
        (Some(_), None) => Some(("listen.certificate_file", "listen.key_file")),
        (None, Some(_)) => Some(("listen.key_file", "listen.certificate_file")),
        _ => None,
    };
    if let Some((stated, missing)) = lone {
        let next = format!("name {missing} as well, or leave both out");
        return Err(ConfigError::new("goes with another key that is missing", next).of_key(stated));
    }
    if let Some(url) = &config.store.postgres {
        database(url).map_err(|error| error.of_key("store.postgres"))?;
    }
    for (target, table) in &config.targets {
        let key = format!("targets.{target}");
        if target.as_str() == RELAY_TARGET {
            let reason = "the name stands for the relay's own exceptions";
            return Err(ConfigError::new(reason, "give the target another name").of_key(key));
        }
        let kind = table.get("kind").and_then(toml::Value::as_str);
        if kind.and_then(registry::kind).is_none() {
            return Err(unknown_kind(kind).of_key(format!("{key}.kind")));
        }
    }
    Ok(())
}

/// A database's address; its text is not repeated, for there may be a password in it.
fn database(url: &str) -> Result<(), ConfigError> {
    let form = "write it as postgresql://USER@HOST:PORT/DATABASE";
    postgres::parse(url).map(|_| ()).map_err(|error| match error {
        AddressError::Password => ConfigError::new(
            "holds a password, which would be shown",
            "take it out, and name store.postgres_password_file or set \
             STOREKEEP_RELAY_POSTGRES_PASSWORD",
        ),
        _ => ConfigError::new("is not the address of a PostgreSQL database", form),
    })
}

fn unknown_kind(kind: Option<&str>) -> ConfigError {
    let reason = match kind {
        Some(kind) => format!("`{kind}` is no kind of target"),
        None => "is missing".to_owned(),
    };
    ConfigError::new(reason, format!("write one of: {}", registry::names()))
}

fn line_of(text: &str, span: &Range<usize>) -> usize {
    text.bytes().take(span.start).filter(|byte| *byte == b'\n').count() + 1
}
