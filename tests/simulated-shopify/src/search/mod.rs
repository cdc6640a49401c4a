//! Shopify's search: terms over an index of words, never an exact comparison.
//!
//! A text matches if the words of the quoted value stand in it one after the other; the words of an
//! unquoted value may stand anywhere (README, R70). Unknown filters are ignored with a warning, so
//! that a mistyped filter finds everything (README, R72). Knows terms, `AND`, `OR`, `NOT`, `-`,
//! comparators and `*`. Does not read parentheses, but tells where they stand, so that such a query
//! can be refused (README, R11).

#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::{Value, json};

/// A query, as alternatives of terms that must all hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Query {
    text: String,
    alternatives: Vec<Vec<Term>>,
}

/// One term.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Term {
    pub(crate) negated: bool,
    pub(crate) field: Option<String>,
    comparator: Comparator,
    pub(crate) value: String,
    quoted: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparator {
    Is,
    Less,
    AtMost,
    More,
    AtLeast,
}

/// What a record offers for a filter.
#[derive(Debug)]
pub(crate) enum Facet<'a> {
    Texts(Vec<&'a str>),
    Moment(Timestamp),
    Number(Decimal),
    /// There is no such filter.
    Unknown,
}

/// The words of a text: runs of letters and digits, in lower case.
pub(crate) fn words(text: &str) -> Vec<String> {
    text.split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

impl Query {
    /// Reads a query; an empty one matches everything.
    pub(crate) fn read(text: &str) -> Self {
        let mut alternatives = vec![Vec::new()];
        let mut negated = false;
        for piece in pieces(text) {
            match piece.as_str() {
                "OR" => alternatives.push(Vec::new()),
                "AND" => {}
                "NOT" => negated = true,
                _ => {
                    if let Some(terms) = alternatives.last_mut() {
                        terms.push(Term::read(&piece, negated));
                    }
                    negated = false;
                }
            }
        }
        Self { text: text.to_owned(), alternatives }
    }

    /// Whether a record matches; `facet` tells what it offers for a filter, `None` being the search
    /// without a filter.
    pub(crate) fn matches<'a>(&self, facet: impl Fn(Option<&str>) -> Facet<'a>) -> bool {
        self.alternatives.iter().any(|terms| {
            terms.iter().all(|term| match facet(term.field.as_deref()) {
                Facet::Unknown => true,
                known => term.matches(&known) != term.negated,
            })
        })
    }

    /// The words that every match must have in one of these filters, if the query has such.
    pub(crate) fn required_words(&self, fields: &[&str]) -> Option<Vec<String>> {
        let [terms] = self.alternatives.as_slice() else {
            return None;
        };
        terms
            .iter()
            .filter(|term| !term.negated && !term.value.contains(['*', ',']))
            .find(|term| term.field.as_deref().is_some_and(|field| fields.contains(&field)))
            .map(|term| words(&term.value))
            .filter(|words| !words.is_empty())
    }

    /// `extensions.search` for the filters that are not known; `None` if all are.
    pub(crate) fn warnings(&self, path: &str, known: impl Fn(&str) -> bool) -> Option<Value> {
        let unknown: BTreeSet<&str> = self
            .alternatives
            .iter()
            .flatten()
            .filter_map(|term| term.field.as_deref())
            .filter(|field| !known(field))
            .collect();
        if unknown.is_empty() {
            return None;
        }
        let warnings: Vec<Value> = unknown
            .into_iter()
            .map(|field| {
                json!({
                    "field": field,
                    "message": "Invalid search field for this query.",
                    "code": "invalid_field",
                })
            })
            .collect();
        Some(json!({ "path": [path], "query": self.text, "warnings": warnings }))
    }
}

impl Term {
    fn read(piece: &str, negated: bool) -> Self {
        let (negated, piece) = match piece.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (negated, piece),
        };
        let (field, value) = match piece.split_once(':') {
            Some((field, value)) if !field.is_empty() && !field.starts_with(['"', '\'']) => {
                (Some(field.to_lowercase()), value)
            }
            _ => (None, piece),
        };
        let (comparator, value) = [
            ("<=", Comparator::AtMost),
            (">=", Comparator::AtLeast),
            ("<", Comparator::Less),
            (">", Comparator::More),
        ]
        .into_iter()
        .find_map(|(sign, comparator)| Some((comparator, value.strip_prefix(sign)?)))
        .unwrap_or((Comparator::Is, value));
        let quoted = value.len() >= 2
            && (value.starts_with('"') && value.ends_with('"')
                || value.starts_with('\'') && value.ends_with('\''));
        let value = if quoted { &value[1..value.len() - 1] } else { value };
        Self { negated, field, comparator, value: unescaped(value), quoted }
    }

    fn matches(&self, facet: &Facet<'_>) -> bool {
        match facet {
            Facet::Texts(texts) => texts.iter().any(|text| self.matches_text(text)),
            Facet::Moment(moment) => crate::time::read(&self.value)
                .is_some_and(|wanted| self.comparator.holds(moment, &wanted)),
            Facet::Number(number) => self
                .value
                .parse::<Decimal>()
                .is_ok_and(|wanted| self.comparator.holds(number, &wanted)),
            Facet::Unknown => true,
        }
    }

    fn matches_text(&self, text: &str) -> bool {
        let text = words(text);
        if self.quoted {
            return stands_in(&words(&self.value), &text, self.value.ends_with('*'));
        }
        self.value.split(',').any(|value| {
            let wanted = words(value);
            let Some((last, others)) = wanted.split_last() else {
                return value == "*" && !text.is_empty();
            };
            let begun = value.ends_with('*');
            others.iter().all(|word| text.contains(word))
                && text.iter().any(|word| word == last || begun && word.starts_with(last.as_str()))
        })
    }
}

impl Comparator {
    fn holds<T: Ord>(self, left: &T, right: &T) -> bool {
        match self {
            Self::Is => left == right,
            Self::Less => left < right,
            Self::AtMost => left <= right,
            Self::More => left > right,
            Self::AtLeast => left >= right,
        }
    }
}

/// Whether the words stand in the text one after the other.
fn stands_in(wanted: &[String], text: &[String], last_is_begun: bool) -> bool {
    let Some((last, others)) = wanted.split_last() else {
        return false;
    };
    text.windows(wanted.len()).any(|window| {
        window.split_last().is_some_and(|(last_word, other_words)| {
            other_words == others
                && (last_word == last || last_is_begun && last_word.starts_with(last.as_str()))
        })
    })
}

/// Whether a query groups terms by parentheses, outside quotes and not escaped.
pub(crate) fn is_grouped(text: &str) -> bool {
    pieces(text).iter().any(|piece| {
        let unquoted = piece.split(['"', '\'']).next().unwrap_or_default();
        unquoted.replace("\\(", "").contains('(')
    })
}

/// Splits at blanks that stand outside quotes.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut piece = String::new();
    let mut quote = None;
    let mut escaped = false;
    for character in text.chars() {
        if escaped {
            escaped = false;
        } else if character == '\\' {
            escaped = true;
        } else if quote == Some(character) {
            quote = None;
        } else if quote.is_none() && matches!(character, '"' | '\'') {
            quote = Some(character);
        } else if quote.is_none() && character.is_whitespace() {
            if !piece.is_empty() {
                pieces.push(std::mem::take(&mut piece));
            }
            continue;
        }
        piece.push(character);
    }
    if !piece.is_empty() {
        pieces.push(piece);
    }
    pieces
}

fn unescaped(value: &str) -> String {
    let mut plain = String::with_capacity(value.len());
    let mut escaped = false;
    for character in value.chars() {
        if character == '\\' && !escaped {
            escaped = true;
        } else {
            plain.push(character);
            escaped = false;
        }
    }
    plain
}

/// Which records hold a word, so that a search among many orders looks at few.
#[derive(Debug, Default)]
pub(crate) struct WordIndex(HashMap<String, Vec<usize>>);

impl WordIndex {
    pub(crate) fn add(&mut self, text: &str, record: usize) {
        for word in words(text) {
            let records = self.0.entry(word).or_default();
            if records.last() != Some(&record) {
                records.push(record);
            }
        }
    }

    /// The records that hold the rarest of these words.
    pub(crate) fn candidates(&self, words: &[String]) -> &[usize] {
        words
            .iter()
            .map(|word| self.0.get(word).map_or(&[][..], Vec::as_slice))
            .min_by_key(|records| records.len())
            .unwrap_or_default()
    }
}
