//! Card numbers of every issuer, written in every way that people and programs write them.

use rand::rngs::StdRng;
use rand::{Rng, RngExt};

use crate::capture::guard::issuer;

/// Issuers' prefixes with the lengths that their cards have.
const ISSUERS: [(&str, &[usize]); 26] = [
    ("4", &[13, 16, 19]),
    ("51", &[16]),
    ("55", &[16]),
    ("2221", &[16]),
    ("2720", &[16]),
    ("34", &[15]),
    ("37", &[15]),
    ("6011", &[16, 19]),
    ("644", &[16]),
    ("649", &[16]),
    ("65", &[16]),
    ("3528", &[16, 19]),
    ("3589", &[16]),
    ("300", &[14, 16]),
    ("305", &[14]),
    ("36", &[14, 19]),
    ("38", &[14]),
    ("39", &[14]),
    ("62", &[16, 17, 18, 19]),
    ("50", &[13, 16, 18, 19]),
    ("56", &[16]),
    ("57", &[14, 16]),
    ("58", &[15, 16]),
    ("60", &[16]),
    ("67", &[16, 18, 19]),
    ("69", &[17]),
];

/// A card number as it stands somewhere.
#[derive(Debug)]
pub(super) struct Planted {
    pub(super) text: String,
    /// Whether it stands in one run or in groups of four.
    pub(super) is_regular: bool,
}

pub(super) fn planted(random: &mut StdRng) -> Planted {
    let (number, is_wide) = number(random);
    let separator = [" ", "-", ".", "\u{a0}", " - "][random.random_range(0..5)];
    let (text, is_regular) = match random.random_range(0..6) {
        0 | 1 => (number, true),
        2 | 3 => (split(&number, &[4; 5], separator), true),
        4 if !is_wide && separator != "." => {
            let sizes: Vec<_> = (0..7).map(|_| random.random_range(3..7)).collect();
            (split(&number, &sizes, separator), false)
        }
        _ => (split(&number, &[1; 19], [" ", "-"][random.random_range(0..2)]), true),
    };
    Planted { text, is_regular }
}

fn number(random: &mut StdRng) -> (String, bool) {
    let (prefix, lengths) = ISSUERS[random.random_range(0..ISSUERS.len())];
    let length = lengths[random.random_range(0..lengths.len())];
    let mut digits: Vec<u8> = prefix.bytes().map(|b| b - b'0').collect();
    while digits.len() < length - 1 {
        digits.push(random.random_range(0..10));
    }
    let check = (0..10).find(|check| {
        let mut whole = digits.clone();
        whole.push(*check);
        issuer::passes_luhn(&whole)
    });
    digits.push(check.unwrap());
    let is_wide = issuer::range(&digits) == Some(issuer::Range::Wide);
    (digits.iter().map(|digit| char::from(b'0' + digit)).collect(), is_wide)
}

fn split(number: &str, sizes: &[usize], separator: &str) -> String {
    let mut groups = Vec::new();
    let mut rest = number;
    for size in sizes {
        let (group, left) = rest.split_at((*size).min(rest.len()));
        groups.push(group);
        rest = left;
        if rest.is_empty() {
            break;
        }
    }
    groups.push(rest);
    groups.retain(|group| !group.is_empty());
    groups.join(separator)
}

/// The text in JSON, in one of the ways in which JSON can write it.
pub(super) fn escaped(random: &mut StdRng, text: &str) -> String {
    let every = [0, 1, 3][random.random_range(0..3)];
    let escape = |(index, c): (u32, char)| match every {
        0 => c.to_string(),
        every if index % every == 0 => format!("\\u{:04x}", u32::from(c)),
        _ => c.to_string(),
    };
    (0..).zip(text.chars()).map(escape).collect()
}

pub(super) fn hex(random: &mut StdRng, count: usize) -> String {
    let mut text = String::new();
    while text.len() < count {
        text.push_str(&format!("{:016x}", random.next_u64()));
    }
    text.truncate(count);
    text
}
