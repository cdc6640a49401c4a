//! The key that a journal is encrypted with, and how a host keeps it.
//!
//! The data key is 256 random bits and is used as it is (no passphrase, no derivation). It stands
//! in a small file beside the journal, wrapped by one of the host's providers ([`Provider`]):
//!
//! | tier | wrapped by | |
//! |---|---|---|
//! | `pkcs11` | a key that was made on a token and cannot leave it | [`pkcs11`] |
//! | `credential` | a secret that systemd hands to the service alone | [`credential`] |
//! | `dpapi` | Windows, for this machine; the file's access list names the service | `dpapi` |
//! | `file` | nothing; the file is its owner's alone | [`Plain`] |
//!
//! It may be sealed to the retailer's recovery key besides ([`recovery`]), so that a dead host's
//! disk can be read. Another wrapping is put in place step by step ([`rewrap`]); the data key itself
//! stays for as long as its journal does. Never replaces a data key: a journal whose key is gone is
//! unreadable for ever.

pub mod credential;
mod document;
#[cfg(windows)]
pub mod dpapi;
mod error;
mod keeper;
pub mod pkcs11;
mod plain;
mod provider;
pub mod recovery;
pub mod rewrap;
#[cfg(test)]
mod testing;

use std::fmt;

use ring::error::Unspecified;
use ring::hmac;
use ring::rand::SecureRandom;

pub use self::document::Wrapping;
pub use self::error::{Hitch, KeyError, ProviderError};
pub use self::keeper::{KeptKey, KeyKeeper};
pub use self::plain::Plain;
pub use self::provider::{Provider, Tier};

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

    /// Takes what a provider gave back; none if it has another length.
    pub(crate) fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The bytes, for reading pages without SQLCipher and for the providers alone.
    pub(crate) const fn expose_bytes(&self) -> [u8; KEY_BYTES] {
        self.0
    }

    /// A key for another purpose, from which this one cannot be found.
    pub(crate) fn derived(&self, label: &[u8]) -> hmac::Key {
        let derived = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &self.0), label);
        hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref())
    }

    /// The key as hexadecimal digits, for the pragma alone.
    pub(crate) fn expose_hex(&self) -> String {
        hex::encode(self.0)
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey(***)")
    }
}
