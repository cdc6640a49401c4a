//! Finds a profile, merges it with those that it extends, and reads it.
//!
//! A name is one of the profiles that come with the agent; anything with a `/` or an ending `.toml`
//! is a file, beside which the profiles that it extends may stand. Judges no document.

use std::fs;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::Profile;

/// The profiles that come with the agent.
const BUILT_IN: [(&str, &str); 6] = [
    ("strict", include_str!("../profiles/strict.toml")),
    ("ncr-acs", include_str!("../profiles/ncr-acs.toml")),
    ("retalix-r10", include_str!("../profiles/retalix-r10.toml")),
    ("roqqio", include_str!("../profiles/roqqio.toml")),
    ("swedish-digital-receipt", include_str!("../profiles/swedish-digital-receipt.toml")),
    ("wincor-tpnet", include_str!("../profiles/wincor-tpnet.toml")),
];

/// Profiles that extend one another: a vendor's, a retailer's, a store's.
const EXTENDS_MAX: usize = 4;

/// Bytes of a profile; the longest has some 5 KB.
const PROFILE_BYTES_MAX: u64 = 256 * 1024;

/// The profiles that come with the agent, by name.
#[cfg(test)]
pub(in super::super) fn built_in() -> impl Iterator<Item = (&'static str, &'static str)> {
    BUILT_IN.into_iter()
}

/// Loads a profile by its name or file.
pub(in super::super) fn load(name: &str) -> Result<Profile, String> {
    let mut chain = Vec::new();
    let mut next = Some((name.to_owned(), PathBuf::new()));
    while let Some((name, beside)) = next {
        if chain.len() == EXTENDS_MAX {
            return Err(format!("more than {EXTENDS_MAX} profiles extend one another"));
        }
        let (text, beside) = text(&name, &beside)?;
        let mut table: Table =
            text.parse().map_err(|error| format!("the profile `{name}` is no TOML: {error}"))?;
        let extends = table.remove("extends");
        next = match extends {
            None => None,
            Some(Value::String(parent)) => Some((parent, beside)),
            Some(_) => return Err(format!("the profile `{name}`: `extends` is a name")),
        };
        chain.push(table);
    }
    let mut whole = chain.pop().unwrap_or_default();
    while let Some(table) = chain.pop() {
        merge(&mut whole, table);
    }
    let short = short(name);
    let mut profile: Profile = Value::Table(whole)
        .try_into()
        .map_err(|error: toml::de::Error| format!("the profile `{short}`: {}", error.message()))?;
    profile.bind().map_err(|error| format!("the profile `{short}`: {error}"))?;
    profile.name = short;
    Ok(profile)
}

/// The name that events carry: of a file its own without the ending.
fn short(name: &str) -> String {
    let path = Path::new(name);
    let is_file = is_file(name);
    let stem = path.file_stem().filter(|_| is_file).map(|stem| stem.to_string_lossy());
    stem.map_or_else(|| name.to_owned(), |stem| stem.chars().take(60).collect())
}

fn is_file(name: &str) -> bool {
    name.contains(['/', '\\']) || Path::new(name).extension().is_some_and(|end| end == "toml")
}

/// A profile's text, and the folder beside it.
fn text(name: &str, beside: &Path) -> Result<(String, PathBuf), String> {
    if let Some((_, text)) = BUILT_IN.iter().find(|(known, _)| *known == name) {
        return Ok(((*text).to_owned(), PathBuf::new()));
    }
    if !is_file(name) {
        let names: Vec<_> = BUILT_IN.iter().map(|(name, _)| format!("`{name}`")).collect();
        return Err(format!(
            "there is no profile `{name}`: name one of {}, or a file that ends in `.toml`",
            names.join(", ")
        ));
    }
    let path = beside.join(name);
    let unreadable = |error: &dyn std::fmt::Display| {
        format!("the profile `{}` cannot be read: {error}", path.display())
    };
    let bytes = fs::metadata(&path).map_err(|error| unreadable(&error))?.len();
    if bytes > PROFILE_BYTES_MAX {
        return Err(unreadable(&format!("it has more than {PROFILE_BYTES_MAX} bytes")));
    }
    let text = fs::read_to_string(&path).map_err(|error| unreadable(&error))?;
    let beside = path.parent().map(Path::to_owned).unwrap_or_default();
    Ok((text, beside))
}

/// Merges a profile over the one that it extends: tables into tables, rules in front of rules, and
/// anything else in place of what stood there.
fn merge(under: &mut Table, over: Table) {
    for (key, value) in over {
        match (under.get_mut(&key), value) {
            (Some(Value::Table(under)), Value::Table(over)) => merge(under, over),
            (Some(Value::Array(under)), Value::Array(mut over)) if is_rules(&over) => {
                over.append(under);
                *under = over;
            }
            (_, value) => {
                under.insert(key, value);
            }
        }
    }
}

/// Whether a list is one of `[[rules]]` rather than one of words.
fn is_rules(list: &[Value]) -> bool {
    !list.is_empty() && list.iter().all(Value::is_table)
}
