//! The acknowledged mark: the relay's word that everything up to it is committed there.
//!
//! It counts only if its chain hash is our own, and it never moves back. Does not check a
//! signature; sync has done that.

use jiff::Timestamp;
use protocol::chain::{ChainHash, Position};
use rusqlite::{Connection, Result};

use crate::codec::{self, Place};
use crate::epoch::{self, Tail};

/// What an acknowledgement amounts to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The mark moved.
    Moved,
    /// It was there already, or beyond.
    Known,
    /// Another history, whose chain hash here is this; none beyond the head.
    Mismatch(Option<ChainHash>),
}

/// Moves the mark of the current epoch.
pub(crate) fn acknowledge(
    connection: &Connection,
    tail: &mut Tail,
    position: Position,
    now: Timestamp,
) -> Result<Verdict> {
    let ours = epoch::chain_hash(connection, tail.number, position.sequence)?;
    if ours != Some(position.chain_hash) {
        return Ok(Verdict::Mismatch(ours));
    }
    if position.sequence <= tail.state.acknowledged.sequence {
        return Ok(Verdict::Known);
    }
    connection
        .prepare_cached("INSERT INTO acknowledgements (place, acknowledged_at) VALUES (?1, ?2)")?
        .execute((Place::new(tail.number, position.sequence), codec::micros(now)))?;
    tail.state.acknowledged = position;
    Ok(Verdict::Moved)
}
