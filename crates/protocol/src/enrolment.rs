//! How a device becomes known: its own public key and a one-time token, against the relay's keys.
//!
//! `POST /v1/devices` with an [`EnrolmentRequest`], signed with the key that it states, which
//! proves that the sender holds the private half. Does not make keys or tokens.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::bytes::Bytes;
use crate::id::{Code, DeviceId, StoreId, TenantId, Text};
use crate::sign::VerifyingKey;

/// What a new device says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EnrolmentRequest {
    /// The version of this exchange, [`crate::handshake::PROTOCOL_VERSION`].
    pub protocol_version: u32,
    /// The one-time token as `storekeep-relay token create` printed it.
    pub token: Code,
    /// The store that the device serves.
    pub store: StoreId,
    /// The public half of the key that the device made at its first start.
    pub public_key: VerifyingKey,
    /// The program's version, for the fleet's list.
    pub agent_version: Text<64>,
}

/// What the relay answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EnrolmentAnswer {
    /// The name that the relay gave to the device.
    pub device: DeviceId,
    /// The retailer.
    pub tenant: TenantId,
    /// The key that every later answer of the relay is signed with.
    pub relay_key: VerifyingKey,
    /// The X25519 public key that personal fields are sealed to (RFC 9180).
    pub sealing_key: Bytes<32>,
}
