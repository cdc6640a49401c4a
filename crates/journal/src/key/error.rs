//! Why a journal's key cannot be had.
//!
//! Does not say what to do: that depends on how the host is set up, which its agent knows.

use std::fmt;
use std::io;
use std::path::PathBuf;

use ring::error::Unspecified;

use super::Tier;
use crate::error::Cause;
use crate::open::OpenError;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The journal exists but its key does not. A new key could not open it.
    #[error("read the key file `{file}`: it is gone, but the journal that it opens is there")]
    Missing {
        /// The key file.
        file: PathBuf,
    },
    /// The file is none, or is not as it was written.
    #[error("read the key file `{file}`: {what}")]
    Damaged {
        /// The key file.
        file: PathBuf,
        /// What is wrong.
        what: &'static str,
    },
    /// It was written by a later version that this one cannot read.
    #[error("read the key file `{file}`: it is of version {found}, this program knows {known}")]
    Newer {
        /// The key file.
        file: PathBuf,
        /// Its version.
        found: u32,
        /// The latest that this program knows.
        known: u32,
    },
    /// The key file needs a tier that this host does not have at all.
    #[error("unwrap the key in `{file}`: it is wrapped by `{tier}`, which is not set up here")]
    NotSetUp {
        /// The key file.
        file: PathBuf,
        /// The tier.
        tier: Tier,
    },
    /// The provider does not give the key.
    #[error("{attempt} the key in `{file}`")]
    Provider {
        /// What was tried: wrap or unwrap.
        attempt: &'static str,
        /// The key file.
        file: PathBuf,
        /// Why not.
        #[source]
        source: ProviderError,
    },
    /// The key does not open the journal beside it.
    #[error("open the journal with the key in `{file}`")]
    Journal {
        /// The key file.
        file: PathBuf,
        /// Why not.
        #[source]
        source: OpenError,
    },
    /// What was written does not read back as the same key. The former file is untouched.
    #[error("read back the key file `{file}`: it does not give the same key")]
    Unproven {
        /// The file that was written.
        file: PathBuf,
    },
    /// The file or its folder cannot be used.
    #[error("{attempt} the key file `{file}`")]
    Io {
        /// What was tried, as a verb.
        attempt: &'static str,
        /// The key file.
        file: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The key cannot be sealed to the recovery key.
    #[error("seal the journal's key to the recovery key")]
    Seal,
    /// The source of randomness failed.
    #[error("draw the journal's key: the operating system gave no random bytes")]
    Randomness,
}

impl From<Unspecified> for KeyError {
    fn from(_: Unspecified) -> Self {
        Self::Randomness
    }
}

/// Why a provider does not wrap or unwrap.
#[derive(Debug, thiserror::Error)]
#[error("{attempt}: {hitch}")]
pub struct ProviderError {
    /// What was tried, with its object.
    pub attempt: String,
    /// Why it failed, for whoever says what to do.
    pub hitch: Hitch,
    /// The system's or the token's own word.
    #[source]
    pub source: Option<Cause>,
}

/// The ways in which a provider fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hitch {
    /// The token's library cannot be loaded.
    Library,
    /// No such token, or several and none named.
    Token,
    /// The token does not hold the wrapping key.
    WrappingKey,
    /// No PIN was handed over.
    PinAbsent,
    /// The token refuses the PIN.
    PinWrong,
    /// The token would lock itself at the next wrong PIN, so none is tried.
    PinLast,
    /// The token is locked.
    PinLocked,
    /// The token failed.
    TokenFailed,
    /// The service was given no such credential.
    CredentialAbsent,
    /// What the credential holds is too short or too long for a secret.
    CredentialSize,
    /// The credential is not the one that wrapped this key, or the key file was changed.
    CredentialOther,
    /// The operating system does not unprotect what it protected.
    System,
    /// The source of randomness failed.
    Randomness,
    /// The key is wrapped by another tier.
    OtherTier,
}

impl ProviderError {
    pub(crate) fn new(attempt: impl Into<String>, hitch: Hitch) -> Self {
        Self { attempt: attempt.into(), hitch, source: None }
    }

    pub(crate) fn caused(mut self, cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(std::sync::Arc::new(cause));
        self
    }
}

impl fmt::Display for Hitch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Library => "the token's library cannot be loaded",
            Self::Token => "the token is not there, or more than one is and none is named",
            Self::WrappingKey => "the token does not hold the key that wrapped it",
            Self::PinAbsent => "no PIN was handed over",
            Self::PinWrong => "the token refuses the PIN",
            Self::PinLast => "one wrong PIN more would lock the token, so none was tried",
            Self::PinLocked => "the token is locked",
            Self::TokenFailed => "the token failed",
            Self::CredentialAbsent => "the service was given no such credential",
            Self::CredentialSize => "the credential is no secret of 32 to 4096 bytes",
            Self::CredentialOther => "the credential is not the one that wrapped it",
            Self::System => "the operating system refuses",
            Self::Randomness => "the operating system gave no random bytes",
            Self::OtherTier => "it is wrapped by another tier",
        })
    }
}
