//! Puts another wrapping in place: another tier, or another wrapping key of the same.
//!
//! The steps are types, `Begun → Written → Proven`, and each can be the last: until the new file is
//! synced, read back from the disk and found to open the journal, the former one stays in its
//! place. The journal is held all the while, so that no agent starts in between. The data key stays
//! as it is; nothing of the journal is written. Removes no wrapping key: one that is not needed any
//! more is the administrator's to remove.

#[cfg(test)]
mod tests;

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use ring::rand::SecureRandom;

use super::document;
use super::error::KeyError;
use super::keeper::read_text;
use super::recovery::RecoveryTarget;
use super::{KeptKey, KeyKeeper, Tier};
use crate::files::{beside, remove_if_there, sync_folder_of};
use crate::head;
use crate::open::{OpenError, Source};

/// The new key file until it is in its place.
const NEXT: &str = ".next";

/// The journal is held, and its key opens it.
#[derive(Debug)]
pub struct Begun<'a> {
    keeper: &'a KeyKeeper,
    kept: KeptKey,
    source: Arc<Source>,
}

/// The new file is on disk, beside the former one.
#[derive(Debug)]
pub struct Written<'a> {
    begun: Begun<'a>,
    next: PathBuf,
}

/// The new file was read back and gives the key that opens the journal.
#[derive(Debug)]
pub struct Proven<'a> {
    written: Written<'a>,
}

impl<'a> Begun<'a> {
    /// Takes the journal for this process, and shows that the key as it is kept now opens it.
    ///
    /// # Errors
    /// The key cannot be had, an agent has the journal open, or there is none.
    pub fn hold(keeper: &'a KeyKeeper) -> Result<Self, KeyError> {
        let of_journal = |source| KeyError::Journal { file: keeper.file.clone(), source };
        let kept = keeper.load()?;
        let source = Source::take(&keeper.journal, &kept.key).map_err(of_journal)?;
        // The first page of a damaged journal opens with no key; its head copy does.
        let copy = head::find(&source).map_err(of_journal)?;
        if copy.held().is_none() && !source.key_fits() {
            let file = keeper.journal.clone();
            return Err(of_journal(OpenError::WrongKey { file }));
        }
        Ok(Self { keeper, kept, source })
    }

    /// The key as it is kept now.
    #[must_use]
    pub const fn kept(&self) -> &KeptKey {
        &self.kept
    }

    /// Wraps the key and writes the new file beside the former one. Without a tier it is the
    /// keeper's own, or the first that is set up. Without a recovery key the seal stays as it is.
    ///
    /// # Errors
    /// The provider fails, or the disk.
    pub fn write(
        self,
        tier: Option<Tier>,
        recovery: Option<&RecoveryTarget>,
        random: &dyn SecureRandom,
    ) -> Result<Written<'a>, KeyError> {
        let keeper = self.keeper;
        let provider = keeper.chosen(tier)?;
        let key = &self.kept.key;
        let wrapping = provider.wrap(key, random).map_err(|error| keeper.failed("wrap", error))?;
        let seal = match recovery {
            Some(recovery) => Some(recovery.seal(key, random)?.ok_or(KeyError::Seal)?),
            None => self.kept.seal.clone(),
        };
        let next = beside(&keeper.file, NEXT);
        keeper.replace(&next, &document::encode(key, wrapping, seal))?;
        Ok(Written { begun: self, next })
    }
}

impl<'a> Written<'a> {
    /// Reads the new file back from the disk and unwraps it.
    ///
    /// # Errors
    /// It does not give the key that opens the journal; it is removed then.
    pub fn prove(self) -> Result<Proven<'a>, KeyError> {
        let Begun { keeper, kept, source } = &self.begun;
        let text = read_text(&self.next).map_err(|error| keeper.io("read back", error))?;
        let proven = keeper.unwrapped(&self.next, &text).and_then(|next| {
            match next.key == kept.key && next.key == *source.key() {
                true => Ok(()),
                false => Err(KeyError::Unproven { file: self.next.clone() }),
            }
        });
        match proven {
            Ok(()) => Ok(Proven { written: self }),
            Err(error) => {
                remove_if_there(&self.next).map_err(|error| keeper.io("remove", error))?;
                Err(error)
            }
        }
    }
}

impl Proven<'_> {
    /// Puts the new file in the place of the former one.
    ///
    /// # Errors
    /// The disk refuses: one of the two is in its place, and both open the journal.
    pub fn put(self) -> Result<KeptKey, KeyError> {
        let Written { begun: Begun { keeper, source, .. }, next } = self.written;
        fs::rename(&next, &keeper.file)
            .and_then(|()| sync_folder_of(&keeper.file))
            .map_err(|error| keeper.io("replace", error))?;
        let kept = keeper.load()?;
        drop(source);
        Ok(kept)
    }
}
