//! What sync keeps in the journal's notes from one session to the next.
//!
//! A note about one epoch says which, so that it is not taken for one about the next. Decides
//! nothing.

use journal::Journal;
use protocol::bytes::Bytes;
use protocol::chain::Epoch;
use protocol::handshake::Ticket;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::journal_failed;
use super::uplink::Failure;

/// The last ticket.
const TICKET: &str = "session-ticket";

/// The last entry that the relay keeps aside.
pub(super) const ASIDE: &str = "aside";

/// The device that this host was a copy of, and the last entry that is that one's.
pub(super) const INHERITED: &str = "inherited";

/// What was lost when the journal was put back to an older state.
pub(super) const REWOUND: &str = "rewound";

/// Something that is true of one epoch.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct OfEpoch<T> {
    pub(super) epoch: Epoch,
    pub(super) what: T,
}

/// What is kept of an epoch under a name.
pub(super) async fn of_epoch<T: DeserializeOwned>(
    journal: &Journal,
    name: &'static str,
    epoch: Epoch,
) -> Result<Option<T>, Failure> {
    let note = journal.note(name).await.map_err(|error| journal_failed(&error))?;
    let Some(note) = note else { return Ok(None) };
    let kept: OfEpoch<T> = serde_json::from_slice(&note).map_err(|error| journal_failed(&error))?;
    Ok((kept.epoch == epoch).then_some(kept.what))
}

/// Keeps something under a name, in place of what was kept there.
pub(super) async fn keep<T: Serialize>(
    journal: &Journal,
    name: &'static str,
    kept: &OfEpoch<T>,
) -> Result<(), Failure> {
    let note = serde_json::to_vec(kept).expect("a note is plain data");
    journal.put_note(name, &note).await.map_err(|error| journal_failed(&error))
}

/// The last ticket. A note that is no ticket is like none: the relay then asks to state again.
pub(super) async fn ticket(journal: &Journal) -> Result<Option<Ticket>, Failure> {
    let note = journal.note(TICKET).await.map_err(|error| journal_failed(&error))?;
    Ok(note.and_then(|bytes| Bytes::from_slice(&bytes).ok()))
}

/// Keeps a ticket in place of the last one.
pub(super) async fn keep_ticket(journal: &Journal, ticket: Ticket) -> Result<(), Failure> {
    let kept = journal.put_note(TICKET, ticket.as_bytes()).await;
    kept.map_err(|error| journal_failed(&error))
}
