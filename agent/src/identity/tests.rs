//! What is made once stays the same and belongs to its owner alone.

use ring::rand::SystemRandom;

use super::*;

#[test]
fn a_device_keeps_the_key_of_its_first_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("device.key");
    let first = DeviceKey::load_or_make(&file, &SystemRandom::new()).unwrap();
    let second = DeviceKey::load_or_make(&file, &SystemRandom::new()).unwrap();
    assert_eq!(first.verifying_key(), second.verifying_key());
    let signature = first.signing().sign(b"body");
    assert!(protocol::sign::verify(second.verifying_key(), b"body", signature).is_ok());
}

#[cfg(unix)]
#[test]
fn key_and_token_are_readable_by_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let (key, token) = (folder.path().join("device.key"), folder.path().join("token"));
    DeviceKey::load_or_make(&key, &SystemRandom::new()).unwrap();
    local_api_token(&token, &SystemRandom::new()).unwrap();
    for file in [key, token] {
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn a_damaged_key_is_an_error_and_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("device.key");
    files::write_private(&file, b"half a key").unwrap();
    let refused = DeviceKey::load_or_make(&file, &SystemRandom::new());
    assert!(matches!(refused, Err(IdentityError::Key { .. })));
    assert_eq!(fs::read(&file).unwrap(), b"half a key");
}

#[test]
fn a_token_is_64_hexadecimal_digits_and_one_that_someone_wrote_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let made = local_api_token(&file, &SystemRandom::new()).unwrap();
    assert!(made.expose().parse::<Bytes<TOKEN_BYTES>>().is_ok());
    assert_eq!(local_api_token(&file, &SystemRandom::new()).unwrap(), made);
    files::write_private(&file, b"the till's own\n").unwrap();
    let own = local_api_token(&file, &SystemRandom::new()).unwrap();
    assert_eq!(own.expose(), "the till's own");
}
