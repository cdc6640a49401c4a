//! The card-data guard: nothing that looks like a card number, track data, a CVV or a PIN passes.
//!
//! It reads JSON text before anything else does, text by text as JSON means it (escapes undone),
//! and once more what is about to be written. A card number is 13 to 19 digits within an issuer's
//! range (ISO/IEC 7812) whose check digit is right (Luhn), also when spaces, dashes or dots split
//! it; track data and secret fields are known by their form and name. What a store writes besides
//! (article numbers, identifiers, hashes, telephone numbers) is told apart by field and form, in
//! [`number`] and [`names`]. An article number that is right by its own check digit cannot be told
//! from a card number of 13 or 14 digits in a field meant for article numbers, and passes there.
//! Who sends over HTTP is refused and can be asked to send again; what was read from a source that
//! cannot be asked is masked ([`mask`]).

mod issuer;
mod mask;
mod names;
mod number;
#[cfg(test)]
mod tests;
mod track;
mod walk;

use std::collections::BTreeSet;

use protocol::id::Code;
use protocol::problem::{self, Problem};

use self::names::Meaning;
use self::walk::{Piece, Signs, Walk};

/// The guard with what it knows of this retailer.
#[derive(Debug, Clone)]
pub struct Guard {
    own_prefixes: BTreeSet<Code>,
}

/// What a text holds that must not be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A card number.
    Number,
    /// What a magnetic stripe or chip says.
    Track,
    /// A field that by its name holds a card number, track, CVV or PIN.
    Secret,
}

/// Card data in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardData {
    /// What it is.
    pub kind: Kind,
    /// Where it stands, as `data.lines[2].item.description`.
    pub path: String,
    /// At most its first six and last four digits.
    pub masked: String,
}

/// Why a text does not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// It holds card data.
    CardData(CardData),
    /// It is nested deeper than any event.
    TooDeep,
}

impl Guard {
    /// A guard that knows the first digits of the retailer's own numbers.
    #[must_use]
    pub const fn new(own_prefixes: BTreeSet<Code>) -> Self {
        Self { own_prefixes }
    }

    /// A guard that lets no number of the retailer's own pass: for what is said about documents.
    #[must_use]
    pub const fn strict() -> Self {
        Self::new(BTreeSet::new())
    }

    /// Checks JSON text. Text that is not JSON is read as far as it resembles it; the parser
    /// refuses it afterwards.
    ///
    /// # Errors
    /// The first place that holds card data, or too deep a nesting.
    pub fn check(&self, json: &str) -> Result<(), Refusal> {
        let mut walk = Walk::new(json);
        while let Some(piece) = walk.next_piece()? {
            if let Some((kind, masked)) = self.examine(&piece) {
                let path = walk.path();
                return Err(Refusal::CardData(CardData { kind, path, masked }));
            }
        }
        Ok(())
    }

    /// The first card number in a text of no particular meaning, as it stands there.
    #[must_use]
    pub fn number_in<'t>(&self, text: &'t str) -> Option<&'t str> {
        let found = number::find(text, Meaning::Prose, &self.own_prefixes)?;
        text.get(found.range)
    }

    fn examine(&self, piece: &Piece<'_>) -> Option<(Kind, String)> {
        match piece {
            Piece::Text { raw, meaning, signs, .. } => {
                if let Meaning::Secret(secret) = meaning {
                    return secret
                        .is_told_by(&walk::decoded(raw))
                        .then(|| (Kind::Secret, "***".to_owned()));
                }
                self.examine_text(raw, *meaning, *signs)
            }
            Piece::Bare { raw, meaning, .. } => match meaning {
                Meaning::Secret(secret) if secret.is_told_by(raw) => {
                    Some((Kind::Secret, "***".to_owned()))
                }
                Meaning::Secret(_) => None,
                _ => number::find_bare(raw).map(|masked| (Kind::Number, masked)),
            },
        }
    }

    fn examine_text(&self, raw: &str, meaning: Meaning, signs: Signs) -> Option<(Kind, String)> {
        if signs.may_hold_a_number() {
            let text = walk::decoded(raw);
            if let Some(masked) = track::find(&text) {
                return Some((Kind::Track, masked));
            }
            if let Some(found) = number::find(&text, meaning, &self.own_prefixes) {
                return Some((Kind::Number, found.masked));
            }
        }
        let tells = || names::secret_in_prose(&walk::decoded(raw));
        (signs.may_hold_a_secret() && tells()).then(|| (Kind::Secret, "***".to_owned()))
    }
}

impl Refusal {
    /// The same as a problem document.
    #[must_use]
    pub fn problem(&self) -> Problem {
        let found = match self {
            Self::CardData(found) => found,
            Self::TooDeep => {
                let message =
                    format!("nested deeper than {} levels", protocol::limits::JSON_DEPTH_MAX);
                return Problem::new(problem::Code::MalformedJson, message)
                    .next("send events in the shape of the schemas in /openapi.json");
            }
        };
        let (detail, next) = match found.kind {
            Kind::Number => (
                format!("{} looks like a card number", found.masked),
                "send at most `card.bin` (six digits) and `card.last4`; for a number of the \
                 retailer's own, name its first digits in card_data.own_prefixes",
            ),
            Kind::Track => (
                format!("{} looks like the track data of a card", found.masked),
                "leave it out: track data must not leave the payment terminal",
            ),
            Kind::Secret => (
                "a field or note that is named like a card's number, track, CVV or PIN".to_owned(),
                "leave it out: nothing about a card is kept beyond what `card` can express",
            ),
        };
        Problem::new(problem::Code::CardData, detail).at(&found.path).next(next)
    }
}
