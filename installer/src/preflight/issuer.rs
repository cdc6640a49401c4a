//! Who a certificate says has signed it, for a person to read.
//!
//! Reads no more of X.509 (RFC 5280) than that, and believes nothing of it.

/// A sequence.
const SEQUENCE: u8 = 0x30;
/// A set.
const SET: u8 = 0x31;
/// An object identifier.
const OBJECT: u8 = 0x06;
/// The explicitly tagged version that a certificate of version 3 begins with.
const VERSION: u8 = 0xa0;

/// id-at-commonName, 2.5.4.3.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
/// id-at-organizationName, 2.5.4.10.
const ORGANISATION: &[u8] = &[0x55, 0x04, 0x0a];

/// Characters of a name that are shown: a certificate of a stranger may hold anything.
const NAME_LENGTH_MAX: usize = 80;

/// The issuer's common name, or its organisation; none if the certificate names neither.
pub(super) fn of(certificate: &[u8]) -> Option<String> {
    let (certificate, _) = element(certificate, SEQUENCE)?;
    let (signed, _) = element(certificate, SEQUENCE)?;
    let rest = element(signed, VERSION).map_or(signed, |(_, rest)| rest);
    // Serial number and algorithm come first.
    let (_, _, rest) = any(rest)?;
    let (_, _, rest) = any(rest)?;
    let (name, _) = element(rest, SEQUENCE)?;
    attribute(name, COMMON_NAME).or_else(|| attribute(name, ORGANISATION))
}

/// The value of the first attribute of that kind in a name.
fn attribute(mut name: &[u8], kind: &[u8]) -> Option<String> {
    while let Some((set, rest)) = element(name, SET) {
        name = rest;
        let (pair, _) = element(set, SEQUENCE)?;
        let (found, value) = element(pair, OBJECT)?;
        if found == kind {
            let (_, text, _) = any(value)?;
            let text = String::from_utf8_lossy(text);
            let shown = text.chars().filter(|character| !character.is_control());
            return Some(shown.take(NAME_LENGTH_MAX).collect());
        }
    }
    None
}

/// The content of the first element if it has that tag, and what follows it.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, content, rest) = any(bytes)?;
    (found == tag).then_some((content, rest))
}

/// The first element: its tag, its content, and what follows it.
fn any(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, bytes) = bytes.split_first()?;
    let (&first, bytes) = bytes.split_first()?;
    // Up to 127 the length stands there itself; else the number of its bytes does.
    let (length, bytes) = match first {
        0..=0x7f => (usize::from(first), bytes),
        0x81..=0x84 => {
            let (digits, bytes) = bytes.split_at_checked(usize::from(first & 0x7f))?;
            let length = digits.iter().fold(0, |sum, digit| (sum << 8) | usize::from(*digit));
            (length, bytes)
        }
        _ => return None,
    };
    let (content, rest) = bytes.split_at_checked(length)?;
    Some((tag, content, rest))
}
