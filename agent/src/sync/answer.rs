//! What an answer means, whichever way it came: whose it is, and what a refusal leads to.
//!
//! Sends nothing and waits for nothing.

use std::time::Duration;

use protocol::problem::{Code, Problem};
use protocol::sign::{Signature, VerifyingKey};
use serde::de::DeserializeOwned;

use super::policy::REASON_CHARS_MAX;
use super::uplink::Failure;
use crate::health::Reason;

/// From this status on a refusal is the relay's own trouble, which passes by itself.
const RELAYS_OWN_TROUBLE: u16 = 500;

/// A body that says that all went well.
#[derive(Debug)]
pub struct Answer {
    /// The body.
    pub body: Vec<u8>,
    /// The signature beside it.
    pub signature: Option<Signature>,
}

/// Reads an answer that the holder of `key` signed.
///
/// # Errors
/// Its signature is missing or another's, or it cannot be read.
pub fn signed<T: DeserializeOwned>(answer: &Answer, key: VerifyingKey) -> Result<T, Failure> {
    signed_over(answer, &answer.body, key)
}

/// Reads an answer whose signature covers more than its body.
pub(super) fn signed_over<T: DeserializeOwned>(
    answer: &Answer,
    signed: &[u8],
    key: VerifyingKey,
) -> Result<T, Failure> {
    let is_relays = answer
        .signature
        .is_some_and(|signature| protocol::sign::verify(key, signed, signature).is_ok());
    if is_relays {
        return parsed(answer);
    }
    let text = "what answers under the relay's address is not the relay that this device enrolled \
                at: its signature is missing or another's";
    Err(Failure::Refused(Reason::new(Code::BadSignature, text)))
}

/// Reads an answer, whoever signed it.
pub(super) fn parsed<T: DeserializeOwned>(answer: &Answer) -> Result<T, Failure> {
    serde_json::from_slice(&answer.body).map_err(|error| {
        let text = format!("the relay's answer is of another version: {error}");
        Failure::Refused(Reason::new(Code::UnsupportedVersion, shown(&text)))
    })
}

/// What the relay itself says when it refuses.
#[must_use]
pub fn said(status: u16, problem: &Problem, retry_after: Option<Duration>) -> Failure {
    let code = Code::from_number(&problem.code).unwrap_or(Code::Internal);
    let reason = Reason::new(code, shown(&problem.detail));
    match code {
        // A session tells why a device is held.
        Code::StaleSession | Code::DeviceHeld => Failure::StaleSession(reason),
        Code::TooLarge => Failure::TooLarge(reason),
        _ if status >= RELAYS_OWN_TROUBLE => Failure::Unavailable { reason, retry_after },
        _ => Failure::Refused(reason),
    }
}

/// A text from outside, fit for a status line.
pub(super) fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(REASON_CHARS_MAX).collect()
}
