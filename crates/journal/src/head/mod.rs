//! The head copy: how far the journal was, in a small file of its own.
//!
//! SQLite's own checks do not see that the newest commits are gone: a log with one flipped bit is
//! cut there, a truncated or an older file opens without a word. So (epoch, sequence, chain hash)
//! stand a second time beside the journal, under a key that is derived from the data key. The copy
//! never runs ahead of a commit, and being behind is no alarm. It is no proof against someone who
//! puts back older versions of both files; the relay's head is. `judge` compares, `keeper` writes
//! beside the writer. Does not decide what follows from a comparison.

pub(crate) mod judge;
pub(crate) mod keeper;
#[cfg(test)]
mod tests;

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use protocol::bytes::Bytes;
use protocol::chain::{Epoch, Position, Sequence};
use ring::hmac;

use crate::epoch::State;
use crate::files;
use crate::key::DataKey;
use crate::open::{OpenError, Source};

/// What stands at the beginning of the file: its name and the version of its shape.
const MAGIC: [u8; 5] = *b"SKJH\x01";

/// Derives the key of the copy from the data key; another use would have another label.
const KEY_LABEL: &[u8] = b"storekeep journal head copy v1";

/// Bytes of the file without its code: magic, epoch, sequence, chain hash, acknowledged sequence,
/// whether an epoch is announced, that epoch, the salt.
const CONTENT_BYTES: usize = 5 + 16 + 8 + 32 + 8 + 1 + 16 + 16;

/// Bytes of the message authentication code (HMAC-SHA-256).
const CODE_BYTES: usize = 32;

/// Bytes of the salt at the beginning of the journal's file.
pub(crate) const SALT_BYTES: usize = 16;

/// What the copy says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Copied {
    /// The epoch that was current.
    pub(crate) epoch: Epoch,
    /// Its last entry.
    pub(crate) head: Position,
    /// The last entry of it that the relay had acknowledged.
    pub(crate) acknowledged: Sequence,
    /// An epoch that was about to begin.
    pub(crate) pending: Option<Epoch>,
    /// The salt of the journal's file, without which its other pages could not be authenticated
    /// once the first is damaged.
    pub(crate) salt: [u8; SALT_BYTES],
}

/// What stands in the copy's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    /// Nothing.
    Absent,
    /// Something that was not written with this journal's key.
    Forged,
    /// A copy.
    Held(Copied),
}

impl Found {
    /// The copy, if there is one.
    pub(crate) const fn held(&self) -> Option<&Copied> {
        match self {
            Self::Held(copied) => Some(copied),
            Self::Absent | Self::Forged => None,
        }
    }
}

/// Reads the copy of a journal.
pub(crate) fn find(source: &Source) -> Result<Found, OpenError> {
    let found = read(&source.head_file(), &derived(source.key()));
    found.map_err(|error| source.failed("read the head copy of journal", error))
}

fn read(file: &Path, key: &hmac::Key) -> io::Result<Found> {
    match fs::read(file) {
        Ok(bytes) => Ok(decode(key, &bytes).map_or(Found::Forged, Found::Held)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Found::Absent),
        Err(error) => Err(error),
    }
}

/// The copy, as the journal that is open keeps it.
#[derive(Debug)]
pub(crate) struct HeadCopy {
    file: PathBuf,
    key: hmac::Key,
    salt: [u8; SALT_BYTES],
    /// What stands in the file; none if that is not ours.
    written: Mutex<Option<Copied>>,
    /// Whether it may be written: evidence of what was found is left to whoever acts on it.
    is_kept: bool,
}

impl HeadCopy {
    /// Takes the copy over as it was found.
    pub(crate) fn new(source: &Source, found: Found, is_kept: bool) -> Result<Self, OpenError> {
        let salt =
            source.salt().map_err(|error| source.failed("read the salt of journal", error))?;
        let written = Mutex::new(match found {
            Found::Held(copied) => Some(copied),
            Found::Absent | Found::Forged => None,
        });
        Ok(Self { file: source.head_file(), key: derived(source.key()), salt, written, is_kept })
    }

    /// Brings the copy up to a state that is committed; durable when it returns. The state is asked
    /// for while nobody else writes, so that the copy never goes back. An epoch that was announced
    /// stays so until it has begun.
    pub(crate) fn keep(&self, state: impl FnOnce() -> State) -> io::Result<()> {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let State { identity, head, acknowledged } = state();
        let pending = written.as_ref().filter(|written| written.epoch == identity.epoch);
        let pending = pending.and_then(|written| written.pending);
        self.write(&mut written, identity.epoch, head, acknowledged.sequence, pending)
    }

    /// Announces an epoch before it begins.
    pub(crate) fn announce(&self, state: &State, next: Epoch) -> io::Result<()> {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let State { identity, head, acknowledged } = state;
        self.write(&mut written, identity.epoch, *head, acknowledged.sequence, Some(next))
    }

    fn write(
        &self,
        written: &mut Option<Copied>,
        epoch: Epoch,
        head: Position,
        acknowledged: Sequence,
        pending: Option<Epoch>,
    ) -> io::Result<()> {
        let next = Copied { epoch, head, acknowledged, pending, salt: self.salt };
        if !self.is_kept || written.as_ref() == Some(&next) {
            return Ok(());
        }
        files::replace(&self.file, &encode(&self.key, &next))?;
        *written = Some(next);
        Ok(())
    }
}

/// Writes a copy, for a journal that is not open.
pub(crate) fn put(source: &Source, copied: &Copied) -> io::Result<()> {
    files::replace(&source.head_file(), &encode(&derived(source.key()), copied))
}

fn derived(key: &DataKey) -> hmac::Key {
    key.derived(KEY_LABEL)
}

fn encode(key: &hmac::Key, copied: &Copied) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(CONTENT_BYTES + CODE_BYTES);
    bytes.extend(MAGIC);
    bytes.extend(copied.epoch.0);
    bytes.extend(copied.head.sequence.0.to_be_bytes());
    bytes.extend(copied.head.chain_hash.0);
    bytes.extend(copied.acknowledged.0.to_be_bytes());
    bytes.push(u8::from(copied.pending.is_some()));
    bytes.extend(copied.pending.unwrap_or(Bytes([0; 16])).0);
    bytes.extend(copied.salt);
    let code = hmac::sign(key, &bytes);
    bytes.extend(code.as_ref());
    bytes
}

/// None for whatever was not written with this key.
fn decode(key: &hmac::Key, bytes: &[u8]) -> Option<Copied> {
    let (content, code) = bytes.split_at_checked(CONTENT_BYTES)?;
    hmac::verify(key, content, code).ok()?;
    let rest = content.strip_prefix(&MAGIC)?;
    let (epoch, rest) = rest.split_first_chunk::<16>()?;
    let (sequence, rest) = rest.split_first_chunk::<8>()?;
    let (chain_hash, rest) = rest.split_first_chunk::<32>()?;
    let (acknowledged, rest) = rest.split_first_chunk::<8>()?;
    let (is_pending, rest) = rest.split_first_chunk::<1>()?;
    let (pending, rest) = rest.split_first_chunk::<16>()?;
    let (salt, _) = rest.split_first_chunk::<SALT_BYTES>()?;
    let sequence = Sequence(u64::from_be_bytes(*sequence));
    Some(Copied {
        epoch: Bytes(*epoch),
        head: Position { sequence, chain_hash: Bytes(*chain_hash) },
        acknowledged: Sequence(u64::from_be_bytes(*acknowledged)),
        pending: (*is_pending == [1]).then_some(Bytes(*pending)),
        salt: *salt,
    })
}
