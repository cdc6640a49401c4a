//! Tokens, devices and sessions: who may send, and what a statement led to.
//!
//! Plain data. Does not know how a row is kept.

use jiff::Timestamp;
use protocol::bytes::Bytes;
use protocol::chain::{Epoch, Position};
use protocol::handshake::judge::{CopyRow, SessionRow};
use protocol::handshake::{HoldReason, InstanceId, Predecessor};
use protocol::id::{Code, DeviceId, StoreId};
use protocol::sign::VerifyingKey;
use serde::Serialize;

/// A one-time enrolment token, by its SHA-256.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// What people call it.
    pub label: Code,
    /// SHA-256 of the token's text.
    pub hash: Bytes<32>,
    /// The only store it admits, if any.
    pub store: Option<StoreId>,
    /// How many devices it admits.
    pub uses: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// A token as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Token {
    /// What people call it.
    pub label: Code,
    /// The only store it admits, if any.
    pub store: Option<StoreId>,
    /// How many devices it still admits.
    pub uses_left: u32,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Whether it was revoked.
    pub revoked: bool,
}

/// A device that asks to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDevice {
    /// The name the relay gives it.
    pub device: DeviceId,
    /// Its store.
    pub store: StoreId,
    /// Its key.
    pub public_key: VerifyingKey,
    /// SHA-256 of the token it shows.
    pub token_hash: Bytes<32>,
    /// Its program's version.
    pub agent_version: String,
    /// Now.
    pub now: Timestamp,
}

/// Whether a device may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum DeviceState {
    /// It may.
    Active,
    /// A person or time has to release it; what it sends goes nowhere.
    Held {
        /// Why.
        reason: HoldReason,
        /// Since when.
        since: Timestamp,
    },
    /// Its key is no longer accepted.
    Revoked {
        /// Since when.
        since: Timestamp,
    },
}

/// A known device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Device {
    /// Its name.
    pub device: DeviceId,
    /// Its store.
    pub store: StoreId,
    /// Its key.
    pub public_key: VerifyingKey,
    /// Whether it may send.
    pub state: DeviceState,
    /// Its program's version.
    pub agent_version: String,
    /// When it was added.
    pub enrolled_at: Timestamp,
    /// When it was last heard of.
    pub seen_at: Option<Timestamp>,
    /// When it last held nothing unsent.
    pub level_at: Option<Timestamp>,
    /// How many entries of its journals are held.
    pub entries: u64,
    /// The journal of its session.
    pub epoch: Option<Epoch>,
    /// The ticket of its session, which its polls have to show.
    #[serde(skip)]
    pub ticket: Option<Bytes<16>>,
}

/// How many copies of one device are told apart. A person settles a hold long before.
pub const COPIES_MAX: usize = 8;

/// A host that stated something while its device was held, or after it lost the identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldCopy {
    /// What is known of it from now on.
    pub row: CopyRow,
    /// The start of the program by which it was known before.
    pub replaces: Option<InstanceId>,
    /// The epoch it stated.
    pub epoch: Epoch,
    /// The head it stated.
    pub head: Position,
}

/// A copy as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CopyView {
    /// Its last start of the program; the host's own `status` names it too.
    pub instance: InstanceId,
    /// The journal it stated.
    pub epoch: Epoch,
    /// How far that journal was.
    pub head: Position,
    /// When it first spoke.
    pub first_at: Timestamp,
    /// When it last spoke.
    pub seen_at: Timestamp,
    /// Whether it lost the identity.
    pub displaced: bool,
}

/// One journal of a device as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EpochView {
    /// Its identity.
    pub epoch: Epoch,
    /// Whether its entries count; if not, they are only kept aside.
    pub begun: bool,
    /// How far it is held.
    pub head: Position,
    /// What it goes on from.
    pub predecessor: Option<Predecessor>,
    /// Entries that are kept aside, of every branch.
    pub aside: u64,
    /// When it was first stated.
    pub begun_at: Timestamp,
}

/// A device with its journals and copies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceStory {
    /// The device.
    pub device: Device,
    /// Its journals, oldest first.
    pub epochs: Vec<EpochView>,
    /// The hosts that spoke while it was held, and those that lost the identity.
    pub copies: Vec<CopyView>,
}

/// What a statement led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionChange {
    /// The device.
    pub device: DeviceId,
    /// The epoch it stated.
    pub epoch: Epoch,
    /// A new epoch to begin, with its predecessor if it has one.
    pub begin: Option<Option<Predecessor>>,
    /// The session that is now current; the former one's instance becomes superseded.
    pub current: Option<SessionRow>,
    /// A challenge to a superseded instance.
    pub challenge: Option<SessionRow>,
    /// The instance that stated, for the list of those superseded.
    pub instance: InstanceId,
    /// A hold that begins.
    pub hold: Option<HoldReason>,
    /// The host that stated, if the device is held or the host has lost the identity.
    pub copy: Option<HeldCopy>,
    /// The program's version it stated.
    pub agent_version: String,
    /// Now.
    pub now: Timestamp,
}
