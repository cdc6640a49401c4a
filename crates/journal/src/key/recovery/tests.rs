//! Whose public half is taken, and which seal opens.

use super::super::testing::{random, recovery};
use super::*;

#[test]
fn a_seal_opens_with_its_own_private_half_alone() {
    let (key, target) = recovery();
    let data = DataKey::new([7; 32]);
    let seal = target.seal(&data, &random()).unwrap().unwrap();
    assert_eq!(key.open(&seal).unwrap(), data);
    let (other, _) = recovery();
    let expected = RecoveryError::OtherKey { to: seal.to(), this: other.opening.sealing_key() };
    assert_eq!(other.open(&seal).unwrap_err(), expected);
    let mut changed = seal;
    changed.sealed.0[40] ^= 1;
    assert_eq!(key.open(&changed).unwrap_err(), RecoveryError::Damaged);
}

#[test]
fn a_seal_of_another_length_than_a_key_is_none() {
    let (key, target) = recovery();
    let sealed = seal::seal(target.sealing_key, INFO, &[1; 31], [2; 32]).unwrap();
    let seal = Seal { to: target.sealing_key, sealed: Hex(sealed) };
    assert_eq!(key.open(&seal).unwrap_err(), RecoveryError::Damaged);
}

#[test]
fn a_public_half_is_taken_from_the_signer_that_was_named_and_no_other() {
    let (key, target) = recovery();
    let (other, _) = recovery();
    assert_eq!(RecoveryTarget::read(&key.public(), key.signer()), Ok(target));
    let expected = RecoveryError::Signer { expected: other.signer() };
    assert_eq!(RecoveryTarget::read(&key.public(), other.signer()), Err(expected));
    // What the document itself says of its signer counts for nothing.
    let exchanged = key.public().replace(&key.signer().to_string(), &other.signer().to_string());
    assert!(RecoveryTarget::read(&exchanged, other.signer()).is_err());
    assert!(RecoveryTarget::read(&exchanged, key.signer()).is_err());
}

#[test]
fn an_exchanged_sealing_key_is_refused() {
    let (key, target) = recovery();
    let (_, other) = recovery();
    let ours = target.sealing_key().to_string();
    let exchanged = key.public().replace(&ours, &other.sealing_key().to_string());
    let expected = RecoveryError::Signer { expected: key.signer() };
    assert_eq!(RecoveryTarget::read(&exchanged, key.signer()), Err(expected));
}

#[test]
fn what_is_no_half_is_said_to_be_none() {
    let (key, _) = recovery();
    let private = RecoveryKey::draw(&random()).unwrap();
    for text in ["", "{}", "{}\n00", &private, key.public().lines().next().unwrap()] {
        let read = RecoveryTarget::read(text, key.signer());
        assert_eq!(read, Err(RecoveryError::PublicShape), "{text}");
    }
    let later = private.replace("\"version\":1", "\"version\":2");
    for text in ["", "{}", &key.public(), &later] {
        let read = RecoveryKey::read(text);
        assert_eq!(read.unwrap_err(), RecoveryError::PrivateShape, "{text}");
    }
}

#[test]
fn the_debug_form_shows_the_public_half_only() {
    let text = RecoveryKey::draw(&random()).unwrap();
    let shown = format!("{:?}", RecoveryKey::read(&text).unwrap());
    let private: Private = serde_json::from_str(&text).unwrap();
    assert!(!shown.contains(&private.recovery_seed.to_string()));
}
