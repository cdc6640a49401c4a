//! Packed numbers of the 4690: a nibble a digit.
//!
//! A number with an odd count of nibbles has an `F` in front; a negative one has a `D` before its
//! digits (IBM 4690 packed, DFDL 1.0, section 13.7). Does no rounding and knows no decimals.

/// Digits of a number: no amount has more.
const NUMBER_DIGITS_MAX: usize = 15;

/// Digits of a code: a customer's account may have those of a card.
const CODE_DIGITS_MAX: usize = 20;

/// The digits of an unsigned field, leading zeros and all; none if it is none.
pub(super) fn digits(field: &[u8]) -> Option<String> {
    let mut nibbles = nibbles(field).peekable();
    while nibbles.next_if_eq(&0xF).is_some() {}
    let digits: Option<String> =
        nibbles.map(|nibble| char::from_digit(u32::from(nibble), 10)).collect();
    digits.filter(|digits| (1..=CODE_DIGITS_MAX).contains(&digits.len()))
}

/// The number in a field, signed; none if it is none.
pub(super) fn number(field: &[u8]) -> Option<i64> {
    let mut nibbles = nibbles(field).peekable();
    while nibbles.next_if_eq(&0xF).is_some() {}
    let negative = nibbles.next_if_eq(&0xD).is_some();
    let (mut value, mut count) = (0_i64, 0);
    for nibble in nibbles {
        count += 1;
        if nibble > 9 || count > NUMBER_DIGITS_MAX {
            return None;
        }
        value = value * 10 + i64::from(nibble);
    }
    match count {
        0 => None,
        _ => Some(if negative { -value } else { value }),
    }
}

fn nibbles(field: &[u8]) -> impl Iterator<Item = u8> {
    field.iter().flat_map(|byte| [byte >> 4, byte & 0xF])
}
