//! Verifies a journal: recomputes the chain of every epoch from the records.
//!
//! Finds a changed, moved, missing or added record, and a mark beyond the history. Of a pruned
//! record only the chain hash is left: it is taken as it stands, and the next record that is
//! there must follow from it. Cannot see that the newest entries are gone (nothing in the file
//! tells), and changes nothing.

#[cfg(test)]
mod tests;

use std::path::Path;

use protocol::chain::{Epoch, Position, Sequence};
use rusqlite::Connection;
use rusqlite::config::DbConfig;

use crate::codec::{self, EpochNumber};
use crate::cursor::read::{self, StoredEntry};
use crate::epoch;
use crate::key::DataKey;
use crate::open::{OpenError, Source};
use crate::policy;
use crate::schema;

/// How far a verification is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerifyProgress {
    /// Entries looked at.
    pub entries: u64,
    /// Entries there are.
    pub entries_total: u64,
}

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// Entries looked at.
    pub entries: u64,
    /// Entries among them whose record was there and hashed.
    pub records: u64,
    /// The first entry that is wrong; none if everything holds.
    pub fault: Option<Fault>,
}

/// An entry that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The epoch that it stands in.
    pub epoch: Epoch,
    /// Its position there.
    pub sequence: Sequence,
    /// What is wrong with it.
    pub kind: FaultKind,
}

/// What is wrong with an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultKind {
    /// It is not there.
    Missing,
    /// It, or a page around it, cannot be read.
    Unreadable(String),
    /// Its record, its place or the chain before it is not what the chain hash covers.
    Broken,
    /// Its body is gone although no acknowledgement allowed that.
    BodyMissing,
    /// The acknowledged mark stands on it, beyond the last entry.
    BeyondHead,
}

/// Verifies the journal in a file that no process has open.
///
/// # Errors
/// The agent has it open, the key is another one, or it cannot be read at all. What is wrong
/// within it is in the answer.
pub fn verify(
    file: &Path,
    key: &DataKey,
    progress: &mut dyn FnMut(VerifyProgress),
) -> Result<Verification, OpenError> {
    verify_source(&*Source::take(file, key)?, progress)
}

pub(crate) fn verify_source(
    source: &Source,
    progress: &mut dyn FnMut(VerifyProgress),
) -> Result<Verification, OpenError> {
    let failed = |error| source.refused("verify journal", error);
    let connection = source.reader().map_err(failed)?;
    // Also as the last to close it, this leaves the log where it is.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(failed)?;
    if schema::check(source, &connection)? == 0 {
        let what = "it holds no tables".to_owned();
        return Err(OpenError::Damaged { file: source.file.clone(), what });
    }
    let chains = chains(&connection).map_err(failed)?;
    let entries_total = chains.iter().map(|chain| chain.head.sequence.0).sum();
    let mut found = Verification { entries: 0, records: 0, fault: None };
    for chain in chains {
        let fault = chain.walk(&connection, &mut found, &mut |entries| {
            progress(VerifyProgress { entries, entries_total });
        });
        if let Some((sequence, kind)) = fault.map_err(failed)? {
            found.fault = Some(Fault { epoch: chain.epoch, sequence, kind });
            break;
        }
    }
    Ok(found)
}

/// One epoch's entries, up to the head of the moment at which verifying began.
struct Chain {
    number: EpochNumber,
    epoch: Epoch,
    head: Position,
}

fn chains(connection: &Connection) -> rusqlite::Result<Vec<Chain>> {
    let mut select = connection.prepare("SELECT number, epoch FROM epochs ORDER BY number")?;
    let rows = select.query_map([], |row| Ok((EpochNumber(row.get(0)?), codec::bytes(row, 1)?)))?;
    rows.map(|row| {
        let (number, epoch) = row?;
        Ok(Chain { number, epoch, head: epoch::last_entry(connection, number)? })
    })
    .collect()
}

impl Chain {
    /// Walks from the first entry to the head and returns the first that is wrong.
    fn walk(
        &self,
        connection: &Connection,
        found: &mut Verification,
        progress: &mut dyn FnMut(u64),
    ) -> rusqlite::Result<Option<(Sequence, FaultKind)>> {
        let mut position = Position::START;
        let mut count_max = policy::VERIFY_ENTRIES_MAX;
        while position.sequence < self.head.sequence {
            let expected = position.sequence.next();
            let (entries, acknowledged) = match self.look(connection, position.sequence, count_max)
            {
                Ok(read) => read,
                // One of many cannot be read: go on singly to name it.
                Err(_) if count_max > 1 => {
                    count_max = 1;
                    continue;
                }
                Err(error) => {
                    return Ok(Some((expected, FaultKind::Unreadable(error.to_string()))));
                }
            };
            if entries.is_empty() {
                return Ok(Some((expected, FaultKind::Missing)));
            }
            for entry in &entries {
                match self.follows(position, entry, acknowledged) {
                    Ok(next) => position = next,
                    Err(kind) => return Ok(Some((position.sequence.next(), kind))),
                }
                found.entries += 1;
                found.records += u64::from(entry.record.is_some());
            }
            progress(found.entries);
        }
        let acknowledged = epoch::last_acknowledged(connection, self.number)?;
        Ok((acknowledged > position.sequence).then_some((acknowledged, FaultKind::BeyondHead)))
    }

    /// Reads entries and the mark in one short snapshot, so that what is pruned meanwhile is
    /// judged by the mark that allowed it.
    fn look(
        &self,
        connection: &Connection,
        after: Sequence,
        count_max: usize,
    ) -> rusqlite::Result<(Vec<StoredEntry>, Sequence)> {
        let snapshot = connection.unchecked_transaction()?;
        let bytes_max = policy::GROUP_BYTES_MAX;
        let entries = read::after(&snapshot, self.number, after, count_max, bytes_max)?;
        let acknowledged = epoch::last_acknowledged(&snapshot, self.number)?;
        snapshot.commit()?;
        Ok((entries, acknowledged))
    }

    /// The position after an entry, if it is the one that is due.
    fn follows(
        &self,
        before: Position,
        entry: &StoredEntry,
        acknowledged: Sequence,
    ) -> Result<Position, FaultKind> {
        let expected = before.sequence.next();
        if entry.sequence != expected {
            return Err(FaultKind::Missing);
        }
        match &entry.record {
            Some(record) => {
                let next = before.extended(self.epoch, record);
                let holds = next.chain_hash == entry.chain_hash;
                if holds { Ok(next) } else { Err(FaultKind::Broken) }
            }
            None if expected > acknowledged => Err(FaultKind::BodyMissing),
            None => Ok(Position { sequence: expected, chain_hash: entry.chain_hash }),
        }
    }
}
