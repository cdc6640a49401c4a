//! Who this host is: the device's key, the local API's token, and the instance.
//!
//! Each is made at the first start, on disk before it is used, and readable by its owner only. The
//! key is replaced only when this host turns out to be a copy of another one; a device whose key is
//! gone enrols anew. Does not talk to the relay.

#[cfg(test)]
mod tests;

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use protocol::bytes::Bytes;
use protocol::chain::Epoch;
use protocol::handshake::InstanceId;
use protocol::sign::{SigningKey, VerifyingKey};
use ring::rand::SecureRandom;

use crate::config::Secret;
use crate::config::secret::SecretError;
use crate::files;

/// Random bytes of a local API token: as many as a key, so that none is ever guessed.
const TOKEN_BYTES: usize = 32;

/// Why there is no identity.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// A file cannot be read or written.
    #[error("{attempt} `{file}`", file = .file.display())]
    Io {
        /// What was tried, as a verb and an object.
        attempt: &'static str,
        /// The file.
        file: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The file does not hold a device key.
    #[error("read the device key `{file}`", file = .file.display())]
    Key {
        /// The file.
        file: PathBuf,
        /// The cause.
        #[source]
        source: protocol::sign::KeyError,
    },
    /// The file does not hold a token.
    #[error("read the local API's token")]
    Token(#[from] SecretError),
    /// The operating system gave no random bytes.
    #[error("draw an identity: the operating system gave no random bytes")]
    Random,
}

/// The key that this device signs with. Its `Debug` form shows the public half only.
#[derive(Debug, Clone)]
pub struct DeviceKey(Arc<SigningKey>);

impl DeviceKey {
    /// Reads the key, or makes one if there is none yet.
    ///
    /// # Errors
    /// The file cannot be read or written, or holds something else.
    pub fn load_or_make(file: &Path, random: &dyn SecureRandom) -> Result<Self, IdentityError> {
        let wrong = |source| IdentityError::Key { file: file.to_owned(), source };
        let stored = match read(file, "read the device key")? {
            Some(stored) => stored,
            None => {
                let made = SigningKey::generate(random).map_err(|_| IdentityError::Random)?;
                write(file, "write the device key", &made)?;
                made
            }
        };
        Ok(Self(Arc::new(SigningKey::from_pkcs8(&stored).map_err(wrong)?)))
    }

    /// Makes a new key in place of the one there, which is set aside beside it: it opens nothing
    /// any more, and is kept like everything that once identified this host.
    ///
    /// # Errors
    /// The files cannot be written.
    pub fn replace(file: &Path, random: &dyn SecureRandom) -> Result<Self, IdentityError> {
        if let Some(former) = read(file, "read the device key")? {
            write(&former_of(file), "set aside the device key", &former)?;
        }
        let made = SigningKey::generate(random).map_err(|_| IdentityError::Random)?;
        write(file, "write the device key", &made)?;
        Self::load_or_make(file, random)
    }

    /// The key itself.
    #[must_use]
    pub fn signing(&self) -> Arc<SigningKey> {
        Arc::clone(&self.0)
    }

    /// The public half.
    #[must_use]
    pub fn verifying_key(&self) -> VerifyingKey {
        self.0.verifying_key()
    }
}

/// Reads the token that the POS sends, or makes one if there is none yet.
///
/// # Errors
/// The file cannot be read or written, or does not hold one line.
pub fn local_api_token(file: &Path, random: &dyn SecureRandom) -> Result<Secret, IdentityError> {
    if read(file, "read the local API's token")?.is_none() {
        let token: Bytes<TOKEN_BYTES> = draw(random)?;
        write(file, "write the local API's token", format!("{token}\n").as_bytes())?;
    }
    Ok(Secret::from_file(file)?)
}

/// Draws what tells this start of the program from every other.
///
/// # Errors
/// The source of randomness fails.
pub fn instance(random: &dyn SecureRandom) -> Result<InstanceId, IdentityError> {
    draw(random)
}

/// Draws the epoch that begins should the journal be new.
///
/// # Errors
/// The source of randomness fails.
pub fn epoch(random: &dyn SecureRandom) -> Result<Epoch, IdentityError> {
    draw(random)
}

/// Where a key that was replaced is kept.
fn former_of(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".former");
    PathBuf::from(name)
}

fn draw<const N: usize>(random: &dyn SecureRandom) -> Result<Bytes<N>, IdentityError> {
    let mut bytes = [0; N];
    random.fill(&mut bytes).map_err(|_| IdentityError::Random)?;
    Ok(Bytes(bytes))
}

fn read(file: &Path, attempt: &'static str) -> Result<Option<Vec<u8>>, IdentityError> {
    match fs::read(file) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(source) => Err(IdentityError::Io { attempt, file: file.to_owned(), source }),
    }
}

fn write(file: &Path, attempt: &'static str, bytes: &[u8]) -> Result<(), IdentityError> {
    files::write_private(file, bytes).map_err(|source| IdentityError::Io {
        attempt,
        file: file.to_owned(),
        source,
    })
}
