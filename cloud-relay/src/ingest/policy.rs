//! The bounds of ingest, each with the reason for the number. What agent and relay have to agree
//! on stands in `protocol::limits`.

use std::time::Duration;

use jiff::SignedDuration;

/// How long the former instance of a device has to be silent before a journal that was behind
/// goes on under a new epoch: longer than a host takes to restart and speak up.
pub const SILENCE: SignedDuration = SignedDuration::from_mins(10);

/// How long things may take; a test takes shorter ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waits {
    /// How long a body may take to arrive.
    pub body: Duration,
    /// How long a request waits for the one before it of the same device.
    pub turn: Duration,
    /// How long a batch waits for room among all.
    pub room: Duration,
    /// How late the commit follows in the control that acknowledges first.
    pub fault_commit: Duration,
}

impl Default for Waits {
    fn default() -> Self {
        Self {
            // A full batch over 300 kbit/s.
            body: Duration::from_secs(30),
            // A batch commits well within.
            turn: Duration::from_secs(5),
            // Within this a thousand stores that come back together are through, and beyond it
            // an agent's own back-off spreads them better.
            room: Duration::from_secs(5),
            // Long enough that a kill falls between the two.
            fault_commit: Duration::from_millis(500),
        }
    }
}

/// Bytes of an enrolment or a statement: each has some ten short fields.
pub(super) const MESSAGE_BYTES_MAX: usize = 16 * 1024;

/// Bodies of one device on their way in: the one that counts, and those of connections that broke
/// without a word and hang until their time is over.
pub(super) const BODIES_PER_DEVICE_MAX: usize = 4;

/// Batches unpacked and committed at the same time. Each takes up to 8 MiB unpacked and about as
/// much again as events; they share the store's group commit.
pub(super) const BATCHES_MAX: usize = 16;

/// Polls that wait at the same time: more devices than one relay serves, twice.
pub(super) const POLLS_MAX: usize = 131_072;

/// How often a poll looks by itself for news that another process committed.
pub(super) const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// Seconds after which a refused sender may come again.
pub(super) const RETRY_AFTER_SECONDS: u64 = 2;

/// Random bytes in a device's name: too many to guess, so that a stranger cannot even keep a
/// device's turn busy.
pub(super) const DEVICE_NAME_BYTES: usize = 12;
