//! A key is made once, kept to its owner, and never replaced.

use ring::rand::SystemRandom;

use super::*;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }
    fn key(&self) -> PathBuf {
        self.0.path().join("data.key")
    }
    fn journal(&self) -> PathBuf {
        self.0.path().join("journal.db")
    }
    fn load_or_create(&self) -> Result<DataKey, KeyError> {
        load_or_create(&self.key(), &self.journal(), &SystemRandom::new())
    }
    #[expect(clippy::disallowed_methods, reason = "a test's set-up may be cut short")]
    fn put(&self, file: &Path, text: &str) {
        fs::write(file, text).unwrap();
    }
}

#[test]
fn a_key_is_drawn_once_and_is_alone_in_the_folder() {
    let folder = Folder::new();
    let key = folder.load_or_create().unwrap();
    assert_eq!(folder.load_or_create().unwrap(), key);
    assert_ne!(Folder::new().load_or_create().unwrap(), key);
    assert_eq!(fs::read_dir(folder.0.path()).unwrap().count(), 1);
}

#[test]
fn no_key_is_drawn_for_a_journal_that_an_earlier_one_opens() {
    let folder = Folder::new();
    folder.put(&folder.journal(), "");
    assert!(matches!(folder.load_or_create(), Err(KeyError::Missing { .. })));
    assert!(!folder.key().exists());
}

#[test]
fn a_key_that_another_process_put_there_first_is_the_key() {
    let folder = Folder::new();
    let first = folder.load_or_create().unwrap();
    create(&folder.key(), &DataKey::new([3; 32])).unwrap();
    assert_eq!(folder.load_or_create().unwrap(), first);
}

#[test]
fn what_is_no_key_is_said_to_be_none() {
    let folder = Folder::new();
    for text in ["", "00", &"g".repeat(64), &"0".repeat(66)] {
        folder.put(&folder.key(), text);
        assert!(matches!(folder.load_or_create(), Err(KeyError::Shape { .. })), "{text:?}");
    }
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_a_key_also_after_a_careless_copy() {
    use std::os::unix::fs::PermissionsExt;

    let folder = Folder::new();
    let mode = || fs::metadata(folder.key()).unwrap().permissions().mode() & 0o777;
    folder.load_or_create().unwrap();
    assert_eq!(mode(), 0o600);
    fs::set_permissions(folder.key(), fs::Permissions::from_mode(0o644)).unwrap();
    folder.load_or_create().unwrap();
    assert_eq!(mode(), 0o600);
}
