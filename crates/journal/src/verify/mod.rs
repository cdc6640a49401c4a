//! Verifies a journal: recomputes the chain of every epoch from the records.
//!
//! Finds a changed, moved, missing or added record, and a mark beyond the history. Of a pruned
//! record only the chain hash is left: it is taken as it stands, and the next record that is
//! there must follow from it. What the journal itself names as missing is counted and passed over.
//! That the newest entries are gone, only the head copy tells. Changes nothing.

#[cfg(test)]
mod tests;

use std::path::Path;

use protocol::chain::{ChainHash, Epoch, Position, Sequence};
use rusqlite::Connection;

use crate::codec::{self, EpochNumber};
use crate::cursor::read::{self, StoredEntry};
use crate::epoch;
use crate::file::evidence;
use crate::head;
use crate::head::judge::{Standing, judge};
use crate::incident::{self, Missing};
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
    /// Entries that this host is known to have lost; they are passed over.
    pub missing: u64,
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
    let version = schema::check(source, &connection)?;
    if version == 0 {
        let what = "it holds no tables".to_owned();
        return Err(OpenError::Damaged { file: source.file.clone(), what });
    }
    let chains = chains(&connection, version).map_err(failed)?;
    let entries_total = chains.iter().map(|chain| chain.head.sequence.0).sum();
    let mut found = Verification { entries: 0, records: 0, missing: 0, fault: None };
    for chain in chains {
        let fault = chain.walk(&connection, &mut found, &mut |entries| {
            progress(VerifyProgress { entries, entries_total });
        });
        if let Some((sequence, kind)) = fault.map_err(failed)? {
            found.fault = Some(Fault { epoch: chain.epoch, sequence, kind });
            break;
        }
    }
    if found.fault.is_none() {
        found.fault = tail_fault(source, &connection, version)?;
    }
    Ok(found)
}

/// What the head copy knows of and the journal does not hold.
fn tail_fault(
    source: &Source,
    connection: &Connection,
    version: u32,
) -> Result<Option<Fault>, OpenError> {
    let found = head::find(source)?;
    let failed = |error| source.refused("compare journal", error);
    let tail = epoch::Tail::load(connection).map_err(failed)?;
    let evidence = evidence(connection, &tail, version, found.held()).map_err(failed)?;
    Ok(match judge(&found, &evidence) {
        Standing::TailLost { epoch, last, .. } => {
            Some(Fault { epoch, sequence: last.next(), kind: FaultKind::Missing })
        }
        Standing::Replaced { epoch, copied } => {
            Some(Fault { epoch, sequence: copied.sequence, kind: FaultKind::Broken })
        }
        _ => None,
    })
}

/// One epoch's entries, up to the head of the moment at which verifying began.
struct Chain {
    number: EpochNumber,
    epoch: Epoch,
    head: Position,
    /// What this host is known to have lost of it, in order.
    missing: Vec<Missing>,
}

/// Where a walk stands. Behind missing entries the chain hash is not known.
#[derive(Clone, Copy)]
struct Stand {
    sequence: Sequence,
    chain_hash: Option<ChainHash>,
}

fn chains(connection: &Connection, version: u32) -> rusqlite::Result<Vec<Chain>> {
    let missing = match version >= schema::WITH_HEAD_COPY {
        true => incident::missing_everywhere(connection)?,
        false => Vec::new(),
    };
    let mut select = connection.prepare("SELECT number, epoch FROM epochs ORDER BY number")?;
    let rows = select.query_map([], |row| Ok((EpochNumber(row.get(0)?), codec::bytes(row, 1)?)))?;
    rows.map(|row| {
        let (number, epoch): (_, Epoch) = row?;
        let of_epoch = missing.iter().filter(|gap| gap.epoch == epoch).copied();
        let mut missing: Vec<Missing> = of_epoch.collect();
        missing.sort_by_key(|gap| gap.first);
        Ok(Chain { number, epoch, head: epoch::last_entry(connection, number)?, missing })
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
        let start = Position::START;
        let mut stand = Stand { sequence: start.sequence, chain_hash: Some(start.chain_hash) };
        let mut count_max = policy::VERIFY_ENTRIES_MAX;
        loop {
            self.pass_missing(&mut stand, found);
            if stand.sequence >= self.head.sequence {
                break;
            }
            let expected = stand.sequence.next();
            let (entries, acknowledged) = match self.look(connection, stand.sequence, count_max) {
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
                if self.gap_at(stand.sequence.next()).is_some() {
                    break;
                }
                match self.follows(stand, entry, acknowledged) {
                    Ok(next) => stand = next,
                    Err(kind) => return Ok(Some((stand.sequence.next(), kind))),
                }
                found.entries += 1;
                found.records += u64::from(entry.record.is_some());
            }
            progress(found.entries);
        }
        let acknowledged = epoch::last_acknowledged(connection, self.number)?;
        Ok((acknowledged > stand.sequence).then_some((acknowledged, FaultKind::BeyondHead)))
    }

    /// What is missing at a sequence.
    fn gap_at(&self, sequence: Sequence) -> Option<&Missing> {
        let before = self.missing.partition_point(|gap| gap.last < sequence);
        self.missing.get(before).filter(|gap| gap.first <= sequence)
    }

    /// Passes what is known to be missing.
    fn pass_missing(&self, stand: &mut Stand, found: &mut Verification) {
        while let Some(gap) = self.gap_at(stand.sequence.next()) {
            found.missing += gap.last.since(stand.sequence);
            *stand = Stand { sequence: gap.last, chain_hash: None };
        }
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

    /// Where the walk stands after an entry, if it is the one that is due.
    fn follows(
        &self,
        before: Stand,
        entry: &StoredEntry,
        acknowledged: Sequence,
    ) -> Result<Stand, FaultKind> {
        let expected = before.sequence.next();
        if entry.sequence != expected {
            return Err(FaultKind::Missing);
        }
        let computed = before.chain_hash.zip(entry.record.as_ref()).map(|(chain_hash, record)| {
            let before = Position { sequence: before.sequence, chain_hash };
            before.extended(self.epoch, record).chain_hash
        });
        match computed {
            Some(computed) if computed != entry.chain_hash => Err(FaultKind::Broken),
            None if entry.record.is_none() && expected > acknowledged => {
                Err(FaultKind::BodyMissing)
            }
            _ => Ok(Stand { sequence: expected, chain_hash: Some(entry.chain_hash) }),
        }
    }
}
