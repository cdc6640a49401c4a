//! What stands in a key file. Opens no file.
//!
//! Two lines. The first is JSON: the format's version, the data key as a tier wrapped it, and the
//! data key sealed to the retailer's recovery key if there is one. The second is the HMAC-SHA-256 of
//! the first line's bytes under a key that is derived from the data key, in hexadecimal digits: it
//! tells that the provider gave back the right key and that nothing else in the file was changed.
//!
//! A file of one line of 64 hexadecimal digits is the key itself: the tier `file` as the first
//! version wrote it. It is read for ever and not written any more.

#[cfg(test)]
mod tests;

use std::fmt;

use protocol::bytes::Bytes;
use ring::hmac;
use serde::{Deserialize, Serialize};

use super::recovery::Seal;
use super::{DataKey, KEY_BYTES, Tier};

/// The version that this program writes, and the latest that it reads.
pub(super) const VERSION: u32 = 1;

/// Bytes of a key file: four times the longest that a token of RSA 4096 leads to.
pub(super) const BYTES_MAX: usize = 16 * 1024;

/// Derives the key of the code from the data key; another use would have another label.
const CODE_LABEL: &[u8] = b"storekeep journal key file v1";

/// The data key as a tier wrapped it. Its `Debug` form names the tier alone.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "tier", rename_all = "lowercase", rename_all_fields = "camelCase")]
#[serde(deny_unknown_fields)]
pub enum Wrapping {
    /// A token encrypted it.
    Pkcs11 {
        /// The token's label, for people and for finding it again.
        token: String,
        /// The token's serial number, by which it is known.
        serial: String,
        /// The identifier of the wrapping key on it (CKA_ID).
        key_id: Bytes<16>,
        /// How.
        method: super::pkcs11::Method,
        /// The encrypted key.
        wrapped: Hex,
    },
    /// Encrypted under the secret of a credential (AES-256-GCM).
    Credential {
        /// The credential's name.
        name: String,
        /// The nonce, drawn for this wrapping.
        nonce: Bytes<12>,
        /// The encrypted key with its tag.
        wrapped: Bytes<48>,
    },
    /// Windows encrypted it for this machine.
    Dpapi {
        /// Bytes that Windows mixes in, drawn for this wrapping.
        entropy: Bytes<32>,
        /// The encrypted key.
        wrapped: Hex,
    },
    /// Not wrapped.
    File {
        /// The key.
        key: Bytes<KEY_BYTES>,
    },
}

impl Wrapping {
    /// Which tier wrapped it.
    #[must_use]
    pub const fn tier(&self) -> Tier {
        match self {
            Self::Pkcs11 { .. } => Tier::Pkcs11,
            Self::Credential { .. } => Tier::Credential,
            Self::Dpapi { .. } => Tier::Dpapi,
            Self::File { .. } => Tier::File,
        }
    }

    /// Where the key that wrapped it is, for people; none if nothing did.
    #[must_use]
    pub fn place(&self) -> Option<String> {
        match self {
            Self::Pkcs11 { token, serial, key_id, .. } => {
                Some(format!("key {key_id} on the token `{token}` ({serial})"))
            }
            Self::Credential { name, .. } => Some(format!("credential `{name}`")),
            Self::Dpapi { .. } => Some("this machine's Windows".to_owned()),
            Self::File { .. } => None,
        }
    }
}

impl fmt::Debug for Wrapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Wrapping({})", self.tier())
    }
}

/// Bytes of whatever length, written as hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hex(pub(super) Vec<u8>);

impl TryFrom<String> for Hex {
    type Error = hex::FromHexError;
    fn try_from(text: String) -> Result<Self, hex::FromHexError> {
        hex::decode(text).map(Self)
    }
}
impl From<Hex> for String {
    fn from(bytes: Hex) -> Self {
        hex::encode(bytes.0)
    }
}

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Body {
    version: u32,
    pub(super) wrapping: Wrapping,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) recovery: Option<Seal>,
}

/// A key file as it was read, its code not checked yet.
#[derive(Debug)]
pub(super) enum Document {
    /// The key itself, as the first version wrote it.
    Bare(DataKey),
    /// The key wrapped.
    Wrapped(Box<Written>),
}

/// Both lines. Its `Debug` form leaves the first one out, in which a key may stand.
pub(super) struct Written {
    pub(super) body: Body,
    line: String,
    code: Bytes<32>,
}

impl fmt::Debug for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Written").field("body", &self.body).finish_non_exhaustive()
    }
}

/// Why a text is no key file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is not of the shape.
    Shape(&'static str),
    /// A later version wrote it.
    Newer(u32),
}

/// Only the version, which every later one keeps.
#[derive(Deserialize)]
struct Version {
    version: u32,
}

impl Document {
    /// Reads a key file's text.
    pub(super) fn parse(text: &str) -> Result<Self, Fault> {
        if !text.starts_with('{') {
            let mut key = [0; KEY_BYTES];
            hex::decode_to_slice(text.trim_end(), &mut key)
                .map_err(|_| Fault::Shape("neither a key nor a wrapped key"))?;
            return Ok(Self::Bare(DataKey::new(key)));
        }
        let (line, rest) = text.split_once('\n').ok_or(Fault::Shape("its second line is gone"))?;
        let not_a_body = |_| Fault::Shape("its first line is not what a version wrote");
        let Version { version } = serde_json::from_str(line).map_err(not_a_body)?;
        if version > VERSION {
            return Err(Fault::Newer(version));
        }
        let body = serde_json::from_str(line).map_err(not_a_body)?;
        let code = rest.trim_end().parse();
        let code = code.map_err(|_| Fault::Shape("its second line is no code"))?;
        Ok(Self::Wrapped(Box::new(Written { body, line: line.to_owned(), code })))
    }
}

impl Written {
    /// Whether the first line is as the holder of this key wrote it.
    pub(super) fn is_of(&self, key: &DataKey) -> bool {
        hmac::verify(&key.derived(CODE_LABEL), self.line.as_bytes(), self.code.as_bytes()).is_ok()
    }
}

/// Writes a key file's text.
pub(super) fn encode(key: &DataKey, wrapping: Wrapping, recovery: Option<Seal>) -> String {
    let body = Body { version: VERSION, wrapping, recovery };
    let line = serde_json::to_string(&body).expect("a key file is plain data");
    let code = hmac::sign(&key.derived(CODE_LABEL), line.as_bytes());
    format!("{line}\n{}\n", hex::encode(code))
}
