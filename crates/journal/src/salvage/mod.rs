//! Salvage: from a journal that cannot go on as it stands, everything that can still be read is
//! taken over into a new file with a new epoch.
//!
//! `image` reads the damaged file and its log page by page, each page on its own; `cells` reads the
//! rows of a page; `staging` puts them in order; `build` makes the new journal. The old file is set
//! aside and never deleted. A crash at any moment leaves the old file in its place, or the new one
//! complete. Does not decide whether a journal is to be salvaged with a key that may be wrong: the
//! key must have shown that it fits.

mod build;
mod cells;
mod image;
mod page;
mod piece;
mod staging;
#[cfg(test)]
mod tests;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use protocol::chain::Epoch;

use self::build::{Order, build};
use self::image::Image;
use self::staging::{Roots, Staging};
use crate::files::{beside, remove_if_there, sync_folder_of};
use crate::head::{self, Copied, Found};
use crate::incident::IncidentKind;
use crate::open::{OpenError, Source};
use crate::schema;

/// Says that a page could not be read while the journal was open: the next opening salvages.
const SUSPECT: &str = ".suspect";

/// Found so far, in order; gone when the new journal is complete.
const SCRATCH: &str = ".salvage";

/// The new journal while it is made, and once it is complete.
const BUILDING: &str = ".salvaging";
const COMPLETE: &str = ".salvaged";

/// What salvaging fails with.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Database(#[from] rusqlite::Error),
}

/// What the failure of an opening amounts to; none if salvaging is no answer to it. A key that fits
/// nothing may be another's: only a head copy that it opens shows that the file is what is wrong.
pub(crate) fn kind_of(source: &Source, error: &OpenError, found: &Found) -> Option<IncidentKind> {
    match error {
        OpenError::TailLost { .. } => Some(match source.is_absent() {
            Ok(true) => IncidentKind::JournalMissing,
            Ok(false) | Err(_) => IncidentKind::TailLost,
        }),
        OpenError::Replaced { .. } => Some(IncidentKind::Replaced),
        OpenError::Damaged { .. } => Some(IncidentKind::Damaged),
        OpenError::WrongKey { .. } => found.held().map(|_| IncidentKind::Damaged),
        OpenError::InUse { .. }
        | OpenError::Newer { .. }
        | OpenError::Io { .. }
        | OpenError::Database { .. } => None,
    }
}

/// Remembers that a page could not be read.
pub(crate) fn suspect(source: &Source) -> io::Result<()> {
    crate::files::replace(&beside(&source.file, SUSPECT), b"")
}

/// Whether a page could not be read while the journal was open.
pub(crate) fn is_suspect(source: &Source) -> bool {
    beside(&source.file, SUSPECT).exists()
}

/// Salvages the journal; the new one stands in its place when this returns.
pub(crate) fn run(
    source: &Source,
    found: &Found,
    new_epoch: Epoch,
    kind: IncidentKind,
    at: Timestamp,
) -> Result<(), OpenError> {
    let failed = |failure| match failure {
        Failure::Io(error) => source.failed("salvage journal", error),
        Failure::Database(error) => source.refused("salvage journal", error),
    };
    tracing::warn!(file = %source.file.display(), kind = kind.as_str(), "the journal is salvaged");
    make(source, found.held(), new_epoch, kind, at).map_err(failed)?;
    finish(source)
}

fn make(
    source: &Source,
    copied: Option<&Copied>,
    new_epoch: Epoch,
    kind: IncidentKind,
    at: Timestamp,
) -> Result<(), Failure> {
    let [scratch, building] = [SCRATCH, BUILDING].map(|suffix| beside(&source.file, suffix));
    for left_over in [&scratch, &building] {
        remove_if_there(left_over)?;
    }
    let salt = copied.map(|copied| copied.salt);
    let image = Image::new(&source.file, &source.log_file(), source.key(), salt)?;
    let journal = source.scratch(&building)?;
    schema::create(&journal)?;
    let staging = Staging::new(source.scratch(&scratch)?, Roots::of(&journal)?)?;
    image.each(|number, page| {
        let overflow = |first, bytes| image.overflow(first, bytes);
        for row in cells::rows(number, page, &overflow) {
            staging.take(number, &row)?;
        }
        Ok::<_, Failure>(())
    })?;
    let set_aside = next_aside(source).filter(|_| source.file.exists());
    let set_aside = set_aside.as_deref().and_then(Path::file_name);
    let set_aside = set_aside.map(|name| name.to_string_lossy().into_owned());
    journal.execute_batch("BEGIN")?;
    build(staging.found(), &journal, Order { copied, new_epoch, kind, at, set_aside })?;
    journal.execute_batch("COMMIT")?;
    drop((staging, journal));
    remove_if_there(&scratch)?;
    File::open(&building)?.sync_all()?;
    // Announced before it begins, like every epoch.
    if let Some(copied) = copied {
        head::put(source, &Copied { pending: Some(new_epoch), ..copied.clone() })?;
    }
    fs::rename(&building, beside(&source.file, COMPLETE))?;
    Ok(sync_folder_of(&source.file)?)
}

/// Puts a complete new journal in its place, also after a crash had kept it from there.
pub(crate) fn finish(source: &Source) -> Result<(), OpenError> {
    let complete = beside(&source.file, COMPLETE);
    if !complete.exists() {
        return Ok(());
    }
    swap(source, &complete).map_err(|error| source.failed("set aside journal", error))
}

fn swap(source: &Source, complete: &Path) -> io::Result<()> {
    if let Some(aside) = next_aside(source) {
        rename_if_there(&source.log_file(), &beside(&aside, "-wal"))?;
        rename_if_there(&source.file, &aside)?;
    }
    remove_if_there(&beside(&source.file, "-shm"))?;
    fs::rename(complete, &source.file)?;
    remove_if_there(&beside(&source.file, SUSPECT))?;
    sync_folder_of(&source.file)
}

/// A name that no file set aside before has.
fn next_aside(source: &Source) -> Option<PathBuf> {
    (1_u32..)
        .map(|number| beside(&source.file, &format!(".aside-{number}")))
        .find(|file| !file.exists())
}

fn rename_if_there(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
