//! What has to hold of a journal whose files were changed: opening it refuses, or yields exactly
//! what was written, or names what is gone. Never an entry that nobody wrote.

use journal::{JournalFile, Terms, verify};
use protocol::chain::Sequence;

use crate::fuzzing::fixtures::journal::{EPOCH, FILES, options, records, with};
use crate::fuzzing::fixtures::now;

/// Puts bytes in the place of one of the files and opens the journal as an agent does.
pub(super) fn check(file: &str, bytes: &[u8]) {
    let folder = with(file, bytes);
    let options = options(folder.path());
    let terms = Terms { salvage_at: Some(now()), ..Terms::default() };
    let opened = match JournalFile::open_under(&options, &terms) {
        Ok(opened) => opened,
        Err(error) => {
            assert!(!error.to_string().is_empty(), "a refusal says why");
            return;
        }
    };
    let noticed = opened.noticed().cloned();
    let read = opened.read_after(Sequence::NONE, usize::MAX, usize::MAX);
    drop(opened);
    // An agent that cannot read on says so; nothing was invented.
    let Ok(entries) = read else { return };
    let written = records();
    let found: Vec<_> = entries.iter().filter_map(|entry| entry.record.as_ref()).collect();
    for record in &found {
        assert!(written.contains(*record), "an entry stands there that nobody wrote");
    }
    let is_there = |record: &Vec<u8>| found.contains(&record);
    match noticed {
        None => {
            let verified = verify(&folder.path().join(FILES[0]), &options.key, &mut |_| ());
            let is_whole = verified.is_ok_and(|found| found.fault.is_none());
            let is_same = entries.len() == written.len() && written.iter().all(is_there);
            assert!(is_same || !is_whole, "{} entries, and nothing was noticed", entries.len());
        }
        Some(incident) => {
            for (sequence, record) in (1..).zip(&written) {
                let mut missing = incident.missing.iter().filter(|gap| gap.epoch == EPOCH);
                let is_named = missing.any(|gap| (gap.first.0..=gap.last.0).contains(&sequence));
                assert!(
                    is_there(record) || is_named,
                    "entry {sequence} is gone, and {incident:?} does not name it"
                );
            }
        }
    }
}
