//! The journal's promise: what was answered is on disk.
//!
//! `subject` is the program that loses its power, `ledger` what it was answered and the comparison
//! afterwards. Both open the journal as the agent does.

mod ledger;
mod subject;

use std::path::Path;

use anyhow::{Context, Result, ensure};
use jiff::Timestamp;
use journal::key::KeyKeeper;
use journal::{Journal, Options, Seams, Terms};
use ring::rand::SystemRandom;

pub(crate) use self::ledger::Ledger;
pub(crate) use self::subject::live;

/// Every natural key begins with it.
const RECEIPT: &str = "receipt/";

fn natural_key(receipt: u64) -> String {
    format!("{RECEIPT}{receipt:012}")
}

/// Opens the journal in a folder, or begins one, with a key beside it that is made once. After a
/// power cut there is nothing to salvage and no reason for an alarm.
fn open(folder: &Path, seams: Seams) -> Result<Journal> {
    agent::files::make_private_folder(folder).context("make the journal's folder")?;
    let file = folder.join("journal.db");
    let random = SystemRandom::new();
    let keeper = KeyKeeper::plain(folder.join("journal.key"), file.clone());
    let key = keeper.load_or_create(None, &random)?.key;
    // Drawn, not from the seed: a journal that was begun anew must not look like the lost one.
    let new_epoch = agent::identity::epoch(&random).context("draw an epoch")?;
    let terms = Terms { salvage_at: Some(Timestamp::UNIX_EPOCH), seams, ..Terms::default() };
    let journal = Journal::open_under(&Options { file, key, new_epoch }, &terms)?;
    let (standing, noticed) = (journal.standing(), journal.noticed());
    ensure!(!standing.is_alarm(), "the head copy disagrees: {standing:?}");
    ensure!(noticed.is_none(), "something happened to the files: {noticed:?}");
    Ok(journal)
}
