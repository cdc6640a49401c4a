//! What happened to the files, kept in the journal itself: when, what, and which entries are gone.
//!
//! An alarm shall outlast the restart that noticed it. Does not notice anything.

use jiff::Timestamp;
use protocol::chain::{Epoch, Sequence};
use rusqlite::types::Type;
use rusqlite::{Connection, Result, Row};

use crate::codec;
use crate::head::judge::Standing;
use crate::policy;

/// Something that happened to the journal's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    /// When it was noticed, by the host's clock.
    pub at: Timestamp,
    /// What it was.
    pub kind: IncidentKind,
    /// The epoch that was current.
    pub epoch: Epoch,
    /// The name of the file that was set aside, if one was.
    pub set_aside: Option<String>,
    /// The entries that this host lost.
    pub missing: Vec<Missing>,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IncidentKind {
    /// The head copy was gone.
    CopyMissing,
    /// What stood in the head copy's place was not written by this journal.
    CopyForged,
    /// The head copy was older than it can be.
    CopyOld,
    /// The journal had lost its newest entries.
    TailLost,
    /// The journal was another history than the one that was committed.
    Replaced,
    /// The journal could not be read in part or at all.
    Damaged,
    /// The journal was gone.
    JournalMissing,
}

/// Entries that follow one another and that this host lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missing {
    /// The epoch that they stood in.
    pub epoch: Epoch,
    /// The first of them.
    pub first: Sequence,
    /// The last of them.
    pub last: Sequence,
    /// Whether the relay had acknowledged them: then only this host has lost them.
    pub relayed: bool,
}

impl Missing {
    /// How many.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.last.since(self.first) + 1
    }
}

impl IncidentKind {
    const ALL: [Self; 7] = [
        Self::CopyMissing,
        Self::CopyForged,
        Self::CopyOld,
        Self::TailLost,
        Self::Replaced,
        Self::Damaged,
        Self::JournalMissing,
    ];

    /// The word that is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CopyMissing => "copy_missing",
            Self::CopyForged => "copy_forged",
            Self::CopyOld => "copy_old",
            Self::TailLost => "tail_lost",
            Self::Replaced => "replaced",
            Self::Damaged => "damaged",
            Self::JournalMissing => "journal_missing",
        }
    }

    /// What a standing amounts to; none if nothing happened.
    pub(crate) const fn of(standing: Standing) -> Option<Self> {
        match standing {
            Standing::Begun | Standing::Adopted | Standing::Holds => None,
            Standing::CopyMissing => Some(Self::CopyMissing),
            Standing::CopyForged => Some(Self::CopyForged),
            Standing::CopyOld => Some(Self::CopyOld),
            Standing::TailLost { .. } => Some(Self::TailLost),
            Standing::Replaced { .. } => Some(Self::Replaced),
        }
    }
}

/// Writes an incident down.
pub(crate) fn record(connection: &Connection, incident: &Incident) -> Result<()> {
    let Incident { at, kind, epoch, set_aside, missing } = incident;
    connection.execute(
        "INSERT INTO incidents (at, kind, epoch, set_aside) VALUES (?1, ?2, ?3, ?4)",
        (codec::micros(*at), kind.as_str(), epoch.as_bytes(), set_aside),
    )?;
    let number = connection.last_insert_rowid();
    for Missing { epoch, first, last, relayed } in missing {
        connection
            .prepare_cached(
                "INSERT OR REPLACE INTO missing (epoch, first, last, relayed, incident)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute((
                epoch.as_bytes(),
                codec::unsigned(first.0),
                codec::unsigned(last.0),
                relayed,
                number,
            ))?;
    }
    Ok(())
}

/// The last incidents, newest first.
pub(crate) fn latest(connection: &Connection, count_max: usize) -> Result<Vec<Incident>> {
    let mut select = connection.prepare_cached(
        "SELECT number, at, kind, epoch, set_aside FROM incidents ORDER BY number DESC LIMIT ?1",
    )?;
    let rows = select.query_map((codec::unsigned(codec::count(count_max)),), |row| {
        Ok((
            row.get::<_, i64>(0)?,
            Incident {
                at: codec::time(row, 1)?,
                kind: kind(row, 2)?,
                epoch: codec::bytes(row, 3)?,
                set_aside: row.get(4)?,
                missing: Vec::new(),
            },
        ))
    })?;
    rows.map(|row| {
        let (number, incident) = row?;
        Ok(Incident { missing: missing_of(connection, number)?, ..incident })
    })
    .collect()
}

fn missing_of(connection: &Connection, incident: i64) -> Result<Vec<Missing>> {
    connection
        .prepare_cached(
            "SELECT epoch, first, last, relayed FROM missing WHERE incident = ?1 LIMIT ?2",
        )?
        .query_map((incident, policy::MISSING_SHOWN_MAX), missing)?
        .collect()
}

/// Every entry that this host is known to have lost.
pub(crate) fn missing_everywhere(connection: &Connection) -> Result<Vec<Missing>> {
    connection
        .prepare_cached(
            "SELECT epoch, first, last, relayed FROM missing ORDER BY incident, epoch, first",
        )?
        .query_map([], missing)?
        .collect()
}

fn missing(row: &Row<'_>) -> Result<Missing> {
    let sequence = |index| codec::number(row, index).map(Sequence);
    Ok(Missing {
        epoch: codec::bytes(row, 0)?,
        first: sequence(1)?,
        last: sequence(2)?,
        relayed: row.get(3)?,
    })
}

fn kind(row: &Row<'_>, index: usize) -> Result<IncidentKind> {
    let word = row.get_ref(index)?.as_str()?;
    IncidentKind::ALL.into_iter().find(|kind| kind.as_str() == word).ok_or_else(|| {
        let unknown = std::io::Error::other(format!("`{word}` is no incident"));
        codec::unreadable(index, Type::Text, unknown)
    })
}
