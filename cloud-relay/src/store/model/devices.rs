//! Tokens, devices and sessions: who may send, and what a statement led to.
//!
//! Plain data. Does not know how a row is kept.

use jiff::Timestamp;
use protocol::bytes::Bytes;
use protocol::chain::Epoch;
use protocol::handshake::judge::SessionRow;
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
    /// The program's version it stated.
    pub agent_version: String,
    /// Now.
    pub now: Timestamp,
}
