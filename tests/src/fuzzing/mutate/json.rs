//! Changes to JSON as JSON: a value, a name, a nesting, also within a text that is JSON itself.
//!
//! Finds the JSON in whatever stands around it. Writes it compactly again.

use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::{Map, Value};

/// Numbers at the edges of what is stored and computed.
pub(super) const NUMBERS: &[&str] = &[
    "0",
    "1",
    "-1",
    "2",
    "31",
    "255",
    "256",
    "65535",
    "65536",
    "2147483647",
    "2147483648",
    "4294967295",
    "4294967296",
    "9007199254740993",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551614",
    "18446744073709551615",
    "18446744073709551616",
    "1e3",
    "1e400",
    "0.1",
    "00",
];

/// Texts at the edges.
const TEXTS: &[&str] = &[
    "",
    " ",
    "0",
    "-0",
    "0.0",
    "-1",
    "1e9",
    "0.000001",
    "0.0000001",
    "79228162514264337593543950335",
    "\u{0}",
    "\u{202e}abc",
    "\u{1f600}",
    "\\",
    "\"",
    "2026-11-23",
    "0000-01-01",
    "9999-12-31",
    "2026-02-29",
    "2026-11-23T17:04:11+01:00",
    "9999-12-31T23:59:59-14:00",
    "0000-01-01T00:00:00+14:00",
    "2026-10-25T02:30:00+02:00",
    "00",
    "a/b",
    "../x",
    "null",
];

/// How deep a value is put into lists to see who counts.
const NESTING: usize = 200;

/// Characters of a text that is longer than any field takes.
const LONG_TEXT_CHARS: usize = 70_000;

/// How often an item of a list is repeated to see who counts.
const REPEATED: usize = 5_100;

/// Changes the first JSON found in the bytes; whether there was any.
pub(super) fn change(chance: &mut StdRng, words: &[&str], bytes: &mut Vec<u8>) -> bool {
    let opens = |at: &usize| matches!(bytes[*at], b'{' | b'[');
    let places: Vec<usize> = (0..bytes.len()).filter(opens).take(64).collect();
    // Mostly the outermost: an inner one is as good where lines or bodies follow one another.
    let skipped = if chance.random_bool(0.7) { 0 } else { chance.random_range(0..64) };
    let places = places.iter().skip(skipped.min(places.len().saturating_sub(1)));
    for place in places.take(4) {
        let mut values =
            serde_json::Deserializer::from_slice(&bytes[*place..]).into_iter::<Value>();
        let Some(Ok(mut value)) = values.next() else { continue };
        let end = place + values.byte_offset();
        change_value(chance, words, &mut value);
        bytes.splice(*place..end, value.to_string().into_bytes());
        return true;
    }
    false
}

fn change_value(chance: &mut StdRng, words: &[&str], value: &mut Value) {
    let count = count(value);
    let copied = nth(value, &mut chance.random_range(0..count)).cloned();
    let mut index = chance.random_range(0..count);
    let Some(node) = nth_mut(value, &mut index) else { return };
    match chance.random_range(0..8) {
        0 => *node = any(chance, words),
        1 => *node = copied.unwrap_or(Value::Null),
        2 => remove(chance, node),
        3 => repeat(chance, node),
        4 => rename(chance, words, node),
        5 if chance.random_range(0..8) == 0 => {
            let inner = node.take();
            *node = (0..NESTING).fold(inner, |inner, _| Value::Array(vec![inner]));
        }
        _ => change_leaf(chance, words, node),
    }
}

fn any(chance: &mut StdRng, words: &[&str]) -> Value {
    match chance.random_range(0..8) {
        0 => Value::Null,
        1 => Value::Bool(chance.random()),
        2 => Value::Array(Vec::new()),
        3 => Value::Object(Map::new()),
        4 | 5 => number(chance),
        _ => Value::String(text(chance, words)),
    }
}

fn number(chance: &mut StdRng) -> Value {
    let text = NUMBERS[chance.random_range(0..NUMBERS.len())];
    serde_json::from_str(text).unwrap_or(Value::Null)
}

fn text(chance: &mut StdRng, words: &[&str]) -> String {
    match chance.random_range(0..10) {
        0 => "9".repeat(LONG_TEXT_CHARS),
        1..=4 if !words.is_empty() => words[chance.random_range(0..words.len())].to_owned(),
        _ => TEXTS[chance.random_range(0..TEXTS.len())].to_owned(),
    }
}

fn change_leaf(chance: &mut StdRng, words: &[&str], node: &mut Value) {
    match node {
        Value::String(text) => change_text(chance, words, text),
        Value::Number(_) if chance.random_bool(0.5) => *node = number(chance),
        Value::Number(stated) => {
            let step = chance.random_range(-2..=2);
            let moved = stated.as_i64().and_then(|stated| stated.checked_add(step));
            *node = moved.map_or_else(|| number(chance), Value::from);
        }
        _ => *node = any(chance, words),
    }
}

fn change_text(chance: &mut StdRng, words: &[&str], changed: &mut String) {
    if let Ok(mut inner @ (Value::Object(_) | Value::Array(_))) = serde_json::from_str(changed)
        && chance.random_bool(0.8)
    {
        change_value(chance, words, &mut inner);
        *changed = inner.to_string();
        return;
    }
    let mut characters: Vec<char> = changed.chars().collect();
    let at = chance.random_range(0..=characters.len());
    match chance.random_range(0..5) {
        0 => *changed = text(chance, words),
        1 if at < characters.len() => {
            characters.remove(at);
            *changed = characters.into_iter().collect();
        }
        2 if at < characters.len() => {
            characters[at] = char::from(chance.random_range(b' '..=b'~'));
            *changed = characters.into_iter().collect();
        }
        _ => {
            let added = text(chance, words);
            let end = characters.split_off(at);
            *changed = characters.into_iter().chain(added.chars()).chain(end).collect();
        }
    }
}

fn remove(chance: &mut StdRng, node: &mut Value) {
    match node {
        Value::Array(items) if !items.is_empty() => {
            items.remove(chance.random_range(0..items.len()));
        }
        Value::Object(fields) if !fields.is_empty() => {
            let name = any_name(chance, fields);
            fields.remove(&name);
        }
        _ => *node = Value::Null,
    }
}

fn repeat(chance: &mut StdRng, node: &mut Value) {
    let Value::Array(items) = node else { return };
    let Some(item) = items.last().cloned() else { return };
    let is_small = item.to_string().len() < 40;
    let count = if is_small && chance.random_range(0..8) == 0 { REPEATED } else { 1 };
    items.extend(std::iter::repeat_n(item, count));
}

fn rename(chance: &mut StdRng, words: &[&str], node: &mut Value) {
    let Value::Object(fields) = node else { return };
    if fields.is_empty() {
        return;
    }
    let name = any_name(chance, fields);
    let Some(value) = fields.remove(&name) else { return };
    let mut renamed = name;
    change_text(chance, words, &mut renamed);
    fields.insert(renamed, value);
}

fn any_name(chance: &mut StdRng, fields: &Map<String, Value>) -> String {
    let index = chance.random_range(0..fields.len());
    fields.keys().nth(index).cloned().unwrap_or_default()
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(fields) => fields.values().map(count).sum(),
        _ => 0,
    }
}

/// The value of a number, counted from the outermost; the number is used up.
fn nth<'a>(value: &'a Value, index: &mut usize) -> Option<&'a Value> {
    if *index == 0 {
        return Some(value);
    }
    *index -= 1;
    match value {
        Value::Array(items) => items.iter().find_map(|item| nth(item, index)),
        Value::Object(fields) => fields.values().find_map(|field| nth(field, index)),
        _ => None,
    }
}

fn nth_mut<'a>(value: &'a mut Value, index: &mut usize) -> Option<&'a mut Value> {
    if *index == 0 {
        return Some(value);
    }
    *index -= 1;
    match value {
        Value::Array(items) => items.iter_mut().find_map(|item| nth_mut(item, index)),
        Value::Object(fields) => fields.values_mut().find_map(|field| nth_mut(field, index)),
        _ => None,
    }
}
