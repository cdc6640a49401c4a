//! Walks through JSON text piece by piece: every text (names of fields too) and every bare number,
//! with its place and what its field is meant to hold.
//!
//! Reads leniently and checks no syntax: the parser does. Builds nothing; a path is put together
//! only when it is asked for.

use std::borrow::Cow;

use protocol::limits::JSON_DEPTH_MAX;

use super::names::{Meaning, meaning};
use super::{Refusal, issuer};

/// Characters of a path that is shown.
const PATH_CHARS_MAX: usize = 256;

/// One piece.
#[derive(Debug)]
pub(super) enum Piece<'a> {
    /// A text, still escaped and without its quotes.
    Text {
        /// Where it begins, in bytes.
        start: usize,
        /// What stands between the quotes.
        raw: &'a str,
        /// What it is meant to be.
        meaning: Meaning,
        /// What the walk saw in it.
        signs: Signs,
    },
    /// A number.
    Bare {
        /// Where it begins, in bytes.
        start: usize,
        /// As it stands.
        raw: &'a str,
        /// What it is meant to be.
        meaning: Meaning,
    },
}

/// What the walk saw in a text in passing, so that most texts need no second look.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Signs {
    digits: usize,
    /// An escape, or a character beyond ASCII: digits may be written in other ways.
    disguises: bool,
    /// A sign that may stand between the name of a secret and the secret.
    assigns: bool,
}

impl Signs {
    /// Whether a card number or a track, which hold 12 digits at least, may stand in it.
    pub(super) const fn may_hold_a_number(self) -> bool {
        self.digits >= issuer::DIGITS_MIN - 1 || self.disguises
    }

    /// Whether the name of a secret and the secret may stand in it.
    pub(super) const fn may_hold_a_secret(self) -> bool {
        (self.assigns && self.digits > 0) || self.disguises
    }
}

/// An object or a list that the walk is within.
#[derive(Debug)]
struct Frame<'a> {
    /// In an object: the name of the current field.
    name: &'a str,
    /// In a list: the index of the current item.
    index: Option<usize>,
    meaning: Meaning,
}

/// A walk through a text.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    text: &'a str,
    at: usize,
    frames: Vec<Frame<'a>>,
}

impl<'a> Walk<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { text, at: 0, frames: Vec::new() }
    }

    /// The next piece; none at the end.
    pub(super) fn next_piece(&mut self) -> Result<Option<Piece<'a>>, Refusal> {
        let bytes = self.text.as_bytes();
        while let Some(byte) = bytes.get(self.at) {
            match byte {
                b'"' => return Ok(Some(self.text_piece())),
                b'-' | b'0'..=b'9' => return Ok(Some(self.bare_piece())),
                b'{' => self.enter(None)?,
                b'[' => self.enter(Some(0))?,
                b'}' | b']' => {
                    self.frames.pop();
                }
                b',' => self.step(),
                _ => {}
            }
            self.at += 1;
        }
        Ok(None)
    }

    /// The place of the last piece. Never holds much: a name may be as long as a text.
    pub(super) fn path(&self) -> String {
        let mut path = String::new();
        for frame in &self.frames {
            match frame.index {
                Some(index) => path.push_str(&format!("[{index}]")),
                None if frame.name.is_empty() => {}
                None if path.is_empty() => path.push_str(frame.name),
                None => {
                    path.push('.');
                    path.push_str(frame.name);
                }
            }
        }
        path.chars().take(PATH_CHARS_MAX).collect()
    }

    fn enter(&mut self, index: Option<usize>) -> Result<(), Refusal> {
        if self.frames.len() == JSON_DEPTH_MAX {
            return Err(Refusal::TooDeep);
        }
        let meaning = self.meaning();
        self.frames.push(Frame { name: "", index, meaning });
        Ok(())
    }

    fn step(&mut self) {
        if let Some(Frame { index: Some(index), .. }) = self.frames.last_mut() {
            *index += 1;
        }
    }

    fn meaning(&self) -> Meaning {
        self.frames.last().map_or(Meaning::Prose, |frame| frame.meaning)
    }

    fn text_piece(&mut self) -> Piece<'a> {
        let start = self.at + 1;
        let (end, signs) = text_end(self.text.as_bytes(), start);
        let raw = &self.text[start..end];
        self.at = end + 1;
        if !self.is_name() {
            return Piece::Text { start, raw, meaning: self.meaning(), signs };
        }
        let around = self.frames.iter().rev().nth(1).map(|frame| frame.meaning);
        let Some(frame) = self.frames.last_mut() else {
            return Piece::Text { start, raw, meaning: Meaning::Prose, signs };
        };
        // What stands within a secret is secret, whatever its name; and a name that itself holds
        // card data must not show in the path to it.
        let is_plain = !signs.may_hold_a_number() && !signs.may_hold_a_secret();
        frame.name = if is_plain { raw } else { "" };
        frame.meaning = match around {
            Some(Meaning::Secret(secret)) => Meaning::Secret(secret),
            _ => meaning(&decoded(raw)),
        };
        Piece::Text { start, raw, meaning: Meaning::Prose, signs }
    }

    /// Whether the text that ends here is the name of a field.
    fn is_name(&self) -> bool {
        let within_object = self.frames.last().is_some_and(|frame| frame.index.is_none());
        let rest = &self.text.as_bytes()[self.at.min(self.text.len())..];
        let next = rest.iter().find(|byte| !byte.is_ascii_whitespace());
        within_object && next == Some(&b':')
    }

    fn bare_piece(&mut self) -> Piece<'a> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        let length = bytes[start..]
            .iter()
            .take_while(|b| matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'))
            .count();
        self.at = start + length;
        Piece::Bare { start, raw: &self.text[start..self.at], meaning: self.meaning() }
    }
}

/// Where the text ends that begins here, and what stands in it.
fn text_end(bytes: &[u8], start: usize) -> (usize, Signs) {
    let mut signs = Signs::default();
    let mut at = start;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return (at, signs),
            b'0'..=b'9' => signs.digits += 1,
            b':' | b'=' | b'>' => signs.assigns = true,
            b'\\' => {
                signs.disguises = true;
                // Only quotes and backslashes matter here, and both are a single byte.
                at += usize::from(matches!(bytes.get(at + 1), Some(b'"' | b'\\')));
            }
            0x80.. => signs.disguises = true,
            _ => {}
        }
        at += 1;
    }
    (bytes.len(), signs)
}

/// A text without its escapes. One that is wrongly escaped is read as it stands.
pub(super) fn decoded(raw: &str) -> Cow<'_, str> {
    if !raw.contains('\\') {
        return Cow::Borrowed(raw);
    }
    match serde_json::from_str::<String>(&format!("\"{raw}\"")) {
        Ok(text) => Cow::Owned(text),
        Err(_) => Cow::Borrowed(raw),
    }
}
