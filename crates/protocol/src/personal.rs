//! Personal fields: sealed at capture to the relay's key, so that they can be forgotten later
//! without touching the chain, which covers the sealed bytes.
//!
//! The sealed form is that of [`crate::seal`], in hexadecimal. Draws no random number: the seed is
//! an argument. Does not decide who may open what.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::limits::{ENTRIES_PER_LIST_MAX, PERSONAL_BYTES_MAX};
use crate::seal::{self, ENCAPSULATED_BYTES};

pub use crate::seal::{OpeningKey, SealingKey};

/// The context that binds a sealed text to its use.
const INFO: &[u8] = b"storekeep:personal:v1";

/// Personal fields by name, such as `name` or `email`; or their sealed form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "BTreeMap<String, String>", into = "BTreeMap<String, String>")]
pub enum Personal {
    /// As an input handed them in. Never journaled.
    Open(Fields),
    /// As they are journaled and sent.
    Sealed(Sealed),
}

/// Personal fields by name. Their `Debug` form shows the names only.
#[derive(Clone, PartialEq, Eq)]
pub struct Fields(BTreeMap<String, String>);

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}

/// Sealed personal fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The encapsulated key and the ciphertext, in hexadecimal.
    text: String,
    /// The key it is sealed to.
    key: SealingKey,
}

/// Why personal fields cannot be read, sealed or opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PersonalError {
    /// Too much.
    #[error(
        "personal fields take more than {PERSONAL_BYTES_MAX} bytes or {ENTRIES_PER_LIST_MAX} names"
    )]
    TooLarge,
    /// Neither open nor sealed.
    #[error("sealed personal fields are {{`sealed`: hexadecimal, `key`: 64 hexadecimal digits}}")]
    Shape,
    /// Not a key that can be sealed to.
    #[error("the relay's sealing key is not an X25519 public key")]
    Key,
    /// Sealed to another key, or damaged.
    #[error("the sealed fields do not open with this key")]
    Unopened,
}

impl TryFrom<BTreeMap<String, String>> for Personal {
    type Error = PersonalError;
    fn try_from(fields: BTreeMap<String, String>) -> Result<Self, PersonalError> {
        if fields.contains_key("sealed") {
            return Sealed::read(&fields).map(Self::Sealed);
        }
        let bytes: usize = fields.iter().map(|(name, value)| name.len() + value.len()).sum();
        if bytes > PERSONAL_BYTES_MAX || fields.len() > ENTRIES_PER_LIST_MAX {
            return Err(PersonalError::TooLarge);
        }
        Ok(Self::Open(Fields(fields)))
    }
}
impl From<Personal> for BTreeMap<String, String> {
    fn from(personal: Personal) -> Self {
        match personal {
            Personal::Open(fields) => fields.0,
            Personal::Sealed(Sealed { text, key }) => {
                [("sealed".to_owned(), text), ("key".to_owned(), key.to_string())].into()
            }
        }
    }
}

impl Sealed {
    fn read(fields: &BTreeMap<String, String>) -> Result<Self, PersonalError> {
        let text = fields.get("sealed").ok_or(PersonalError::Shape)?;
        let key = fields.get("key").and_then(|key| key.parse().ok()).ok_or(PersonalError::Shape)?;
        let is_hex = text.len().is_multiple_of(2)
            && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        let bytes_max = 2 * (2 * PERSONAL_BYTES_MAX + ENCAPSULATED_BYTES);
        if !is_hex || fields.len() != 2 || text.len() > bytes_max {
            return Err(PersonalError::Shape);
        }
        Ok(Self { text: text.clone(), key })
    }

    /// The key that the fields are sealed to.
    #[must_use]
    pub const fn key(&self) -> SealingKey {
        self.key
    }
}

impl Fields {
    /// Seals the fields to a key. `seed` is 32 random bytes that are used for nothing else.
    ///
    /// # Errors
    /// The key is no X25519 public key.
    pub fn seal(&self, key: SealingKey, seed: [u8; 32]) -> Result<Sealed, PersonalError> {
        let plain = serde_json::to_vec(&self.0).map_err(|_| PersonalError::Shape)?;
        let sealed = seal::seal(key, INFO, &plain, seed).map_err(|_| PersonalError::Key)?;
        Ok(Sealed { text: hex::encode(sealed), key })
    }

    /// Opens sealed fields.
    ///
    /// # Errors
    /// They are sealed to another key, or damaged.
    pub fn open(key: &OpeningKey, sealed: &Sealed) -> Result<Self, PersonalError> {
        let bytes = hex::decode(&sealed.text).map_err(|_| PersonalError::Shape)?;
        let plain = key.open(INFO, &bytes).map_err(|_| PersonalError::Unopened)?;
        serde_json::from_slice(&plain).map(Self).map_err(|_| PersonalError::Unopened)
    }

    /// The fields by name.
    #[must_use]
    pub const fn by_name(&self) -> &BTreeMap<String, String> {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    //! What is sealed opens with its own key only.

    use super::*;

    fn fields() -> Fields {
        Fields([("email".to_owned(), "a@example.com".to_owned())].into())
    }

    #[test]
    fn sealed_fields_open_with_their_key_and_no_other() {
        let key = OpeningKey::from_seed(&[1; 32]);
        let sealed = fields().seal(key.sealing_key(), [2; 32]).unwrap();
        assert!(!sealed.text.contains("example"));
        assert_eq!(Fields::open(&key, &sealed), Ok(fields()));
        let other = OpeningKey::from_seed(&[3; 32]);
        assert_eq!(Fields::open(&other, &sealed), Err(PersonalError::Unopened));
    }

    #[test]
    fn the_debug_form_names_fields_without_their_content() {
        let shown = format!("{:?}", Personal::Open(fields()));
        assert!(shown.contains("email") && !shown.contains("example.com"));
    }

    #[test]
    fn both_forms_are_read_back_as_written() {
        let key = OpeningKey::from_seed(&[1; 32]);
        let sealed = Personal::Sealed(fields().seal(key.sealing_key(), [2; 32]).unwrap());
        for personal in [sealed, Personal::Open(fields())] {
            let text = serde_json::to_string(&personal).unwrap();
            assert_eq!(serde_json::from_str::<Personal>(&text).unwrap(), personal);
        }
        assert!(serde_json::from_str::<Personal>(r#"{"sealed":"zz","key":"00"}"#).is_err());
    }
}
