//! A pack's SQL with its values filled in.
//!
//! Values are written into the text, because then no driver has to guess a type: whole numbers as
//! digits, everything else as a quoted text of harmless characters. A position comes out of the
//! POS's own database and is trusted no further than that. Does not parse SQL.

use serde::{Deserialize, Serialize};

use super::source::SourceError;

/// Characters of a position: a time or an identifier.
const POSITION_CHARS_MAX: usize = 100;

/// Where a receipt stands in its database: what its cursor column holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Position {
    /// A number that rises.
    Whole(i64),
    /// A text that rises, such as a time.
    Text(String),
}

/// What kind of position a cursor column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum PositionKind {
    /// A whole number.
    Integer,
    /// A text.
    Text,
}

impl Position {
    /// Reads a cell of the cursor column.
    pub(super) fn read(kind: PositionKind, cell: &str) -> Option<Self> {
        match kind {
            PositionKind::Integer => cell.parse().ok().map(Self::Whole),
            PositionKind::Text => {
                let is_harmless = |c: char| c.is_ascii_alphanumeric() || " .:_-+/T".contains(c);
                let fits = !cell.is_empty() && cell.len() <= POSITION_CHARS_MAX;
                (fits && cell.chars().all(is_harmless)).then(|| Self::Text(cell.to_owned()))
            }
        }
    }

    /// As SQL writes it.
    fn literal(&self) -> String {
        match self {
            Self::Whole(number) => number.to_string(),
            Self::Text(text) => format!("'{text}'"),
        }
    }
}

/// The values of one page.
#[derive(Debug, Clone)]
pub(super) struct Values<'a> {
    /// The position of the first receipt.
    pub(super) from: &'a Position,
    /// The position of the last one; none for the query that finds the receipts.
    pub(super) upto: Option<&'a Position>,
    /// Receipts of a page.
    pub(super) limit: usize,
    /// The first trading day.
    pub(super) since: String,
}

/// The names that a pack's SQL may use, with a colon before them.
pub(super) const NAMES: [&str; 4] = ["from", "upto", "limit", "since"];

/// Fills the values in. Texts in quotes and PostgreSQL's `::` are left alone.
///
/// # Errors
/// The text asks for a value that there is not.
pub(super) fn fill(sql: &str, values: &Values<'_>) -> Result<String, SourceError> {
    let mut filled = String::with_capacity(sql.len() + 64);
    let mut rest = sql;
    while let Some(at) = rest.find([':', '\'', '"', '`']) {
        let (before, from) = rest.split_at(at);
        filled.push_str(before);
        let sign = &from[..1];
        if sign != ":" {
            let end = from[1..].find(sign).map_or(from.len(), |end| end + 2);
            filled.push_str(&from[..end]);
            rest = &from[end..];
            continue;
        }
        if let Some(cast) = from.strip_prefix("::") {
            filled.push_str("::");
            rest = cast;
            continue;
        }
        let name: String =
            from[1..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        filled.push_str(&value(&name, values)?);
        rest = &from[1 + name.len()..];
    }
    filled.push_str(rest);
    Ok(filled)
}

fn value(name: &str, values: &Values<'_>) -> Result<String, SourceError> {
    let unknown = || {
        let known = NAMES.map(|name| format!("`:{name}`")).join(", ");
        SourceError::refused(format!("the pack asks for `:{name}`; there is {known}"))
    };
    match name {
        "from" => Ok(values.from.literal()),
        "upto" => values.upto.map(Position::literal).ok_or_else(unknown),
        "limit" => Ok(values.limit.to_string()),
        "since" => Ok(format!("'{}'", values.since)),
        _ => Err(unknown()),
    }
}
