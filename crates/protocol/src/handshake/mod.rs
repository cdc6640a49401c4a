//! Who holds what: the statement that an agent makes at every connection, the relay's answer,
//! and the judgement between them as a pure function.
//!
//! `POST /v1/devices/{device}/sessions` carries both over HTTPS. The rules stand in
//! [`judge`](judge::judge). Does not remember anything: what the relay knows is an argument.

pub mod judge;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::bytes::Bytes;
use crate::chain::{Epoch, Position, Sequence};
use crate::id::{DeviceId, StoreId, Text};

/// The version of what travels between agent and relay.
pub const PROTOCOL_VERSION: u32 = 1;

/// Drawn at random at each start of an agent; tells two running copies apart.
pub type InstanceId = Bytes<16>;

/// Issued by the relay with each session and shown at the next one.
pub type Ticket = Bytes<16>;

/// Why an epoch began where another one ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EpochReason {
    /// The journal was behind what the relay already held.
    Rewound,
    /// The file was damaged and its readable records were taken over.
    Salvaged,
}

/// The epoch that came before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Predecessor {
    /// Its identity.
    pub epoch: Epoch,
    /// Its last position known to the agent.
    pub head: Position,
    /// Why it ended.
    pub reason: EpochReason,
}

/// What a host took over from a device that it was a copy of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inherited {
    /// The device that the entries belong to.
    pub device: DeviceId,
    /// The last of them; what follows is this host's own.
    pub position: Position,
}

/// What an agent states about itself at every connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Statement {
    /// The version that the agent speaks.
    pub protocol_version: u32,
    /// The device.
    pub device: DeviceId,
    /// The store it serves.
    pub store: StoreId,
    /// The journal it writes.
    pub epoch: Epoch,
    /// The epoch before, if this one continues another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predecessor: Option<Predecessor>,
    /// Its last entry.
    pub head: Position,
    /// The last entry that the relay acknowledged, as the agent remembers.
    pub acknowledged: Position,
    /// The last entry that the relay said it keeps aside, while the device is held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aside: Option<Position>,
    /// The first entries of this epoch are another device's: this host was a copy of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inherited: Option<Inherited>,
    /// This start of the program.
    pub instance: InstanceId,
    /// Counts the statements of this instance from 1, so that a repeated one is told apart.
    pub attempt: u64,
    /// The last ticket that the relay issued to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<Ticket>,
    /// The program's version.
    pub agent_version: Text<64>,
    /// The host's clock.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub host_time: Timestamp,
}

/// Why a device's entries are kept aside until a person has decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HoldReason {
    /// The journal is behind what the relay holds: a restored backup, or a copy that sold less.
    Behind,
    /// Two histories with the same identity.
    Fork,
    /// Two running copies of one identity.
    Clone,
    /// An empty journal under a known identity.
    UnknownEpoch,
}

impl HoldReason {
    /// The word that travels and is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Behind => "behind",
            Self::Fork => "fork",
            Self::Clone => "clone",
            Self::UnknownEpoch => "unknown_epoch",
        }
    }
}

/// What the relay makes of a statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Standing {
    /// Send from the relay's head + 1.
    Resume,
    /// The relay was restored: send from its head + 1; what was already acknowledged comes again.
    Resend,
    /// The statement came too late or twice; state again with the ticket of this answer.
    Restate,
    /// Held until a person, or the passing of time, releases it. Capture goes on, and what is sent
    /// is kept aside: the answer's head is how far the relay holds what was stated.
    Held {
        /// Why.
        reason: HoldReason,
        /// With [`HoldReason::Behind`]: how far the relay itself is in this epoch.
        #[serde(rename = "relayHead", default, skip_serializing_if = "Option::is_none")]
        relay_head: Option<Sequence>,
    },
    /// Another copy keeps the identity: enrol anew, and send what came after the answer's head
    /// under the new name.
    Displaced,
}

/// The relay's answer to a [`Statement`]. Signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SessionAnswer {
    /// The device.
    pub device: DeviceId,
    /// The epoch that the answer is about.
    pub epoch: Epoch,
    /// What the relay holds of it; while the device is held, of what was stated; of a copy that
    /// was displaced, what it shares with the device.
    pub head: Position,
    /// What to do.
    pub standing: Standing,
    /// To be stored durably before the first batch and shown at the next session.
    pub ticket: Ticket,
    /// The statement that this answers, so that an old answer cannot be played again.
    pub instance: InstanceId,
    /// Its number.
    pub attempt: u64,
    /// The relay's clock.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub relay_time: Timestamp,
}
