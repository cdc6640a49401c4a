//! What keeps the journal's key on this host, by its configuration; how it is kept, in words; and
//! what to do when it cannot be had.
//!
//! Makes no key and changes none.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use journal::key::credential::Credential;
use journal::key::pkcs11::{Pin, Token};
use journal::key::recovery::{FILE_BYTES_MAX, RecoveryTarget};
use journal::key::{Hitch, KeptKey, KeyError, KeyKeeper, Provider, Tier};
use protocol::problem::{Code, Problem};
use protocol::seal::SealingKey;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Host;
use super::open::{DOCTOR, in_full, refused};
use crate::config::{JournalKeyConfig, Secret};
use crate::health::Reason;

/// How the key is kept that the journal is encrypted with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeyStatus {
    /// What wraps it: `pkcs11`, `credential`, `dpapi` or `file`.
    #[schemars(with = "String")]
    pub tier: Tier,
    /// What that stops and what it does not.
    pub stops: String,
    /// Where the key is that wraps it; none if nothing does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// The retailer's recovery key that it is sealed to; none if the disk of this host can be read
    /// by this host alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery_key: Option<SealingKey>,
    /// Why it is not sealed as it is configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Reason>,
}

impl KeyStatus {
    /// How a key is kept.
    #[must_use]
    pub fn of(kept: &KeptKey) -> Self {
        let (place, recovery_key) = (kept.place.clone(), kept.sealed_to);
        Self { place, recovery_key, ..Self::of_tier(kept.tier) }
    }

    /// A key of a tier that is not sealed.
    #[must_use]
    pub fn of_tier(tier: Tier) -> Self {
        let stops = tier.stops().to_owned();
        Self { tier, stops, place: None, recovery_key: None, problem: None }
    }

    pub(super) fn with(self, problem: Problem) -> Self {
        let code = Code::from_number(&problem.code).unwrap_or(Code::RecoveryKey);
        Self { problem: Some(Reason::new(code, problem.detail)), ..self }
    }
}

impl fmt::Display for KeyStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.tier, self.stops)?;
        match (&self.problem, &self.recovery_key) {
            (Some(problem), _) => write!(f, "; not sealed to the recovery key: {problem}"),
            (None, Some(_)) => f.write_str("; sealed to the retailer's recovery key"),
            (None, None) => f.write_str("; no recovery key"),
        }
    }
}

/// What keeps the journal's key on this host.
#[must_use]
pub fn keeper(config: &JournalKeyConfig, host: &Host) -> KeyKeeper {
    let (file, journal) = (host.data_dir.journal_key(), host.data_dir.journal());
    let mut providers: Vec<Arc<dyn Provider>> = Vec::new();
    if let Some(module) = &config.pkcs11_module {
        let label = config.pkcs11_token.as_ref().map(|label| label.as_str().to_owned());
        let pin = pin(config, host);
        providers.push(Arc::new(Token { module: module.clone(), label, pin }));
    }
    let name = config.credential.as_str().to_owned();
    providers.push(Arc::new(Credential { folder: host.credentials.clone(), name }));
    let keeper = KeyKeeper { tier: config.tier, ..KeyKeeper::plain(file, journal) };
    on_this_system(KeyKeeper { providers, ..keeper })
}

/// On Windows there is DPAPI besides, and a file is closed by an access list.
#[cfg(windows)]
fn on_this_system(mut keeper: KeyKeeper) -> KeyKeeper {
    keeper.providers.push(Arc::new(journal::key::dpapi::Dpapi));
    KeyKeeper { guard: journal::key::dpapi::guard, ..keeper }
}

#[cfg(not(windows))]
const fn on_this_system(keeper: KeyKeeper) -> KeyKeeper {
    keeper
}

/// The PIN. That it cannot be read matters only once a token asks for it.
fn pin(config: &JournalKeyConfig, host: &Host) -> Option<Pin> {
    let read = match (&host.pkcs11_pin, &config.pkcs11_pin_file) {
        (Some(pin), _) => Ok(pin.clone()),
        (None, Some(file)) => Secret::from_file(file),
        (None, None) => return None,
    };
    match read {
        Ok(pin) => Some(Pin::new(pin.expose())),
        Err(error) => {
            tracing::warn!(error = in_full(&error), "the PIN of the token cannot be read");
            None
        }
    }
}

/// The retailer's recovery key as it is configured; none if none is.
///
/// # Errors
/// The file cannot be read, is no such key, or the signer that is configured did not sign it.
pub fn recovery_target(config: &JournalKeyConfig) -> Result<Option<RecoveryTarget>, Problem> {
    let (Some(file), Some(signer)) = (&config.recovery_key_file, config.recovery_signer) else {
        return Ok(None);
    };
    let refused = |error: &dyn std::error::Error| {
        let detail = format!("read the recovery key `{}`: {}", file.display(), in_full(error));
        let next = "put there the public half that `storekeep-agent journal recovery-key` made, and \
                    its signer into journal_key.recovery_signer";
        Problem::new(Code::RecoveryKey, detail).next(next)
    };
    let text = read_bounded(file).map_err(|error| refused(&error))?;
    RecoveryTarget::read(&text, signer).map(Some).map_err(|error| refused(&error))
}

/// Reads a small text file, up to the bound of a recovery key.
pub(crate) fn read_bounded(file: &Path) -> std::io::Result<String> {
    let bound = u64::try_from(FILE_BYTES_MAX).expect("a few thousand fit");
    let mut text = String::new();
    File::open(file)?.take(bound).read_to_string(&mut text)?;
    Ok(text)
}

/// What it means that the key cannot be had, and what to do.
#[must_use]
pub fn key_problem(error: &KeyError) -> Problem {
    let (code, next) = match error {
        KeyError::Journal { source, .. } => return refused(source),
        KeyError::Missing { .. } => (
            Code::JournalKey,
            "put the journal.key that belongs to this journal back beside it; docs/errors/SK0042.md",
        ),
        KeyError::Damaged { .. } | KeyError::Unproven { .. } => (
            Code::KeyFileChanged,
            "put the journal.key of the last backup back; docs/errors/SK0014.md",
        ),
        KeyError::Newer { .. } => {
            (Code::JournalNewer, "install the version of the agent that wrote it, or a later one")
        }
        KeyError::NotSetUp { tier: Tier::Pkcs11, .. } => (
            Code::KeyUnavailable,
            "name the token's library in journal_key.pkcs11_module; docs/errors/SK0015.md",
        ),
        KeyError::NotSetUp { .. } => (
            Code::KeyUnavailable,
            "read the journal on the host that wrote it, or with `journal recover`; \
             docs/errors/SK0015.md",
        ),
        KeyError::Provider { source, .. } => of_hitch(source.hitch),
        KeyError::Seal => (Code::RecoveryKey, "make the recovery key anew; docs/errors/SK0017.md"),
        KeyError::Io { .. } => (Code::JournalKey, DOCTOR),
        KeyError::Randomness => (Code::Internal, DOCTOR),
    };
    Problem::new(code, in_full(error)).next(next)
}

fn of_hitch(hitch: Hitch) -> (Code, &'static str) {
    let unavailable = |next| (Code::KeyUnavailable, next);
    let refused = |next| (Code::KeyRefused, next);
    match hitch {
        Hitch::Library => {
            unavailable("install the token's library, or correct journal_key.pkcs11_module")
        }
        Hitch::Token => unavailable(
            "plug the token in, or name it in journal_key.pkcs11_token; docs/errors/SK0015.md",
        ),
        Hitch::WrappingKey => unavailable(
            "plug in the token that wrapped the key; if it is lost, use `storekeep-agent journal \
             recover`",
        ),
        Hitch::PinAbsent => unavailable(
            "put the PIN into journal_key.pkcs11_pin_file or STOREKEEP_PKCS11_PIN, readable by the \
             agent's user",
        ),
        Hitch::TokenFailed => unavailable("try the token with its vendor's own program"),
        Hitch::CredentialAbsent => unavailable(
            "load the credential in the service's unit, and run commands with the same credential; \
             docs/errors/SK0015.md",
        ),
        Hitch::CredentialSize => {
            refused("make the credential of 32 random bytes; docs/errors/SK0016.md")
        }
        Hitch::PinWrong => refused(
            "correct the PIN before the next start: each wrong one counts against the token",
        ),
        Hitch::PinLast => refused(
            "log in to the token once with its vendor's own program and the right PIN, then start \
             the agent",
        ),
        Hitch::PinLocked => refused("unlock the token with its vendor's own program"),
        Hitch::CredentialOther | Hitch::System | Hitch::OtherTier => refused(
            "put back what wrapped the key, or use `storekeep-agent journal recover`; \
             docs/errors/SK0016.md",
        ),
        Hitch::Randomness => (Code::Internal, DOCTOR),
    }
}
