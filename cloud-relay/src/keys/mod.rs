//! The relay's own keys: the one that signs its answers, and the one that personal fields are
//! sealed to.
//!
//! Agents keep the public half of the signing key from their enrolment on, so both keys are made
//! once, at the first start, and never again: a relay that holds devices but no keys stops rather
//! than make new ones that no agent would believe. Seals and signs nothing itself.

#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};

use protocol::personal::{OpeningKey, SealingKey};
use protocol::sign::{SigningKey, VerifyingKey};
use ring::rand::SecureRandom;

use crate::files;

/// The file of the signing key: Ed25519 as PKCS#8.
pub const SIGNING_KEY_FILE: &str = "relay-signing.key";

/// The file of the opening key: 32 random bytes that the X25519 key is made of.
pub const OPENING_KEY_FILE: &str = "relay-opening.key";

const OPENING_KEY_BYTES: usize = 32;

/// Bytes of a key file; more is another file.
const KEY_BYTES_MAX: usize = 1_024;

/// The keys.
#[derive(Debug)]
pub struct Keys {
    /// Signs every answer to an agent.
    pub signing: SigningKey,
    /// Opens personal fields.
    pub opening: OpeningKey,
}

/// Whether missing keys may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenMissing {
    /// No device knows the relay yet.
    Make,
    /// Devices know the former keys.
    Refuse,
}

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// A file cannot be read or written.
    #[error("{attempt} the key file `{path}`", path = .file.display())]
    File {
        /// What was tried.
        attempt: &'static str,
        /// The file.
        file: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The file is missing though devices know the key.
    #[error(
        "the key file `{path}` is missing, and enrolled devices believe no other key; restore it \
         from a backup of the data folder",
        path = .0.display()
    )]
    Missing(PathBuf),
    /// The file holds no key.
    #[error(
        "the key file `{path}` holds no key; restore it from a backup of the data folder",
        path = .0.display()
    )]
    Malformed(PathBuf),
    /// No key could be drawn.
    #[error("the operating system gave no random bytes for a key")]
    Random,
}

impl Keys {
    /// Reads the keys in a folder, or makes them.
    ///
    /// # Errors
    /// A file is missing and may not be made, is damaged, or the disk refuses.
    pub fn open(
        folder: &Path,
        when_missing: WhenMissing,
        random: &dyn SecureRandom,
    ) -> Result<Self, KeysError> {
        let signing = read_or_make(&folder.join(SIGNING_KEY_FILE), when_missing, || {
            SigningKey::generate(random).map_err(|_| KeysError::Random)
        })?;
        let opening = read_or_make(&folder.join(OPENING_KEY_FILE), when_missing, || {
            let mut seed = vec![0; OPENING_KEY_BYTES];
            random.fill(&mut seed).map_err(|_| KeysError::Random)?;
            Ok(seed)
        })?;
        let malformed = |name: &str| KeysError::Malformed(folder.join(name));
        Ok(Self {
            signing: SigningKey::from_pkcs8(&signing).map_err(|_| malformed(SIGNING_KEY_FILE))?,
            opening: opening
                .as_slice()
                .try_into()
                .map(OpeningKey::from_seed)
                .map_err(|_| malformed(OPENING_KEY_FILE))?,
        })
    }

    /// What agents check answers with.
    #[must_use]
    pub fn verifying_key(&self) -> VerifyingKey {
        self.signing.verifying_key()
    }

    /// What agents seal personal fields to.
    #[must_use]
    pub fn sealing_key(&self) -> SealingKey {
        self.opening.sealing_key()
    }
}

fn read_or_make(
    file: &Path,
    when_missing: WhenMissing,
    make: impl FnOnce() -> Result<Vec<u8>, KeysError>,
) -> Result<Vec<u8>, KeysError> {
    let failed = |attempt| move |source| KeysError::File { attempt, file: file.to_owned(), source };
    match std::fs::read(file) {
        Ok(key) if key.len() <= KEY_BYTES_MAX => Ok(key),
        Ok(_) => Err(KeysError::Malformed(file.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => match when_missing {
            WhenMissing::Refuse => Err(KeysError::Missing(file.to_owned())),
            WhenMissing::Make => {
                files::write_private(file, &make()?).map_err(failed("write"))?;
                // What is used is what was written, as it reads back.
                std::fs::read(file).map_err(failed("read back"))
            }
        },
        Err(error) => Err(failed("read")(error)),
    }
}
