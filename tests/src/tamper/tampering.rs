//! The damage: one of the ways in which somebody, or a disk, can change a journal's files.
//!
//! Judges nothing.

use std::fs::{self, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rand::RngExt;
use rand::rngs::StdRng;

use super::world::{FILES, World};

const FILE: usize = 0;
const LOG: usize = 1;
const COPY: usize = 2;

/// What is done.
#[derive(Debug, Clone, Copy)]
pub(super) enum Tampering {
    /// One bit of a file is flipped; the place as a part of its length, in millionths.
    Flip { file: usize, place: u64, bit: u8 },
    /// A file is cut; the length that stays, in millionths.
    Truncate { file: usize, place: u64 },
    /// A file is deleted.
    Delete { file: usize },
    /// Journal and log are deleted.
    DeleteJournal,
    /// All of it is deleted.
    DeleteAll,
    /// Journal and log are put back to an earlier state.
    OldJournal { kept: usize },
    /// The head copy is put back to an earlier state.
    OldCopy { kept: usize },
    /// Both are put back to the same earlier state.
    OldBoth { kept: usize },
    /// Journal and copy are put back, each to a state of its own: epochs and heads are exchanged.
    Mixed { journal: usize, copy: usize },
    /// Another journal under the same key is put in place of the journal.
    OtherJournal,
    /// The head copy of another journal is put in place of the copy.
    OtherCopy,
}

const PARTS: u64 = 1_000_000;

impl Tampering {
    /// Draws one.
    pub(super) fn draw(chance: &mut StdRng, world: &World) -> Self {
        let mut kept = || chance.random_range(0..world.kept.len());
        let (one, another) = (kept(), kept());
        let place = chance.random_range(0..PARTS);
        let file = chance.random_range(0..FILES.len());
        match chance.random_range(0..16) {
            // The log and the journal are most of what there is to damage.
            0..=2 => Self::Flip { file, place, bit: chance.random_range(0..8) },
            3 | 4 => Self::Flip { file: LOG, place, bit: chance.random_range(0..8) },
            5 => Self::Truncate { file, place },
            6 => Self::Truncate { file: LOG, place },
            7 => Self::Delete { file },
            8 => Self::DeleteJournal,
            9 => Self::DeleteAll,
            10 | 11 => Self::OldJournal { kept: one },
            12 => Self::OldCopy { kept: one },
            13 => Self::OldBoth { kept: one },
            14 => Self::Mixed { journal: one, copy: another },
            _ if chance.random_bool(0.5) => Self::OtherJournal,
            _ => Self::OtherCopy,
        }
    }

    /// Whether journal and copy agree on an earlier state afterwards.
    pub(super) const fn puts_both_back(self) -> bool {
        match self {
            // Before the first upload nobody but this host ever knew that there was a journal.
            Self::OldBoth { .. } | Self::DeleteAll => true,
            Self::Mixed { journal, copy } => journal >= copy,
            _ => false,
        }
    }

    /// How many of the entries that were sold one of the files still knows of afterwards; of later
    /// ones nobody but the relay can tell.
    pub(super) fn known(self, world: &World) -> usize {
        match self {
            Self::OldBoth { kept } => world.kept[kept].sold,
            Self::Mixed { journal, copy } => world.kept[journal.max(copy)].sold,
            _ => world.sold.len(),
        }
    }

    /// Does it to the files of a folder.
    pub(super) fn apply(self, folder: &Path, world: &World) -> Result<()> {
        let kept = |index: usize| world.kept[index].folder.path();
        match self {
            Self::Flip { file, place, bit } => flip(&there(folder, file), place, bit),
            Self::Truncate { file, place } => truncate(&there(folder, file), place),
            Self::Delete { file } => delete(folder, &[file]),
            Self::DeleteJournal => delete(folder, &[FILE, LOG]),
            Self::DeleteAll => delete(folder, &[FILE, LOG, COPY]),
            Self::OldJournal { kept: index } => put(kept(index), folder, &[FILE, LOG]),
            Self::OldCopy { kept: index } => put(kept(index), folder, &[COPY]),
            Self::OldBoth { kept: index } => put(kept(index), folder, &[FILE, LOG, COPY]),
            Self::Mixed { journal, copy } => {
                put(kept(journal), folder, &[FILE, LOG])?;
                put(kept(copy), folder, &[COPY])
            }
            Self::OtherJournal => put(world.other.path(), folder, &[FILE, LOG]),
            Self::OtherCopy => put(world.other.path(), folder, &[COPY]),
        }
    }
}

/// The file, or the journal's if that one is empty: a log is after the journal was closed.
fn there(folder: &Path, file: usize) -> PathBuf {
    let chosen = folder.join(FILES[file]);
    let is_empty = fs::metadata(&chosen).map_or(true, |metadata| metadata.len() == 0);
    if is_empty { folder.join(FILES[FILE]) } else { chosen }
}

/// Puts files of one folder in place of those of another.
fn put(from: &Path, to: &Path, files: &[usize]) -> Result<()> {
    delete(to, files)?;
    for name in files.iter().map(|file| FILES[*file]) {
        if from.join(name).exists() {
            fs::copy(from.join(name), to.join(name)).with_context(|| format!("put {name} back"))?;
        }
    }
    Ok(())
}

fn delete(folder: &Path, files: &[usize]) -> Result<()> {
    for name in files.iter().map(|file| FILES[*file]) {
        if folder.join(name).exists() {
            fs::remove_file(folder.join(name)).with_context(|| format!("delete {name}"))?;
        }
    }
    Ok(())
}

fn flip(file: &Path, place: u64, bit: u8) -> Result<()> {
    let mut file = OpenOptions::new().read(true).write(true).open(file)?;
    let at = file.metadata()?.len() * place / PARTS;
    let mut byte = [0];
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut byte)?;
    file.seek(SeekFrom::Start(at))?;
    file.write_all(&[byte[0] ^ (1 << bit)])?;
    Ok(())
}

fn truncate(file: &Path, place: u64) -> Result<()> {
    let file = OpenOptions::new().write(true).open(file)?;
    file.set_len(file.metadata()?.len() * place / PARTS)?;
    Ok(())
}
