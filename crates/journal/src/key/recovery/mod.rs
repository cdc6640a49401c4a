//! The retailer's recovery key: the data key is sealed to it, so that the disk of a host that is
//! dead can be read without that host's token, credential or Windows.
//!
//! The private half is one file that never stays on a store's host. Its public half is a document
//! of two lines: JSON with the sealing key and the signer, and the signer's Ed25519 signature. A
//! host takes a document only from the signer that its configuration names, so that the document
//! may come by any way. Sealing says nothing about who sealed; the code of the key file does.

#[cfg(test)]
mod tests;

use std::fmt;

use protocol::bytes::Bytes;
use protocol::seal::{self, OpeningKey, SealingKey};
use protocol::sign::{self, SigningKey, VerifyingKey};
use ring::error::Unspecified;
use ring::rand::SecureRandom;
use serde::{Deserialize, Serialize};

use super::DataKey;
use super::document::Hex;

/// The version of both files.
const VERSION: u32 = 1;

/// Binds a sealed data key to its use.
const INFO: &[u8] = b"storekeep:journal-key:v1";

/// What is signed begins with it, so that a signature for another use is none here.
const SIGNED: &str = "storekeep recovery key v1\n";

/// Bytes of a file with either half.
pub const FILE_BYTES_MAX: usize = 4 * 1024;

/// The data key, sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seal {
    /// The recovery key that it is sealed to.
    to: SealingKey,
    /// The sealed key.
    sealed: Hex,
}

/// The public half: what a data key is sealed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecoveryTarget {
    sealing_key: SealingKey,
}

/// The private half. Its `Debug` form shows the public one only.
pub struct RecoveryKey {
    opening: OpeningKey,
    signing: SigningKey,
}

/// Why a recovery key cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecoveryError {
    /// Not a document with a public half.
    #[error("not the public half of a recovery key")]
    PublicShape,
    /// Not a file with a private half.
    #[error("not the private half of a recovery key")]
    PrivateShape,
    /// The signature does not belong to the document, or is another's.
    #[error("the recovery key is not signed by {expected}")]
    Signer {
        /// The signer that was expected.
        expected: VerifyingKey,
    },
    /// The key file holds no seal.
    #[error("the key file is not sealed to any recovery key")]
    NoSeal,
    /// The seal is to another key.
    #[error("the key file is sealed to recovery key {to}, and this one is {this}")]
    OtherKey {
        /// The key that it is sealed to.
        to: SealingKey,
        /// The one that was handed over.
        this: SealingKey,
    },
    /// The seal does not open, or gives another key than the file's code knows.
    #[error("the seal in the key file is damaged or was changed")]
    Damaged,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Public {
    version: u32,
    sealing_key: SealingKey,
    signer: VerifyingKey,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Private {
    version: u32,
    recovery_seed: Bytes<32>,
    signing_key: Hex,
}

impl RecoveryKey {
    /// Draws a pair and returns the text of the private half, to be kept before it is used.
    ///
    /// # Errors
    /// The source of randomness fails.
    pub fn draw(random: &dyn SecureRandom) -> Result<String, Unspecified> {
        let mut seed = [0; 32];
        random.fill(&mut seed)?;
        let signing_key = Hex(SigningKey::generate(random).map_err(|_| Unspecified)?);
        let private = Private { version: VERSION, recovery_seed: Bytes(seed), signing_key };
        Ok(format!("{}\n", serde_json::to_string(&private).expect("a key is plain data")))
    }

    /// Reads the private half.
    ///
    /// # Errors
    /// The text is none.
    pub fn read(text: &str) -> Result<Self, RecoveryError> {
        let private: Private =
            serde_json::from_str(text).map_err(|_| RecoveryError::PrivateShape)?;
        let signing = SigningKey::from_pkcs8(&private.signing_key.0);
        match signing {
            Ok(signing) if private.version == VERSION => Ok(Self {
                opening: OpeningKey::from_seed(private.recovery_seed.as_bytes()),
                signing,
            }),
            _ => Err(RecoveryError::PrivateShape),
        }
    }

    /// The signed document with the public half.
    #[must_use]
    pub fn public(&self) -> String {
        let (sealing_key, signer) = (self.opening.sealing_key(), self.signing.verifying_key());
        let public = Public { version: VERSION, sealing_key, signer };
        let line = serde_json::to_string(&public).expect("a key is plain data");
        let signature = self.signing.sign(format!("{SIGNED}{line}").as_bytes());
        format!("{line}\n{signature}\n")
    }

    /// Who signs the public half: what a host's configuration names.
    #[must_use]
    pub fn signer(&self) -> VerifyingKey {
        self.signing.verifying_key()
    }

    /// Opens a seal.
    ///
    /// # Errors
    /// It is to another key, or damaged.
    pub(crate) fn open(&self, seal: &Seal) -> Result<DataKey, RecoveryError> {
        let this = self.opening.sealing_key();
        if seal.to != this {
            return Err(RecoveryError::OtherKey { to: seal.to, this });
        }
        let key = self.opening.open(INFO, &seal.sealed.0).map_err(|_| RecoveryError::Damaged)?;
        DataKey::from_slice(&key).ok_or(RecoveryError::Damaged)
    }
}

impl fmt::Debug for RecoveryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecoveryKey").field("public", &self.opening.sealing_key()).finish()
    }
}

impl RecoveryTarget {
    /// Reads a document with the public half.
    ///
    /// # Errors
    /// The text is none, or `signer` did not sign it.
    pub fn read(text: &str, signer: VerifyingKey) -> Result<Self, RecoveryError> {
        let (line, signature) = text.split_once('\n').ok_or(RecoveryError::PublicShape)?;
        let public: Public = serde_json::from_str(line).map_err(|_| RecoveryError::PublicShape)?;
        let signature = signature.trim_end().parse().map_err(|_| RecoveryError::PublicShape)?;
        if public.version != VERSION {
            return Err(RecoveryError::PublicShape);
        }
        // The signature is judged by the expected signer alone, whatever the document says.
        sign::verify(signer, format!("{SIGNED}{line}").as_bytes(), signature)
            .map_err(|_| RecoveryError::Signer { expected: signer })?;
        Ok(Self { sealing_key: public.sealing_key })
    }

    /// The key that is sealed to.
    #[must_use]
    pub const fn sealing_key(&self) -> SealingKey {
        self.sealing_key
    }

    /// Seals a data key. None if the recovery key is no X25519 key.
    pub(super) fn seal(
        &self,
        key: &DataKey,
        random: &dyn SecureRandom,
    ) -> Result<Option<Seal>, Unspecified> {
        let mut seed = [0; 32];
        random.fill(&mut seed)?;
        let sealed = seal::seal(self.sealing_key, INFO, &key.expose_bytes(), seed);
        Ok(sealed.ok().map(|sealed| Seal { to: self.sealing_key, sealed: Hex(sealed) }))
    }
}

impl Seal {
    /// The recovery key that it is to.
    #[must_use]
    pub const fn to(&self) -> SealingKey {
        self.to
    }
}
