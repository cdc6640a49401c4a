//! What the tests share: a journal in a temporary folder, and entries to put into it.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use protocol::bytes::Bytes;
use protocol::chain::Epoch;
use protocol::id::EventId;
use protocol::record::Findings;
use ring::digest::{SHA256, digest};
use rusqlite::Connection;
use tempfile::TempDir;
use uuid::Uuid;

use crate::append::{Appended, NewEntry, Prepared};
use crate::error::AppendError;
use crate::file::JournalFile;
use crate::key::DataKey;
use crate::open::{OpenError, Options, Source};

pub(crate) const EPOCH: Epoch = Bytes([7; 16]);
pub(crate) const NEXT_EPOCH: Epoch = Bytes([8; 16]);

/// A folder with a journal's place in it.
pub(crate) struct Place {
    folder: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("journal.db")
    }

    pub(crate) fn log_file(&self) -> PathBuf {
        self.folder.path().join("journal.db-wal")
    }

    pub(crate) fn head_file(&self) -> PathBuf {
        self.folder.path().join("journal.db.head")
    }

    /// The file, taken by nobody.
    pub(crate) fn source(&self) -> Arc<Source> {
        Source::take(&self.file(), &key(1)).unwrap()
    }

    pub(crate) fn options(&self) -> Options {
        Options { file: self.file(), key: key(1), new_epoch: EPOCH }
    }

    pub(crate) fn open(&self) -> JournalFile {
        self.try_open().unwrap()
    }

    pub(crate) fn try_open(&self) -> Result<JournalFile, OpenError> {
        JournalFile::open(&self.options())
    }

    /// What a crash at this moment leaves: file and log as they stand, without their index.
    pub(crate) fn crashed(&self) -> Self {
        let copy = Self::new();
        std::fs::copy(self.file(), copy.file()).unwrap();
        if self.log_file().exists() {
            std::fs::copy(self.log_file(), copy.log_file()).unwrap();
        }
        copy
    }

    /// The same with the head copy.
    pub(crate) fn crashed_with_head(&self) -> Self {
        let copy = self.crashed();
        std::fs::copy(self.head_file(), copy.head_file()).unwrap();
        copy
    }

    /// Changes the closed file behind the journal's back.
    pub(crate) fn tamper(&self, sql: &str) {
        self.raw().execute_batch(sql).unwrap();
    }

    /// A connection with the key and none of the journal's manners.
    pub(crate) fn raw(&self) -> Connection {
        Source::take(&self.file(), &key(1)).unwrap().writer().unwrap()
    }
}

pub(crate) fn key(byte: u8) -> DataKey {
    DataKey::new([byte; 32])
}

pub(crate) fn event_id(number: u128) -> EventId {
    EventId(Uuid::from_u128(number))
}

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + second).unwrap()
}

/// An entry whose natural key is `receipt` and whose content is `content`.
pub(crate) fn entry(id: u128, receipt: &str, content: &str) -> NewEntry {
    let event = format!(r#"{{"receipt":"{receipt}","content":"{content}"}}"#);
    let content_hash = Bytes::from_slice(digest(&SHA256, content.as_bytes()).as_ref()).unwrap();
    NewEntry {
        event_id: event_id(id),
        natural_key: receipt.to_owned(),
        content_hash,
        event,
        findings: Findings::default(),
        journaled_at: at(i64::try_from(id).unwrap()),
        cursor: None,
        local: None,
    }
}

/// Text that hardly compresses, different for each seed.
pub(crate) fn noise(seed: u128, characters: usize) -> String {
    let blocks = (0..).map(|block: u128| digest(&SHA256, &(seed << 64 | block).to_be_bytes()));
    blocks.map(hex::encode).take(characters.div_ceil(64)).collect()
}

/// The entry number `n`, unlike any other.
pub(crate) fn sale(n: u128) -> NewEntry {
    entry(n, &format!("0042/2/2026-11-23/{n:06}"), &format!("sale {n}"))
}

pub(crate) fn append(file: &mut JournalFile, entry: NewEntry) -> Result<Appended, AppendError> {
    file.append(&[Prepared::new(entry)?]).pop().unwrap()
}

/// Appends sales `1..=count` in one group.
pub(crate) fn append_sales(file: &mut JournalFile, count: u128) {
    let entries: Vec<_> = (1..=count).map(|n| Prepared::new(sale(n)).unwrap()).collect();
    for outcome in file.append(&entries) {
        outcome.unwrap();
    }
}
