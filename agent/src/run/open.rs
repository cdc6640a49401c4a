//! Opens the journal with its key, and says of each way in which that fails what to do.
//!
//! Does not repair anything.

use journal::key::file as key_file;
use journal::{Incident, Journal, OpenError, Options, Quota, Terms, Verification, VerifyProgress};
use protocol::problem::{Code, Problem};

use super::DataDir;
use crate::identity;
use crate::seams::Seams;

const DOCTOR: &str = "run `storekeep-agent doctor`, which names what is wrong and the fix";

/// Opens the journal, or begins one with a new key if neither is there yet. What happened to its
/// files is written down in it and logged.
///
/// # Errors
/// The key or the journal cannot be used, or another process has it open.
pub fn open_journal(data_dir: &DataDir, quota: Quota, seams: &Seams) -> Result<Journal, Problem> {
    let options = options(data_dir, seams)?;
    let terms = Terms { salvage_at: Some(seams.now()), quota, ..Terms::default() };
    let journal = Journal::open_under(&options, &terms).map_err(|error| refused(&error))?;
    if let Some(incident) = journal.noticed() {
        tell(incident);
    }
    Ok(journal)
}

fn tell(incident: &Incident) {
    let lost: u64 =
        incident.missing.iter().filter(|gap| !gap.relayed).map(journal::Missing::count).sum();
    let (kind, set_aside) = (incident.kind.as_str(), incident.set_aside.as_deref());
    tracing::error!(
        kind,
        epoch = %incident.epoch,
        lost,
        set_aside,
        "something happened to the journal's files; selling goes on, and the status names what is missing"
    );
}

fn options(data_dir: &DataDir, seams: &Seams) -> Result<Options, Problem> {
    let (file, random) = (data_dir.journal(), &*seams.random);
    let key = key_file::load_or_create(&data_dir.journal_key(), &file, random)
        .map_err(|error| Problem::new(Code::JournalKey, in_full(&error)).next(DOCTOR))?;
    let new_epoch = identity::epoch(random)
        .map_err(|error| Problem::new(Code::Internal, in_full(&error)).next(DOCTOR))?;
    Ok(Options { file, key, new_epoch })
}

/// Opens a journal that is there already, for a command that must not begin one, nor go on with one
/// that cannot be trusted.
///
/// # Errors
/// There is none, the key or the journal cannot be used, or another process has it open.
pub fn open_existing_journal(data_dir: &DataDir, seams: &Seams) -> Result<Journal, Problem> {
    is_there(data_dir)?;
    Journal::open(&options(data_dir, seams)?).map_err(|error| refused(&error))
}

/// Verifies a journal that no process has open, also one that cannot be trusted; changes nothing.
///
/// # Errors
/// There is none, the key does not open it, or another process has it open.
pub fn verify_journal(
    data_dir: &DataDir,
    seams: &Seams,
    progress: &mut dyn FnMut(VerifyProgress),
) -> Result<Verification, Problem> {
    is_there(data_dir)?;
    let options = options(data_dir, seams)?;
    journal::verify(&options.file, &options.key, progress).map_err(|error| refused(&error))
}

fn is_there(data_dir: &DataDir) -> Result<(), Problem> {
    let file = data_dir.journal();
    if file.exists() {
        return Ok(());
    }
    let detail = format!("there is no journal at `{}`", file.display());
    let next =
        "name the agent's data folder with --data-dir, or start it with `storekeep-agent run`";
    Err(Problem::new(Code::NotFound, detail).next(next))
}

/// What a journal that does not open means.
#[must_use]
pub fn refused(error: &OpenError) -> Problem {
    let (code, next) = match error {
        OpenError::InUse { .. } => {
            (Code::JournalInUse, "run `storekeep-agent status`: one agent runs already")
        }
        OpenError::WrongKey { .. } => (
            Code::JournalKey,
            "put the journal.key that belongs to this journal back beside it; docs/errors/SK0042.md",
        ),
        OpenError::TailLost { .. } | OpenError::Replaced { .. } => (
            Code::JournalBehind,
            "start the agent, which takes over what can be read; docs/errors/SK0048.md",
        ),
        OpenError::Damaged { .. } => {
            (Code::JournalDamaged, "keep the file and read docs/errors/SK0043.md")
        }
        OpenError::Newer { .. } => {
            (Code::JournalNewer, "install the version of the agent that wrote it, or a later one")
        }
        OpenError::Io { .. } | OpenError::Database { .. } => (Code::JournalDamaged, DOCTOR),
    };
    Problem::new(code, in_full(error)).next(next)
}

/// An error with its causes.
fn in_full(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
