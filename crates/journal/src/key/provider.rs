//! What every provider does, and the tiers by which people know them.
//!
//! Does not choose between them.

use std::fmt;

use ring::rand::SecureRandom;
use serde::{Deserialize, Serialize};

use super::DataKey;
use super::document::Wrapping;
use super::error::ProviderError;

/// Wraps and unwraps a data key by what one host has.
pub trait Provider: fmt::Debug + Send + Sync {
    /// Which tier it is.
    fn tier(&self) -> Tier;

    /// Whether this host has it: a provider that is not set up is passed over, one that is set up
    /// and fails is an error.
    fn is_set_up(&self) -> bool;

    /// Wraps a key, each time under a new wrapping key if the provider makes its own.
    ///
    /// # Errors
    /// What it needs is not there, or refuses.
    fn wrap(&self, key: &DataKey, random: &dyn SecureRandom) -> Result<Wrapping, ProviderError>;

    /// Gives back what it wrapped. What was changed meanwhile may come back as another key: the
    /// key file's own code finds that.
    ///
    /// # Errors
    /// What it needs is not there, or refuses.
    fn open(&self, wrapping: &Wrapping) -> Result<DataKey, ProviderError>;
}

/// What protects the data key, the strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// A token by PKCS#11.
    Pkcs11,
    /// A credential of systemd.
    Credential,
    /// The data protection of Windows.
    Dpapi,
    /// The file's permissions alone.
    File,
}

impl Tier {
    /// Every tier, in order of preference.
    pub const ALL: [Self; 4] = [Self::Pkcs11, Self::Credential, Self::Dpapi, Self::File];

    /// The word that stands in files and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pkcs11 => "pkcs11",
            Self::Credential => "credential",
            Self::Dpapi => "dpapi",
            Self::File => "file",
        }
    }

    /// What it stops and what it does not, as a person should know it.
    #[must_use]
    pub const fn stops(self) -> &'static str {
        match self {
            Self::Pkcs11 => {
                "stops a copied data folder, and a stolen disk unless the token's keys lie on it"
            }
            Self::Credential => {
                "stops a copied data folder, not a stolen disk unless a TPM seals the credential"
            }
            Self::Dpapi => "stops a copied file, not a stolen disk",
            Self::File => "stops a copied journal, not a copied data folder or a stolen disk",
        }
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
