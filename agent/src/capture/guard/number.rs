//! Finds card numbers in a text: digits in one run, or in groups split by spaces, dashes or dots.
//!
//! A window over neighbouring groups is a card number if an issuer's range, the length, the check
//! digit and the grouping fit, and nothing says that it is something else: an article number, a
//! telephone number, a UUID, a hash. Does not know fields beyond what they are meant to hold.

use std::collections::BTreeSet;
use std::ops;

use protocol::id::Code;

use super::issuer::{DIGITS_MAX, DIGITS_MIN, Range, passes_gs1, passes_luhn, range};
use super::names::Meaning;

/// Separators between two groups: `4111 - 1111` has three.
const SEPARATORS_MAX: usize = 3;

/// Digits of even groups: pairs are sizes, dates and times.
const EVEN_DIGITS_MIN: usize = 3;

/// Groups of an irregularly split number: more are a list of other numbers.
const IRREGULAR_GROUPS_MAX: usize = 7;

/// The digits of a telephone number with its country code (ITU-T E.164).
const TELEPHONE_DIGITS_MAX: usize = 15;

/// The digits of a bare number up to which it is taken for an amount.
const AMOUNT_DIGITS_MAX: usize = 14;

/// Characters from which on a word of hexadecimal digits is a hash or an object's identity.
const HASH_CHARS_MIN: usize = 24;

/// Digits that stand together.
#[derive(Debug, Clone, Copy)]
struct Group {
    /// Where the digits begin among those of the chain.
    first: usize,
    /// How many there are.
    count: usize,
    /// Where it begins in the text, in bytes.
    start: usize,
    /// Where it ends, in bytes.
    end: usize,
    /// What separates it from the group before.
    separator: Separator,
}

/// What stands between two groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Separator {
    Blank,
    Dot,
}

/// Groups that only separators split.
#[derive(Debug, Default)]
struct Chain {
    digits: Vec<u8>,
    groups: Vec<Group>,
}

/// A card number in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// Where it stands, in bytes.
    pub(super) range: ops::Range<usize>,
    /// What may be shown of it.
    pub(super) masked: String,
}

/// Finds a card number.
pub(super) fn find(text: &str, meaning: Meaning, own: &BTreeSet<Code>) -> Option<Found> {
    let mut chain = Chain::default();
    // What stands between the last digit and here; none if that ends a chain.
    let mut between: Option<(usize, Separator)> = None;
    for (at, character) in text.char_indices() {
        if let Some(digit) = digit(character) {
            match between {
                Some((0, _)) => chain.extend(digit, at + character.len_utf8()),
                Some((_, separator)) => {
                    chain.begin(digit, at..at + character.len_utf8(), separator);
                }
                None => {
                    chain = Chain::default();
                    chain.begin(digit, at..at + character.len_utf8(), Separator::Blank);
                }
            }
            between = Some((0, Separator::Blank));
            continue;
        }
        between = match (between, separator(character)) {
            (Some((0, _)), Some(separator)) => Some((1, separator)),
            (Some((count, before)), Some(separator))
                if count < SEPARATORS_MAX && before == separator =>
            {
                Some((count + 1, separator))
            }
            _ => {
                if let Some(found) = chain.card_number(text, meaning, own) {
                    return Some(found);
                }
                chain = Chain::default();
                None
            }
        };
    }
    chain.card_number(text, meaning, own)
}

/// Finds a card number in a bare number of JSON. One of 13 or 14 digits is taken for an amount in a
/// currency of small units: nothing else of that size is written without quotes.
pub(super) fn find_bare(raw: &str) -> Option<String> {
    if raw.len() <= AMOUNT_DIGITS_MAX {
        return None;
    }
    let mantissa = raw.split(['e', 'E']).next().unwrap_or_default();
    let digits: Vec<u8> =
        mantissa.bytes().filter(u8::is_ascii_digit).map(|digit| digit - b'0').collect();
    let whole = mantissa.split('.').next().unwrap_or_default();
    let whole = whole.bytes().filter(u8::is_ascii_digit).count();
    let candidates = [&digits[..], &digits[..whole]];
    let number =
        candidates.into_iter().find(|d| d.len() > AMOUNT_DIGITS_MAX && is_card_number(d).is_some());
    number.map(masked)
}

/// At most the first six and the last four digits.
pub(super) fn masked(digits: &[u8]) -> String {
    let shown = |d: &u8| char::from(b'0' + d);
    let (first, last) = (digits.iter().take(6), digits.iter().skip(digits.len().max(10) - 4));
    first.map(shown).chain("******".chars()).chain(last.map(shown)).collect()
}

fn is_card_number(digits: &[u8]) -> Option<Range> {
    range(digits).filter(|_| passes_luhn(digits))
}

impl Chain {
    fn begin(&mut self, digit: u8, at: ops::Range<usize>, separator: Separator) {
        let (start, end) = (at.start, at.end);
        self.groups.push(Group { first: self.digits.len(), count: 1, start, end, separator });
        self.digits.push(digit);
    }

    fn extend(&mut self, digit: u8, end: usize) {
        self.digits.push(digit);
        if let Some(group) = self.groups.last_mut() {
            group.count += 1;
            group.end = end;
        }
    }

    fn card_number(&self, text: &str, meaning: Meaning, own: &BTreeSet<Code>) -> Option<Found> {
        if self.digits.len() < DIGITS_MIN {
            return None;
        }
        for (index, first) in self.groups.iter().enumerate() {
            let mut count = 0;
            for (length, group) in self.groups[index..].iter().enumerate() {
                count += group.count;
                if count > DIGITS_MAX {
                    break;
                }
                let window = &self.groups[index..=index + length];
                let digits = &self.digits[first.first..first.first + count];
                if is_refused(text, window, digits, meaning, own) {
                    return Some(Found { range: first.start..group.end, masked: masked(digits) });
                }
            }
        }
        None
    }
}

/// Whether a window is a card number that must not stand here.
fn is_refused(
    text: &str,
    window: &[Group],
    digits: &[u8],
    meaning: Meaning,
    own: &BTreeSet<Code>,
) -> bool {
    let Some(range) = is_card_number(digits) else { return false };
    let is_identifier = matches!(meaning, Meaning::Article | Meaning::Identifier);
    let loosely = range == Range::Certain && !is_identifier;
    if !is_grouped_like_a_card(window, loosely) {
        return false;
    }
    let is_own = || own.iter().any(|prefix| begins_with(digits, prefix.as_str()));
    if is_identifier && is_own() {
        return false;
    }
    if meaning == Meaning::Article && window.len() == 1 && matches!(digits.len(), 13 | 14) {
        return !passes_gs1(digits);
    }
    let start = window.first().map_or(0, |group| group.start);
    let before = &text[..start];
    let is_telephone = before.ends_with('+') && digits.len() <= TELEPHONE_DIGITS_MAX;
    // The identity of an object at a shop system, such as `gid://shop/LineItem/5678901234567`.
    let is_path_end = is_identifier
        && text.starts_with("gid://")
        && before.ends_with('/')
        && digits.len() <= TELEPHONE_DIGITS_MAX;
    !is_telephone && !is_path_end && !is_within_machine_word(text, start)
}

/// Whether a word of the text around a place was made by a machine: a UUID, a trace, a hash.
fn is_within_machine_word(text: &str, at: usize) -> bool {
    let word = word_around(text, at, |b| b.is_ascii_alphanumeric());
    let has_letter = |word: &str| word.bytes().any(|b| b.is_ascii_alphabetic());
    let is_hex = |word: &str| word.bytes().all(|b| b.is_ascii_hexdigit());
    if word.len() >= HASH_CHARS_MIN && is_hex(word) && has_letter(word) {
        return true;
    }
    let word = word_around(text, at, |b| b.is_ascii_alphanumeric() || b == b'-');
    let parts = || word.split('-').map(str::len);
    let is_uuid = parts().eq([8, 4, 4, 4, 12]) || parts().eq([2, 32, 16, 2]);
    is_uuid && word.split('-').all(is_hex)
}

fn word_around(text: &str, at: usize, belongs: impl Fn(u8) -> bool) -> &str {
    let bytes = text.as_bytes();
    let before = bytes[..at].iter().rev().take_while(|b| belongs(**b)).count();
    let after = bytes[at..].iter().take_while(|b| belongs(**b)).count();
    &text[at - before..at + after]
}

fn begins_with(digits: &[u8], prefix: &str) -> bool {
    let prefix = prefix.bytes().map(|b| b.wrapping_sub(b'0'));
    digits.iter().copied().zip(prefix.clone()).all(|(a, b)| a == b) && prefix.len() <= digits.len()
}

/// Whether groups split a number as people split card numbers. `loosely` lets any split pass.
fn is_grouped_like_a_card(window: &[Group], loosely: bool) -> bool {
    let [first, rest @ ..] = window else { return false };
    let Some((last, middle)) = rest.split_last() else { return true };
    let dots = rest.iter().filter(|group| group.separator == Separator::Dot).count();
    let counts = || window.iter().map(|group| group.count);
    let is_known = counts().eq([4, 6, 5]) || counts().eq([4, 6, 4]) || counts().eq([4, 3, 3, 3]);
    let is_even = middle.iter().all(|group| group.count == first.count)
        && last.count <= first.count
        && first.count >= EVEN_DIGITS_MIN;
    let is_single = window.iter().all(|group| group.count == 1);
    let is_known = is_known || is_even || is_single;
    match dots {
        0 => is_known || (loosely && window.len() <= IRREGULAR_GROUPS_MAX),
        // One dot makes a decimal number, and dots among blanks make dates and amounts.
        _ => dots == rest.len() && dots > 1 && is_known,
    }
}

/// A decimal digit: ASCII, full-width, Arabic or Persian.
fn digit(character: char) -> Option<u8> {
    let zero = match character {
        '0'..='9' => '0',
        '\u{ff10}'..='\u{ff19}' => '\u{ff10}',
        '\u{660}'..='\u{669}' => '\u{660}',
        '\u{6f0}'..='\u{6f9}' => '\u{6f0}',
        _ => return None,
    };
    u8::try_from(u32::from(character) - u32::from(zero)).ok()
}

/// What people and programs put between digits; also what cannot be seen.
fn separator(character: char) -> Option<Separator> {
    match character {
        '.' | '\u{b7}' | '\u{2022}' => Some(Separator::Dot),
        '-' | '\u{ad}' | '\u{2010}'..='\u{2015}' | '\u{2212}' => Some(Separator::Blank),
        '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' => Some(Separator::Blank),
        _ if character.is_whitespace() => Some(Separator::Blank),
        _ => None,
    }
}
