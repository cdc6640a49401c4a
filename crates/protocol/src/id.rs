//! Identifiers: one type for each kind of thing, so that a register can never be passed
//! where a store is meant.
//!
//! Does not know what an identifier refers to and never looks one up.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Why a text is not an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Nothing stands there.
    #[error("{what} is empty")]
    Empty {
        /// The kind of identifier.
        what: &'static str,
    },
    /// More characters than the kind allows.
    #[error("{what} has {found} characters, at most {max} are allowed")]
    TooLong {
        /// The kind of identifier.
        what: &'static str,
        /// Characters found.
        found: usize,
        /// Characters allowed.
        max: usize,
    },
    /// A character that the kind does not allow.
    #[error("{what} has the character {character:?}, allowed are {allowed}")]
    Character {
        /// The kind of identifier.
        what: &'static str,
        /// The first offending character.
        character: char,
        /// The allowed characters in words.
        allowed: &'static str,
    },
}

/// Which characters an identifier may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alphabet {
    /// ASCII letters, digits, `.`, `_` and `-`: safe as a URL segment, an MQTT topic level
    /// (which excludes `/`, `+` and `#`) and a file name.
    Segment,
    /// Anything printable without leading or trailing space: what a POS prints on a receipt.
    Printable,
}

/// A kind of identifier. Implemented by the empty marker types of this module only.
pub trait IdKind {
    /// The kind in words, for messages.
    const WHAT: &'static str;
    /// The most characters it may have.
    const CHARS_MAX: usize;
    /// The characters it may have.
    const ALPHABET: Alphabet;
}

/// An identifier of the kind `K`.
pub struct Id<K>(Box<str>, PhantomData<fn() -> K>);

/// Marker of [`StoreId`].
#[derive(Debug)]
pub enum Store {}
/// Marker of [`RegisterId`].
#[derive(Debug)]
pub enum Register {}
/// Marker of [`DeviceId`].
#[derive(Debug)]
pub enum Device {}
/// Marker of [`TargetId`].
#[derive(Debug)]
pub enum Target {}
/// Marker of [`TenantId`].
#[derive(Debug)]
pub enum Tenant {}
/// Marker of [`LocationId`].
#[derive(Debug)]
pub enum Location {}
/// Marker of [`Receipt`].
#[derive(Debug)]
pub enum ReceiptNumber {}
/// Marker of [`DocumentId`].
#[derive(Debug)]
pub enum Document {}
/// Marker of [`Sku`].
#[derive(Debug)]
pub enum StockKeepingUnit {}
/// Marker of [`Code`].
#[derive(Debug)]
pub enum CodeWord {}

impl IdKind for Store {
    const WHAT: &'static str = "a store identifier";
    const CHARS_MAX: usize = 64;
    const ALPHABET: Alphabet = Alphabet::Segment;
}
impl IdKind for Register {
    const WHAT: &'static str = "a register identifier";
    const CHARS_MAX: usize = 64;
    const ALPHABET: Alphabet = Alphabet::Segment;
}
impl IdKind for Device {
    const WHAT: &'static str = "a device identifier";
    const CHARS_MAX: usize = 64;
    const ALPHABET: Alphabet = Alphabet::Segment;
}
impl IdKind for Target {
    const WHAT: &'static str = "a target identifier";
    const CHARS_MAX: usize = 64;
    const ALPHABET: Alphabet = Alphabet::Segment;
}
impl IdKind for Tenant {
    const WHAT: &'static str = "a tenant identifier";
    const CHARS_MAX: usize = 64;
    const ALPHABET: Alphabet = Alphabet::Segment;
}
impl IdKind for Location {
    const WHAT: &'static str = "a location identifier";
    const CHARS_MAX: usize = 64;
    const ALPHABET: Alphabet = Alphabet::Segment;
}
impl IdKind for ReceiptNumber {
    const WHAT: &'static str = "a receipt number";
    const CHARS_MAX: usize = 64;
    const ALPHABET: Alphabet = Alphabet::Printable;
}
impl IdKind for Document {
    const WHAT: &'static str = "a document number";
    const CHARS_MAX: usize = 64;
    const ALPHABET: Alphabet = Alphabet::Printable;
}
impl IdKind for StockKeepingUnit {
    const WHAT: &'static str = "a SKU";
    const CHARS_MAX: usize = 128;
    const ALPHABET: Alphabet = Alphabet::Printable;
}
impl IdKind for CodeWord {
    const WHAT: &'static str = "a code";
    const CHARS_MAX: usize = 128;
    const ALPHABET: Alphabet = Alphabet::Printable;
}

/// A shop.
pub type StoreId = Id<Store>;
/// A till lane within a shop.
pub type RegisterId = Id<Register>;
/// One host that runs an agent.
pub type DeviceId = Id<Device>;
/// A system that the relay posts to.
pub type TargetId = Id<Target>;
/// The retailer that a relay serves.
pub type TenantId = Id<Tenant>;
/// A place that holds stock; a store's sales floor unless the POS says otherwise.
pub type LocationId = Id<Location>;
/// The number that the POS printed on a receipt.
pub type Receipt = Id<ReceiptNumber>;
/// The number of a stock document.
pub type DocumentId = Id<Document>;
/// The retailer's number of an item.
pub type Sku = Id<StockKeepingUnit>;
/// Any other short code that a POS assigns: till, shift, cashier, tax code, promotion, reason.
pub type Code = Id<CodeWord>;

impl<K: IdKind> Id<K> {
    /// Parses an identifier.
    ///
    /// # Errors
    /// The text is empty, too long, or has a character that the kind does not allow.
    pub fn new(text: impl AsRef<str>) -> Result<Self, IdError> {
        let text = text.as_ref();
        if text.is_empty() {
            return Err(IdError::Empty { what: K::WHAT });
        }
        let found = text.chars().count();
        if found > K::CHARS_MAX {
            return Err(IdError::TooLong { what: K::WHAT, found, max: K::CHARS_MAX });
        }
        match offending_character(text, K::ALPHABET) {
            Some((character, allowed)) => {
                Err(IdError::Character { what: K::WHAT, character, allowed })
            }
            None => Ok(Self(text.into(), PhantomData)),
        }
    }

    /// The identifier as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn offending_character(text: &str, alphabet: Alphabet) -> Option<(char, &'static str)> {
    match alphabet {
        Alphabet::Segment => text
            .chars()
            .find(|c| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '_' | '-'))
            .map(|c| (c, "letters, digits, `.`, `_` and `-`")),
        Alphabet::Printable => text
            .chars()
            .find(|c| c.is_control())
            .or_else(|| text.chars().next().filter(|c| c.is_whitespace()))
            .or_else(|| text.chars().next_back().filter(|c| c.is_whitespace()))
            .map(|c| (c, "printable characters, no space at either end")),
    }
}

impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        Self(self.0.clone(), PhantomData)
    }
}
impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<K> Eq for Id<K> {}
impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}
impl<K> std::hash::Hash for Id<K> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}
impl<K> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
impl<K> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl<K: IdKind> FromStr for Id<K> {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        Self::new(text)
    }
}
impl<K> Serialize for Id<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}
impl<'de, K: IdKind> Deserialize<'de> for Id<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::new(text).map_err(de::Error::custom)
    }
}
impl<K: IdKind> JsonSchema for Id<K> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        K::WHAT.trim_start_matches("a ").replace(' ', "-").into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let pattern = match K::ALPHABET {
            Alphabet::Segment => "^[A-Za-z0-9._-]+$",
            Alphabet::Printable => r"^[^\s\p{Cc}]([^\p{Cc}]*[^\s\p{Cc}])?$",
        };
        json_schema!({
            "type": "string", "minLength": 1, "maxLength": K::CHARS_MAX, "pattern": pattern
        })
    }
}

/// Free text of at most `CHARS_MAX` characters without control characters: a description, a reason.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Text<const CHARS_MAX: usize>(Box<str>);

impl<const CHARS_MAX: usize> Text<CHARS_MAX> {
    /// Parses a text.
    ///
    /// # Errors
    /// The text is too long or has a control character.
    pub fn new(text: impl AsRef<str>) -> Result<Self, IdError> {
        let text = text.as_ref();
        let found = text.chars().count();
        if found > CHARS_MAX {
            return Err(IdError::TooLong { what: "a text", found, max: CHARS_MAX });
        }
        match text.chars().find(|c| c.is_control()) {
            Some(character) => Err(IdError::Character {
                what: "a text",
                character,
                allowed: "printable characters",
            }),
            None => Ok(Self(text.into())),
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
impl<const CHARS_MAX: usize> fmt::Display for Text<CHARS_MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl<'de, const CHARS_MAX: usize> Deserialize<'de> for Text<CHARS_MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::new(text).map_err(de::Error::custom)
    }
}
impl<const CHARS_MAX: usize> JsonSchema for Text<CHARS_MAX> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("Text{CHARS_MAX}").into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "maxLength": CHARS_MAX })
    }
}

/// The identity of one event, a UUID; version 7 where the agent assigns it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
#[schemars(inline)]
pub struct EventId(#[schemars(with = "String", extend("format" = "uuid"))] pub uuid::Uuid);

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
