//! The key that a journal is encrypted with, and where it is kept.
//!
//! The key is 256 random bits and is used as it is (no passphrase, no derivation). Does not
//! decide which provider a host uses.

pub mod file;

use std::fmt;

use ring::error::Unspecified;
use ring::hmac;
use ring::rand::SecureRandom;

/// The bytes of a key.
pub(crate) const KEY_BYTES: usize = 32;

/// The key of one journal. Shown as `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct DataKey([u8; KEY_BYTES]);

impl DataKey {
    /// Takes a key.
    #[must_use]
    pub const fn new(bytes: [u8; KEY_BYTES]) -> Self {
        Self(bytes)
    }

    /// Draws a key.
    ///
    /// # Errors
    /// The source of randomness fails.
    pub fn draw(random: &dyn SecureRandom) -> Result<Self, Unspecified> {
        let mut bytes = [0; KEY_BYTES];
        random.fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// The bytes, for reading pages without SQLCipher alone.
    pub(crate) const fn expose_bytes(&self) -> [u8; KEY_BYTES] {
        self.0
    }

    /// A key for another purpose, from which this one cannot be found.
    pub(crate) fn derived(&self, label: &[u8]) -> hmac::Key {
        let derived = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &self.0), label);
        hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref())
    }

    /// The key as hexadecimal digits, for the pragma and the provider alone.
    pub(crate) fn expose_hex(&self) -> String {
        hex::encode(self.0)
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey(***)")
    }
}
