//! Seals bytes to a public key, so that only the holder of the private half reads them.
//!
//! HPKE in base mode (RFC 9180): DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305. The
//! sealed form is the encapsulated key followed by the ciphertext. Says nothing about who sealed.
//! Draws no random number: the seed is an argument. Does not know what is sealed.

use std::fmt;

use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::bytes::Bytes;

/// An X25519 public key that is sealed to.
pub type SealingKey = Bytes<32>;

/// The bytes of an encapsulated X25519 key.
pub const ENCAPSULATED_BYTES: usize = 32;

/// Why bytes cannot be sealed or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Not a key that can be sealed to.
    #[error("the sealing key is not an X25519 public key")]
    Key,
    /// Sealed to another key, for another use, or damaged.
    #[error("the sealed bytes do not open with this key")]
    Unopened,
}

/// Seals bytes to a key. `info` names their use: opened under another name they are refused.
/// `seed` is 32 random bytes that are used for nothing else.
///
/// # Errors
/// The key is no X25519 public key.
pub fn seal(
    key: SealingKey,
    info: &[u8],
    plain: &[u8],
    seed: [u8; 32],
) -> Result<Vec<u8>, SealError> {
    let public = <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(key.as_bytes())
        .map_err(|_| SealError::Key)?;
    let (encapsulated, ciphertext) =
        hpke::single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeS::Base,
            &public,
            info,
            plain,
            &[],
            &mut StdRng::from_seed(seed),
        )
        .map_err(|_| SealError::Key)?;
    let mut bytes = encapsulated.to_bytes().to_vec();
    bytes.extend_from_slice(&ciphertext);
    Ok(bytes)
}

/// The private half of a sealing key. Its `Debug` form shows the public half only.
pub struct OpeningKey {
    private: <X25519HkdfSha256 as Kem>::PrivateKey,
    public: SealingKey,
}

impl OpeningKey {
    /// Derives a key pair from 32 random bytes (RFC 9180, DeriveKeyPair). The bytes are the key:
    /// they are what is stored.
    ///
    /// # Panics
    /// Never: an X25519 public key has 32 bytes.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let (private, public) = X25519HkdfSha256::derive_keypair(seed);
        let public = Bytes::from_slice(&public.to_bytes()).expect("an X25519 key has 32 bytes");
        Self { private, public }
    }

    /// The public half.
    #[must_use]
    pub const fn sealing_key(&self) -> SealingKey {
        self.public
    }

    /// Opens what [`seal`] made for the same use.
    ///
    /// # Errors
    /// It is sealed to another key, for another use, or damaged.
    pub fn open(&self, info: &[u8], sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let (encapsulated, ciphertext) =
            sealed.split_at_checked(ENCAPSULATED_BYTES).ok_or(SealError::Unopened)?;
        let encapsulated = <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(encapsulated)
            .map_err(|_| SealError::Unopened)?;
        hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeR::Base,
            &self.private,
            &encapsulated,
            info,
            ciphertext,
            &[],
        )
        .map_err(|_| SealError::Unopened)
    }
}

impl fmt::Debug for OpeningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OpeningKey(public {})", self.public)
    }
}

#[cfg(test)]
mod tests {
    //! What is sealed opens with its own key and for its own use only.

    use super::*;

    #[test]
    fn sealed_bytes_open_with_their_key_for_their_use_and_no_other() {
        let key = OpeningKey::from_seed(&[1; 32]);
        let sealed = seal(key.sealing_key(), b"one use", b"secret", [2; 32]).unwrap();
        assert_eq!(key.open(b"one use", &sealed).unwrap(), b"secret");
        assert_eq!(key.open(b"another use", &sealed), Err(SealError::Unopened));
        let other = OpeningKey::from_seed(&[3; 32]);
        assert_eq!(other.open(b"one use", &sealed), Err(SealError::Unopened));
        let mut changed = sealed.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert_eq!(key.open(b"one use", &changed), Err(SealError::Unopened));
        assert_eq!(key.open(b"one use", &sealed[..31]), Err(SealError::Unopened));
    }
}
