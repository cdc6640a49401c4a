//! Opens a journal's file: what is there is compared with the head copy first, and salvaged if it
//! cannot go on as it stands and the terms say so.
//!
//! Runs no transaction but the one that writes down what was noticed.

use std::sync::Arc;

use jiff::Timestamp;
use protocol::chain::Sequence;
use rusqlite::Connection;

use super::JournalFile;
use crate::cursor::read;
use crate::epoch::{self, State, Tail};
use crate::head::judge::{CopiedEpoch, Evidence, Standing, judge};
use crate::head::{self, Copied, Found, HeadCopy};
use crate::incident::{self, Incident, IncidentKind};
use crate::open::{OpenError, Options, Source, Terms};
use crate::quota::Reserve;
use crate::salvage;
use crate::schema;

impl JournalFile {
    /// Opens a journal, or begins one.
    ///
    /// # Errors
    /// Another process has it, the key is another one, the file is damaged or needs a later
    /// version, or the file system refuses.
    pub fn open(options: &Options) -> Result<Self, OpenError> {
        Self::open_under(options, &Terms::default())
    }

    /// Opens a journal under terms, or begins one.
    ///
    /// # Errors
    /// As [`JournalFile::open`].
    pub fn open_under(options: &Options, terms: &Terms) -> Result<Self, OpenError> {
        let source = Source::take_with(&options.file, &options.key, terms.seams)?;
        let Some(at) = terms.salvage_at else {
            let found = head::find(&source)?;
            return Self::open_found(&source, options, terms, found);
        };
        let opened = Self::open_or_salvage(&source, options, terms, at);
        match opened {
            // On a full disk not even the log's index can be made.
            Err(error) if error.is_disk_full() => {
                Reserve::new(&source.file, terms.quota).release();
                Self::open_or_salvage(&source, options, terms, at)
            }
            opened => opened,
        }
    }

    /// Opens what is there; what cannot go on as it stands is salvaged first.
    fn open_or_salvage(
        source: &Arc<Source>,
        options: &Options,
        terms: &Terms,
        at: Timestamp,
    ) -> Result<Self, OpenError> {
        salvage::finish(source)?;
        let found = head::find(source)?;
        let is_ours = || found.held().is_some() || source.key_fits();
        let kind = match salvage::is_suspect(source) && is_ours() {
            true => IncidentKind::Damaged,
            false => match Self::open_found(source, options, terms, found.clone()) {
                Ok(file) => return Ok(file),
                Err(error) => salvage::kind_of(source, &error, &found).ok_or(error)?,
            },
        };
        salvage::run(source, &found, options.new_epoch, kind, at)?;
        let mut file = Self::open_found(source, options, terms, head::find(source)?)?;
        let failed = |error| source.refused("read what happened to journal", error);
        let connection = file.connection.as_ref().expect("it was just opened");
        let latest = incident::latest(connection, 2).map_err(failed)?;
        file.noticed = latest.into_iter().find(|incident| incident.kind == kind);
        Ok(file)
    }

    /// Opens what is there, unless it has lost something.
    fn open_found(
        source: &Arc<Source>,
        options: &Options,
        terms: &Terms,
        found: Found,
    ) -> Result<Self, OpenError> {
        if let Some(copied) = found.held()
            && !terms.seams.ignore_head_copy
            && source.is_absent()?
        {
            let Copied { epoch, head, .. } = *copied;
            let lost = Standing::TailLost { epoch, last: Sequence::NONE, copied: head };
            return Err(source.lost(lost));
        }
        source.create()?;
        let failed = |error| source.refused("open journal", error);
        let connection = source.writer().map_err(failed)?;
        let version = schema::check(source, &connection)?;
        let judged = |connection: &Connection| {
            let tail = Tail::load(connection)?;
            // A file whose first bytes cannot be read is one that nothing is known of.
            let salt = source.salt().ok();
            let evidence = Evidence { salt, ..evidence(connection, &tail, version, found.held())? };
            Ok(match terms.seams.ignore_head_copy {
                true => Standing::Holds,
                false => judge(&found, &evidence),
            })
        };
        if version > 0 {
            let standing = judged(&connection).map_err(failed)?;
            if standing.is_loss() {
                return Err(source.lost(standing));
            }
        }
        Source::keep_log(&connection, false).map_err(failed)?;
        schema::prepare(source, &connection, options.new_epoch)?;
        source.sync_folder()?;
        settle(&connection).map_err(failed)?;
        let standing = judged(&connection).map_err(failed)?;
        if standing.is_loss() {
            return Err(source.lost(standing));
        }
        let tail = Tail::load(&connection).map_err(failed)?;
        let is_kept = !standing.is_alarm() || terms.salvage_at.is_some();
        let head_copy = Arc::new(HeadCopy::new(source, found, is_kept)?);
        let (source, connection) = (Arc::clone(source), Some(connection));
        let reserve = Arc::new(Reserve::new(&source.file, terms.quota));
        reserve.prepare();
        let noticed = None;
        let mut file = Self { source, connection, tail, standing, noticed, head_copy, reserve };
        if let Some(at) = terms.salvage_at {
            file.write_down(at)?;
        }
        file.sync_head_copy()
            .map_err(|error| file.source.failed("write the head copy of", error))?;
        Ok(file)
    }

    /// Writes down what the opening found, before the next one finds it in order.
    fn write_down(&mut self, at: Timestamp) -> Result<(), OpenError> {
        let Some(kind) = IncidentKind::of(self.standing) else { return Ok(()) };
        let epoch = self.tail.state.identity.epoch;
        let incident = Incident { at, kind, epoch, set_aside: None, missing: Vec::new() };
        let recorded = self.transact(|connection, _| incident::record(connection, &incident));
        recorded.map_err(|error| self.source.refused("write down what happened to", error))?;
        self.noticed = Some(incident);
        Ok(())
    }

    /// What this opening noticed of the files, and wrote down.
    #[must_use]
    pub const fn noticed(&self) -> Option<&Incident> {
        self.noticed.as_ref()
    }
}

/// What the journal says about the copy.
pub(crate) fn evidence(
    connection: &Connection,
    tail: &Tail,
    version: u32,
    copied: Option<&Copied>,
) -> rusqlite::Result<Evidence> {
    let number = copied.map(|copied| read::number_of(connection, copied.epoch)).transpose()?;
    let copied_epoch = match (copied, number.flatten()) {
        (Some(copied), Some(number)) => Some(CopiedEpoch {
            last: epoch::last_entry(connection, number)?.sequence,
            chain_hash: epoch::chain_hash(connection, number, copied.head.sequence)?,
        }),
        _ => None,
    };
    // A crash between the first commit and the first copy leaves an empty journal without one.
    let State { identity, head, .. } = &tail.state;
    let is_empty = head.sequence == Sequence::NONE && identity.predecessor.is_none();
    Ok(Evidence {
        salt: None,
        is_new: version == 0 || (copied.is_none() && is_empty),
        is_older: version < schema::WITH_HEAD_COPY,
        current: tail.state.identity.epoch,
        acknowledged: tail.state.acknowledged.sequence,
        copied_epoch,
    })
}

/// Makes durable whatever the log holds. A crash may have left a commit that was written but not
/// synced; it must not be answered as a replay before it is.
pub(super) fn settle(connection: &Connection) -> rusqlite::Result<()> {
    let busy: bool = connection.query_row("PRAGMA wal_checkpoint(FULL)", [], |row| row.get(0))?;
    match busy {
        false => Ok(()),
        true => Err(rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY),
            Some("the log could not be made durable".to_owned()),
        )),
    }
}
