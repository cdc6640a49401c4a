//! Ed25519 signatures over the uncompressed bytes of a body.
//!
//! Bodies are signed, besides the transport's own protection, because a broker or an inspecting
//! proxy between agent and relay is not trusted. Stores no key and draws no random number.

#[cfg(test)]
mod tests;

use std::fmt;

use ring::rand::SecureRandom;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

use crate::bytes::Bytes;

/// An Ed25519 public key.
pub type VerifyingKey = Bytes<32>;

/// An Ed25519 signature.
pub type Signature = Bytes<64>;

/// The HTTP header and MQTT user property that carries the signature of a body.
pub const SIGNATURE_HEADER: &str = "storekeep-signature";

/// The signature does not belong to this body and key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not match the body and the sender's key")]
pub struct BadSignature;

/// A private key cannot be made or read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The bytes are not an Ed25519 private key as PKCS#8.
    #[error("the file does not hold an Ed25519 private key (PKCS#8)")]
    Malformed,
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes")]
    Random,
}

/// A private signing key. Its `Debug` form shows the public half only.
pub struct SigningKey(Ed25519KeyPair);

impl SigningKey {
    /// Makes a new key and returns it as PKCS#8 bytes, to be stored before it is used.
    ///
    /// # Errors
    /// The source of randomness failed.
    pub fn generate(random: &dyn SecureRandom) -> Result<Vec<u8>, KeyError> {
        let document = Ed25519KeyPair::generate_pkcs8(random).map_err(|_| KeyError::Random)?;
        Ok(document.as_ref().to_vec())
    }

    /// Reads a stored key.
    ///
    /// # Errors
    /// Not an Ed25519 key as PKCS#8.
    pub fn from_pkcs8(bytes: &[u8]) -> Result<Self, KeyError> {
        Ed25519KeyPair::from_pkcs8(bytes).map(Self).map_err(|_| KeyError::Malformed)
    }

    /// The public half.
    #[must_use]
    pub fn verifying_key(&self) -> VerifyingKey {
        Bytes::from_slice(self.0.public_key().as_ref()).expect("an Ed25519 public key has 32 bytes")
    }

    /// Signs a body.
    #[must_use]
    pub fn sign(&self, body: &[u8]) -> Signature {
        Bytes::from_slice(self.0.sign(body).as_ref()).expect("an Ed25519 signature has 64 bytes")
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey(public {})", self.verifying_key())
    }
}

/// Checks the signature of a body.
///
/// # Errors
/// The signature was not made over this body by the holder of this key.
pub fn verify(key: VerifyingKey, body: &[u8], signature: Signature) -> Result<(), BadSignature> {
    UnparsedPublicKey::new(&ED25519, key.as_bytes())
        .verify(body, signature.as_bytes())
        .map_err(|_| BadSignature)
}
