//! The key wrapped by a key on a token (PKCS#11 2.40: a TPM by tpm2-pkcs11, a smart card, an HSM).
//!
//! The wrapping key is made on the token and cannot leave it; the data key goes to the token to be
//! encrypted and comes back from it decrypted. AES-256 where the token has it; else RSA with OAEP,
//! because many TPMs encrypt with RSA alone. What is written says which, and a pair that does not
//! work is not used. AES-CBC and OAEP with SHA-1 are what tokens have in common: the file's own code
//! under the data key finds what was changed, and OAEP does not rest on its hash's collisions.
//!
//! The vendor's library is loaded into this process and stays until its end, because a library that
//! is loaded and dropped again leaves threads behind. The login lasts for one wrapping or unwrapping.
//! A PIN that the token refused is not tried again when one failure more would lock it. Makes no
//! token and changes no PIN.

#[cfg(test)]
mod tests;
mod token;

use std::fmt;
use std::path::PathBuf;

use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::MechanismType;
use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsOaepParams, PkcsOaepSource};
use cryptoki::object::ObjectHandle;
use protocol::bytes::Bytes;
use ring::rand::SecureRandom;
use serde::{Deserialize, Serialize};

use self::token::{LoggedIn, failed, random_bytes};
use super::document::{Hex, Wrapping};
use super::error::{Hitch, ProviderError};
use super::{DataKey, Provider, Tier};

/// What a wrapping key is called on its token.
const LABEL: &str = "storekeep-journal";

/// How a token encrypted the data key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Method {
    /// AES-256 in CBC mode over the key's two blocks.
    Aes {
        /// The initialisation vector, drawn for this wrapping.
        iv: Bytes<16>,
    },
    /// RSA of 2048 bits with OAEP, SHA-1 and MGF1.
    Rsa,
}

/// The PIN of a token's user. Shown as `***`.
#[derive(Clone)]
pub struct Pin(Box<str>);

impl Pin {
    /// Takes a PIN.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin(***)")
    }
}

/// The tier `pkcs11`.
#[derive(Debug, Clone)]
pub struct Token {
    /// The vendor's library.
    pub module: PathBuf,
    /// The token's label; may be left out while the library shows one token only.
    pub label: Option<String>,
    /// The user's PIN; none if nobody handed one over.
    pub pin: Option<Pin>,
}

impl Provider for Token {
    fn tier(&self) -> Tier {
        Tier::Pkcs11
    }

    fn is_set_up(&self) -> bool {
        true
    }

    fn wrap(&self, key: &DataKey, random: &dyn SecureRandom) -> Result<Wrapping, ProviderError> {
        let label = self.label.as_deref();
        token::with(
            &self.module,
            self.pin.as_ref(),
            |info| info.is_called(label),
            |token| {
                let methods = [Method::Aes { iv: Bytes(random_bytes(random)?) }, Method::Rsa];
                let mut error = ProviderError::new("make a key on the token", Hitch::TokenFailed);
                for method in methods.into_iter().filter(|method| token.has(method.mechanisms())) {
                    match method.tried(token, key, Bytes(random_bytes(random)?)) {
                        Ok(wrapping) => return Ok(wrapping),
                        Err(failure) => error = failure,
                    }
                }
                Err(error)
            },
        )
    }

    fn open(&self, wrapping: &Wrapping) -> Result<DataKey, ProviderError> {
        let Wrapping::Pkcs11 { serial, token: label, key_id, method, wrapped } = wrapping else {
            return Err(ProviderError::new("ask the token", Hitch::OtherTier));
        };
        let is_it = |info: &token::Info| info.serial == *serial && info.label == *label;
        token::with(&self.module, self.pin.as_ref(), is_it, |token| {
            let key = token.find(method.private_class(), key_id)?.ok_or_else(|| {
                ProviderError::new(format!("find key {key_id}"), Hitch::WrappingKey)
            })?;
            method.decrypted(token, key, &wrapped.0)
        })
    }
}

impl Method {
    /// What the token must be able to do.
    const fn mechanisms(self) -> [MechanismType; 2] {
        match self {
            Self::Aes { .. } => [MechanismType::AES_KEY_GEN, MechanismType::AES_CBC],
            Self::Rsa => [MechanismType::RSA_PKCS_KEY_PAIR_GEN, MechanismType::RSA_PKCS_OAEP],
        }
    }

    /// The class of the object that decrypts.
    const fn private_class(self) -> cryptoki::object::ObjectClass {
        match self {
            Self::Aes { .. } => cryptoki::object::ObjectClass::SECRET_KEY,
            Self::Rsa => cryptoki::object::ObjectClass::PRIVATE_KEY,
        }
    }

    fn mechanism(&self) -> Mechanism<'static> {
        match self {
            Self::Aes { iv } => Mechanism::AesCbc(*iv.as_bytes()),
            Self::Rsa => Mechanism::RsaPkcsOaep(PkcsOaepParams::new(
                MechanismType::SHA1,
                PkcsMgfType::MGF1_SHA1,
                PkcsOaepSource::empty(),
            )),
        }
    }

    /// Makes a wrapping key and wraps with it; what does not come back whole is removed again.
    fn tried(
        self,
        token: &LoggedIn<'_>,
        key: &DataKey,
        key_id: Bytes<16>,
    ) -> Result<Wrapping, ProviderError> {
        let made = match self {
            Self::Aes { .. } => token.make_aes(LABEL, &key_id)?,
            Self::Rsa => token.make_rsa(LABEL, &key_id)?,
        };
        let encrypted = token
            .session()
            .encrypt(&self.mechanism(), made.encrypts, &key.expose_bytes())
            .map_err(|error| failed("encrypt on the token", error));
        let wrapped = encrypted.and_then(|wrapped| {
            match self.decrypted(token, made.decrypts, &wrapped)? == *key {
                true => Ok(wrapped),
                false => Err(ProviderError::new("decrypt on the token", Hitch::TokenFailed)),
            }
        });
        match wrapped {
            Ok(wrapped) => Ok(Wrapping::Pkcs11 {
                token: token.info.label.clone(),
                serial: token.info.serial.clone(),
                key_id,
                method: self,
                wrapped: Hex(wrapped),
            }),
            Err(error) => {
                token.remove(&made)?;
                Err(error)
            }
        }
    }

    fn decrypted(
        &self,
        token: &LoggedIn<'_>,
        key: ObjectHandle,
        wrapped: &[u8],
    ) -> Result<DataKey, ProviderError> {
        let plain = token.session().decrypt(&self.mechanism(), key, wrapped);
        let plain = plain.map_err(|error| failed("decrypt on the token", error))?;
        DataKey::from_slice(&plain)
            .ok_or_else(|| ProviderError::new("decrypt on the token", Hitch::WrappingKey))
    }
}
