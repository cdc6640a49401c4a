//! Keys are made once and are the same ever after.

use ring::rand::SystemRandom;

use super::*;

fn open(folder: &Path, when_missing: WhenMissing) -> Result<Keys, KeysError> {
    Keys::open(folder, when_missing, &SystemRandom::new())
}

#[test]
fn keys_made_at_the_first_start_are_the_same_at_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path(), WhenMissing::Make).unwrap();
    let second = open(folder.path(), WhenMissing::Refuse).unwrap();
    assert_eq!(first.verifying_key(), second.verifying_key());
    assert_eq!(first.sealing_key(), second.sealing_key());
}

#[test]
fn a_lost_key_is_never_replaced_once_devices_know_it() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path(), WhenMissing::Make).unwrap();
    std::fs::remove_file(folder.path().join(SIGNING_KEY_FILE)).unwrap();
    let error = open(folder.path(), WhenMissing::Refuse).unwrap_err();
    assert!(matches!(&error, KeysError::Missing(file) if file.ends_with(SIGNING_KEY_FILE)));
    assert!(error.to_string().contains("backup"), "{error}");
    assert!(!folder.path().join(SIGNING_KEY_FILE).exists());
}

#[test]
fn a_damaged_key_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path(), WhenMissing::Make).unwrap();
    for name in [SIGNING_KEY_FILE, OPENING_KEY_FILE] {
        let file = folder.path().join(name);
        let whole = std::fs::read(&file).unwrap();
        files::write_private(&file, b"half").unwrap();
        let error = open(folder.path(), WhenMissing::Make).unwrap_err();
        assert!(matches!(error, KeysError::Malformed(_)), "{error}");
        assert_eq!(std::fs::read(&file).unwrap(), b"half");
        files::write_private(&file, &whole).unwrap();
    }
}
