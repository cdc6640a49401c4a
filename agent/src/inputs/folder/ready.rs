//! Which files of a folder are complete.
//!
//! A file is, once its size and time of change have stayed the same for the settle time. What a
//! POS or a copying program is still writing changes; what it writes under another name first
//! (`.tmp`, a leading dot) is not looked at. Pure but for [`list`], which reads the folder.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

/// Endings of names under which programs write what is not complete yet.
const UNFINISHED: [&str; 5] = [".tmp", ".part", ".partial", ".crdownload", "~"];

/// What the folder says of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) bytes: u64,
    pub(super) changed: SystemTime,
}

/// Follows the files of a folder.
#[derive(Debug)]
pub(super) struct Ready {
    settle: Duration,
    files: BTreeMap<PathBuf, (Seen, Instant)>,
}

impl Ready {
    pub(super) const fn new(settle: Duration) -> Self {
        Self { settle, files: BTreeMap::new() }
    }

    /// Takes what the folder holds at `now` (monotonic) and returns the complete files, the oldest
    /// first and those of one moment by name.
    pub(super) fn look(&mut self, listing: BTreeMap<PathBuf, Seen>, now: Instant) -> Vec<PathBuf> {
        let before = std::mem::take(&mut self.files);
        for (path, seen) in listing {
            let since = match before.get(&path) {
                Some((same, since)) if *same == seen => *since,
                _ => now,
            };
            self.files.insert(path, (seen, since));
        }
        let is_complete = |since: &Instant| now.saturating_duration_since(*since) >= self.settle;
        let complete = self.files.iter().filter(|(_, (_, since))| is_complete(since));
        let mut complete: Vec<_> =
            complete.map(|(path, (seen, _))| (seen.changed, path.clone())).collect();
        complete.sort();
        complete.into_iter().map(|(_, path)| path).collect()
    }

    /// A file turned out not to be complete: it has to settle anew.
    pub(super) fn unsettle(&mut self, path: &Path, now: Instant) {
        if let Some((_, since)) = self.files.get_mut(path) {
            *since = now;
        }
    }

    /// How long until the next file may be complete; none if none is on its way.
    pub(super) fn next_in(&self, now: Instant) -> Option<Duration> {
        let remaining =
            |since: &Instant| self.settle.saturating_sub(now.saturating_duration_since(*since));
        let waiting = self.files.values().map(|(_, since)| remaining(since));
        waiting.filter(|remaining| !remaining.is_zero()).min()
    }

    /// Files in the folder, complete or not.
    pub(super) fn len(&self) -> usize {
        self.files.len()
    }
}

/// What a folder says of a file now; none if it is gone.
pub(super) fn seen(path: &Path) -> io::Result<Option<Seen>> {
    match std::fs::metadata(path) {
        Ok(data) if data.is_file() => {
            Ok(Some(Seen { bytes: data.len(), changed: data.modified()? }))
        }
        Ok(_) => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The files of a folder whose names fit.
pub(super) fn list(
    folder: &Path,
    fits: impl Fn(&str) -> bool,
) -> io::Result<BTreeMap<PathBuf, Seen>> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        if name.starts_with('.') || is_unfinished(name) || !fits(name) {
            continue;
        }
        // A file that went away in between is no fault.
        if let Some(seen) = seen(&path)? {
            files.insert(path, seen);
        }
    }
    Ok(files)
}

fn is_unfinished(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    UNFINISHED.iter().any(|ending| name.ends_with(ending))
}
