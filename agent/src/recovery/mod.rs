//! Reads a dead host's disk: the journal in a copy of its data folder, with the retailer's recovery
//! key in place of that host's own.
//!
//! The disk itself is only read; everything else goes on in a working copy inside the folder for what
//! is found. A journal that is damaged is salvaged there, as its agent would have done. Sends nothing.

#[cfg(test)]
mod tests;

use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use journal::key::KeyKeeper;
use journal::key::recovery::RecoveryKey;
use journal::{DataKey, IncidentKind, Journal, OpenError, Options, Quota, ReadError, Terms};
use protocol::chain::{Epoch, Sequence};
use protocol::problem::{Code, Problem};
use schemars::JsonSchema;
use serde::Serialize;

use crate::files;
use crate::identity;
use crate::local_api::{Incident, Stage};
use crate::lookup::{self, Exported, Verified};
use crate::run::{in_full, is_there, key_problem, read_bounded};
use crate::seams::Seams;

/// What a journal consists of, by the ends of the names, as far as salvaging reads it.
const PARTS: [&str; 5] = ["", "-wal", ".head", ".suspect", ".salvaged"];

/// The working copy, inside the folder for what is found.
const WORKING: &str = "working";

/// What to read, with what, and where to.
#[derive(Debug, Clone)]
pub struct Order {
    /// The private half of the recovery key.
    pub private_key: PathBuf,
    /// The data folder, or the journal's file in it.
    pub journal: PathBuf,
    /// The key file; none if it lies beside the journal.
    pub key_file: Option<PathBuf>,
    /// The folder for what is found, which must not be there yet.
    pub export: PathBuf,
}

/// Entries of one epoch that follow one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Range {
    /// The epoch.
    pub epoch: Epoch,
    /// The first entry.
    pub first: Sequence,
    /// The last.
    pub last: Sequence,
}

/// What was found.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Entries that were read.
    pub entries: u64,
    /// Entries among them whose content was there; that of the others was pruned or is lost.
    pub records: u64,
    /// What the relay had not acknowledged, by the marks in the journal.
    pub unsent: Vec<Range>,
    /// Whether the journal had to be salvaged.
    pub salvaged: bool,
    /// What happened to its files, newest first, with what is missing.
    pub incidents: Vec<Incident>,
    /// Whether the chain holds over what was read.
    pub verified: Verified,
}

/// What was read so far.
#[derive(Debug, Default)]
struct Read {
    entries: u64,
    records: u64,
    unsent: Vec<Range>,
}

impl Report {
    /// Whether nothing is missing and nothing wrong.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let Verified { missing, fault, .. } = &self.verified;
        missing.is_none() && fault.is_none()
    }
}

/// Recovers: `entries.ndjson` and `report.json` stand in the folder when this returns. `progress` is
/// told how many entries were read, of how many.
///
/// # Errors
/// A key or the journal cannot be used, or the folder cannot be written. What was made is left there.
pub async fn recover(
    order: &Order,
    seams: &Seams,
    progress: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<Report, Problem> {
    let (file, key) = key_of(order)?;
    let folder = &order.export;
    let unwritten = |error: io::Error| unwritten(folder, &error);
    if folder.exists() {
        let detail = format!("recover into `{}`: it is there already", folder.display());
        let next = "name a folder that is not there yet with --export";
        return Err(Problem::new(Code::RecoveryKey, detail).next(next));
    }
    let working = folder.join(WORKING);
    files::make_private_folder(&working).map_err(unwritten)?;
    let copy = copied(&file, &working).map_err(unwritten)?;
    let report = read(&copy, &key, folder, seams, progress).await?;
    let text = serde_json::to_vec_pretty(&report).expect("a report is plain data");
    files::write_private(&folder.join("report.json"), &text).map_err(unwritten)?;
    // The disk holds the same; a second copy is one more to guard.
    fs::remove_dir_all(&working).map_err(unwritten)?;
    Ok(report)
}

/// The journal's file, and its key by the recovery key.
fn key_of(order: &Order) -> Result<(PathBuf, DataKey), Problem> {
    let file = match order.journal.is_dir() {
        true => order.journal.join("journal.db"),
        false => order.journal.clone(),
    };
    is_there(&file)
        .map_err(|problem| problem.next("name the dead host's data folder with --journal"))?;
    let private = &order.private_key;
    let refused = |error: &dyn std::error::Error, next: &str| {
        let detail = format!("read the recovery key `{}`: {}", private.display(), in_full(error));
        Problem::new(Code::RecoveryKey, detail).next(next)
    };
    let next = "name the private half that `storekeep-agent journal recovery-key` made with --key";
    let text = read_bounded(private).map_err(|error| refused(&error, next))?;
    let recovery = RecoveryKey::read(&text).map_err(|error| refused(&error, next))?;
    let key_file = order.key_file.clone().unwrap_or_else(|| file.with_file_name("journal.key"));
    let keeper = KeyKeeper::plain(key_file.clone(), file.clone());
    let key = keeper.recovered(&recovery).map_err(|error| key_problem(&error))?;
    let key = key.map_err(|error| {
        let detail = format!("open the key file `{}`: {error}", key_file.display());
        Problem::new(Code::RecoveryKey, detail)
            .next("find the private half that fits, or read docs/errors/SK0017.md")
    })?;
    Ok((file, key))
}

/// Copies what the journal consists of, and makes it durable by nothing: the disk still has it.
fn copied(file: &Path, working: &Path) -> io::Result<PathBuf> {
    let copy = working.join("journal.db");
    for part in PARTS {
        let from = beside(file, part);
        if from.exists() {
            let to = beside(&copy, part);
            fs::copy(from, &to)?;
            make_ours(&to)?;
        }
    }
    Ok(copy)
}

/// The disk may have been read-only, or of another user.
#[cfg(unix)]
fn make_ours(file: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;

    fs::set_permissions(file, fs::Permissions::from_mode(0o600))
}

#[cfg(not(unix))]
fn make_ours(file: &Path) -> io::Result<()> {
    let mut permissions = fs::metadata(file)?.permissions();
    permissions.set_readonly(false);
    fs::set_permissions(file, permissions)
}

/// Opens the working copy and reads it; a page that cannot be read is found on the way, and then the
/// next opening salvages.
async fn read(
    file: &Path,
    key: &DataKey,
    folder: &Path,
    seams: &Seams,
    progress: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<Report, Problem> {
    let journal = open(file, key, seams)?;
    match export(&journal, folder, progress).await {
        Ok(read) => report(&journal, read).await,
        Err(Failure::Folder(error)) => Err(unwritten(folder, &error)),
        Err(Failure::Journal(_)) => {
            drop(journal);
            let journal = open(file, key, seams)?;
            match export(&journal, folder, progress).await {
                Ok(read) => report(&journal, read).await,
                Err(Failure::Folder(error)) => Err(unwritten(folder, &error)),
                Err(Failure::Journal(error)) => Err(unreadable(&error)),
            }
        }
    }
}

fn open(file: &Path, key: &DataKey, seams: &Seams) -> Result<Journal, Problem> {
    let new_epoch = identity::epoch(&*seams.random)
        .map_err(|error| Problem::new(Code::Internal, in_full(&error)).next("try again"))?;
    let options = Options { file: file.to_owned(), key: key.clone(), new_epoch };
    let quota = Quota { bytes_max: None, reserve_bytes: 0 };
    let terms = Terms { salvage_at: Some(seams.now()), quota, ..Terms::default() };
    Journal::open_under(&options, &terms).map_err(|error| match error {
        OpenError::WrongKey { .. } => {
            let detail = "open the journal: the key file belongs to another journal, or the first \
                          page is damaged and its head copy is gone";
            let next = "name the key file of this very host with --key-file; docs/errors/SK0017.md";
            Problem::new(Code::JournalKey, detail).next(next)
        }
        error => crate::run::refused(&error),
    })
}

/// Why reading broke off.
enum Failure {
    Folder(io::Error),
    Journal(ReadError),
}

/// Writes every entry, oldest first, one JSON document a line, as `journal export` does.
async fn export(
    journal: &Journal,
    folder: &Path,
    progress: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<Read, Failure> {
    let total = journal.stats().await.map_err(Failure::Journal)?.entries;
    let file = private(&folder.join("entries.ndjson")).map_err(Failure::Folder)?;
    let mut lines = BufWriter::new(file);
    let (mut read, mut next) = (Read::default(), None);
    loop {
        let page = lookup::export(journal, next).await.map_err(Failure::Journal)?;
        for entry in &page.entries {
            let line = serde_json::to_string(entry).expect("plain data");
            writeln!(lines, "{line}").map_err(Failure::Folder)?;
            read.take(entry);
        }
        progress(read.entries, total);
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    let file = lines.into_inner().map_err(|error| Failure::Folder(error.into_error()))?;
    file.sync_all().map_err(Failure::Folder)?;
    Ok(read)
}

/// A file for its owner alone, in place of what an earlier attempt left.
fn private(path: &Path) -> io::Result<File> {
    files::write_private(path, b"")?;
    File::options().append(true).open(path)
}

impl Read {
    fn take(&mut self, entry: &Exported) {
        self.entries += 1;
        self.records += u64::from(entry.record.is_some());
        if entry.state != Stage::Journaled {
            return;
        }
        let (epoch, sequence) = (entry.epoch, entry.sequence);
        match self.unsent.last_mut() {
            Some(range) if range.epoch == epoch && range.last.next() == sequence => {
                range.last = sequence;
            }
            _ => self.unsent.push(Range { epoch, first: sequence, last: sequence }),
        }
    }
}

async fn report(journal: &Journal, read: Read) -> Result<Report, Problem> {
    let incidents = Incident::latest(journal).await.map_err(|error| unreadable(&error))?;
    let verified = tokio::task::block_in_place(|| journal.verify(&mut |_| {}));
    let verified = verified.map_err(|error| crate::run::refused(&error))?.into();
    let noticed = journal.noticed().map(|incident| incident.kind);
    let salvaged = noticed.is_some_and(|kind| {
        matches!(
            kind,
            IncidentKind::Damaged
                | IncidentKind::TailLost
                | IncidentKind::Replaced
                | IncidentKind::JournalMissing
        )
    });
    let Read { entries, records, unsent } = read;
    Ok(Report { entries, records, unsent, salvaged, incidents, verified })
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { epoch, first, last } = self;
        match first == last {
            true => write!(f, "entry {first} of epoch {epoch}"),
            false => write!(f, "entries {first} to {last} of epoch {epoch}"),
        }
    }
}

fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn unwritten(folder: &Path, error: &io::Error) -> Problem {
    let detail = format!("recover into `{}`: {error}", folder.display());
    let next = "make room, or name another folder with --export, and run the command again";
    Problem::new(Code::RecoveryKey, detail).next(next)
}

fn unreadable(error: &ReadError) -> Problem {
    let next = "copy the disk with a program for damaged disks, and recover the copy";
    Problem::new(Code::JournalDamaged, in_full(error)).next(next)
}
