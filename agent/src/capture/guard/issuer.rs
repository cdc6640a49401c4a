//! Which numbers are card numbers: the issuers' ranges with their lengths, and the check digits.
//!
//! Ranges as the schemes publish them for ISO/IEC 7812: Visa 4; Mastercard 51–55 and 2221–2720;
//! American Express 34, 37; Discover 6011, 644–649, 65; JCB 3528–3589; Diners Club 300–305, 36,
//! 38, 39; UnionPay 62; Maestro 50, 56–58 and the rest of 6. Does not look at the text around.

/// How sure a range is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Range {
    /// A range of one scheme with its own lengths.
    Certain,
    /// Maestro: a third of all numbers that begin with 5 or 6, at any length.
    Wide,
}

/// The digits of the shortest and the longest card number (ISO/IEC 7812-1).
pub(super) const DIGITS_MIN: usize = 13;
pub(super) const DIGITS_MAX: usize = 19;

/// The range that a number of 13 to 19 digits falls into. Digits are values 0 to 9.
pub(super) fn range(digits: &[u8]) -> Option<Range> {
    if !(DIGITS_MIN..=DIGITS_MAX).contains(&digits.len()) {
        return None;
    }
    let first = |count: usize| digits[..count].iter().fold(0, |n: u32, d| n * 10 + u32::from(*d));
    let certain = match (first(2), digits.len()) {
        (40..=49, 13 | 16 | 19) | (34 | 37, 15) | (51..=55, 16) => true,
        (22..=27, 16) => (2221..=2720).contains(&first(4)),
        (30, 14 | 16) => (300..=305).contains(&first(3)),
        (36 | 38 | 39, 14 | 16 | 19) => true,
        (35, 16..=19) => (3528..=3589).contains(&first(4)),
        (60, 16..=19) => first(4) == 6011,
        (64, 16..=19) => (644..=649).contains(&first(3)),
        (62 | 65, 16..=19) => true,
        _ => false,
    };
    match first(2) {
        _ if certain => Some(Range::Certain),
        50 | 56..=58 | 60..=69 => Some(Range::Wide),
        _ => None,
    }
}

/// Whether the last digit is the check digit of a card number (ISO/IEC 7812-1, annex B).
pub(super) fn passes_luhn(digits: &[u8]) -> bool {
    let sum: u32 = (0..)
        .zip(digits.iter().rev())
        .map(|(place, digit): (u32, _)| {
            let digit = u32::from(*digit);
            match place % 2 {
                0 => digit,
                _ => digit * 2 / 10 + digit * 2 % 10,
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Whether the last digit is the check digit of an article number (GS1 General Specifications,
/// section 7.9).
pub(super) fn passes_gs1(digits: &[u8]) -> bool {
    let sum: u32 = (0..)
        .zip(digits.iter().rev())
        .map(|(place, digit): (u32, _)| u32::from(*digit) * if place % 2 == 0 { 1 } else { 3 })
        .sum();
    sum.is_multiple_of(10)
}
