//! A series of cuts under one subject on one file system.
//!
//! One disk serves the whole series. A subject goes on with its files, cut after cut, until it is
//! given an empty folder: what was acknowledged three cuts ago has to be there still. Does not know
//! what a subject promises.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::disk::{Disk, Place};
use super::life::{self, Birth};
use super::plan::{self, Series, Subject};
use super::report::Said;
use super::{journal, relay};

/// What a comparison found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// Acknowledged events that are gone or are not what was acknowledged.
    pub(crate) lost: u64,
    /// Events that are there although nobody was told: the power went before the answer.
    pub(crate) unanswered: u64,
    /// What is wrong beyond that, in words.
    pub(crate) faults: Vec<String>,
}

/// What came of a series.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outcome {
    pub(crate) cuts: u64,
    pub(crate) acknowledged: u64,
    pub(crate) found: Found,
}

/// What was acknowledged to a subject since its folder was empty.
enum Ledger {
    Journal(journal::Ledger),
    Relay(relay::Ledger),
}

impl Ledger {
    fn new(subject: Subject) -> Self {
        match subject {
            Subject::Journal | Subject::JournalUnsynced => {
                Self::Journal(journal::Ledger::default())
            }
            Subject::Relay | Subject::RelayHasty => Self::Relay(relay::Ledger::default()),
        }
    }

    /// Takes down what was said; how many events it acknowledged for the first time.
    fn hear(&mut self, said: &[Said]) -> Result<u64> {
        match self {
            Self::Journal(ledger) => ledger.hear(said),
            Self::Relay(ledger) => ledger.hear(said),
        }
    }

    /// The first receipt that was not acknowledged; the subject hands it over again.
    fn next_receipt(&self) -> u64 {
        match self {
            Self::Journal(ledger) => ledger.next_receipt(),
            Self::Relay(_) => 0,
        }
    }

    fn compare(&self, folder: &Path) -> Result<Found> {
        match self {
            Self::Journal(ledger) => ledger.compare(folder),
            Self::Relay(ledger) => ledger.compare(folder),
        }
    }
}

/// Cuts, compares, and goes on.
pub(crate) fn run(place: &Place, series: &Series) -> Result<Outcome> {
    let disk = Disk::new(place, series.file_system)?;
    let folder = disk.folder().join("data");
    let mut outcome = Outcome::default();
    let mut ledger = Ledger::new(series.subject);
    let mut is_whole = true;
    for (life, cut) in (0..).zip(plan::cuts(series)) {
        if cut.fresh || !is_whole {
            remove(&folder)?;
            ledger = Ledger::new(series.subject);
        }
        let from = ledger.next_receipt();
        let birth = Birth { subject: series.subject, folder: folder.clone(), life, from };
        let at = || format!("cut {} of {} ({cut:?})", life + 1, series.cuts);
        let said = life::cut(&disk, &birth, &cut).with_context(at)?;
        outcome.acknowledged += ledger.hear(&said).with_context(at)?;
        outcome.cuts += 1;
        is_whole = true;
        if cut.compared {
            let found = ledger.compare(&folder).with_context(at)?;
            is_whole = found.lost == 0 && found.faults.is_empty();
            outcome.found.lost += found.lost;
            outcome.found.unanswered += found.unanswered;
            let faults = found.faults.into_iter().map(|fault| format!("{}: {fault}", at()));
            outcome.found.faults.extend(faults);
        }
    }
    Ok(outcome)
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            bail!("empty the subject's folder: {error}")
        }
        _ => Ok(()),
    }
}
