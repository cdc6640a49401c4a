//! What an entry is, given what the journal holds: a pure function.
//!
//! Asks nothing of the database; `group` looks up [`Known`].

use protocol::bytes::Bytes;
use protocol::id::EventId;

use super::NewEntry;
use crate::codec::Place;

/// What the journal holds about an entry that is about to be written.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// The other natural key under which the event's identity stands.
    pub(super) id_elsewhere: Option<String>,
    /// The entries under the same natural key.
    pub(super) same_key: Vec<Earlier>,
}

/// An entry with the same natural key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Earlier {
    pub(super) place: Place,
    pub(super) event_id: EventId,
    pub(super) content_hash: Bytes<32>,
    pub(super) conflict_of: Option<EventId>,
}

/// What an entry is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// Not seen before.
    New,
    /// This very content was seen before.
    Replay(Earlier),
    /// Another content was seen before under the same natural key.
    Conflict {
        /// The first of them.
        of: EventId,
    },
    /// The event's identity belongs to another natural key.
    IdReused {
        /// That natural key.
        natural_key: String,
    },
}

/// Decides. A reused identity goes before everything: a caller that mixes up identities is told,
/// even where the content alone would be a replay.
pub(super) fn decide(entry: &NewEntry, known: Known) -> Decision {
    if let Some(natural_key) = known.id_elsewhere {
        return Decision::IdReused { natural_key };
    }
    let Some(first) = known.same_key.iter().min_by_key(|earlier| earlier.place) else {
        return Decision::New;
    };
    let of = first.event_id;
    match known.same_key.into_iter().find(|e| e.content_hash == entry.content_hash) {
        Some(same) => Decision::Replay(same),
        None => Decision::Conflict { of },
    }
}
