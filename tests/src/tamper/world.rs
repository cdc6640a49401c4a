//! What is tampered with: a journal that sold, uploaded and sold on; and the relay that it uploaded
//! to, reduced to its judgement and its books.
//!
//! Does no damage.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use jiff::Timestamp;
use journal::{DataKey, JournalFile, NewEntry, Options, Prepared};
use protocol::bytes::Bytes;
use protocol::chain::{ChainHash, Epoch, Position, Sequence};
use protocol::handshake::judge::{Evidence, Verdict, judge};
use protocol::handshake::{EpochReason, PROTOCOL_VERSION, Statement};
use protocol::id::{DeviceId, EventId, StoreId, Text};
use protocol::record::Findings;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use ring::digest::{SHA256, digest};
use tempfile::TempDir;
use uuid::Uuid;

/// The files of a journal that can be tampered with.
pub(super) const FILES: [&str; 3] = ["journal.db", "journal.db-wal", "journal.db.head"];

const EPOCHS: [Epoch; 2] = [Bytes([1; 16]), Bytes([2; 16])];

/// The epoch that begins if a journal cannot go on as it stands.
const SALVAGED: Epoch = Bytes([9; 16]);

/// Entries of one batch, and of one commit.
const BATCH_ENTRIES: usize = 40;
const GROUP_ENTRIES_MAX: usize = 12;

/// The key of every journal here.
pub(super) fn key() -> DataKey {
    DataKey::new([3; 32])
}

/// A second of the world's clock.
pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + second).expect("a second of this century")
}

/// How the journal of a folder is opened after the damage.
pub(super) fn options(folder: &Path) -> Options {
    Options { file: folder.join("journal.db"), key: key(), new_epoch: SALVAGED }
}

/// An entry that was answered.
#[derive(Debug, Clone)]
pub(super) struct Sold {
    pub(super) epoch: Epoch,
    pub(super) sequence: Sequence,
    pub(super) record: Vec<u8>,
    /// Whether it is younger than the head copy has to follow.
    pub(super) is_young: bool,
}

/// An earlier state of the files that somebody kept.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) folder: TempDir,
    /// How many entries had been sold by then.
    pub(super) sold: usize,
}

/// A journal as a crash leaves it, its earlier states, another journal under the same key, and the
/// relay.
#[derive(Debug)]
pub(super) struct World {
    folder: TempDir,
    /// Earlier states of its files, oldest first.
    pub(super) kept: Vec<Kept>,
    pub(super) other: TempDir,
    pub(super) sold: Vec<Sold>,
    pub(super) relay: Relay,
}

impl World {
    /// Sells, uploads, begins an epoch and sells on, all by a seed.
    pub(super) fn new(seed: u64) -> Result<Self> {
        let mut chance = StdRng::seed_from_u64(seed);
        let live = tempfile::tempdir()?;
        let (mut sold, mut kept) = (Vec::new(), Vec::new());
        let mut relay = Relay::default();
        let mut file = open(live.path(), EPOCHS[0])?;
        let rounds: usize = chance.random_range(4..9);
        for round in 0..rounds {
            for _ in 0..chance.random_range(1..5) {
                sell(&mut file, &mut sold, &mut chance, false)?;
            }
            file.sync_head_copy()?;
            if chance.random_bool(0.5) {
                ensure!(relay.upload(&mut file) == Uploaded::All, "an untouched journal uploads");
                file.sync_head_copy()?;
            }
            if round == 2 && chance.random_bool(0.5) {
                // What the old epoch holds is relayed before a new one begins.
                ensure!(relay.upload(&mut file) == Uploaded::All, "an untouched journal uploads");
                file.begin_epoch(EPOCHS[1], EpochReason::Rewound)?;
                file.sync_head_copy()?;
            }
            if chance.random_bool(0.4) {
                // Closing brings the log into the file.
                drop(file);
                file = open(live.path(), EPOCHS[0])?;
            }
            if round + 1 < rounds {
                kept.push(Kept { folder: copy(live.path())?, sold: sold.len() });
            }
        }
        if chance.random_bool(0.5) {
            sell(&mut file, &mut sold, &mut chance, true)?;
        }
        let folder = copy(live.path())?;
        let other = tempfile::tempdir()?;
        let mut file = open(other.path(), EPOCHS[0])?;
        for _ in 0..3 {
            sell(&mut file, &mut Vec::new(), &mut chance, false)?;
        }
        file.sync_head_copy()?;
        let other = copy(other.path())?;
        Ok(Self { folder, kept, other, sold, relay })
    }

    /// The files again, for one tampering.
    pub(super) fn copy(&self) -> Result<TempDir> {
        copy(self.folder.path())
    }
}

fn open(folder: &Path, new_epoch: Epoch) -> Result<JournalFile> {
    let options = Options { new_epoch, ..options(folder) };
    JournalFile::open(&options).context("open a new journal")
}

/// One commit.
fn sell(
    file: &mut JournalFile,
    sold: &mut Vec<Sold>,
    chance: &mut StdRng,
    is_young: bool,
) -> Result<()> {
    let count = chance.random_range(1..=GROUP_ENTRIES_MAX);
    let entries: Result<Vec<_>, _> = (0..count).map(|_| Prepared::new(entry(chance))).collect();
    let before = file.state().head.sequence;
    for outcome in file.append(&entries?) {
        outcome?;
    }
    let epoch = file.state().identity.epoch;
    for stored in file.read_after(before, count, usize::MAX)? {
        let record = stored.record.context("a new entry has its record")?;
        sold.push(Sold { epoch, sequence: stored.sequence, record, is_young });
    }
    Ok(())
}

fn entry(chance: &mut StdRng) -> NewEntry {
    let number: u64 = chance.random();
    let size = chance.random_range(0..400);
    let noise: String = (0..size).map(|_| char::from(chance.random_range(b'a'..=b'z'))).collect();
    let content_hash = digest(&SHA256, noise.as_bytes());
    NewEntry {
        event_id: EventId(Uuid::from_u64_pair(number, 7)),
        natural_key: format!("0042/2/2026-11-23/{number}"),
        content_hash: Bytes::from_slice(content_hash.as_ref()).expect("a SHA-256"),
        event: format!(r#"{{"number":{number},"noise":"{noise}"}}"#),
        findings: Findings::default(),
        journaled_at: at(0),
        cursor: None,
        local: None,
    }
}

/// Copies the files of a journal, open or not: what a crash at this moment leaves.
fn copy(from: &Path) -> Result<TempDir> {
    let folder = tempfile::tempdir()?;
    for name in FILES {
        let file = from.join(name);
        if file.exists() {
            fs::copy(&file, folder.path().join(name))?;
        }
    }
    Ok(folder)
}

/// How an upload ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Uploaded {
    /// Everything that the journal holds is at the relay.
    All,
    /// The relay, or the agent by the relay's answer, found another history.
    Held,
    /// The journal could not be read, or does not fit its own chain.
    Unreadable,
}

/// The relay: what it holds of each epoch, and its judgement.
#[derive(Debug, Clone, Default)]
pub(super) struct Relay {
    epochs: BTreeMap<Epoch, Vec<Position>>,
    records: BTreeSet<Vec<u8>>,
    /// Epochs that another one continues.
    succeeded: BTreeSet<Epoch>,
}

impl Relay {
    /// Whether it holds a record.
    pub(super) fn holds(&self, record: &[u8]) -> bool {
        self.records.contains(record)
    }

    /// Takes everything that the journal holds of its current epoch, as far as it is judged and fits.
    pub(super) fn upload(&mut self, file: &mut JournalFile) -> Uploaded {
        let Some(statement) = statement(file) else { return Uploaded::Unreadable };
        match judge(&statement, &self.evidence(&statement)) {
            Verdict::Resume | Verdict::Begin | Verdict::Rewind => {}
            Verdict::Resend | Verdict::Restate | Verdict::Hold(_) => return Uploaded::Held,
        }
        let mut position = self.head(statement.epoch).unwrap_or(Position::START);
        // As the agent compares it, before it sends anything.
        match file.chain_hash(position.sequence) {
            Ok(own) if own == Some(position.chain_hash) => {}
            Ok(_) => return Uploaded::Held,
            Err(_) => return Uploaded::Unreadable,
        }
        while position.sequence < statement.head.sequence {
            let Ok(entries) = file.read_after(position.sequence, BATCH_ENTRIES, usize::MAX) else {
                return Uploaded::Unreadable;
            };
            let Some(batch) = follows(statement.epoch, position, entries) else {
                return Uploaded::Unreadable;
            };
            for (next, record) in batch {
                position = next;
                self.epochs.entry(statement.epoch).or_default().push(next);
                self.records.insert(record);
            }
            if file.acknowledge(position, at(1)).is_err() {
                return Uploaded::Unreadable;
            }
        }
        self.epochs.entry(statement.epoch).or_default();
        self.succeeded.extend(statement.predecessor.map(|predecessor| predecessor.epoch));
        Uploaded::All
    }

    fn head(&self, epoch: Epoch) -> Option<Position> {
        let positions = self.epochs.get(&epoch)?;
        Some(positions.last().copied().unwrap_or(Position::START))
    }

    fn hash_at(&self, epoch: Epoch, sequence: Sequence) -> Option<ChainHash> {
        if sequence == Sequence::NONE {
            return Some(Position::START.chain_hash);
        }
        let positions = self.epochs.get(&epoch)?;
        positions.iter().find(|at| at.sequence == sequence).map(|at| at.chain_hash)
    }

    fn evidence(&self, statement: &Statement) -> Evidence {
        let epoch = statement.epoch;
        let predecessor = statement.predecessor.as_ref();
        Evidence {
            head: self.head(epoch),
            hash_at_stated_head: self.hash_at(epoch, statement.head.sequence),
            hash_at_stated_mark: self.hash_at(epoch, statement.acknowledged.sequence),
            predecessor_known: predecessor.is_some_and(|p| self.epochs.contains_key(&p.epoch)),
            hash_at_predecessor: predecessor.and_then(|p| self.hash_at(p.epoch, p.head.sequence)),
            succeeded: self.succeeded.contains(&epoch),
            device_has_epochs: !self.epochs.is_empty(),
            ..Evidence::default()
        }
    }
}

/// What the agent states; none if the copy of its head cannot be brought level first.
fn statement(file: &JournalFile) -> Option<Statement> {
    if file.sync_head_copy().is_err() {
        return None;
    }
    let state = file.state();
    Some(Statement {
        protocol_version: PROTOCOL_VERSION,
        device: DeviceId::new("d-1").expect("a device's name"),
        store: StoreId::new("0042").expect("a store's name"),
        epoch: state.identity.epoch,
        predecessor: state.identity.predecessor.clone(),
        head: state.head,
        acknowledged: state.acknowledged,
        aside: None,
        inherited: None,
        instance: Bytes([5; 16]),
        attempt: 1,
        ticket: None,
        agent_version: Text::new("1").expect("a short text"),
        host_time: at(0),
    })
}

/// The positions and records of entries that follow one another; none if they do not.
fn follows(
    epoch: Epoch,
    before: Position,
    entries: Vec<journal::StoredEntry>,
) -> Option<Vec<(Position, Vec<u8>)>> {
    let mut position = before;
    let mut batch = Vec::with_capacity(entries.len());
    for entry in entries {
        let record = entry.record?;
        position = position.extended(epoch, &record);
        if (position.sequence, position.chain_hash) != (entry.sequence, entry.chain_hash) {
            return None;
        }
        batch.push((position, record));
    }
    (!batch.is_empty()).then_some(batch)
}
