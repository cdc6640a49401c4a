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

/// Statements and batches that a broker may have under way to one relay, each confirmed to the
/// broker once it is answered: so the broker keeps the rest, and a relay that is slow is not
/// flooded. Enough to keep every batch slot busy while others wait for their device's turn.
pub(super) const MQTT_RECEIVE_MAX: u16 = 64;

/// Messages of a broker dealt with at the same time. Polls are confirmed at once and wait up to
/// 25 s, so this is more than one relay has devices.
pub(super) const MQTT_MESSAGES_MAX: u32 = 16_384;

/// Answers that the broker has not confirmed.
pub(super) const MQTT_UNCONFIRMED_MAX: u16 = 256;

/// Bytes that topic and properties add to a body.
pub(super) const MQTT_ENVELOPE_BYTES_MAX: usize = 4 * 1024;

/// Bytes of a poll: path and query with three numbers.
pub(super) const POLL_BYTES_MAX: usize = 1_024;

/// Between two signs of life on an idle connection to the broker.
pub(super) const MQTT_KEEP_ALIVE: Duration = Duration::from_secs(15);

/// For connecting to the broker, TLS, its welcome and the subscription.
pub(super) const MQTT_CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Between two attempts to reach the broker, at first; doubled with each failure.
pub(super) const MQTT_RECONNECT_DELAY: Duration = Duration::from_millis(250);

/// The longest time between two attempts: stores wait for the relay, and there are few relays.
pub(super) const MQTT_RECONNECT_DELAY_MAX: Duration = Duration::from_secs(5);

/// How long answers under way may take at the end.
pub(super) const MQTT_DRAIN_MAX: Duration = Duration::from_secs(10);
