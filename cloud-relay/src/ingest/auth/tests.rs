//! Only the device itself is heard, and only while it may speak.

use jiff::Timestamp;
use protocol::handshake::HoldReason;
use protocol::sign::SigningKey;
use ring::rand::SystemRandom;

use super::*;
use crate::ingest::tests::make::device;

fn key() -> SigningKey {
    let document = SigningKey::generate(&SystemRandom::new()).unwrap();
    SigningKey::from_pkcs8(&document).unwrap()
}

#[test]
fn a_device_is_known_by_its_signature_alone() {
    let (own, other) = (key(), key());
    let device = Device { public_key: own.verifying_key(), ..device() };
    let good = own.sign(b"said").to_string();
    assert_eq!(is_said_by(&device, Some(&good), b"said"), Ok(()));
    let foreign = other.sign(b"said").to_string();
    for (signature, body) in [
        (None, b"said".as_slice()),
        (Some("zz"), b"said"),
        (Some(foreign.as_str()), b"said"),
        (Some(good.as_str()), b"said otherwise"),
    ] {
        let problem = is_said_by(&device, signature, body).unwrap_err();
        assert_eq!(problem.code, "SK0021");
        assert!(problem.next.is_some());
    }
}

#[test]
fn a_held_device_is_heard_and_a_revoked_one_is_not() {
    let own = key();
    let signature = own.sign(b"said").to_string();
    let (reason, since) = (HoldReason::Fork, Timestamp::UNIX_EPOCH);
    let in_state = |state| Device { public_key: own.verifying_key(), state, ..device() };
    let held = in_state(DeviceState::Held { reason, since });
    assert_eq!(is_said_by(&held, Some(&signature), b"said"), Ok(()));
    let revoked = in_state(DeviceState::Revoked { since });
    assert_eq!(is_said_by(&revoked, Some(&signature), b"said").unwrap_err().code, "SK0022");
    // A stranger is not told that it was revoked.
    assert_eq!(is_said_by(&revoked, None, b"said").unwrap_err().code, "SK0021");
}
