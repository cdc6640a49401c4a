//! The epochs of a file, and where the current one stands.
//!
//! Does not decide when an epoch begins; that is sync's, after the relay's word.

use protocol::chain::{ChainHash, Epoch, Position, Sequence};
use protocol::handshake::{EpochReason, Predecessor};
use rusqlite::types::{Type, ValueRef};
use rusqlite::{Connection, Error, OptionalExtension, Result, Row};

use crate::codec::{self, EpochNumber, Place};

/// Who this journal is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The epoch that is written.
    pub epoch: Epoch,
    /// The epoch before, if this one continues another.
    pub predecessor: Option<Predecessor>,
}

/// Who this journal is and how far it is, as of one commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// Who it is.
    pub identity: Identity,
    /// Its last entry.
    pub head: Position,
    /// The last entry that the relay acknowledged.
    pub acknowledged: Position,
}

/// The current epoch as the writer keeps it in mind between transactions.
#[derive(Debug, Clone)]
pub(crate) struct Tail {
    pub(crate) number: EpochNumber,
    pub(crate) state: State,
    /// Every epoch of the file in order; the index + 1 is its number.
    pub(crate) epochs: Vec<Epoch>,
}

impl Tail {
    /// Reads where the file stands: a few look-ups by key, however long it is.
    pub(crate) fn load(connection: &Connection) -> Result<Self> {
        let mut select = connection.prepare("SELECT epoch FROM epochs ORDER BY number")?;
        let epochs: Vec<Epoch> =
            select.query_map([], |row| codec::bytes(row, 0))?.collect::<Result<_>>()?;
        let (number, identity) = connection.query_row(
            "SELECT number, epoch, predecessor_epoch, predecessor_sequence, predecessor_hash, reason
             FROM epochs ORDER BY number DESC LIMIT 1",
            [],
            |row| Ok((EpochNumber(row.get(0)?), identity(row)?)),
        )?;
        let head = last_entry(connection, number)?;
        let acknowledged = match last_acknowledged(connection, number)? {
            Sequence::NONE => Position::START,
            sequence => {
                let chain_hash =
                    chain_hash(connection, number, sequence)?.ok_or(Error::QueryReturnedNoRows)?;
                Position { sequence, chain_hash }
            }
        };
        Ok(Self { number, state: State { identity, head, acknowledged }, epochs })
    }

    /// The epoch of a place in this file.
    pub(crate) fn epoch_of(&self, place: Place) -> Result<Epoch> {
        let index = usize::try_from(place.number().0 - 1).unwrap_or(usize::MAX);
        self.epochs.get(index).copied().ok_or(Error::QueryReturnedNoRows)
    }
}

/// The number of the epoch that is written.
pub(crate) fn current(connection: &Connection) -> Result<EpochNumber> {
    connection
        .prepare_cached("SELECT max(number) FROM epochs")?
        .query_row([], |row| row.get(0).map(EpochNumber))
}

/// Writes down a new epoch; the number follows by itself.
pub(crate) fn begin(
    connection: &Connection,
    epoch: Epoch,
    predecessor: Option<&Predecessor>,
) -> Result<()> {
    connection.execute(
        "INSERT INTO epochs (epoch, predecessor_epoch, predecessor_sequence, predecessor_hash, reason)
         VALUES (?1, ?2, ?3, ?4, ?5)",
        (
            epoch.as_bytes(),
            predecessor.map(|before| before.epoch.0),
            predecessor.map(|before| codec::unsigned(before.head.sequence.0)),
            predecessor.map(|before| before.head.chain_hash.0),
            predecessor.map(|before| reason_word(before.reason)),
        ),
    )?;
    Ok(())
}

/// The last entry of an epoch.
pub(crate) fn last_entry(connection: &Connection, number: EpochNumber) -> Result<Position> {
    let (first, last) = (Place::new(number, Sequence::NONE), Place::last_of(number));
    let found = connection
        .prepare_cached(
            "SELECT place, chain_hash FROM entries WHERE place BETWEEN ?1 AND ?2
             ORDER BY place DESC LIMIT 1",
        )?
        .query_row((first, last), |row| {
            let sequence = codec::place(row, 0)?.sequence();
            Ok(Position { sequence, chain_hash: codec::bytes(row, 1)? })
        })
        .optional()?;
    Ok(found.unwrap_or(Position::START))
}

/// The last acknowledged sequence of an epoch.
pub(crate) fn last_acknowledged(connection: &Connection, number: EpochNumber) -> Result<Sequence> {
    let (first, last) = (Place::new(number, Sequence::NONE), Place::last_of(number));
    let found = connection
        .prepare_cached("SELECT max(place) FROM acknowledgements WHERE place BETWEEN ?1 AND ?2")?
        .query_row((first, last), |row| codec::place_option(row, 0))?;
    Ok(found.map_or(Sequence::NONE, Place::sequence))
}

/// The chain hash at a sequence; none beyond the head.
pub(crate) fn chain_hash(
    connection: &Connection,
    number: EpochNumber,
    sequence: Sequence,
) -> Result<Option<ChainHash>> {
    if sequence == Sequence::NONE {
        return Ok(Some(Position::START.chain_hash));
    }
    connection
        .prepare_cached("SELECT chain_hash FROM entries WHERE place = ?1")?
        .query_row((Place::at_most(number, sequence),), |row| codec::bytes(row, 0))
        .optional()
}

fn identity(row: &Row<'_>) -> Result<Identity> {
    let predecessor = match row.get_ref(5)? {
        ValueRef::Null => None,
        _ => Some(Predecessor {
            epoch: codec::bytes(row, 2)?,
            head: Position {
                sequence: Sequence(codec::number(row, 3)?),
                chain_hash: codec::bytes(row, 4)?,
            },
            reason: reason(row, 5)?,
        }),
    };
    Ok(Identity { epoch: codec::bytes(row, 1)?, predecessor })
}

const fn reason_word(reason: EpochReason) -> &'static str {
    match reason {
        EpochReason::Rewound => "rewound",
        EpochReason::Salvaged => "salvaged",
    }
}

fn reason(row: &Row<'_>, index: usize) -> Result<EpochReason> {
    match row.get_ref(index)?.as_str()? {
        "rewound" => Ok(EpochReason::Rewound),
        "salvaged" => Ok(EpochReason::Salvaged),
        other => {
            let unknown = std::io::Error::other(format!("`{other}` is no reason of an epoch"));
            Err(codec::unreadable(index, Type::Text, unknown))
        }
    }
}
