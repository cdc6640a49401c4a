//! What the machine says and is told: what to do next, and what follows from a report.
//!
//! Plain values. Decides nothing.

use std::time::Duration;

use protocol::chain::{Position, Sequence};
use protocol::handshake::{HoldReason, Ticket};

use crate::health::Reason;

/// Time since the program's start.
pub type Moment = Duration;

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Make a statement with this number.
    State {
        /// Counts this instance's statements from 1.
        attempt: u64,
    },
    /// Send entries.
    Send {
        /// What the relay holds.
        after: Position,
        /// How many at most.
        entries_max: usize,
    },
    /// Nothing, until then or until something is reported.
    Wait {
        /// When to ask again; none while only a report can change anything.
        until: Option<Moment>,
    },
}

/// What follows from a report. Whoever reports does all of it before asking for the next action.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Keep this ticket durably.
    pub ticket: Option<Ticket>,
    /// Everything up to here is relayed.
    pub acknowledged: Option<Position>,
    /// Everything up to here is kept aside while the device is held. It is not relayed.
    pub aside: Option<Position>,
    /// The journal goes on under another epoch or another name.
    pub turn: Option<Turn>,
    /// The link is in another state.
    pub link: Option<LinkNews>,
}

/// What ends an epoch or an identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// The journal is behind what the relay holds: a new epoch begins where it ends.
    Rewind {
        /// The end of the journal, which the relay holds as well.
        head: Position,
        /// How far the relay is.
        relay_head: Sequence,
    },
    /// Another copy keeps the identity.
    Displaced {
        /// The last entry that belongs to it.
        shared: Position,
    },
}

/// How the link stands after a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkNews {
    /// A session is open.
    Online,
    /// The relay holds the device.
    Held(HoldReason),
    /// It does not work at present.
    Down(Reason),
}
