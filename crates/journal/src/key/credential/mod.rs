//! The key wrapped under a secret that systemd hands to the service alone
//! (`LoadCredentialEncrypted=`, systemd.exec(5)).
//!
//! systemd decrypts the credential with a key of the host, of its TPM, or of both, into a folder in
//! memory that only the service's user may read, and names the folder in `CREDENTIALS_DIRECTORY`.
//! What stands in it is any 32 to 4096 random bytes; the wrapping key is derived from all of them.
//! Does not talk to systemd and does not make the credential.

#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::PathBuf;

use protocol::bytes::Bytes;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::hmac;
use ring::rand::SecureRandom;

use super::document::Wrapping;
use super::error::{Hitch, ProviderError};
use super::{DataKey, Provider, Tier};

/// The name of the credential unless the configuration says another.
pub const DEFAULT_NAME: &str = "storekeep-journal";

/// Derives the wrapping key from the secret; another use would have another label.
const LABEL: &[u8] = b"storekeep journal key wrapped by a credential v1";

/// Bytes of a secret: as many as a key at least; beyond the upper bound it is some other file.
const SECRET_BYTES_MIN: usize = 32;
const SECRET_BYTES_MAX: usize = 4096;

/// The tier `credential`.
#[derive(Debug, Clone)]
pub struct Credential {
    /// The folder that systemd names to the service; none outside of a service.
    pub folder: Option<PathBuf>,
    /// The credential that a new wrapping uses. An older one is found by the name that the key
    /// file holds.
    pub name: String,
}

impl Credential {
    fn secret(&self, name: &str) -> Result<LessSafeKey, ProviderError> {
        let attempt = format!("read the credential `{name}`");
        let Some(folder) = &self.folder else {
            return Err(ProviderError::new(attempt, Hitch::CredentialAbsent));
        };
        let mut secret = Vec::new();
        let bound = u64::try_from(SECRET_BYTES_MAX).expect("a few thousand fit") + 1;
        let read = File::open(folder.join(name))
            .and_then(|file| file.take(bound).read_to_end(&mut secret));
        read.map_err(|error| ProviderError::new(&attempt, Hitch::CredentialAbsent).caused(error))?;
        if !(SECRET_BYTES_MIN..=SECRET_BYTES_MAX).contains(&secret.len()) {
            return Err(ProviderError::new(attempt, Hitch::CredentialSize));
        }
        let derived = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), LABEL);
        let key = UnboundKey::new(&AES_256_GCM, derived.as_ref());
        Ok(LessSafeKey::new(key.expect("HMAC-SHA-256 gives the 32 bytes of a key")))
    }
}

impl Provider for Credential {
    fn tier(&self) -> Tier {
        Tier::Credential
    }

    /// A name that is there and cannot be read is set up all the same: it is an error, not a reason
    /// to go on without.
    fn is_set_up(&self) -> bool {
        let Some(folder) = &self.folder else { return false };
        match std::fs::symlink_metadata(folder.join(&self.name)) {
            Ok(_) => true,
            Err(error) => error.kind() != ErrorKind::NotFound,
        }
    }

    fn wrap(&self, key: &DataKey, random: &dyn SecureRandom) -> Result<Wrapping, ProviderError> {
        let secret = self.secret(&self.name)?;
        let failed = |hitch| ProviderError::new("encrypt under the credential", hitch);
        let mut nonce = [0; 12];
        random.fill(&mut nonce).map_err(|_| failed(Hitch::Randomness))?;
        let mut bytes = key.expose_bytes().to_vec();
        let aad = Aad::from(self.name.as_bytes());
        secret
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut bytes)
            .map_err(|_| failed(Hitch::System))?;
        let wrapped = Bytes::from_slice(&bytes).expect("32 bytes and a tag of 16");
        Ok(Wrapping::Credential { name: self.name.clone(), nonce: Bytes(nonce), wrapped })
    }

    fn open(&self, wrapping: &Wrapping) -> Result<DataKey, ProviderError> {
        let Wrapping::Credential { name, nonce, wrapped } = wrapping else {
            return Err(ProviderError::new("decrypt under the credential", Hitch::OtherTier));
        };
        let attempt = || format!("decrypt under the credential `{name}`");
        let secret = self.secret(name)?;
        let mut bytes = wrapped.as_bytes().to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce.as_bytes());
        let opened = secret.open_in_place(nonce, Aad::from(name.as_bytes()), &mut bytes);
        let key = opened.ok().and_then(|plain| DataKey::from_slice(plain));
        key.ok_or_else(|| ProviderError::new(attempt(), Hitch::CredentialOther))
    }
}
