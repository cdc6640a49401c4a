//! Masks card data in JSON, for inputs whose source cannot be asked to leave it out.
//!
//! A card number keeps its first six and last four digits within its text; a text with track data
//! keeps nothing but those; a secret becomes `***`. The names of fields that hold card data are
//! masked as well. Changes nothing else, and leaves JSON as valid as it was.

use std::borrow::Cow;

use protocol::problem::Problem;

use super::names::Meaning;
use super::walk::{self, Piece, Walk};
use super::{CardData, Guard, Kind, Refusal, number, track};

/// What stands in place of a secret.
const SECRET: &str = "***";

impl Guard {
    /// Masks every place of JSON text that holds card data; returns the text and the places.
    ///
    /// # Errors
    /// Too deep a nesting.
    pub fn mask<'a>(&self, json: &'a str) -> Result<(Cow<'a, str>, Vec<CardData>), Refusal> {
        let mut walk = Walk::new(json);
        let (mut masked, mut copied, mut found) = (String::new(), 0, Vec::new());
        while let Some(piece) = walk.next_piece()? {
            let Some((kind, shown)) = self.examine(&piece) else { continue };
            let (start, raw, replacement) = match &piece {
                Piece::Text { start, raw, meaning, .. } => {
                    let text = self.masked_text(&walk::decoded(raw), *meaning);
                    let written = serde_json::to_string(&text).expect("a text is plain data");
                    (*start, *raw, written[1..written.len() - 1].to_owned())
                }
                Piece::Bare { start, raw, .. } => (*start, *raw, format!("\"{shown}\"")),
            };
            masked.push_str(&json[copied..start]);
            masked.push_str(&replacement);
            copied = start + raw.len();
            found.push(CardData { kind, path: walk.path(), masked: shown });
        }
        if found.is_empty() {
            return Ok((Cow::Borrowed(json), found));
        }
        masked.push_str(&json[copied..]);
        Ok((Cow::Owned(masked), found))
    }

    /// A refusal without the card data that it repeats of what was refused: a reader names the
    /// value that it did not expect, and the refusal of a file is written beside it.
    #[must_use]
    pub fn without_card_data(&self, problem: Problem) -> Problem {
        let Problem { detail, path, .. } = &problem;
        let (detail, path) = (self.masked_prose(detail), path.as_deref());
        let path = path.map(|path| self.masked_prose(path));
        Problem { detail, path, ..problem }
    }

    /// Prose without the card data in it.
    #[must_use]
    pub fn masked_prose(&self, text: &str) -> String {
        self.masked_text(text, Meaning::Prose)
    }

    fn masked_text(&self, text: &str, meaning: Meaning) -> String {
        if matches!(meaning, Meaning::Secret(_)) {
            return SECRET.to_owned();
        }
        if let Some(shown) = track::find(text) {
            return shown;
        }
        let mut text = text.to_owned();
        // Each round masks the first number that is left, and a masked one is none any more.
        while let Some(found) = number::find(&text, meaning, &self.own_prefixes) {
            text.replace_range(found.range, &found.masked);
        }
        if super::names::secret_in_prose(&text) {
            return SECRET.to_owned();
        }
        text
    }
}

impl CardData {
    /// Whether nothing of it may be shown but that it was there.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        self.kind == Kind::Secret
    }
}
