//! A card number planted in an event, in the ways in which people and programs write one: it is
//! refused where the sender can be asked, and masked where nobody can.
//!
//! The numbers are those that the schemes publish for tests. How a number is found is not looked at
//! here: only whether it stands in what would be written to disk.

use agent::capture::{Capture, Captured, Moment, Pending};
use protocol::envelope::Draft;
use protocol::problem::Problem;
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use serde_json::Value;

use crate::fuzzing::fixtures::agent::config;
use crate::fuzzing::fixtures::{events, now, problem};
use crate::fuzzing::{Form, Target};

/// The target.
pub const TARGET: Target = Target {
    name: "card_data",
    run,
    form: Form::Json,
    words: super::event::WORDS,
    inputs_per_round: 1_500,
    seeds: events,
};

/// Card numbers for tests: Visa, Mastercard, American Express, Discover, JCB.
const NUMBERS: [&str; 5] = [
    "4111111111111111",
    "5555555555554444",
    "378282246310005",
    "6011111111111117",
    "3530111333300000",
];

/// What has to hold for every input. Where the number is planted follows from the input.
pub fn run(input: &[u8]) {
    let Ok(mut value) = serde_json::from_slice::<Value>(input) else { return };
    let mut drawn = Drawn(digest(&SHA256, input).as_ref().to_vec());
    let number = NUMBERS[drawn.below(NUMBERS.len())];
    let written = written(number, drawn.below(7));
    let places = texts(&mut value);
    if places.is_empty() {
        return;
    }
    let index = drawn.below(places.len());
    let is_added = drawn.below(2) == 1;
    for (place, text) in places.into_iter().enumerate() {
        if place == index {
            *text = if is_added { format!("{text} {written}") } else { written.clone() };
        }
    }
    let json = value.to_string();
    let capture = Capture::new(config());
    if let Some(taken) = taken(capture.read(&json, now())) {
        // A practice event is written nowhere; every other one was to be refused.
        refused(&capture, taken, number);
    }
    if let Ok(draft) = Draft::parse(json.as_bytes())
        && let Some(pending) = taken(capture.admit(draft, now()))
    {
        masked(&capture, pending, number);
    }
}

/// Numbers that follow from the input.
struct Drawn(Vec<u8>);

impl Drawn {
    fn below(&mut self, count: usize) -> usize {
        usize::from(self.0.pop().unwrap_or_default()) % count
    }
}

/// A number as somebody may write it.
fn written(number: &str, way: usize) -> String {
    let grouped = |separator: &str| {
        let groups = number.as_bytes().chunks(4).map(String::from_utf8_lossy);
        groups.collect::<Vec<_>>().join(separator)
    };
    match way {
        0 => grouped(" "),
        1 => grouped("-"),
        2 => grouped("\u{a0}"),
        3 => format!("card {number}."),
        4 => number.chars().map(full_width).collect(),
        5 => grouped("\u{200b}"),
        _ => number.to_owned(),
    }
}

fn full_width(digit: char) -> char {
    digit.to_digit(10).and_then(|value| char::from_u32(0xff10 + value)).unwrap_or(digit)
}

/// Every text of the event's body that is no attribute of the envelope.
fn texts(value: &mut Value) -> Vec<&mut String> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter_mut().flat_map(texts).collect(),
        Value::Object(fields) => fields.values_mut().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

fn taken(captured: Result<Captured, Problem>) -> Option<Pending> {
    match captured {
        Ok(Captured::Event(pending)) => Some(pending),
        Ok(Captured::Training(_)) => None,
        Err(refusal) => {
            problem::check(&refusal);
            None
        }
    }
}

/// The sender can be asked: nothing with the number in it goes on.
fn refused(capture: &Capture, pending: Pending, number: &str) {
    let entry = capture.finish(pending, &moment(), &SystemRandom::new());
    assert!(entry.is_err(), "an event with {number} in it is refused");
}

/// Nobody can be asked: what goes on does not hold the number.
fn masked(capture: &Capture, pending: Pending, number: &str) {
    let entry = match capture.finish(pending, &moment(), &SystemRandom::new()) {
        Ok(entry) => entry,
        Err(refusal) => return problem::check(&refusal),
    };
    let findings = serde_json::to_string(&entry.findings).expect("findings are plain data");
    let local = entry.local.unwrap_or_default();
    for written in [&entry.event, &entry.natural_key, &findings, &local] {
        assert!(!digits(written).contains(number), "{number} is masked in {written}");
    }
}

/// The digits of a text, in whatever script, without what may stand between those of one number.
fn digits(text: &str) -> String {
    let is_between =
        |c: &char| c.is_whitespace() || matches!(c, '-' | '.' | '\u{200b}'..='\u{200d}' | '\u{a0}');
    let plain = |c: char| match c {
        '\u{ff10}'..='\u{ff19}' => {
            char::from_digit(u32::from(c) - 0xff10, 10).expect("a full-width digit")
        }
        other => other,
    };
    text.chars().filter(|c| !is_between(c)).map(plain).collect()
}

fn moment() -> Moment {
    Moment { now: now(), latest: now(), skew: None, sealing_key: Some(SEALING_KEY) }
}

/// A point on the curve: the base point of X25519 (RFC 7748, section 4.1).
const SEALING_KEY: protocol::personal::SealingKey = {
    let mut key = [0; 32];
    key[0] = 9;
    protocol::bytes::Bytes(key)
};
