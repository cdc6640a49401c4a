//! What of a source's text may be shown to people.
//!
//! An error quotes what it is about, and lands in logs and beside rejected files: a card number in
//! a column where nobody expects one must not come along.

/// Characters that are quoted: enough to recognise a cell by.
const CHARS_MAX: usize = 200;

/// Digits from which on a text may hold a card number (ISO/IEC 7812-1 allows 12 to 19).
const CARD_DIGITS_MIN: usize = 12;

/// Digits that stay readable then: those that PCI DSS 3.4 lets a receipt show.
const DIGITS_SHOWN: usize = 6;

/// A text as it may be shown: short, and with only its first digits if it has as many as a card
/// number.
#[must_use]
pub fn shown(text: &str) -> String {
    let is_digit = |c: &char| c.is_numeric();
    let may_be_a_card = text.chars().filter(is_digit).count() >= CARD_DIGITS_MIN;
    let mut digits = 0;
    let mask = |c: char| {
        digits += usize::from(c.is_numeric());
        match c {
            c if c.is_numeric() && may_be_a_card && digits > DIGITS_SHOWN => '*',
            c if c.is_control() => ' ',
            c => c,
        }
    };
    text.chars().map(mask).take(CHARS_MAX).collect()
}
