//! What a magnetic stripe says (ISO/IEC 7813), and the same as a chip says it.
//!
//! Track 1 is `%B` number `^` name `^`; track 2 is `;` number `=` expiry. A chip writes track 2
//! with `D` for `=` (EMV 4.3 book 3, tag 57). No check digit is asked for: the form is enough.

use super::issuer::{DIGITS_MAX, range};

/// The shortest number on a track (ISO/IEC 7813).
const DIGITS_MIN: usize = 12;

/// Expiry and service code, which follow the number.
const DIGITS_AFTER_MIN: usize = 7;

/// Finds track data; returns what may be shown of it.
pub(super) fn find(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let separators = (0..bytes.len()).filter(|at| matches!(bytes[*at], b'^' | b'=' | b'D' | b'd'));
    separators.filter_map(|at| track_around(bytes, at)).next()
}

fn track_around(bytes: &[u8], separator: usize) -> Option<String> {
    let before = &bytes[..separator];
    let count = before.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    if !(DIGITS_MIN..=DIGITS_MAX).contains(&count) {
        return None;
    }
    let (lead, number) = before.split_at(separator - count);
    let after = bytes[separator + 1..].iter().take_while(|b| b.is_ascii_digit()).count();
    let is_track = match bytes[separator] {
        b'^' => lead.ends_with(b"%B") || lead.ends_with(b"%b"),
        b'=' if lead.ends_with(b";") => true,
        _ => {
            let stands_alone = lead.last().is_none_or(|b| !b.is_ascii_alphanumeric());
            stands_alone && after >= DIGITS_AFTER_MIN && range(&values(number)).is_some()
        }
    };
    is_track.then(|| super::number::masked(&values(number)))
}

fn values(number: &[u8]) -> Vec<u8> {
    number.iter().map(|digit| digit - b'0').collect()
}
