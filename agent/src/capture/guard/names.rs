//! What the name of a field says about its content: an article number, an identifier, a secret.
//!
//! Does not look at the content, apart from telling whether a secret field says anything.

/// What a text is meant to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The number of an article.
    Article,
    /// An identifier that a system assigned.
    Identifier,
    /// Anything else.
    Prose,
    /// A secret of a card.
    Secret(Secret),
}

/// A secret of a card, by the name of its field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Secret {
    /// The number: it may stand there masked.
    Number,
    /// Track, CVV or PIN: no digit of it may stand there.
    Code,
}

/// The digits of a masked number: the first six and the last four.
const MASKED_DIGITS_MAX: usize = 10;

/// Longer names are not those of a card's secrets.
const NAME_BYTES_MAX: usize = 32;

impl Secret {
    /// Whether a value gives the secret away.
    pub(super) fn is_told_by(self, value: &str) -> bool {
        let digits = value.chars().filter(|c| c.is_numeric()).count();
        match self {
            Self::Number => digits > MASKED_DIGITS_MAX,
            Self::Code => digits > 0,
        }
    }
}

/// What the field with this name holds.
pub(super) fn meaning(name: &str) -> Meaning {
    match name {
        "sku" | "gtin" | "scanned" => Meaning::Article,
        "id" | "source" | "subject" | "traceparent" | "store" | "register" | "till" | "shift"
        | "receipt" | "firstReceipt" | "lastReceipt" | "document" | "posId" | "profile"
        | "location" | "counterpart" | "cashier" | "seller" | "approver" | "operator"
        | "customer" | "loyalty" | "order" | "lineItem" | "giftCard" | "serials" | "lots"
        | "token" | "reference" | "authorisation" | "certificate" | "device" | "transaction"
        | "counter" | "priceBook" | "group" => Meaning::Identifier,
        _ => secret(name).map_or(Meaning::Prose, Meaning::Secret),
    }
}

/// The secret that a name stands for, however it is written: `CVV2`, `card_number`,
/// `acme:pin-block`.
fn secret(name: &str) -> Option<Secret> {
    if name.len() > NAME_BYTES_MAX {
        return None;
    }
    let name = name.rsplit(':').next().unwrap_or_default();
    // Most names end here; every name of every event passes.
    let mut letters = name.bytes().filter(u8::is_ascii_alphanumeric);
    let first = letters.next().map(|letter| letter.to_ascii_lowercase());
    if !matches!(first, Some(b'c' | b'e' | b'm' | b'p' | b's' | b't')) {
        return None;
    }
    let mut plain = [0; NAME_BYTES_MAX];
    let letters = name.bytes().filter(u8::is_ascii_alphanumeric);
    let mut length = 0;
    for (place, letter) in plain.iter_mut().zip(letters) {
        *place = letter.to_ascii_lowercase();
        length += 1;
    }
    match &plain[..length] {
        b"pan"
        | b"cardpan"
        | b"cardnumber"
        | b"cardno"
        | b"ccnumber"
        | b"creditcardnumber"
        | b"primaryaccountnumber" => Some(Secret::Number),
        b"cvv" | b"cvv2" | b"cvc" | b"cvc2" | b"cav2" | b"csc" | b"securitycode"
        | b"cardsecuritycode" | b"pin" | b"pinblock" | b"pindata" | b"encryptedpin" | b"track"
        | b"track1" | b"track2" | b"track3" | b"track1data" | b"track2data" | b"trackdata"
        | b"magstripe" => Some(Secret::Code),
        _ => None,
    }
}

/// Whether a text names a secret and then says it, as in `CVV: 123`, `pin=1234` or `<cvc>123`.
pub(super) fn secret_in_prose(text: &str) -> bool {
    let mut rest = text;
    while let Some(sign) = rest.find([':', '=', '>']) {
        let (before, after) = rest.split_at(sign);
        let name = before.trim_end().trim_end_matches(['"', '\'', ']', ')']);
        let start = name.rfind(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '-'));
        let name = start.map_or(name, |at| &name[at..]);
        rest = &after[1..];
        let said = rest.trim_start_matches([' ', '"', '\'', '[', '(']);
        let digits = said.bytes().take_while(u8::is_ascii_digit).count();
        if digits >= CODE_DIGITS_MIN && secret(name) == Some(Secret::Code) {
            return true;
        }
    }
    false
}

/// The digits of the shortest CVV.
const CODE_DIGITS_MIN: usize = 3;
