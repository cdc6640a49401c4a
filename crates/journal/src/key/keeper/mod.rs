//! The key file of one journal: reads it, makes it once, seals it.
//!
//! A key is made only where there is neither a key nor anything of a journal; a provider that is
//! set up and fails is an error and never passed over for a weaker one. Written like every small
//! file beside the journal. Does not change the wrapping: `rewrap` does.

#[cfg(test)]
mod tests;

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use protocol::seal::SealingKey;
use ring::rand::SecureRandom;

use super::document::{self, Document, Fault, VERSION, Wrapping};
use super::error::KeyError;
use super::recovery::{RecoveryError, RecoveryKey, RecoveryTarget, Seal};
use super::{DataKey, Plain, Provider, Tier};
use crate::files::{self, beside};

/// Keeps the key of one journal on one host.
#[derive(Debug, Clone)]
pub struct KeyKeeper {
    /// The key file.
    pub file: PathBuf,
    /// The journal that the key opens.
    pub journal: PathBuf,
    /// What this host has, one of a tier, the preferred one first.
    pub providers: Vec<Arc<dyn Provider>>,
    /// What wraps a new key. None: the first provider that is set up.
    pub tier: Option<Tier>,
    /// Closes a new file to others, before anything is written to it, by what the platform has
    /// besides permissions.
    pub guard: fn(&Path) -> io::Result<()>,
}

/// A key and how it is kept.
#[derive(Debug, Clone)]
pub struct KeptKey {
    /// The key.
    pub key: DataKey,
    /// What wraps it.
    pub tier: Tier,
    /// Where the key is that wrapped it, for people; none if nothing did.
    pub place: Option<String>,
    /// The recovery key that it is sealed to.
    pub sealed_to: Option<SealingKey>,
    pub(super) wrapping: Wrapping,
    pub(super) seal: Option<Seal>,
}

impl KeyKeeper {
    /// The key in a file of its owner's, for a host that has nothing better.
    #[must_use]
    pub fn plain(file: PathBuf, journal: PathBuf) -> Self {
        Self { file, journal, providers: vec![Arc::new(Plain)], tier: None, guard: |_| Ok(()) }
    }

    /// Reads the key, or draws one and keeps it if neither key nor journal exist yet.
    ///
    /// # Errors
    /// The key is gone while something of the journal is there, is no key, cannot be unwrapped,
    /// read or written.
    pub fn load_or_create(
        &self,
        recovery: Option<&RecoveryTarget>,
        random: &dyn SecureRandom,
    ) -> Result<KeptKey, KeyError> {
        match self.load() {
            Err(KeyError::Missing { .. }) if !self.has_journal() => {}
            other => return other,
        }
        let provider = self.chosen(None)?;
        let key = DataKey::draw(random)?;
        let wrapping = provider.wrap(&key, random).map_err(|error| self.failed("wrap", error))?;
        // What does not come back must not be relied on for the first sale.
        let back = provider.open(&wrapping).map_err(|error| self.failed("unwrap", error))?;
        if back != key {
            return Err(KeyError::Unproven { file: self.file.clone() });
        }
        let seal = sealed(&key, recovery, random)?;
        let text = document::encode(&key, wrapping, seal);
        files::put_first(&self.file, text.as_bytes(), self.guard)
            .map_err(|source| self.io("write", source))?;
        // Another process may have been first: what is in the file now is the key.
        self.load()
    }

    /// Reads the key. Makes none.
    ///
    /// # Errors
    /// There is none, it is no key, or it cannot be read or unwrapped.
    pub fn load(&self) -> Result<KeptKey, KeyError> {
        let text = self.text()?;
        close_to_others(&self.file).map_err(|source| self.io("read", source))?;
        self.unwrapped(&self.file, &text)
    }

    /// Which tier the key file names, without unwrapping anything; none if there is no key file.
    ///
    /// # Errors
    /// It is no key file, or cannot be read.
    pub fn tier(&self) -> Result<Option<Tier>, KeyError> {
        match self.text() {
            Err(KeyError::Missing { .. }) => Ok(None),
            Err(error) => Err(error),
            Ok(text) => match self.parsed(&self.file, &text)? {
                Document::Bare(_) => Ok(Some(Tier::File)),
                Document::Wrapped(written) => Ok(Some(written.body.wrapping.tier())),
            },
        }
    }

    /// The tier that a key wrapped now would have; none if the one that was chosen is not set up.
    #[must_use]
    pub fn preferred_tier(&self) -> Option<Tier> {
        self.chosen(None).ok().map(Provider::tier)
    }

    /// Seals the key to a recovery key, unless it is. The journal must be open: whoever has it is
    /// the only one to write the key file.
    ///
    /// # Errors
    /// The file cannot be written; the former one is untouched then.
    pub fn seal(
        &self,
        kept: &KeptKey,
        recovery: &RecoveryTarget,
        random: &dyn SecureRandom,
    ) -> Result<KeptKey, KeyError> {
        if kept.sealed_to == Some(recovery.sealing_key()) {
            return Ok(kept.clone());
        }
        let seal = sealed(&kept.key, Some(recovery), random)?;
        let text = document::encode(&kept.key, kept.wrapping.clone(), seal);
        self.replace(&self.file, &text)?;
        self.load()
    }

    /// Opens the seal in the key file with the retailer's private half. A key that nothing wraps
    /// needs none.
    ///
    /// # Errors
    /// `Err(KeyError)`: there is no key file or it is none. Within: there is no seal, or it is to
    /// another key.
    pub fn recovered(
        &self,
        recovery: &RecoveryKey,
    ) -> Result<Result<DataKey, RecoveryError>, KeyError> {
        let text = self.text()?;
        Ok(match self.parsed(&self.file, &text)? {
            Document::Bare(key) => Ok(key),
            Document::Wrapped(written) => {
                let key = match (&written.body.recovery, &written.body.wrapping) {
                    (Some(seal), _) => recovery.open(seal),
                    (None, Wrapping::File { key }) => Ok(DataKey::new(*key.as_bytes())),
                    (None, _) => Err(RecoveryError::NoSeal),
                };
                key.and_then(|key| written.is_of(&key).then_some(key).ok_or(RecoveryError::Damaged))
            }
        })
    }

    /// The provider that wraps a key: of the tier that is asked for, else of the keeper's own, else
    /// the first that is set up.
    pub(super) fn chosen(&self, asked: Option<Tier>) -> Result<&dyn Provider, KeyError> {
        let Some(tier) = asked.or(self.tier) else {
            let set_up = self.providers.iter().find(|provider| provider.is_set_up());
            return Ok(set_up.map_or(&Plain, |provider| &**provider));
        };
        self.provider(tier).ok_or_else(|| KeyError::NotSetUp { file: self.file.clone(), tier })
    }

    /// Unwraps what stands in a key file, and checks that nothing in it was changed.
    pub(super) fn unwrapped(&self, file: &Path, text: &str) -> Result<KeptKey, KeyError> {
        let written = match self.parsed(file, text)? {
            Document::Bare(key) => return Ok(bare(key)),
            Document::Wrapped(written) => written,
        };
        let tier = written.body.wrapping.tier();
        let provider = self.provider(tier);
        let provider =
            provider.ok_or_else(|| KeyError::NotSetUp { file: self.file.clone(), tier })?;
        let key =
            provider.open(&written.body.wrapping).map_err(|error| self.failed("unwrap", error))?;
        if !written.is_of(&key) {
            let what = "it was changed, or the key that wrapped it is another one";
            return Err(KeyError::Damaged { file: file.to_owned(), what });
        }
        let document::Body { wrapping, recovery: seal, .. } = written.body;
        let sealed_to = seal.as_ref().map(Seal::to);
        Ok(KeptKey { key, tier, place: wrapping.place(), sealed_to, wrapping, seal })
    }

    /// The provider of a tier. The plain one is everywhere.
    fn provider(&self, tier: Tier) -> Option<&dyn Provider> {
        let found = self.providers.iter().find(|provider| provider.tier() == tier);
        match (found, tier) {
            (Some(provider), _) => Some(&**provider),
            (None, Tier::File) => Some(&Plain),
            (None, _) => None,
        }
    }

    pub(super) fn replace(&self, file: &Path, text: &str) -> Result<(), KeyError> {
        files::replace_guarded(file, text.as_bytes(), self.guard)
            .map_err(|source| self.io("write", source))
    }

    pub(super) fn failed(&self, attempt: &'static str, source: super::ProviderError) -> KeyError {
        KeyError::Provider { attempt, file: self.file.clone(), source }
    }

    pub(super) fn io(&self, attempt: &'static str, source: io::Error) -> KeyError {
        KeyError::Io { attempt, file: self.file.clone(), source }
    }

    fn parsed(&self, file: &Path, text: &str) -> Result<Document, KeyError> {
        let file = file.to_owned();
        Document::parse(text).map_err(|fault| match fault {
            Fault::Shape(what) => KeyError::Damaged { file, what },
            Fault::Newer(found) => KeyError::Newer { file, found, known: VERSION },
        })
    }

    fn text(&self) -> Result<String, KeyError> {
        read_text(&self.file).map_err(|error| match error.kind() {
            ErrorKind::NotFound => KeyError::Missing { file: self.file.clone() },
            _ => self.io("read", error),
        })
    }

    /// Whether anything is there that only this journal's key opens.
    fn has_journal(&self) -> bool {
        let parts = ["", "-wal", ".head"].map(|suffix| beside(&self.journal, suffix));
        parts.iter().any(|part| part.exists())
    }
}

/// Reads a key file's text. What is longer than one can be, or not text, is no key file.
pub(super) fn read_text(file: &Path) -> io::Result<String> {
    let bound = u64::try_from(document::BYTES_MAX).expect("a few thousand fit");
    let mut text = String::new();
    File::open(file)?.take(bound + 1).read_to_string(&mut text)?;
    if text.len() > document::BYTES_MAX {
        return Err(io::Error::new(ErrorKind::InvalidData, "it is too long for a key file"));
    }
    Ok(text)
}

fn bare(key: DataKey) -> KeptKey {
    let wrapping = Wrapping::File { key: protocol::bytes::Bytes(key.expose_bytes()) };
    KeptKey { key, tier: Tier::File, place: None, sealed_to: None, wrapping, seal: None }
}

fn sealed(
    key: &DataKey,
    recovery: Option<&RecoveryTarget>,
    random: &dyn SecureRandom,
) -> Result<Option<Seal>, KeyError> {
    let Some(recovery) = recovery else { return Ok(None) };
    let seal = recovery.seal(key, random)?;
    seal.map(Some).ok_or(KeyError::Seal)
}

/// Takes a key away from other users whom a restore or a copy let in, and says so.
#[cfg(unix)]
fn close_to_others(file: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;

    let mode = fs::metadata(file)?.permissions().mode();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    tracing::warn!(file = %file.display(), mode = format!("{mode:o}"), "other users could read the data key; its permissions are now 0600");
    fs::set_permissions(file, fs::Permissions::from_mode(0o600))
}

/// On Windows the access list decides, which is set when the file is made.
#[cfg(not(unix))]
fn close_to_others(_: &Path) -> io::Result<()> {
    Ok(())
}
