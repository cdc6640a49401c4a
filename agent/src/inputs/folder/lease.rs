//! The lease of a folder: one agent reads it.
//!
//! A small file in the folder names the holder and when it was renewed. Where a share is read
//! from two hosts their clocks differ, so that the age of a lease is not read off its text: a
//! lease of another holder has ended when its text has not changed for the whole term, by our own
//! monotonic clock. Protects from a wrong configuration, not from malice.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::files;

/// The lease's file in the folder.
pub const NAME: &str = ".storekeep-lease.json";

/// How long a lease lasts that nobody renews: longer than the largest file takes to read, because
/// a lease is renewed between two looks at the folder.
pub(super) const TERM: Duration = Duration::from_secs(600);

/// How often a lease is renewed.
const RENEW: Duration = Duration::from_secs(60);

/// What stands in the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Held {
    /// The holder: drawn once for a data folder.
    holder: String,
    /// Its host's name, for people.
    host: String,
    /// When it was renewed, by the holder's clock, for people.
    renewed_at: Timestamp,
}

/// A lease of one folder, held or not.
#[derive(Debug)]
pub struct Lease {
    file: PathBuf,
    holder: String,
    host: String,
    renewed: Option<Instant>,
    other: Option<(Held, Instant)>,
}

impl Lease {
    /// A lease of this folder that is not held yet. `holder` tells this agent from others.
    #[must_use]
    pub fn new(folder: &Path, holder: String, host: String) -> Self {
        Self { file: folder.join(NAME), holder, host, renewed: None, other: None }
    }

    /// Takes or renews the lease; returns the name of the host that holds it, if it is another.
    ///
    /// # Errors
    /// The folder cannot be read or written.
    pub fn take(&mut self, now: Instant, clock: Timestamp) -> io::Result<Option<String>> {
        let is_fresh = |renewed: Instant| now.saturating_duration_since(renewed) < RENEW;
        if self.renewed.is_some_and(is_fresh) {
            return Ok(None);
        }
        if let Some(held) = read(&self.file)?.filter(|held| held.holder != self.holder) {
            let since = match &self.other {
                Some((same, since)) if *same == held => *since,
                _ => now,
            };
            let host = held.host.clone();
            self.renewed = None;
            self.other = Some((held, since));
            if now.saturating_duration_since(since) < TERM {
                return Ok(Some(host));
            }
        }
        let held = Held { holder: self.holder.clone(), host: self.host.clone(), renewed_at: clock };
        let text = serde_json::to_vec_pretty(&held).map_err(io::Error::other)?;
        files::write_private(&self.file, &text)?;
        (self.renewed, self.other) = (Some(now), None);
        Ok(None)
    }

    /// Gives the lease back, so that another agent need not wait.
    ///
    /// # Errors
    /// The file cannot be removed.
    pub fn give_back(&mut self) -> io::Result<()> {
        match self.renewed.take() {
            Some(_) => files::remove_if_there(&self.file),
            None => Ok(()),
        }
    }
}

/// The lease in a file; none if there is none or nobody can read it: a torn write of a holder that
/// is gone must not lock a folder for ever.
fn read(file: &Path) -> io::Result<Option<Held>> {
    match std::fs::read(file) {
        Ok(text) => Ok(serde_json::from_slice(&text).ok()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
