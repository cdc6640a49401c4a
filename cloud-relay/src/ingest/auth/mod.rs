//! Who speaks: the signature of a message against the key that the device enrolled with.
//!
//! Whoever cannot sign learns nothing of the device's state. A held device may speak, because
//! what it sends is kept aside; a revoked one may not. Reads no store and no socket.

#[cfg(test)]
mod tests;

use protocol::problem::{Code, Problem};
use protocol::sign::{SIGNATURE_HEADER, Signature, VerifyingKey, verify};

use super::answer::revoked;
use crate::store::model::{Device, DeviceState};

/// Checks that `signed` was said by the device, and that it may still speak.
pub(super) fn is_said_by(
    device: &Device,
    signature: Option<&str>,
    signed: &[u8],
) -> Result<(), Problem> {
    is_signed_with(device.public_key, signature, signed)?;
    match device.state {
        DeviceState::Revoked { .. } => Err(revoked()),
        DeviceState::Active | DeviceState::Held { .. } => Ok(()),
    }
}

/// Checks the signature in the header against a key.
pub(super) fn is_signed_with(
    key: VerifyingKey,
    signature: Option<&str>,
    signed: &[u8],
) -> Result<(), Problem> {
    let refused = |detail: String| {
        Problem::new(Code::BadSignature, detail)
            .next("sign the uncompressed body, or path and query, with the device's own key")
    };
    let Some(signature) = signature else {
        return Err(refused(format!("the header `{SIGNATURE_HEADER}` is missing")));
    };
    let signature: Signature =
        signature.parse().map_err(|error| refused(format!("`{SIGNATURE_HEADER}`: {error}")))?;
    verify(key, signed, signature).map_err(|error| refused(error.to_string()))
}
