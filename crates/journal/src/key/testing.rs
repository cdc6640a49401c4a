//! What the tests of this folder share: keys, and a place for a key file beside a journal.

use std::path::PathBuf;
use std::sync::Arc;

use ring::rand::SystemRandom;

use super::credential::{Credential, DEFAULT_NAME};
use super::recovery::{RecoveryKey, RecoveryTarget};
use super::{KeyKeeper, Plain};
use crate::files;

/// A folder with a key file's place, a journal's place and credentials in it.
pub(super) struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    pub(super) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn put(&self, name: &str, bytes: &[u8]) {
        files::replace(&self.path(name), bytes).unwrap();
    }

    pub(super) fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// The credential with a secret of its own, as systemd would hand it over.
    pub(super) fn credential(&self, name: &str) -> Credential {
        Credential { folder: Some(self.folder.path().to_owned()), name: name.to_owned() }
    }

    /// A keeper of a host that has a credential, and one of a host that has none.
    pub(super) fn with_credential(&self) -> KeyKeeper {
        self.put(DEFAULT_NAME, &[1; 32]);
        let credential = Arc::new(self.credential(DEFAULT_NAME));
        KeyKeeper { providers: vec![credential, Arc::new(Plain)], ..self.plain() }
    }

    pub(super) fn plain(&self) -> KeyKeeper {
        KeyKeeper::plain(self.path("journal.key"), self.path("journal.db"))
    }
}

pub(super) fn random() -> SystemRandom {
    SystemRandom::new()
}

pub(super) fn recovery() -> (RecoveryKey, RecoveryTarget) {
    let key = RecoveryKey::read(&RecoveryKey::draw(&random()).unwrap()).unwrap();
    let target = RecoveryTarget::read(&key.public(), key.signer()).unwrap();
    (key, target)
}
