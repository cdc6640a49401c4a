//! Opens the journal with its key, and says of each way in which that fails what to do.
//!
//! Does not repair anything.

use std::path::Path;

use journal::key::{KeptKey, KeyKeeper};
use journal::{
    DataKey, Incident, Journal, OpenError, Options, Terms, Verification, VerifyProgress,
};
use protocol::problem::{Code, Problem};

use super::Host;
use super::keys::{KeyStatus, keeper, key_problem, recovery_target};
use crate::config::Config;
use crate::identity;
use crate::seams::Seams;

/// A journal, and how its key is kept.
#[derive(Debug)]
pub struct Opened {
    /// The journal.
    pub journal: Journal,
    /// How its key is kept.
    pub key: KeyStatus,
}

pub(super) const DOCTOR: &str =
    "run `storekeep-agent doctor`, which names what is wrong and the fix";

/// Opens the journal, or begins one with a new key if neither is there yet. What happened to its
/// files is written down in it and logged. The key is sealed to the recovery key, if it is not yet;
/// that this does not work is no reason not to sell.
///
/// # Errors
/// The key or the journal cannot be used, or another process has it open.
pub fn open_journal(host: &Host, config: &Config, seams: &Seams) -> Result<Opened, Problem> {
    let (keeper, random) = (keeper(&config.journal_key, host), &*seams.random);
    let recovery = recovery_target(&config.journal_key);
    let target = recovery.as_ref().ok().copied().flatten();
    let kept = keeper.load_or_create(target.as_ref(), random);
    let kept = kept.map_err(|error| key_problem(&error))?;
    let options = options(&keeper.journal, &kept.key, seams)?;
    let quota = config.journal.quota();
    let terms = Terms { salvage_at: Some(seams.now()), quota, ..Terms::default() };
    let journal = Journal::open_under(&options, &terms).map_err(|error| refused(&error))?;
    if let Some(incident) = journal.noticed() {
        tell(incident);
    }
    let sealed = recovery.and_then(|target| match target {
        Some(target) => keeper.seal(&kept, &target, random).map_err(|error| key_problem(&error)),
        None => Ok(kept.clone()),
    });
    Ok(Opened { journal, key: status(&kept, sealed) })
}

fn status(kept: &KeptKey, sealed: Result<KeptKey, Problem>) -> KeyStatus {
    match sealed {
        Ok(sealed) => KeyStatus::of(&sealed),
        Err(problem) => {
            tracing::error!(
                problem = problem.detail,
                "the journal's key is not sealed to the recovery key; selling goes on, and the disk \
                 of this host cannot be read without this host"
            );
            KeyStatus::of(kept).with(problem)
        }
    }
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

fn options(file: &Path, key: &DataKey, seams: &Seams) -> Result<Options, Problem> {
    let new_epoch = identity::epoch(&*seams.random)
        .map_err(|error| Problem::new(Code::Internal, in_full(&error)).next(DOCTOR))?;
    Ok(Options { file: file.to_owned(), key: key.clone(), new_epoch })
}

/// The key of a journal that is there already.
fn existing_key(keeper: &KeyKeeper) -> Result<KeptKey, Problem> {
    is_there(&keeper.journal)?;
    keeper.load().map_err(|error| key_problem(&error))
}

/// Opens a journal that is there already, for a command that must not begin one, nor go on with one
/// that cannot be trusted.
///
/// # Errors
/// There is none, the key or the journal cannot be used, or another process has it open.
pub fn open_existing_journal(
    host: &Host,
    config: &Config,
    seams: &Seams,
) -> Result<Journal, Problem> {
    let keeper = keeper(&config.journal_key, host);
    let kept = existing_key(&keeper)?;
    let options = options(&keeper.journal, &kept.key, seams)?;
    Journal::open(&options).map_err(|error| refused(&error))
}

/// Verifies a journal that no process has open, also one that cannot be trusted; changes nothing.
///
/// # Errors
/// There is none, the key does not open it, or another process has it open.
pub fn verify_journal(
    host: &Host,
    config: &Config,
    progress: &mut dyn FnMut(VerifyProgress),
) -> Result<Verification, Problem> {
    let keeper = keeper(&config.journal_key, host);
    let kept = existing_key(&keeper)?;
    journal::verify(&keeper.journal, &kept.key, progress).map_err(|error| refused(&error))
}

/// Says so if there is no journal.
pub(crate) fn is_there(journal: &Path) -> Result<(), Problem> {
    if journal.exists() {
        return Ok(());
    }
    let detail = format!("there is no journal at `{}`", journal.display());
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
pub(crate) fn in_full(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
